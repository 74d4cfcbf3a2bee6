// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev status: the filters that are in force. */
#include <stddef.h>

#include "command/base/command.h"
#include "command/status/status.h"

struct request {
	struct command_options options;
	struct status status;
};

static void take_prometheus(void *data, const char *value, struct argp_state *state)
{
	struct request *request = data;

	(void)value, (void)state;
	request->status.prometheus = request->status.all = true;
}

static void check_line(void *data, struct argp_state *state)
{
	const struct request *request = data;

	if (request->status.prometheus &&
	    (request->options.words[0] || request->status.rules || request->options.output.json))
		argp_error(state, "--prometheus goes with no USER, SESSION, --rules or --json");
}

static const struct command_option status_options[] = {
	{ "all", 'a', NULL, "show sessions and managers without device rules, too",
	  offsetof(struct request, status.all), NULL },
	{ "rules", 'r', NULL, "show the rules that the kernel has for each",
	  offsetof(struct request, status.rules), NULL },
	{ "prometheus", 0, NULL,
	  "print metrics of the whole machine, for the textfile collector of node_exporter", 0,
	  take_prometheus },
	{ 0 },
};

static const struct command_set status_set = { status_options, 0, check_line };

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

static int run(void *data)
{
	struct request *request = data;
	int ret;

	request->status.output = request->options.output;
	request->status.wanted = request->options.words[0];
	ret = show(&request->status);
	machine_close(&request->status.machine);
	return ret;
}

const struct command command_status = {
	.name = "status",
	.summary = "show which sessions have device rules in force, and which",
	.arguments = "[USER|SESSION]",
	.doc = "Shows the sessions that have device rules in force, and their users' managers; or all "
	       "of USER (a name, uid or :uid), or one SESSION (3, session-3.scope, "
	       "user@1000.service). A number that is a session's is that.\v"
	       "POLICY compares the rules with what the files that they were made from say now: "
	       "\"changed\" means that the text, or what names in it stand for, is another one, so that "
	       "a login now may get other rules; bpfdev reload applies them to who is logged in. A "
	       "manager may do what any session of its user may that is open.",
	.root = "the kernel shows its programs to nobody else",
	.words_max = 1,
	.sets = { { &status_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct request),
	.run = run,
};
