// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev explain: what a login may do with a device, and which line says so. */
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/explain/explain.h"

enum { OPTION_SESSION = 0x400 };

static const struct argp_option options[] = {
	{ "session", OPTION_SESSION, "ID", OPTION_ARG_OPTIONAL,
	  "not a login that could be, but the user's open sessions (or the one with this ID) and "
	  "systemd manager: what the kernel says. Needs root",
	  3 },
	{ 0 },
};

static void check(const struct explain *explain, struct argp_state *state)
{
	if (explain->word_count < 2)
		argp_error(state, "expected a user and a device");
	if (explain->session && asking_is_told(&explain->asking))
		argp_error(state, "--session is about sessions as they are: no option about a "
				  "login goes with it");
	if (explain->session && explain->options.conf)
		argp_error(state, "--session knows the policy of each session: --conf does not go "
				  "with it");
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct explain *explain = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &explain->options;
		state->child_inputs[1] = &explain->options;
		state->child_inputs[2] = &explain->asking;
		return 0;
	case OPTION_SESSION:
		explain->session = true;
		explain->session_id = argument;
		return 0;
	case ARGP_KEY_ARG:
		if (explain->word_count == sizeof(explain->words) / sizeof(explain->words[0]))
			return ARGP_ERR_UNKNOWN;
		explain->words[explain->word_count++] = argument;
		return 0;
	case ARGP_KEY_END:
		check(explain, state);
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
	.options = options,
	.parser = parse,
	.args_doc = "USER DEVICE [ACCESS]",
	.doc = "Says what USER may do with DEVICE in a login, which line of the policy decides it, "
	       "and why other lines do not. DEVICE: the path of a device, \"c M:m\" or \"b M:m\", "
	       "char-NAME, block-NAME, @class, /dev/GLOB. ACCESS: letters of rwm; rw if left out.\v"
	       "Exit status: 0 all that was asked about is allowed, 1 some is denied, 2 the policy "
	       "has mistakes, 3 it could not be found out. Without root, USER is oneself.",
	.children = children,
};

/* What the login comes to, and the same login from the other side: remote if it is local. */
static int decide(struct explanation *explanation, struct explain *explain)
{
	int status = asking_decide(&explain->asking, &explain->asked, &explanation->answer);

	/* What is no login has no other side. */
	if (status != COMMAND_YES || explain->asking.kind != POLICY_LOGIN)
		return status;
	explanation->turned = asking_turned(&explain->asking);
	explanation->has_other = true;
	return asking_decide(&explanation->turned, &explain->asked, &explanation->other);
}

static int explain_login(struct explain *explain, const struct device_spec *spec)
{
	struct explanation explanation = { .explain = explain };
	int status = asking_load(&explain->options, &explain->asked);

	if (status == COMMAND_YES)
		status = explain_resolve(explain, spec);
	if (status == COMMAND_YES)
		status = decide(&explanation, explain);
	if (status == COMMAND_YES)
		status = explain_load_coverage(&explanation);
	if (status == COMMAND_YES) {
		explain_targets(explain, explanation.answer.result.table,
				explanation.other.result.table, &explanation.targets);
		if (explain->options.output.json)
			status = explain_print_json(&explanation);
		else
			explain_print_text(&explanation);
	}
	if (status == COMMAND_YES && explain_any_refused(&explanation.targets, explain->access))
		status = COMMAND_NO;
	explain_free_coverage(&explanation);
	free(explanation.targets.items);
	answer_free(&explanation.answer);
	answer_free(&explanation.other);
	return status;
}

static int find_out(struct explain *explain)
{
	struct device_spec spec = { .kind = DEVICE_ALL };
	int status = explain_parse_device(explain, &spec);

	if (status != COMMAND_YES)
		return status;
	if (explain->session && !command_is_root("explain --session", "the kernel tells others "
								      "nothing"))
		return COMMAND_FAILED;
	status = asking_find_user(explain->words[0], &explain->asked);
	if (status != COMMAND_YES)
		return status;
	explain->names = xneed(names_new(&device_source_system));
	return explain->session ? explain_sessions(explain, &spec) : explain_login(explain, &spec);
}

static int run(int argc, char **argv)
{
	struct explain explain = { .session = false };
	int status;

	if (argp_parse(&parser, argc, argv, 0, NULL, &explain))
		return COMMAND_USAGE;
	status = find_out(&explain);
	device_patterns_free(&explain.patterns);
	names_free(explain.names);
	asking_close(&explain.asked);
	return status;
}

const struct command command_explain = { .name = "explain",
					 .summary = "what a login may do with a device, and why",
					 .main = run };
