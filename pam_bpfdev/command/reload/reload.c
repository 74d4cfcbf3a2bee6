// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev reload: the policy as it is now, for the sessions that are open. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/command.h"
#include "command/reload/reload.h"

struct request {
	struct reload reload;
	const char *user; /* as it was given, or NULL: all users */
};

enum { OPTION_ALL = 0x200 };

static const struct argp_option options[] = {
	{ "all", OPTION_ALL, NULL, 0,
	  "filter sessions too that have no filter: opened before the module was installed, or when "
	  "no line named their user",
	  0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->reload.options;
		state->child_inputs[1] = &request->reload.options;
		return 0;
	case OPTION_ALL:
		request->reload.all = true;
		return 0;
	case ARGP_KEY_ARG:
		if (request->user)
			return ARGP_ERR_UNKNOWN;
		request->user = argument;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &command_conf_argp, 0, NULL, 0 },
					      { &command_output_argp, 0, NULL, 0 },
					      { 0 } };

static const struct argp parser = {
	.options = options,
	.parser = parse,
	.args_doc = "[USER]",
	.doc = "Applies the policy as it is now to the sessions that are open, or to those of USER: "
	       "each in one step, with no moment without rules.\v"
	       "A policy with mistakes changes nothing. Devices that are open stay open. A session keeps "
	       "the policy file that it was opened with; --conf is for those that --all adds. USER may "
	       "be :UID.",
	.children = children,
};

static const char *describe(const struct enforce_change_report *report, char *text, size_t size)
{
	uint32_t rules = report->after.rule_count;
	const struct bpfdev_info *before = &report->before, *after = &report->after;
	const char *done = before->magic ? "changed" : "filtered";

	switch (report->outcome) {
	case ENFORCE_FAILED:
		return "failed";
	case ENFORCE_UNFILTERED:
		return "no filter";
	case ENFORCE_SAME:
		return "as it was";
	default:
		if (report->role == BPFDEV_MANAGER)
			return done;
		if (after->flags & BPFDEV_UNRESTRICTED)
			snprintf(text, size, "%s: everything is allowed", done);
		else if (!before->magic || before->rule_count == rules)
			snprintf(text, size, "%s: %u rule%s", done, rules, rules == 1 ? "" : "s");
		else
			snprintf(text, size, "%s: %u rule%s, %u before", done, rules,
				 rules == 1 ? "" : "s", before->rule_count);
		return text;
	}
}

static enum output_tone tone_of(enum enforce_changed outcome)
{
	if (outcome == ENFORCE_FAILED)
		return OUTPUT_BAD;
	return outcome == ENFORCE_CHANGED ? OUTPUT_GOOD : OUTPUT_PLAIN;
}

static bool is_shown(const struct reload_result *result)
{
	return result->report.outcome != ENFORCE_UNFILTERED;
}

static int print_table(const struct reload *reload)
{
	static const struct output_column columns[] = { { "SESSION", 0, 0 },
							{ "USER", 0, 0 },
							{ "RESULT", 0, 0 } };
	struct libscols_table *table = output_table(&reload->options.output, columns,
						    sizeof(columns) / sizeof(columns[0]));
	char name[128], text[96];

	for (size_t i = 0; i < reload->count; i++) {
		const struct reload_result *result = &reload->results[i];
		struct libscols_line *line = is_shown(result) ? output_row(table) : NULL;

		output_cell(line, 0, "%s", change_session_name(&result->report, name));
		output_cell(line, 1, "%s", result->user);
		output_cell(line, 2, "%s", describe(&result->report, text, sizeof(text)));
		output_cell_tone(&reload->options.output, line, 2, tone_of(result->report.outcome));
	}
	return output_print_table(table);
}

static const char *outcome_name(const struct reload_result *result)
{
	static const char *const names[] = {
		[ENFORCE_CHANGED] = "changed",
		[ENFORCE_SAME] = "same",
		[ENFORCE_UNFILTERED] = "unfiltered",
		[ENFORCE_FAILED] = "failed",
	};

	if (result->report.outcome == ENFORCE_CHANGED && !result->report.before.magic)
		return "filtered";
	return names[result->report.outcome];
}

/* NULL: there was no filter, or none that can be read; or it is a manager's, made of others. */
static json_t *rules_json(const struct enforce_change_report *report,
			  const struct bpfdev_info *info, bool known)
{
	return known && report->role == BPFDEV_SESSION ? json_integer(info->rule_count) : NULL;
}

static json_t *result_json(const struct reload_result *result)
{
	const struct enforce_change_report *report = &result->report;
	const struct bpfdev_info *before = &report->before;
	bool has = before->magic || report->outcome == ENFORCE_CHANGED;
	char name[128];

	return json_pack("{so so so sI ss ss so* so* so}", "session",
			 output_string(change_session_name(report, name)), "unit",
			 output_string(report->unit), "user", output_string(result->user), "uid",
			 (json_int_t)result->uid, "role",
			 report->role == BPFDEV_MANAGER ? "manager" : "session", "result",
			 outcome_name(result), "rules", rules_json(report, &report->after, has),
			 "rules_before", rules_json(report, before, before->magic), "message",
			 output_string(report->why.text));
}

static int print_json(const struct reload *reload)
{
	json_t *results = json_array();

	for (size_t i = 0; i < reload->count; i++)
		json_array_append_new(results, result_json(&reload->results[i]));
	return output_json(json_pack("{so}", "sessions", results));
}

static size_t count(const struct reload *reload, enum bpfdev_role role,
		    enum enforce_changed outcome)
{
	size_t found = 0;

	for (size_t i = 0; i < reload->count; i++)
		found += reload->results[i].report.outcome == outcome &&
			 reload->results[i].report.role == role;
	return found;
}

static bool is_any_shown(const struct reload *reload)
{
	for (size_t i = 0; i < reload->count; i++)
		if (is_shown(&reload->results[i]))
			return true;
	return false;
}

/* What the table does not show. */
static void print_summary(const struct reload *reload)
{
	size_t unfiltered = count(reload, BPFDEV_SESSION, ENFORCE_UNFILTERED);

	if (!is_any_shown(reload))
		output_line("no open session has device rules");
	if (unfiltered && !reload->all)
		output_line("%zu open session%s without device rules; --all gives them those that "
			    "the policy has for them",
			    unfiltered, unfiltered == 1 ? " is" : "s are");
}

/* Returns COMMAND_YES, or the worst of what failed. */
static int complain(const struct reload *reload)
{
	int status = COMMAND_YES;

	for (size_t i = 0; i < reload->count; i++) {
		const struct reload_result *result = &reload->results[i];

		if (result->report.outcome == ENFORCE_FAILED)
			output_error("%s of %s is as it was: %s", result->report.unit, result->user,
				     result->report.why.text);
		else if (*result->report.why.text)
			output_error("%s of %s: %s", result->report.unit, result->user,
				     result->report.why.text);
		if (result->report.outcome == ENFORCE_FAILED && status != COMMAND_FAILED)
			status =
				result->report.error == -EINVAL ? COMMAND_MISTAKES : COMMAND_FAILED;
	}
	return status;
}

static void log_changes(const struct reload *reload)
{
	size_t sessions = count(reload, BPFDEV_SESSION, ENFORCE_CHANGED);
	size_t managers = count(reload, BPFDEV_MANAGER, ENFORCE_CHANGED);

	if (sessions || managers)
		change_log(true, "the policy was applied to %zu open session%s and %zu manager%s",
			   sessions, sessions == 1 ? "" : "s", managers, managers == 1 ? "" : "s");
	for (size_t i = 0; i < reload->count; i++)
		change_log_ends(&reload->results[i].report, reload->results[i].user);
}

static int tell(const struct reload *reload)
{
	int ret = 0;

	log_changes(reload);
	if (reload->options.output.json) {
		ret = print_json(reload);
	} else {
		if (is_any_shown(reload))
			ret = print_table(reload);
		print_summary(reload);
	}
	return ret < 0 ? COMMAND_FAILED : complain(reload);
}

static int reload_users(struct request *request)
{
	struct change_user user;
	struct reason why;
	int ret;

	request->reload.only = NULL;
	if (request->user) {
		if (change_find_user(request->user, &user) < 0)
			return COMMAND_FAILED;
		request->reload.only = &user;
	}
	ret = reload_run(&request->reload, &why);
	if (ret == 0)
		return tell(&request->reload);
	/* What was done before stands, and is told. */
	output_error("%s", why.text);
	if (request->reload.count)
		tell(&request->reload);
	return COMMAND_FAILED;
}

static int run(int argc, char **argv)
{
	struct request request = { .user = NULL };
	struct conf *conf;
	int status;

	if (argp_parse(&parser, argc, argv, 0, NULL, &request))
		return COMMAND_USAGE;
	if (!command_is_root("reload", "it changes what users may do"))
		return COMMAND_FAILED;
	/* Before anything is changed. */
	status = command_load_policy(&request.reload.options, &conf);
	if (status == COMMAND_MISTAKES)
		output_error("nothing was changed: every session keeps the rules that it has");
	if (status != COMMAND_YES)
		return status;
	conf_free(conf);
	status = reload_users(&request);
	reload_free(&request.reload);
	return status;
}

const struct command command_reload = { "reload", "apply the policy to the sessions that are open",
					run };
