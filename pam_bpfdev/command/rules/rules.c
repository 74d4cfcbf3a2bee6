// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev rules: the whole table that a login would get. */
#include <stdio.h>
#include <stdlib.h>

#include "command/asking/asking.h"
#include "command/base/lines.h"
#include "command/base/memory.h"
#include "command/base/names.h"
#include "command/base/row.h"
#include "command/base/view.h"

struct rules_request {
	struct command_options options; /* words: USER */
	struct asking asking;
	struct asked asked;
	struct answer answer;
	struct names *names;
};

static void write_name(const struct table_view_row *row, void *data, char *text, size_t size)
{
	struct rules_request *rules = data;

	table_view_name(rules->names, row, text, size);
}

static void write_source(uint32_t source, void *data, char *text, size_t size)
{
	struct rules_request *rules = data;
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

/* Which statements some rule comes from. Free it. */
static bool *find_used(const struct rules_request *rules)
{
	const struct table *table = rules->answer.result.table;
	const struct conf *conf = rules->asked.conf;
	bool *used = xcalloc(conf->statement_count, sizeof(*used));

	for (uint32_t i = 0; table && i < table->slot_count; i++)
		mark(used, conf, &table->slots[i]);
	for (uint32_t i = 0; table && i < table->rule_count; i++)
		mark(used, conf, &table->rules[i].entry);
	return used;
}

/* A line that rules come from. */
static void describe_line(struct row *row, const struct rules_request *rules, size_t i)
{
	const struct conf *conf = rules->asked.conf;
	const struct conf_statement *statement = &conf->statements[i];
	enum table_rank rank = rules->answer.survey.lines[i].rank;
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	if (row_field(row, "line", "LINE", 0))
		row_text(row, "%s", lines_place(conf, statement, place));
	if (row_field(row, NULL, "FOR", 0))
		row_text(row, "%s", lines_rank_words(rank));
	if (row_field(row, "text", "TEXT", SCOLS_FL_TRUNC))
		row_text(row, "%s", conf_describe_statement(statement, text, sizeof(text)));
	if (row_field(row, "rank", NULL, 0))
		row_text(row, "%s", lines_rank(rank));
}

static void print_lines(const struct rules_request *rules, const bool *used)
{
	struct row_table printed = row_table(&rules->options.output);

	for (size_t i = 0; i < rules->asked.conf->statement_count; i++) {
		if (used[i]) {
			struct row line = row_line(&printed);

			describe_line(&line, rules, i);
		}
	}
	if (printed.count)
		output_line("%s", "");
	row_table_print(&printed);
}

static void print_text(struct rules_request *rules, const struct table_view *view, const bool *used)
{
	if (rules->answer.result.kind == POLICY_NONE) {
		asking_print_none(&rules->asked, &rules->answer.survey);
		return;
	}
	asking_print_head(&rules->asking, &rules->asked, &rules->answer.survey);
	if (rules->answer.result.kind == POLICY_UNRESTRICTED) {
		output_line("no line restricts this login: everything is allowed");
		return;
	}
	output_line("%s", "");
	table_view_print(rules->answer.result.table, view);
	print_lines(rules, used);
}

static void print_json(struct rules_request *rules, const struct table_view *view, const bool *used)
{
	json_t *object = json_pack("{so sI}", "user", output_string(rules->asked.subject.name),
				   "uid", (json_int_t)rules->asked.subject.uid);
	bool has_rules = rules->answer.result.kind == POLICY_RULES;
	json_t *lines = json_array();

	for (size_t i = 0; i < rules->asked.conf->statement_count; i++) {
		if (used[i]) {
			struct row line = row_object();

			describe_line(&line, rules, i);
			row_append(lines, line.object);
		}
	}
	asking_set_json(object, &rules->asking, &rules->asked, &rules->answer);
	row_put(object, "rules",
		has_rules ? table_view_json(rules->answer.result.table, view) : json_array());
	row_put(object, "lines", lines);
	output_json(object);
}

static int show(struct rules_request *rules)
{
	const struct table_view view = { &rules->options.output, write_name, write_source, rules };
	int status = asking_find_user(rules->options.words[0], &rules->asked);
	bool *used;

	if (status == COMMAND_YES)
		status = asking_load(&rules->options, &rules->asked);
	if (status == COMMAND_YES)
		status = asking_decide(&rules->asking, &rules->asked, &rules->answer);
	if (status != COMMAND_YES)
		return status;
	rules->names = names_new(&device_source_system);
	used = find_used(rules);
	if (rules->options.output.json)
		print_json(rules, &view, used);
	else
		print_text(rules, &view, used);
	free(used);
	return COMMAND_YES;
}

static int run(void *request)
{
	struct rules_request *rules = request;
	int status = show(rules);

	names_free(rules->names);
	answer_free(&rules->answer);
	asking_close(&rules->asked);
	return status;
}

const struct command command_rules = {
	.name = "rules",
	.summary = "all device rules that a login would get",
	.arguments = "USER",
	.doc = "Shows the device rules that USER would get in a login: the table that the kernel is "
	       "asked, most specific devices first, each with the line of the policy that it comes "
	       "from. The first rule that has a device decides on it.\v"
	       "Exit status: 0, also for a user without rules; 2 the policy has mistakes, 3 it could "
	       "not be found out. Without root, USER is oneself.",
	.words_min = 1,
	.words_max = 1,
	.missing = "expected a user",
	.sets = { { &command_output_set, 0 },
		  { &command_conf_set, 0 },
		  { &asking_set, offsetof(struct rules_request, asking) } },
	.size = sizeof(struct rules_request),
	.run = run,
};
