// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev explain: what a login may do with a device, and which line says so. */
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/explain/explain.h"

static void take_session(void *data, const char *value, struct argp_state *state)
{
	struct explain *explain = data;

	(void)state;
	explain->session = true;
	explain->session_id = value;
}

static void check(void *data, struct argp_state *state)
{
	const struct explain *explain = data;

	if (explain->session && asking_is_told(&explain->asking))
		argp_error(state, "--session is about sessions as they are: no option about a "
				  "login goes with it");
	if (explain->session && explain->options.conf)
		argp_error(state, "--session knows the policy of each session: --conf does not go "
				  "with it");
}

static const struct command_option session_options[] = {
	{ "session", 0, "[ID]",
	  "not a login that could be, but the user's open sessions (or the one with this ID) and "
	  "systemd manager: what the kernel says. Needs root",
	  0, take_session },
	{ 0 },
};

static const struct command_set session_set = { session_options, 3, check };

/* What the login comes to, and the same login from the other side: remote if it is local. */
static int decide(struct explanation *explanation, struct explain *explain)
{
	int status = asking_decide(&explain->asking, &explain->asked, &explanation->answer);

	/* su and its like, and the manager, are neither local nor remote. */
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
	status = asking_find_user(explain->options.words[0], &explain->asked);
	if (status != COMMAND_YES)
		return status;
	explain->names = xneed(names_new(&device_source_system));
	return explain->session ? explain_sessions(explain, &spec) : explain_login(explain, &spec);
}

static int run(void *request)
{
	struct explain *explain = request;
	int status = find_out(explain);

	device_patterns_free(&explain->patterns);
	names_free(explain->names);
	asking_close(&explain->asked);
	return status;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "what a login may do with a device, and why",
	.arguments = "USER DEVICE [ACCESS]",
	.doc = "Says what USER may do with DEVICE in a login, which line of the policy decides it, "
	       "and why other lines do not. DEVICE: the path of a device, \"c M:m\" or \"b M:m\", "
	       "char-NAME, block-NAME, @class, /dev/GLOB, "
	       "usb:VENDOR:PRODUCT[:SERIAL], tag:NAME. ACCESS: letters of rwm; rw if left out.\v"
	       "Exit status: 0 all that was asked about is allowed, 1 some is denied, 2 the policy "
	       "has mistakes, 3 it could not be found out. Without root, USER is oneself.",
	.words_min = 2,
	.words_max = 5,
	.missing = "expected a user and a device",
	.sets = { { &command_output_set, 0 },
		  { &command_conf_set, 0 },
		  { &asking_set, offsetof(struct explain, asking) },
		  { &session_set, 0 } },
	.size = sizeof(struct explain),
	.run = run,
};
