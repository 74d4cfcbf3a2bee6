// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev denials: what sessions were denied. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/command.h"
#include "command/base/json.h"
#include "command/machine/denial.h"

#define NANOSECONDS 1000000000ull

struct request {
	struct command_options options;
	const char *wanted; /* the argument, or NULL */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->options;
		return 0;
	case ARGP_KEY_ARG:
		if (request->wanted)
			return ARGP_ERR_UNKNOWN;
		request->wanted = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &command_output_argp, 0, NULL, 0 }, { 0 } };

static const struct argp parser = {
	.parser = parse,
	.args_doc = "[USER|SESSION]",
	.doc = "Shows which devices sessions and user managers were denied, newest first; or those of "
	       "USER (a name, uid or :uid), or one SESSION (3, session-3.scope, user@1000.service). "
	       "A number that is a session's is that.\v"
	       "What is counted are the kernel's questions: one for each open; two for one of a block "
	       "device that passes for audit. RESULT \"audit\" means that it was let pass, because of an audit "
	       "line. WHEN, PROCESS and WHY are of the last time. The counts of a session go with it.",
	.children = children,
};

enum {
	COLUMN_WHEN,
	COLUMN_USER,
	COLUMN_SESSION,
	COLUMN_PROCESS,
	COLUMN_DEVICE,
	COLUMN_ACCESS,
	COLUMN_RESULT,
	COLUMN_WHY,
	COLUMN_COUNT,
	COLUMNS
};

static const struct output_column columns[COLUMNS] = {
	[COLUMN_WHEN] = { "WHEN", 0, 0 },
	[COLUMN_USER] = { "USER", 0, 0 },
	[COLUMN_SESSION] = { "SESSION", 0, 0 },
	[COLUMN_PROCESS] = { "PROCESS", 0, SCOLS_FL_TRUNC },
	[COLUMN_DEVICE] = { "DEVICE", 0, SCOLS_FL_TRUNC },
	[COLUMN_ACCESS] = { "ACCESS", 0, 0 },
	[COLUMN_RESULT] = { "RESULT", 0, 0 },
	[COLUMN_WHY] = { "WHY", 0, SCOLS_FL_TRUNC },
	[COLUMN_COUNT] = { "COUNT", 0, SCOLS_FL_RIGHT },
};

static int set_answer(const struct output *output, struct libscols_line *line,
		      const struct filter_denial *denial)
{
	char access[4], result[DENIAL_RESULT_SIZE];
	int ret;

	ret = output_cell(line, COLUMN_ACCESS, "%s", output_letters(denial->access, access));
	if (ret == 0)
		ret = output_cell(line, COLUMN_RESULT, "%s", denial_result(denial, result));
	output_cell_tone(output, line, COLUMN_RESULT,
			 denial_is_audit(denial) ? OUTPUT_WARNING : OUTPUT_BAD);
	return ret;
}

static int set_what(const struct output *output, struct libscols_line *line, struct names *names,
		    const struct denial *row)
{
	const struct filter_denial *denial = row->denial;
	char by[DENIAL_BY_SIZE], device[DENIAL_DEVICE_SIZE], name[NAMES_BEST_SIZE];
	int ret;

	names_best(names, denial->type, denial->major, denial->minor, name);
	denial_by(denial, row->unit->unit.uid, by);
	denial_device(denial, name, device);
	ret = output_cell(line, COLUMN_PROCESS, "%s", by);
	if (ret == 0)
		ret = output_cell(line, COLUMN_DEVICE, "%s", device);
	return ret ? ret : set_answer(output, line, denial);
}

static int add_row(const struct output *output, struct libscols_table *table,
		   struct machine *machine, const struct denial *row)
{
	struct libscols_line *line = output_row(table);
	char when[32], id[UNIT_ID_SIZE];
	struct denial_why why;
	int ret;

	output_time(row->last / NANOSECONDS, when);
	denial_explain(machine, row, &why);
	ret = output_cell(line, COLUMN_WHEN, "%s", when);
	if (ret == 0)
		ret = output_cell(line, COLUMN_USER, "%s", row->unit->user);
	if (ret == 0)
		ret = output_cell(line, COLUMN_SESSION, "%s", unit_id(&row->unit->unit, id));
	if (ret == 0)
		ret = set_what(output, line, machine->names, row);
	if (ret == 0)
		ret = output_cell(line, COLUMN_WHY, "%s", why.place);
	return ret ? ret : output_cell(line, COLUMN_COUNT, "%" PRIu64, row->denial->count);
}

static int print_table(const struct output *output, struct machine *machine)
{
	struct libscols_table *table = output_table(output, columns, COLUMNS);
	int ret = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < machine->denial_count && ret == 0; i++)
		ret = add_row(output, table, machine, &machine->denials[i]);
	if (ret == 0)
		return output_print_table(table);
	scols_unref_table(table);
	output_error("printing a table: %s", strerror(-ret));
	return ret;
}

/* What the table cannot show. */
static void print_rest(const struct machine *machine)
{
	bool has_process = false;

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (unit->wanted && unit->lost)
			output_line("%s of %s: %" PRIu64
				    " more, of devices or accesses that there was "
				    "no room to tell apart",
				    unit->name, unit->user, unit->lost);
		if (unit->wanted && unit->filters && !unit->counted)
			output_line("%s of %s: the filter was made by another version: what it "
				    "denies is not known",
				    unit->name, unit->user);
	}
	for (size_t i = 0; i < machine->denial_count; i++)
		has_process |= machine->denials[i].denial->pid != 0;
	if (has_process && !denial_pids_are_ours())
		output_line("process ids are those of the host, which has other ones than this "
			    "container");
}

/* What there is nothing to be told of: "lost" and "unreadable". */
static void add_rest(json_t **root, const struct machine *machine)
{
	json_t *lost = json_array(), *unreadable = json_array();

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];
		json_t *object = denial_unit_json(&unit->unit);

		if (unit->wanted && unit->lost) {
			json_build_set(&object, "count", json_integer((json_int_t)unit->lost));
			json_build_append(&lost, object);
		} else if (unit->wanted && unit->filters && !unit->counted) {
			json_build_append(&unreadable, object);
		} else {
			json_decref(object);
		}
	}
	json_build_set(root, "lost", lost);
	json_build_set(root, "unreadable", unreadable);
}

static int print_json(struct machine *machine)
{
	json_t *rows = json_array(), *root = json_object();

	for (size_t i = 0; i < machine->denial_count; i++)
		json_build_append(&rows, denial_json(machine, &machine->denials[i]));
	json_build_set(&root, "denials", rows);
	add_rest(&root, machine);
	return output_json(root);
}

static int print(const struct output *output, struct machine *machine)
{
	int ret = 0;

	if (output->json)
		return print_json(machine);
	if (machine->denial_count)
		ret = print_table(output, machine);
	else
		output_line("nothing has been denied");
	print_rest(machine);
	return ret;
}

static int show(const struct request *request, struct machine *machine)
{
	struct reason why;

	if (machine_open(machine, &why) < 0 ||
	    machine_look(machine, NULL, MACHINE_DENIALS, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	if (!machine_want(machine, request->wanted, false))
		return COMMAND_NO;
	return print(&request->options.output, machine) < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int run(int argc, char **argv)
{
	struct request request = { .wanted = NULL };
	struct machine machine = { 0 };
	int ret;

	argp_parse(&parser, argc, argv, 0, NULL, &request);
	if (!command_is_root("denials", "the kernel shows its programs to nobody else"))
		return COMMAND_FAILED;
	ret = show(&request, &machine);
	machine_close(&machine);
	return ret;
}

const struct command command_denials = { "denials", "show which devices sessions were denied",
					 run };
