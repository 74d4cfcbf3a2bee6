// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev revoke: exceptions end before their time, or at it (the timer of bpfdev allow). */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/machine/change.h"
#include "command/base/command.h"
#include "command/base/row.h"

struct request {
	struct command_options options; /* words: USER [DEVICE] */
	bool expired;
	struct change_user user;
};

static const struct command_option revoke_options[] = {
	{ "expired", 0, NULL, "only what has come to its end: the timer of bpfdev allow runs this",
	  offsetof(struct request, expired), NULL },
	{ 0 },
};

static void check_line(void *data, struct argp_state *state)
{
	const struct request *request = data;
	const char *const *words = request->options.words;
	struct reason quoted;

	if (!words[2] || device_is_type(words[1]))
		return;
	reason_set(&quoted, "%s", words[2]);
	argp_error(state, "\"%s\": expected one device, which only \"c M:m\" writes in two words",
		   quoted.text);
}

static const struct command_set revoke_set = { revoke_options, 0, check_line };

/* One exception that has ended, for the log and for whoever reads. */
static void tell_end(const struct request *request, const char *device, const char *session,
		     json_t *ended)
{
	const char *why = request->expired ? ": the exception's time is over" : "";
	json_t *object = json_object();

	change_log(!request->expired, "%s may no longer use %s in session %s%s", request->user.name,
		   device, session, why);
	change_record(&(struct change_record) { .op = CHANGE_REVOKE,
						.user = request->user.name,
						.sessions = session,
						.device = device });
	row_put(object, "user", output_string(request->user.name));
	row_put(object, "session", output_string(session));
	row_put(object, "device", output_string(device));
	row_append(ended, object);
	/* The timer's: the journal would have it twice. */
	if (!request->options.output.json && !request->expired)
		output_line("%s may no longer use %s in session %s", request->user.name, device,
			    session);
}

static void tell_session(const struct request *request, const struct enforce_change_report *report,
			 json_t *ended)
{
	char name[UNIT_ID_SIZE];

	change_session_name(report, name);
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		if (change_has_ended(report, i))
			tell_end(request, report->before.exceptions[i].device, name, ended);
}

static int tell(const struct request *request, const struct change_reports *reports)
{
	json_t *object = json_object(), *ended = json_array();
	size_t count;

	for (size_t i = 0; i < reports->count; i++)
		tell_session(request, &reports->items[i], ended);
	count = json_array_size(ended);
	row_put(object, "revoked", ended);
	if (request->options.output.json)
		output_json(object);
	else
		json_decref(object);
	if (count || request->expired)
		return COMMAND_YES;
	output_error("%s has no such exception in any open session", request->user.name);
	return COMMAND_NO;
}

/*
 * Whether the timer has a reason to try again what failed: no later try can read another version's
 * filter, or find a user who is gone.
 */
static bool is_lasting(const struct change_reports *reports)
{
	for (size_t i = 0; i < reports->count; i++) {
		const struct enforce_change_report *report = &reports->items[i];

		if (report->outcome == ENFORCE_FAILED &&
		    report->cause != ENFORCE_BY_OTHER_VERSION && report->cause != ENFORCE_BY_NOBODY)
			return false;
	}
	return true;
}

static int revoke(struct request *request, const struct session *user)
{
	const struct enforce_options enforce = change_options(&conf_paths_system);
	char device[1024];
	struct enforce_change change = { .kind = ENFORCE_RECLAIM, .expired = request->expired };
	struct change_reports reports = { 0 };
	struct reason why;
	int status, told;

	if (request->options.words[1]) {
		command_take_device(&request->options, 1, device, sizeof(device));
		change.device = device;
	}
	if (enforce_change(&enforce, user, &change, change_keep, &reports, &why) < 0) {
		output_error("%s", why.text);
		status = COMMAND_FAILED;
	} else {
		status = change_complain(&reports);
		if (request->expired && is_lasting(&reports))
			status = COMMAND_YES;
		told = tell(request, &reports);
		status = status == COMMAND_YES ? told : status;
	}
	free(reports.items);
	return status;
}

static int run(void *data)
{
	struct request *request = data;
	struct session user;
	int status;

	if (change_find_user(request->options.words[0], &request->user) < 0)
		return COMMAND_FAILED;
	user = (struct session) { .uid = request->user.uid };
	if (change_open_user(&user) < 0)
		return COMMAND_FAILED;
	status = revoke(request, &user);
	session_free(&user);
	return status;
}

const struct command command_revoke = {
	.name = "revoke",
	.summary = "end what allow has allowed",
	.arguments = "USER [DEVICE]",
	.doc = "Ends what bpfdev allow has let the sessions of USER use: all of it, or DEVICE as it was "
	       "written there.\v"
	       "Who has a device open keeps it open. USER may be :UID.",
	.root = "it changes what other users may do",
	.words_min = 1,
	.words_max = 3,
	.missing = "expected a user",
	.sets = { { &revoke_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct request),
	.run = run,
};
