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
#include "command/base/row.h"
#include "command/allow/timer.h"

struct request {
	struct command_options options;
	const char *words[4]; /* USER DEVICE [NUMBERS] [ACCESS] */
	size_t count;
	uint64_t seconds;
	struct change_user user;
	struct bpfdev_exception exception;
};

enum { OPTION_FOR = 0x200 };

static const struct argp_option options[] = {
	{ "for", OPTION_FOR, "TIME", 0, "how long: 15min, 1h30m, 90s; a week at most. Required",
	  0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct request *request = state->input;
	struct reason quoted;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &request->options;
		return 0;
	case OPTION_FOR:
		if (!duration_parse(argument, &request->seconds)) {
			reason_set(&quoted, "%s", argument);
			argp_error(
				state,
				"--for=%s; expected a time such as 15min or 1h30m, a week at most",
				quoted.text);
		}
		return 0;
	case ARGP_KEY_ARG:
		if (request->count == sizeof(request->words) / sizeof(request->words[0]))
			return ARGP_ERR_UNKNOWN;
		request->words[request->count++] = argument;
		return 0;
	case ARGP_KEY_END:
		if (request->count < 2)
			argp_error(state, "expected a user and a device");
		if (!request->seconds)
			argp_error(state, "--for=TIME is missing: an exception must have an end");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &command_output_argp, 0, NULL, 0 }, { 0 } };

static const struct argp parser = {
	.options = options,
	.parser = parse,
	.args_doc = "USER DEVICE [ACCESS]",
	.doc = "Lets the open sessions of USER use DEVICE for a time, whatever the policy says: its "
	       "path, \"c M:m\", char-NAME, @class. ACCESS: letters of rwm; rw if left out.\v"
	       "It ends by itself, with the session, and by bpfdev revoke. Who has the device open by "
	       "then keeps it open. USER may be :UID.",
	.children = children,
};

/* "c 1:3" may come as one word of the shell or as two. Returns the number of the next word. */
static size_t take_device(struct request *request, char *text, size_t size)
{
	const char *first = request->words[1];
	bool two = device_is_type(first) && request->count > 2;

	snprintf(text, size, "%s%s%s", first, two ? " " : "", two ? request->words[2] : "");
	return two ? 3 : 2;
}

static int parse_device(const char *text, struct reason *why)
{
	struct device_spec spec;
	const char *rest;
	char words[256];
	int ret;

	snprintf(words, sizeof(words), "%s", text);
	ret = device_parse_text(words, &spec, &rest, why);
	if (ret == 0 && *rest) {
		reason_set(why,
			   "\"%s\" is no part of a device; expected ACCESS as a word of its own",
			   rest);
		ret = -EINVAL;
	}
	return ret;
}

/* Sets request->exception from the words. Returns COMMAND_YES or _USAGE. */
static int understand(struct request *request)
{
	struct bpfdev_exception *exception = &request->exception;
	char device[256];
	size_t next = take_device(request, device, sizeof(device));
	struct reason why;

	if (strlen(device) >= sizeof(exception->device)) {
		output_error("\"%s\": expected a device of at most %zu bytes; its numbers are "
			     "shorter than its name (c M:m)",
			     device, sizeof(exception->device) - 1);
		return COMMAND_USAGE;
	}
	if (parse_device(device, &why) < 0) {
		output_error("\"%s\": %s", device, why.text);
		return COMMAND_USAGE;
	}
	snprintf(exception->device, sizeof(exception->device), "%s", device);
	exception->access = BPFDEV_READ | BPFDEV_WRITE;
	if (next < request->count)
		exception->access = device_parse_access(request->words[next], NULL);
	if (exception->access)
		next++;
	if (next < request->count) {
		output_error("\"%s\"; expected letters of rwm, once", request->words[next]);
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

static int run(int argc, char **argv)
{
	struct request request = { .seconds = 0 };
	int status;

	if (argp_parse(&parser, argc, argv, 0, NULL, &request))
		return COMMAND_USAGE;
	status = understand(&request);
	if (status != COMMAND_YES)
		return status;
	if (!command_is_root("allow", "it changes what other users may do"))
		return COMMAND_FAILED;
	if (change_find_user(request.words[0], &request.user) < 0)
		return COMMAND_FAILED;
	return grant_for_a_time(&request);
}

const struct command command_allow = { "allow",
				       "let a user's open sessions use a device for a time", run };
