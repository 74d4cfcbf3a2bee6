// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev rules: the whole table that a login would get. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/asking/print.h"
#include "command/base/json.h"
#include "command/base/names.h"
#include "command/base/view.h"

struct rules {
	struct command_options options;
	struct asking asking;
	const char *user;
	struct asked asked;
	struct answer answer;
	struct names *names;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct rules *rules = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &rules->options;
		state->child_inputs[1] = &rules->options;
		state->child_inputs[2] = &rules->asking;
		return 0;
	case ARGP_KEY_ARG:
		if (rules->user)
			return ARGP_ERR_UNKNOWN;
		rules->user = argument;
		return 0;
	case ARGP_KEY_END:
		if (!rules->user)
			argp_error(state, "expected a user");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &command_output_argp, 0, NULL, 0 },
	{ &command_conf_argp, 0, NULL, 0 },
	{ &asking_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp parser = {
	.parser = parse,
	.args_doc = "USER",
	.doc = "Shows the device rules that USER would get in a login: the table that the kernel is "
	       "asked, most specific devices first, each with the line of the policy that it comes "
	       "from. The first rule that has a device decides on it.\v"
	       "Exit status: 0, also for a user without rules; 2 the policy has mistakes, 3 it could "
	       "not be found out. Without root, USER is oneself.",
	.children = children,
};

static void write_name(const struct table_view_row *row, void *data, char *text, size_t size)
{
	struct rules *rules = data;
	char name[NAMES_BEST_SIZE];
	uint32_t minor = row->minor_low == row->minor_high ? row->minor_low : BPFDEV_ANY;

	if (row->major_low == row->major_high)
		snprintf(text, size, "%s",
			 names_best(rules->names, row->type, row->major_low, minor, name));
}

static void write_source(uint32_t source, void *data, char *text, size_t size)
{
	struct rules *rules = data;
	const struct conf_statement *statement = lines_find(rules->asked.conf, source);
	char place[LINES_PLACE_SIZE];

	if (statement)
		snprintf(text, size, "%s", lines_place(rules->asked.conf, statement, place));
}

static void mark(bool *used, const struct conf *conf, const struct bpfdev_entry *entry)
{
	for (int bit = 0; bit < BPFDEV_BITS; bit++) {
		const struct conf_statement *statement = lines_find(conf, entry->source[bit]);

		if (statement)
			used[statement - conf->statements] = true;
	}
}

/* Which statements some rule comes from. NULL: no memory. */
static bool *find_used(const struct rules *rules)
{
	const struct table *table = rules->answer.result.table;
	bool *used = calloc(rules->asked.conf->statement_count + 1, sizeof(*used));

	if (!used || !table)
		return used;
	for (uint32_t i = 0; i < table->slot_count; i++)
		mark(used, rules->asked.conf, &table->slots[i]);
	for (uint32_t i = 0; i < table->rule_count; i++)
		mark(used, rules->asked.conf, &table->rules[i].entry);
	return used;
}

enum { COLUMN_LINE, COLUMN_FOR, COLUMN_TEXT, COLUMNS };

static const struct output_column columns[COLUMNS] = {
	[COLUMN_LINE] = { "LINE", 0, 0 },
	[COLUMN_FOR] = { "FOR", 0, 0 },
	[COLUMN_TEXT] = { "TEXT", 0, SCOLS_FL_TRUNC },
};

static int print_line(const struct rules *rules, struct libscols_table *printed, size_t i)
{
	const struct conf *conf = rules->asked.conf;
	enum table_rank rank = rules->answer.survey.lines[i].rank;
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
	struct libscols_line *line = output_row(printed);
	int ret = output_cell(line, COLUMN_LINE, "%s",
			      lines_place(conf, &conf->statements[i], place));

	if (ret == 0)
		ret = output_cell(line, COLUMN_FOR, "%s", lines_rank_words(rank));
	if (ret == 0)
		ret = output_cell(
			line, COLUMN_TEXT, "%s",
			conf_describe_statement(&conf->statements[i], text, sizeof(text)));
	return ret;
}

/* The lines that the rules come from. */
static int print_lines(const struct rules *rules, const bool *used)
{
	struct libscols_table *printed = output_table(&rules->options.output, columns, COLUMNS);
	size_t count = 0;
	int ret = printed ? 0 : -ENOMEM;

	for (size_t i = 0; i < rules->asked.conf->statement_count && ret == 0; i++) {
		if (!used[i])
			continue;
		ret = print_line(rules, printed, i);
		count++;
	}
	if (ret == 0 && count) {
		output_line("%s", "");
		return output_print_table(printed);
	}
	if (ret < 0)
		output_error("out of memory");
	if (printed)
		scols_unref_table(printed);
	return ret;
}

static int print_text(struct rules *rules, const struct table_view *view, const bool *used)
{
	int ret;

	if (rules->answer.result.kind == POLICY_NONE) {
		asking_print_none(&rules->asked);
		return 0;
	}
	asking_print_head(&rules->asking, &rules->asked, &rules->answer.survey);
	if (rules->answer.result.kind == POLICY_UNRESTRICTED) {
		output_line("no line restricts this login: everything is allowed");
		return 0;
	}
	output_line("%s", "");
	ret = table_view_print(rules->answer.result.table, view);
	return ret < 0 ? ret : print_lines(rules, used);
}

static json_t *json_lines(const struct rules *rules, const bool *used)
{
	const struct conf *conf = rules->asked.conf;
	json_t *array = json_array();

	for (size_t i = 0; i < conf->statement_count; i++)
		if (used[i])
			json_build_append(&array, lines_json(conf, &conf->statements[i],
							     rules->answer.survey.lines[i].rank));
	return array;
}

static int print_json(struct rules *rules, const struct table_view *view, const bool *used)
{
	bool has_rules = rules->answer.result.kind == POLICY_RULES;
	json_t *object = json_pack("{so sI}", "user", output_string(rules->asked.subject.name),
				   "uid", (json_int_t)rules->asked.subject.uid);

	asking_set_json(&object, &rules->asking, &rules->asked, &rules->answer);
	json_build_set(&object, "rules",
		       has_rules ? table_view_json(rules->answer.result.table, view)
				 : json_array());
	json_build_set(&object, "lines", json_lines(rules, used));
	return output_json(object);
}

static int print(struct rules *rules)
{
	const struct table_view view = { &rules->options.output, write_name, write_source, rules };
	bool *used = find_used(rules);
	int ret;

	if (!used) {
		output_error("out of memory");
		return COMMAND_FAILED;
	}
	ret = rules->options.output.json ? print_json(rules, &view, used)
					 : print_text(rules, &view, used);
	free(used);
	return ret < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int show(struct rules *rules)
{
	int status = asking_find_user(rules->user, &rules->asked);

	if (status == COMMAND_YES)
		status = asking_load(&rules->options, &rules->asked);
	if (status == COMMAND_YES)
		status = asking_decide(&rules->asking, &rules->asked, &rules->answer);
	if (status != COMMAND_YES)
		return status;
	rules->names = names_new(&device_source_system);
	if (rules->names)
		return print(rules);
	output_error("out of memory");
	return COMMAND_FAILED;
}

static int run(int argc, char **argv)
{
	struct rules rules = { .user = NULL };
	int status;

	if (argp_parse(&parser, argc, argv, 0, NULL, &rules))
		return COMMAND_USAGE;
	status = show(&rules);
	names_free(rules.names);
	answer_free(&rules.answer);
	asking_close(&rules.asked);
	return status;
}

const struct command command_rules = { "rules", "all device rules that a login would get", run };
