// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev status: the filters that are in force. */
#include <errno.h>
#include <stdlib.h>

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

static int print(const struct status *status)
{
	if (status->prometheus)
		return status_print_metrics(status);
	return status->output.json ? status_print_json(status) : status_print(status);
}

static int show(struct status *status)
{
	int ret = status_collect(status);

	if (ret == 0)
		ret = status_select(status);
	if (ret == -ENOENT)
		return COMMAND_NO;
	if (ret == 0)
		ret = print(status);
	return ret < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int run(int argc, char **argv)
{
	struct request request = { 0 };
	struct reason why;
	int ret;

	argp_parse(&parser, argc, argv, 0, NULL, &request);
	if (!command_is_root("status", "the kernel shows its programs to nobody else"))
		return COMMAND_FAILED;
	request.status.output = request.options.output;
	if (session_find_root(&request.status.root, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	request.status.names = names_new(&device_source_system);
	if (request.status.names) {
		ret = show(&request.status);
	} else {
		output_error("out of memory");
		ret = COMMAND_FAILED;
	}
	status_free(&request.status);
	return ret;
}

const struct command command_status = {
	"status",
	"show which sessions have device rules in force, and which",
	run,
};
