// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev reload: the policy as it is now, for the sessions that are open. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/command.h"
#include "command/base/row.h"
#include "command/reload/reload.h"

static const struct command_option reload_options[] = {
	{ "all", 0, NULL,
	  "filter sessions too that have no filter: opened before the module was installed, or when "
	  "no line named their user",
	  offsetof(struct reload, all), NULL },
	{ 0 },
};

static const struct command_set reload_set = { reload_options, 0, NULL };

static const char *describe_outcome(const struct enforce_change_report *report, char *text,
				    size_t size)
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

/* Nothing: there was no filter, or none that can be read; or it is a manager's, made of others. */
static void set_rules(struct row *row, const struct enforce_change_report *report,
		      const struct bpfdev_info *info, bool known)
{
	if (known && report->role == BPFDEV_SESSION)
		row_number(row, info->rule_count);
}

static void describe(struct row *row, const struct reload_result *result)
{
	const struct enforce_change_report *report = &result->report;
	const struct bpfdev_info *before = &report->before;
	char name[UNIT_ID_SIZE], text[96];

	if (row_field(row, "session", "SESSION", 0))
		row_text(row, "%s", change_session_name(report, name));
	if (row_field(row, "unit", NULL, 0))
		row_text(row, "%s", report->unit);
	if (row_field(row, "user", "USER", 0))
		row_text(row, "%s", result->user);
	if (row_field(row, "uid", NULL, 0))
		row_number(row, result->uid);
	if (row_field(row, "role", NULL, 0))
		row_text(row, report->role == BPFDEV_MANAGER ? "manager" : "session");
	if (row_field(row, "result", "RESULT", 0))
		row_text(row, "%s", outcome_name(result));
	row_cell(row, "%s", describe_outcome(report, text, sizeof(text)));
	row_tone(row, tone_of(report->outcome));
	if (row_field(row, "rules", NULL, ROW_OPTIONAL))
		set_rules(row, report, &report->after,
			  before->magic || report->outcome == ENFORCE_CHANGED);
	if (row_field(row, "rules_before", NULL, ROW_OPTIONAL))
		set_rules(row, report, before, before->magic);
	if (row_field(row, "rules_due", NULL, ROW_OPTIONAL) && result->due)
		row_number(row, result->due);
	if (row_field(row, "message", NULL, 0))
		row_text(row, "%s", report->why.text);
}

static void print_table(const struct reload *reload)
{
	struct row_table table = row_table(&reload->options.output);

	for (size_t i = 0; i < reload->count; i++)
		if (is_shown(&reload->results[i])) {
			struct row line = row_line(&table);

			describe(&line, &reload->results[i]);
		}
	row_table_print(&table);
}

static void print_json(const struct reload *reload)
{
	json_t *results = json_array(), *object = json_object();

	for (size_t i = 0; i < reload->count; i++) {
		struct row result = row_object();

		describe(&result, &reload->results[i]);
		row_append(results, result.object);
	}
	row_put(object, "sessions", results);
	output_json(object);
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

/* Who is free, though the policy has rules for them by now. */
static void print_due(const struct reload_result *result)
{
	char name[UNIT_ID_SIZE];

	change_session_name(&result->report, name);
	if (result->due)
		output_line("session %s of %s is without device rules, and the policy has %u for "
			    "it now",
			    name, result->user, result->due);
	else if (*result->doubt.text)
		output_line("session %s of %s is without device rules, and whether the policy has "
			    "any for it now is not known: %s",
			    name, result->user, result->doubt.text);
}

/* What the table does not show. */
static void print_summary(const struct reload *reload)
{
	size_t unfiltered = count(reload, BPFDEV_SESSION, ENFORCE_UNFILTERED), shown = 0;

	for (size_t i = 0; i < reload->count; i++)
		shown += is_shown(&reload->results[i]);
	if (!shown)
		output_line("no open session has device rules");
	for (size_t i = 0; i < reload->count; i++)
		print_due(&reload->results[i]);
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
			status = result->report.cause == ENFORCE_BY_MISTAKES ? COMMAND_MISTAKES
									     : COMMAND_FAILED;
	}
	return status;
}

static void log_changes(const struct reload *reload)
{
	size_t sessions = count(reload, BPFDEV_SESSION, ENFORCE_CHANGED);
	size_t managers = count(reload, BPFDEV_MANAGER, ENFORCE_CHANGED);
	bool failed = count(reload, BPFDEV_SESSION, ENFORCE_FAILED) ||
		      count(reload, BPFDEV_MANAGER, ENFORCE_FAILED);

	if (sessions || managers || failed)
		change_record(&(struct change_record) { .op = CHANGE_RELOAD,
							.counts = true,
							.session_count = sessions,
							.manager_count = managers,
							.failed = failed });
	if (sessions || managers)
		change_log(true, "the policy was applied to %zu open session%s and %zu manager%s",
			   sessions, sessions == 1 ? "" : "s", managers, managers == 1 ? "" : "s");
	for (size_t i = 0; i < reload->count; i++)
		change_log_ends(&reload->results[i].report, reload->results[i].user);
}

static int tell(const struct reload *reload)
{
	log_changes(reload);
	if (reload->options.output.json) {
		print_json(reload);
	} else {
		print_table(reload);
		print_summary(reload);
	}
	return complain(reload);
}

static int reload_users(struct reload *reload)
{
	struct reason why;
	int ret;

	if (reload->options.words[0]) {
		if (change_find_user(reload->options.words[0], &reload->user) < 0)
			return COMMAND_FAILED;
		reload->one = true;
	}
	ret = reload_run(reload, &why);
	if (ret == 0)
		return tell(reload);
	/* What was done before stands, and is told. */
	output_error("%s", why.text);
	if (reload->count)
		tell(reload);
	return COMMAND_FAILED;
}

static int run(void *request)
{
	struct reload *reload = request;
	struct conf *conf;
	/* Before anything is changed. */
	int status = command_load_policy(&reload->options, &conf);

	if (status == COMMAND_MISTAKES)
		output_error("nothing was changed: every session keeps the rules that it has");
	if (status != COMMAND_YES)
		return status;
	conf_free(conf);
	status = reload_users(reload);
	reload_free(reload);
	return status;
}

const struct command command_reload = {
	.name = "reload",
	.summary = "apply the policy to the sessions that are open",
	.arguments = "[USER]",
	.doc = "Applies the policy as it is now to the sessions that are open, or to those of USER: "
	       "each in one step, with no moment without rules.\v"
	       "A policy with mistakes changes nothing. Devices that are open stay open. A session keeps "
	       "the policy file that it was opened with; --conf is for those that --all adds. USER may "
	       "be :UID.",
	.root = "it changes what users may do",
	.words_max = 1,
	.sets = { { &reload_set, 0 }, { &command_conf_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct reload),
	.run = run,
};
