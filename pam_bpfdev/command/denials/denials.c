// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev denials: what sessions were denied. */
#include <inttypes.h>

#include "command/base/command.h"
#include "command/machine/denial.h"

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

static void print_table(const struct output *output, struct machine *machine)
{
	struct row_table table = row_table(output);

	for (size_t i = 0; i < machine->denial_count; i++) {
		struct row row = row_line(&table);

		denial_describe(&row, machine, &machine->denials[i]);
	}
	row_table_print(&table);
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

static int print_json(struct machine *machine)
{
	json_t *denials = json_array(), *lost = json_array(), *unreadable = json_array();

	for (size_t i = 0; i < machine->denial_count; i++)
		row_append(denials, denial_json(machine, &machine->denials[i]));
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];
		json_t *object;

		if (!unit->wanted || !(unit->lost || (unit->filters && !unit->counted)))
			continue;
		object = denial_unit_json(&unit->unit);
		if (unit->lost)
			row_put(object, "count", json_integer((json_int_t)unit->lost));
		row_append(unit->lost ? lost : unreadable, object);
	}
	return output_json(json_pack("{so so so}", "denials", denials, "lost", lost, "unreadable",
				     unreadable));
}

static int print(const struct output *output, struct machine *machine)
{
	if (output->json)
		return print_json(machine);
	if (machine->denial_count)
		print_table(output, machine);
	else
		output_line("nothing has been denied");
	print_rest(machine);
	return 0;
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

const struct command command_denials = { .name = "denials",
					 .summary = "show which devices sessions were denied",
					 .main = run };
