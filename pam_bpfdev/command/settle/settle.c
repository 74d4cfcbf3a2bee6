// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev settle: open sessions' rules follow devices that come and go. udev runs it, see conf/udev. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "command/base/command.h"
#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/machine/change.h"
#include "command/settle/event.h"

struct settle {
	struct command_options options;
	bool event; /* the environment says what has happened */
	struct change_reports reports;
};

static const struct command_option settle_options[] = {
	{ "event", 0, NULL, "of the device that the environment describes: udev's rule runs this",
	  offsetof(struct settle, event), NULL },
	{ 0 },
};

static const struct command_set settle_set = { settle_options, 0, NULL };

static const char *outcome_of(const struct enforce_change_report *report)
{
	return report->outcome == ENFORCE_FAILED    ? "failed"
	       : report->outcome == ENFORCE_CHANGED ? "changed"
						    : "same";
}

static void describe(struct row *row, const struct enforce_change_report *report)
{
	char name[UNIT_ID_SIZE];

	if (row_field(row, "session", "SESSION", 0))
		row_text(row, "%s", change_session_name(report, name));
	if (row_field(row, "unit", NULL, 0))
		row_text(row, "%s", report->unit);
	if (row_field(row, "user", "USER", 0))
		row_text(row, "%s", report->before.user);
	if (row_field(row, "role", NULL, 0))
		row_text(row, report->role == BPFDEV_MANAGER ? "manager" : "session");
	if (row_field(row, "result", "RESULT", 0))
		row_text(row, "%s", outcome_of(report));
	row_tone(row, report->outcome == ENFORCE_FAILED ? OUTPUT_BAD : OUTPUT_GOOD);
	if (row_field(row, "message", NULL, 0))
		row_text(row, "%s", report->why.text);
}

static void print_text(const struct settle *settle)
{
	struct row_table table = row_table(&settle->options.output);

	for (size_t i = 0; i < settle->reports.count; i++) {
		struct row line = row_line(&table);

		describe(&line, &settle->reports.items[i]);
	}
	row_table_print(&table);
	if (!settle->reports.count)
		output_line("the rules of all open sessions are what their devices are");
}

static void print_json(const struct settle *settle)
{
	json_t *results = json_array(), *object = json_object();

	for (size_t i = 0; i < settle->reports.count; i++) {
		struct row result = row_object();

		describe(&result, &settle->reports.items[i]);
		row_append(results, result.object);
	}
	row_put(object, "sessions", results);
	output_json(object);
}

/*
 * Another version's filter cannot be read, and never followed devices: that is no reason to keep a new
 * device from everybody. bpfdev doctor names it.
 */
static bool is_failure(const struct enforce_change_report *report)
{
	return report->outcome == ENFORCE_FAILED && report->cause != ENFORCE_BY_OTHER_VERSION;
}

/* In udev's rule nobody reads what is written to standard error. */
static void complain(const struct settle *settle, const struct device_event *event,
		     const char *what)
{
	if (!settle->event)
		output_error("%s", what);
	else if (event->has_number && !event->gone)
		change_log_error("%s stays root's, as the rules of open sessions could not follow "
				 "it: %s; \"udevadm trigger %s\" has it tried again",
				 event_name(event), what, event_name(event));
	else
		change_log_error("the rules of open sessions could not follow %s: %s; \"bpfdev "
				 "settle\" tries again",
				 event_name(event), what);
}

static int tell(const struct settle *settle, const struct device_event *event)
{
	int status = COMMAND_YES;
	char what[1024];

	for (size_t i = 0; i < settle->reports.count; i++) {
		const struct enforce_change_report *report = &settle->reports.items[i];

		if (report->outcome != ENFORCE_FAILED)
			continue;
		snprintf(what, sizeof(what), "%s%s%s is as it was: %s", report->unit,
			 *report->before.user ? " of " : "", report->before.user, report->why.text);
		if (is_failure(report))
			status = COMMAND_FAILED;
		if (is_failure(report) || !settle->event)
			complain(settle, event, what);
	}
	return status;
}

static int settle_all(struct settle *settle, const struct device_event *event)
{
	const struct enforce_options enforce = change_options(&conf_paths_now);
	struct reason why = { "" };
	char *root = NULL;
	int ret = session_find_root(&root, &why), status = COMMAND_FAILED;

	if (ret == 0)
		ret = enforce_settle(&enforce, root, settle->event ? event : NULL, change_keep,
				     &settle->reports, &why);
	free(root);
	if (ret < 0)
		complain(settle, event, why.text);
	if (!settle->event && settle->options.output.json)
		print_json(settle);
	else if (!settle->event && (ret == 0 || settle->reports.count))
		print_text(settle);
	status = tell(settle, event);
	return ret < 0 ? COMMAND_FAILED : status;
}

/* So that what it was denied can be told by its name. Without, that is told by its number. */
static void remember(const struct device_event *event)
{
	struct device_gone gone = { .type = event->type,
				    .major = event->major,
				    .minor = event->minor };
	struct reason why = { "" };

	if (!event_identity(event, gone.name, sizeof(gone.name)))
		return;
	gone.until = clock_ns(CLOCK_BOOTTIME);
	if (device_gone_remember(device_source_system.gone, &gone, &why) < 0)
		change_log_error("what %s was denied will be told by its number: %s",
				 event_name(event), why.text);
}

static int run(void *request)
{
	struct settle *settle = request;
	struct device_event event = { .gone = false };
	int status;

	if (settle->event && !event_from_environment(&event)) {
		output_error(
			"--event: udev's rule runs this; expected ACTION, DEVPATH and SUBSYSTEM "
			"in the environment");
		return COMMAND_FAILED;
	}
	/* Its module is loaded, but may not have come as far as registering a driver. */
	if (settle->event)
		event_await_module(&event);
	if (event.gone && event.has_number)
		remember(&event);
	status = settle_all(settle, &event);
	free(settle->reports.items);
	return status;
}

const struct command command_settle = {
	.name = "settle",
	.summary = "let the rules of open sessions follow devices that come and go",
	.doc = "Looks up again which devices the rules of open sessions name, and replaces the filters "
	       "for which that has changed, each in one step. The rules are those that the sessions "
	       "have: policy files are not read.\v"
	       "udev does this by itself for each device before it gives it to anybody. By hand it is "
	       "for machines without udev, such as containers.",
	.root = "it changes what users may do",
	.words_max = 0,
	.sets = { { &settle_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct settle),
	.run = run,
};
