// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev allow: a device for the open sessions of a user, for a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/machine/change.h"
#include "command/base/command.h"
#include "command/base/duration.h"
#include "command/base/memory.h"
#include "command/base/names.h"
#include "command/base/row.h"
#include "command/allow/timer.h"

struct request {
	struct command_options options; /* words: USER DEVICE [ACCESS] */
	uint64_t seconds;
	struct change_user user;
	struct bpfdev_exception exception;
};

static void take_time(void *data, const char *text, struct argp_state *state)
{
	struct request *request = data;
	struct reason quoted;

	if (duration_parse(text, &request->seconds))
		return;
	reason_set(&quoted, "%s", text);
	argp_error(state, "--for=%s; expected a time such as 15min or 1h30m, a week at most",
		   quoted.text);
}

static const struct command_option allow_options[] = {
	{ "for", 0, "TIME", "how long: 15min, 1h30m, 90s; a week at most. Required", 0, take_time },
	{ 0 },
};

static void check_line(void *data, struct argp_state *state)
{
	const struct request *request = data;

	if (!request->seconds)
		argp_error(state, "--for=TIME is missing: an exception must have an end");
}

static const struct command_set allow_set = { allow_options, 0, check_line };

/* Sets request->exception from the words. Returns COMMAND_YES or _USAGE. */
static int understand(struct request *request)
{
	struct bpfdev_exception *exception = &request->exception;
	char device[1024], parsed[sizeof(device)];
	size_t next = command_take_device(&request->options, 1, device, sizeof(device));
	struct device_spec spec;
	const char *rest;
	struct reason why;
	int ret;

	if (strlen(device) >= sizeof(exception->device)) {
		output_error("\"%s\": expected a device of at most %zu bytes; its numbers are "
			     "shorter than its name (c M:m)",
			     device, sizeof(exception->device) - 1);
		return COMMAND_USAGE;
	}
	memcpy(parsed, device, sizeof(parsed));
	ret = device_parse_text(parsed, &spec, &rest, &why);
	if (ret == 0 && *rest)
		reason_set(&why,
			   "\"%s\" is no part of a device; expected ACCESS as a word of its own",
			   rest);
	if (ret < 0 || *rest) {
		output_error("\"%s\": %s", device, why.text);
		return COMMAND_USAGE;
	}
	snprintf(exception->device, sizeof(exception->device), "%s", device);
	exception->access = BPFDEV_READ | BPFDEV_WRITE;
	if (request->options.words[next])
		exception->access = device_parse_access(request->options.words[next], NULL);
	if (exception->access)
		next++;
	if (next < request->options.word_count) {
		output_error("\"%s\"; expected letters of rwm, once", request->options.words[next]);
		return COMMAND_USAGE;
	}
	exception->asked_by = change_asker();
	/* The clock is cut to seconds: this one has begun. */
	exception->until = enforce_boottime() + request->seconds + 1;
	return COMMAND_YES;
}

static int print_json(const struct request *request, const struct change_reports *reports)
{
	const struct bpfdev_exception *exception = &request->exception;
	json_t *sessions = json_array(), *object = json_object();
	char access[4], name[UNIT_ID_SIZE];

	for (size_t i = 0; i < reports->count; i++)
		if (change_has_exception(&reports->items[i], exception))
			row_append(sessions,
				   output_string(change_session_name(&reports->items[i], name)));
	row_put(object, "user", output_string(request->user.name));
	row_put(object, "uid", json_integer(request->user.uid));
	row_put(object, "device", output_string(exception->device));
	row_put(object, "access", json_string(output_letters(exception->access, access)));
	row_put(object, "until", json_integer(time(NULL) + (json_int_t)request->seconds));
	row_put(object, "sessions", sessions);
	return output_json(object);
}

static int tell(const struct request *request, const struct change_reports *reports)
{
	const struct bpfdev_exception *exception = &request->exception;
	char sessions[256], access[4], until[32];

	change_list_sessions(reports, exception, sessions, sizeof(sessions));
	output_letters(exception->access, access);
	output_time((uint64_t)time(NULL) + request->seconds, until);
	change_log(true, "%s may use %s (%s) until %s in session %s", request->user.name,
		   exception->device, access, until, sessions);
	change_record(&(struct change_record) { .op = CHANGE_ALLOW,
						.user = request->user.name,
						.sessions = sessions,
						.device = exception->device,
						.access = access,
						.until = (uint64_t)time(NULL) + request->seconds });
	if (request->options.output.json)
		return print_json(request, reports) < 0 ? COMMAND_FAILED : COMMAND_YES;
	output_line("%s may use %s (%s) until %s in session %s", request->user.name,
		    exception->device, access, until, sessions);
	return COMMAND_YES;
}

static bool is_granted(const struct request *request, const struct change_reports *reports)
{
	for (size_t i = 0; i < reports->count; i++)
		if (change_has_exception(&reports->items[i], &request->exception))
			return true;
	return false;
}

/* What people take for a driver: as check and explain say it. */
static void hint(const struct bpfdev_exception *exception)
{
	char text[sizeof(exception->device)], misc[NAMES_MISC_SIZE];
	struct device_spec spec;
	struct conf *conf = NULL;
	const char *rest;

	memcpy(text, exception->device, sizeof(text));
	if (device_parse_text(text, &spec, &rest, NULL) < 0 || spec.kind != DEVICE_DRIVER ||
	    !spec.character || xcheck(conf_load(&conf_paths_now, &conf)) < 0)
		return;
	if (names_misc(conf, &device_source_system, spec.text, misc))
		output_error("%s is no driver but a device of char-misc; expected %s",
			     exception->device, misc);
	conf_free(conf);
}

/* Sets *@granted to whether there is something that will have to end. */
static int grant(struct request *request, const struct session *user, bool *granted)
{
	const struct enforce_options enforce = change_options(&conf_paths_system);
	const struct enforce_change change = { .kind = ENFORCE_LEND,
					       .exception = &request->exception };
	struct change_reports reports = { 0 };
	struct reason why;
	int status;

	if (enforce_change(&enforce, user, &change, change_keep, &reports, &why) < 0) {
		output_error("%s", why.text);
		status = COMMAND_FAILED;
	} else {
		status = change_complain(&reports);
	}
	for (size_t i = 0; i < reports.count; i++)
		change_log_ends(&reports.items[i], request->user.name);
	*granted = is_granted(request, &reports);
	if (*granted) {
		int told = tell(request, &reports);

		status = status == COMMAND_YES ? told : status;
	} else if (status == COMMAND_YES) {
		output_error("%s has no open session with device rules: nothing to allow",
			     request->user.name);
		status = COMMAND_NO;
	}
	if (status == COMMAND_FAILED && !*granted)
		hint(&request->exception);
	free(reports.items);
	return status;
}

/* The timer comes first: nothing may be allowed that would not end. */
static int grant_for_a_time(struct request *request)
{
	struct session user = { .uid = request->user.uid };
	struct timer timer;
	bool granted;
	int status;

	if (change_open_user(&user) < 0)
		return COMMAND_FAILED;
	if (timer_start(user.uid, request->seconds, &timer) < 0) {
		session_free(&user);
		return COMMAND_FAILED;
	}
	status = grant(request, &user, &granted);
	if (!granted)
		timer_stop(&timer);
	session_free(&user);
	return status;
}

static int run(void *data)
{
	struct request *request = data;
	int status = understand(request);

	if (status != COMMAND_YES)
		return status;
	if (!command_is_root("allow", "it changes what other users may do"))
		return COMMAND_FAILED;
	if (change_find_user(request->options.words[0], &request->user) < 0)
		return COMMAND_FAILED;
	return grant_for_a_time(request);
}

const struct command command_allow = {
	.name = "allow",
	.summary = "let a user's open sessions use a device for a time",
	.arguments = "USER DEVICE [ACCESS]",
	.doc = "Lets the open sessions of USER use DEVICE for a time, whatever the policy says: its "
	       "path, \"c M:m\", char-NAME, usb:VENDOR:PRODUCT[:SERIAL], tag:NAME, @class. ACCESS: letters of rwm; rw if left out.\v"
	       "It ends by itself, with the session, and by bpfdev revoke. Who has the device open by "
	       "then keeps it open. USER may be :UID.",
	.words_min = 2,
	.words_max = 4,
	.missing = "expected a user and a device",
	.sets = { { &allow_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct request),
	.run = run,
};
