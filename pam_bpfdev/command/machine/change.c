// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What reload, allow and revoke have in common around enforce_change(). */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "command/base/command.h"
#include "command/base/memory.h"
#include "command/machine/change.h"
#include "command/machine/machine.h"
#include "log/trail.h"

static int find_uid(const char *digits, struct change_user *user)
{
	char *end;
	unsigned long uid;
	const struct passwd *entry;

	errno = 0;
	uid = strtoul(digits, &end, 10);
	if (errno || end == digits || *end || *digits == '-' || uid >= (uid_t)-1) {
		output_error("\":%s\" is no uid; expected a user's name or :UID", digits);
		return -EINVAL;
	}
	user->uid = (uid_t)uid;
	entry = getpwuid(user->uid);
	if (entry)
		snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	else
		snprintf(user->name, sizeof(user->name), ":%lu", uid);
	return 0;
}

int change_find_user(const char *text, struct change_user *user)
{
	struct policy_subject subject;
	struct reason why;
	int ret;

	if (text[0] == ':')
		return find_uid(text + 1, user);
	ret = xcheck(policy_subject_load(text, &subject, &why));
	if (ret) {
		output_error("%s", why.text);
		return -ESRCH;
	}
	snprintf(user->name, sizeof(user->name), "%s", subject.name);
	user->uid = subject.uid;
	policy_subject_free(&subject);
	return 0;
}

int change_open_user(struct session *user)
{
	struct reason why;
	char *root = NULL;
	int ret = xcheck(session_find_root(&root, &why));

	if (ret < 0)
		output_error("%s", why.text);
	else
		user->slice = xasprintf("%s/user.slice/user-%u.slice", root, user->uid);
	free(root);
	return ret;
}

static void say_untold(void *data)
{
	(void)data;
	output_error("not all that was done can be told: bpfdev status shows what there is now");
}

void change_keep(const struct enforce_change_report *report, void *data)
{
	struct change_reports *reports = data;
	size_t place = reports->count;

	memory_on_exhaustion(say_untold, NULL);
	reports->items =
		xgrow(reports->items, reports->count, &reports->capacity, sizeof(*reports->items));
	while (place > 0 && strverscmp(reports->items[place - 1].unit, report->unit) > 0)
		place--;
	memmove(reports->items + place + 1, reports->items + place,
		(reports->count - place) * sizeof(*report));
	reports->items[place] = *report;
	reports->count++;
}

int change_complain(const struct change_reports *reports)
{
	int status = COMMAND_YES;

	for (size_t i = 0; i < reports->count; i++) {
		const struct enforce_change_report *report = &reports->items[i];

		if (report->outcome != ENFORCE_FAILED)
			continue;
		output_error("%s is as it was: %s", report->unit, report->why.text);
		if (status != COMMAND_FAILED)
			status = report->cause == ENFORCE_BY_MISTAKES ? COMMAND_MISTAKES
								      : COMMAND_FAILED;
	}
	return status;
}

char *change_session_name(const struct enforce_change_report *report, char *name)
{
	const struct unit unit = { .role = report->role, .name = report->unit };

	return unit_id(&unit, name);
}

bool change_has_exception(const struct enforce_change_report *report,
			  const struct bpfdev_exception *exception)
{
	if (report->role != BPFDEV_SESSION ||
	    (report->outcome != ENFORCE_CHANGED && report->outcome != ENFORCE_SAME))
		return false;
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		if (memcmp(&report->after.exceptions[i], exception, sizeof(*exception)) == 0)
			return true;
	return false;
}

char *change_list_sessions(const struct change_reports *reports,
			   const struct bpfdev_exception *exception, char *text, size_t size)
{
	char name[UNIT_ID_SIZE];
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < reports->count; i++) {
		const struct enforce_change_report *report = &reports->items[i];
		size_t length;

		if (!change_has_exception(report, exception))
			continue;
		length = strlen(change_session_name(report, name)) + strlen(", ");
		if (used + length + strlen(", ...") >= size) {
			snprintf(text + used, size - used, ", ...");
			break;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
	}
	return text;
}

bool change_has_ended(const struct enforce_change_report *report, int i)
{
	const struct bpfdev_exception *before = &report->before.exceptions[i];
	const struct bpfdev_exception *after = &report->after.exceptions[i];

	if (report->outcome != ENFORCE_CHANGED || report->role != BPFDEV_SESSION || !before->access)
		return false;
	/* Another may have its place by now. */
	return !after->access || strcmp(before->device, after->device) != 0;
}

static void add_known(struct trail *trail, const char *name, const char *value)
{
	if (value && *value)
		trail_add(trail, name, value);
}

void change_record(const struct change_record *record)
{
	char tty[64] = "", sessions[TRAIL_VALUE_SIZE] = "";
	struct trail trail;
	const char *name;
	size_t length = 0;

	/* Without blanks, so that the value is plain: "3,7". */
	for (const char *at = record->sessions; at && *at && length < sizeof(sessions) - 1; at++)
		if (*at != ' ')
			sessions[length++] = *at;
	if (ttyname_r(STDIN_FILENO, tty, sizeof(tty)) != 0)
		*tty = '\0';
	name = strncmp(tty, "/dev/", strlen("/dev/")) == 0 ? tty + strlen("/dev/") : tty;
	trail_begin(&trail, record->op);
	add_known(&trail, "acct", record->user);
	add_known(&trail, "sessions", sessions);
	add_known(&trail, "device", record->device);
	add_known(&trail, "access", record->access);
	add_known(&trail, "file", record->file);
	if (record->until)
		trail_add_number(&trail, "until", record->until);
	if (record->counts) {
		trail_add_number(&trail, "sessions", record->session_count);
		trail_add_number(&trail, "managers", record->manager_count);
	}
	trail_end(&trail, &(struct trail_origin) { .tty = name }, !record->failed);
	trail_send(TRAIL_CONFIG, &trail);
}

void change_log_ends(const struct enforce_change_report *report, const char *user)
{
	char name[UNIT_ID_SIZE];

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		const struct bpfdev_exception *exception = &report->before.exceptions[i];
		bool over = exception->until <= enforce_boottime();

		if (!change_has_ended(report, i))
			continue;
		change_log(false, "%s may no longer use %s in session %s%s", user,
			   exception->device, change_session_name(report, name),
			   over ? ": the exception's time is over" : "");
		change_record(&(struct change_record) { .op = CHANGE_REVOKE,
							.user = user,
							.sessions = name,
							.device = exception->device });
	}
}

/* 4294967295 stands for a process that nobody's login began. */
static bool read_loginuid(uid_t *uid)
{
	FILE *file = fopen("/proc/self/loginuid", "re");
	bool found = file && fscanf(file, "%u", uid) == 1 && *uid != (uid_t)-1;

	if (file)
		fclose(file);
	return found;
}

uid_t change_asker(void)
{
	const char *sudo = getenv("SUDO_UID");
	uid_t uid;

	if (read_loginuid(&uid))
		return uid;
	if (sudo && *sudo)
		return (uid_t)strtoul(sudo, NULL, 10);
	return getuid();
}

static void log_line(int priority, const struct reason *line)
{
	openlog("bpfdev", LOG_PID, LOG_AUTHPRIV);
	syslog(priority, "%s", line->text);
	closelog();
}

void change_log(bool asked, const char *format, ...)
{
	char text[400];
	struct reason line;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (asked)
		reason_set(&line, "%s, asked for by uid %u", text, change_asker());
	else
		reason_set(&line, "%s", text);
	log_line(LOG_NOTICE, &line);
}

void change_log_error(const char *format, ...)
{
	char text[1024];
	struct reason line;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	reason_set(&line, "%s", text);
	log_line(LOG_ERR, &line);
}

void change_tell(const struct reason *what, void *data)
{
	(void)data;
	log_line(LOG_WARNING, what);
}

struct enforce_options change_options(const struct conf_paths *paths)
{
	return (struct enforce_options) {
		.conf = paths,
		.devices = &device_source_system,
		.lock_folder = SESSION_LOCK_FOLDER,
		.tell = change_tell,
	};
}
