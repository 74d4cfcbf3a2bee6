// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev suggest: a policy from what was denied, or passed for audit only. */
#include <errno.h>
#include <stdlib.h>

#include "session/session.h"
#include "command/suggest/collect.h"

enum { OPTION_WHO = 0x700 };

static const struct argp_option options[] = {
	{ "who", OPTION_WHO, "WHO", 0,
	  "whom the lines are to be for: a user, @group or what else the first field of a line may "
	  "be; if left out, each user who was denied something",
	  0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct suggestion *suggestion = state->input;
	struct reason why;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->child_inputs[1] = &suggestion->options;
		return 0;
	case OPTION_WHO:
		if (suggest_who_check(argument, &why) == -EINVAL)
			argp_error(state, "--who=%s: %s", argument, why.text);
		suggestion->who = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (suggestion->wanted)
			return ARGP_ERR_UNKNOWN;
		suggestion->wanted = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ &command_output_argp, 0, NULL, 0 },
	{ &command_conf_argp, 0, NULL, 0 },
	{ 0 },
};

static const struct argp parser = {
	.options = options,
	.parser = parse,
	.args_doc = "[USER|SESSION]",
	.doc = "Turns what was denied, or would have been but for audit, into lines of a policy that "
	       "allow it: to all who are logged in, or to USER (a name, uid or :uid), or in one "
	       "SESSION (3, session-3.scope, user@1000.service).\v"
	       "What is printed is a part of a policy, with comments on who used what, how often, and "
	       "what to think of. Read it before you use it: it allows what was tried, whether or not "
	       "that was right. What the policy as it is now allows is left out, so the lines can be "
	       "added to what was suggested before.\n\n"
	       "Exit status: 0, also if there is nothing to suggest; 1 there is no such user or "
	       "session, 2 the policy has mistakes, 3 it could not be found out.",
	.children = children,
};

static int suggest(struct suggestion *suggestion)
{
	struct reason why;
	int status = suggest_collect(suggestion), ret;

	if (status != COMMAND_YES)
		return status;
	ret = suggest_make(&suggestion->request, &suggestion->suggest, &why);
	if (ret < 0) {
		output_error("%s", why.text);
		return ret == -EINVAL ? COMMAND_MISTAKES : COMMAND_FAILED;
	}
	ret = suggestion->options.output.json ? suggest_print_json(suggestion)
					      : suggest_print(suggestion);
	return ret < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int collect(struct suggestion *suggestion)
{
	struct machine *machine = &suggestion->machine;
	struct reason why;
	int status;

	if (machine_open(machine, &why) < 0 ||
	    machine_look(machine, NULL, MACHINE_DENIALS, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	if (!machine_want(machine, suggestion->wanted, false))
		return COMMAND_NO;
	status = suggest(suggestion);
	suggest_free(&suggestion->suggest);
	suggest_drop(suggestion);
	return status;
}

static int run(int argc, char **argv)
{
	struct suggestion suggestion = { 0 };
	int status;

	if (argp_parse(&parser, argc, argv, 0, NULL, &suggestion))
		return COMMAND_USAGE;
	if (!command_is_root("suggest", "the kernel shows its programs to nobody else"))
		return COMMAND_FAILED;
	status = collect(&suggestion);
	machine_close(&suggestion.machine);
	return status;
}

const struct command command_suggest = {
	"suggest",
	"turn what was denied into lines of a policy",
	run,
};
