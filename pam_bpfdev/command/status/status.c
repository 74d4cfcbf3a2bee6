// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev status: the filters that are in force. */
#include "command/base/command.h"
#include "command/status/status.h"

enum { OPTION_PROMETHEUS = 0x200 };

static const struct argp_option options[] = {
	{ "all", 'a', NULL, 0, "show sessions and managers without device rules, too", 0 },
	{ "rules", 'r', NULL, 0, "show the rules that the kernel has for each", 0 },
	{ "prometheus", OPTION_PROMETHEUS, NULL, 0,
	  "print metrics of the whole machine, for the textfile collector of node_exporter", 0 },
	{ 0 },
};

/* The input of command_output_argp, and of ours. */
struct request {
	struct command_options options;
	struct status status;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->options;
		return 0;
	case 'a':
		request->status.all = true;
		return 0;
	case 'r':
		request->status.rules = true;
		return 0;
	case OPTION_PROMETHEUS:
		request->status.prometheus = request->status.all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->status.wanted)
			return ARGP_ERR_UNKNOWN;
		request->status.wanted = argument;
		return 0;
	case ARGP_KEY_END:
		if (request->status.prometheus &&
		    (request->status.wanted || request->status.rules ||
		     request->options.output.json))
			argp_error(state,
				   "--prometheus goes with no USER, SESSION, --rules or --json");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &command_output_argp, 0, NULL, 0 }, { 0 } };

static const struct argp parser = {
	.options = options,
	.parser = parse,
	.args_doc = "[USER|SESSION]",
	.doc = "Shows the sessions that have device rules in force, and their users' managers; or all "
	       "of USER (a name, uid or :uid), or one SESSION (3, session-3.scope, "
	       "user@1000.service). A number that is a session's is that.\v"
	       "POLICY compares the files that the rules were made from with what they are now: "
	       "\"changed\" means that a login now may get other rules; bpfdev reload applies them to "
	       "who is logged in. A manager may do what any session of its user may that is open.",
	.children = children,
};

static int print(struct status *status)
{
	if (status->prometheus)
		return status_print_metrics(status);
	return status->output.json ? status_print_json(status) : status_print_text(status);
}

/* Whether any filter of the user, or of the user's sessions, is there. */
static bool is_filtered_user(const struct machine *machine, uid_t uid)
{
	for (size_t i = 0; i < machine->unit_count; i++)
		if (machine->units[i].unit.uid == uid && machine->units[i].filters)
			return true;
	return false;
}

/* A manager without a filter is shown if it should have one: that is found out later. */
static void leave_out_unfiltered(struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		struct machine_unit *unit = &machine->units[i];

		unit->wanted = unit->filters || (unit->unit.role == BPFDEV_MANAGER &&
						 is_filtered_user(machine, unit->unit.uid));
	}
}

/* Of managers, those that are shown; some turn out to need no filter. */
static void judge(struct status *status)
{
	struct machine *machine = &status->machine;
	struct reason why;

	for (size_t i = 0; i < machine->unit_count; i++) {
		struct machine_unit *unit = &machine->units[i];
		bool manager = unit->unit.role == BPFDEV_MANAGER;

		if (manager && !unit->wanted)
			continue;
		if (machine_judge(machine, unit, &why) < 0)
			output_error("%s: %s", unit->name, why.text);
		if (manager &&
		    (unit->manager == ENFORCE_LIVE_ABSENT ||
		     (unit->manager == ENFORCE_LIVE_FREE && !status->all && !status->wanted)))
			unit->wanted = false;
	}
}

static int show(struct status *status)
{
	unsigned int what = status->prometheus ? MACHINE_DENIALS : 0;
	struct machine *machine = &status->machine;
	struct reason why;

	if (machine_open(machine, &why) < 0 || machine_look(machine, NULL, what, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	if (!machine_want(machine, status->wanted, false))
		return COMMAND_NO;
	if (!status->wanted && !status->all)
		leave_out_unfiltered(machine);
	judge(status);
	return print(status) < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int run(int argc, char **argv)
{
	struct request request = { 0 };
	int ret;

	argp_parse(&parser, argc, argv, 0, NULL, &request);
	if (!command_is_root("status", "the kernel shows its programs to nobody else"))
		return COMMAND_FAILED;
	request.status.output = request.options.output;
	ret = show(&request.status);
	machine_close(&request.status.machine);
	return ret;
}

const struct command command_status = {
	.name = "status",
	.summary = "show which sessions have device rules in force, and which",
	.main = run
};
