// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The PAM module: pam_sm_open_session and pam_sm_close_session. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "base/apparmor.h"
#include "base/selinux.h"
#include "conf/arguments.h"
#include "enforce/enforce.h"
#include "log/entry.h"
#include "log/message.h"
#include "log/record.h"
#include "session/session.h"

#define EXPORT __attribute__((visibility("default")))
/* Under this name the handle remembers what open did; see struct opened. */
#define DATA_NAME "pam_bpfdev_opened"

/* A login on its way through the module. */
struct login {
	pam_handle_t *pamh;
	int flags;
	struct arguments arguments;
	struct conf_paths paths;
	struct enforce_options options;
	const char *user; /* as PAM has the name, for messages; "" before it is known */
	struct policy_subject subject;
	struct policy_session session;
	struct enforce_report report; /* once there is one */
};

/* Fills @entry in with what is known of the login. */
static void describe(const struct login *login, struct entry *entry)
{
	entry->user = login->user;
	if (login->subject.name) {
		entry->user = login->subject.name;
		entry->uid = &login->subject.uid;
	}
	/* What PAM says is of this login, not of the manager, which serves all of them. */
	if (entry->unit)
		return;
	entry->session = &login->session;
	entry->unit = login->report.unit;
}

/*
 * To the journal if there is one, with fields, in the form in which PAM would have it; or else to
 * syslog. One line, and none of the names in it can make two of it. What is for the audit trail goes
 * there, too.
 */
static void log_entry(struct login *login, struct entry *entry, const char *text)
{
	char line[MESSAGE_SIZE], quoted[MESSAGE_SIZE];

	describe(login, entry);
	record_entry(entry, trail_send);
	snprintf(line, sizeof(line), "pam_bpfdev(%s:session): ", login->session.service);
	strncat(line, text, sizeof(line) - strlen(line) - 1);
	if (entry_send(entry, reason_quote(quoted, sizeof(quoted), line, strlen(line))) < 0)
		pam_syslog(login->pamh, entry->level, "%s",
			   reason_quote(quoted, sizeof(quoted), text, strlen(text)));
}

/* @event: ENTRY_OPEN ... */
static void __attribute__((format(printf, 4, 5)))
log_line(struct login *login, int level, const char *event, const char *format, ...)
{
	struct entry entry = { .level = level, .event = event };
	char text[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_entry(login, &entry, text);
}

/* A mistake here must not lock everybody out: it is logged, and the default holds. */
static void parse_arguments(struct login *login, int argc, const char **argv)
{
	struct reason why;

	for (int i = 0; i < argc; i++)
		if (!arguments_parse(argv[i], &login->arguments, &why))
			log_line(login, LOG_ERR, ENTRY_TROUBLE, "%s", why.text);
}

static const char *item(struct login *login, int type)
{
	const void *value = NULL;

	if (pam_get_item(login->pamh, type, &value) != PAM_SUCCESS || !value)
		return "";
	return value;
}

/* Some services give the terminal's path, some its name. */
static const char *without_dev(const char *tty)
{
	return strncmp(tty, "/dev/", 5) == 0 ? tty + 5 : tty;
}

static void tell(const struct reason *what, void *data)
{
	log_line(data, LOG_WARNING, ENTRY_TROUBLE, "%s", what->text);
}

static void prepare(struct login *login, pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	*login = (struct login) {
		.pamh = pamh, .flags = flags, .user = "", .paths = conf_paths_system
	};
	login->session.service = item(login, PAM_SERVICE);
	login->session.rhost = item(login, PAM_RHOST);
	login->session.ruser = item(login, PAM_RUSER);
	login->session.tty = without_dev(item(login, PAM_TTY));
	parse_arguments(login, argc, argv);
	if (login->arguments.conf)
		login->paths = conf_paths_of(login->arguments.conf);
	login->options = (struct enforce_options) {
		.conf = &login->paths,
		.devices = &device_source_system,
		.lock_folder = SESSION_LOCK_FOLDER,
		.left_alone = login->arguments.left_alone,
		.tell = tell,
		.data = login,
	};
}

/*
 * What this handle's open did, for its close. Only memory: the cleanup also runs in forked children
 * that end the handle, and must not touch the filter.
 */
struct opened {
	bool filtered; /* the filter is this handle's */
	bool leader;   /* so is the session, which ends with it */
	/* Who it was opened for: to take the filter off, no directory is asked, or found to be gone. */
	struct policy_subject subject;
};

static void free_opened(pam_handle_t *pamh, void *data, int error_status)
{
	struct opened *opened = data;

	(void)pamh;
	(void)error_status;
	policy_subject_free(&opened->subject);
	free(opened);
}

static struct opened *recall(struct login *login)
{
	const void *data = NULL;

	/* The C library's const is PAM's: the data is this module's own. */
	return pam_get_data(login->pamh, DATA_NAME, &data) == PAM_SUCCESS ? (void *)data : NULL;
}

static void remember(struct login *login, bool filtered, bool leader)
{
	const struct opened *before = recall(login);
	struct opened *opened;

	/* Opened twice: the second time was an inner session, the first one's filter is still ours. */
	if (before && before->filtered)
		return;
	opened = malloc(sizeof(*opened));
	if (!opened)
		return;
	*opened = (struct opened) { .filtered = filtered, .leader = leader };
	if (pam_set_data(login->pamh, DATA_NAME, opened, free_opened) != PAM_SUCCESS)
		free(opened);
}

/* Adds to @why what neither owner nor mode of anything would tell the administrator. */
static void suspect(int err, struct reason *why)
{
	const struct reason before = *why;
	char profile[128];

	if ((err != -EACCES && err != -EPERM) || geteuid() != 0)
		return;
	if (selinux_mode() == SELINUX_ENFORCING)
		reason_set(why,
			   "%s; SELinux enforces here, and its policy may lack the module "
			   "pam_bpfdev: \"bpfdev doctor\" says",
			   before.text);
	else if (apparmor_enforces(profile, sizeof(profile)))
		reason_set(why,
			   "%s; AppArmor confines this service, and its profile%s%s may lack "
			   "abstractions/pam_bpfdev: \"bpfdev doctor\" says",
			   before.text, *profile ? " " : "", profile);
}

/*
 * The device rules could not be put in place, by a negative errno: the user is refused, root never.
 * Returns PAM's code.
 */
static int refuse(struct login *login, int err, struct reason *why)
{
	/* By name where the user database has failed: it must not lock root out either. */
	bool root =
		login->subject.name ? login->subject.uid == 0 : strcmp(login->user, "root") == 0;

	suspect(err, why);
	if (root || login->arguments.onerr_succeed) {
		log_line(login, LOG_ERR, ENTRY_UNFILTERED,
			 "%s is let in WITHOUT device rules (%s): %s", login->user,
			 root ? "root is never locked out" : "onerr=succeed", why->text);
		remember(login, false, false);
		return PAM_IGNORE;
	}
	log_line(login, LOG_ERR, ENTRY_REFUSED,
		 "%s is refused, as the device rules cannot be put in place: %s", login->user,
		 why->text);
	if (!(login->flags & PAM_SILENT))
		pam_error(login->pamh,
			  "The device rules of this machine could not be put in place, so "
			  "this login is refused. Please tell the administrator.");
	return PAM_SESSION_ERR;
}

/* logind keeps what it knows of a session there. */
static bool is_run_full(void)
{
	struct statvfs fs;

	return statvfs("/run", &fs) == 0 && fs.f_blocks &&
	       (!fs.f_bavail || (fs.f_files && !fs.f_favail));
}

/* Rules apply, but the process is in a daemon's cgroup: filtering that would hit everybody. */
static int no_session(struct login *login, const struct enforce_report *report)
{
	struct reason why;

	if (login->arguments.nosession_ignore) {
		log_line(login, LOG_NOTICE, ENTRY_UNFILTERED,
			 "%s runs WITHOUT device rules (nosession=ignore): cgroup %s is no session",
			 login->subject.name, report->note.text);
		return PAM_IGNORE;
	}
	if (report->unguarded) {
		reason_set(
			&why,
			"cgroup %s is to be left alone (nosession=ignore:%s), but nobody filters "
			"it: no device program is on it, or above it as far as the pattern fits; "
			"the batch system has to be told to limit devices (Slurm: "
			"ConstrainDevices=yes in cgroup.conf)",
			report->note.text, login->arguments.left_alone);
		return refuse(login, 0, &why);
	}
	reason_set(
		&why,
		"cgroup %s is not a login session's; pam_systemd must come before pam_bpfdev "
		"in the PAM service \"%s\" and must not have failed, as it does when %s, or, for jobs without a session, "
		"nosession=ignore lets them run unfiltered",
		report->note.text, login->session.service,
		is_run_full() ? "/run is full, which it is now"
			      : "logind's SessionsMax is reached");
	return refuse(login, 0, &why);
}

/* In a job, as a rule. This is as it should be, and happens often. */
static void log_left_alone(struct login *login, const struct enforce_report *report)
{
	if (!login->arguments.quiet)
		log_line(login, LOG_INFO, ENTRY_UNFILTERED,
			 "%s has the limits of cgroup %s and no device rules "
			 "(nosession=ignore:%s)",
			 login->subject.name, report->note.text, login->arguments.left_alone);
}

/* The policy became unusable between the opening of a session and this reading of it. */
static void log_manager(struct login *login, const struct enforce_report *report)
{
	if (*report->note.text)
		log_line(login, LOG_ERR, ENTRY_TROUBLE,
			 "the user manager of %s keeps only what every shell needs: %s",
			 login->subject.name, report->note.text);
}

static void log_filtered(struct login *login, const struct enforce_report *report)
{
	char text[MESSAGE_SIZE];

	log_manager(login, report);
	message_filtered(report, login->subject.name, &login->session, text, sizeof(text));
	if (!login->arguments.quiet)
		log_line(login, LOG_INFO, ENTRY_OPEN, "%s", text);
}

/* Not refused: root's own su must work. */
static void log_foreign(struct login *login, const struct enforce_report *report)
{
	if (report->unfiltered && !login->arguments.quiet)
		log_line(login, LOG_NOTICE, ENTRY_UNFILTERED,
			 "%s runs WITHOUT device rules: %s is another user's and has no filter",
			 login->subject.name, report->unit);
}

/* @event: ENTRY_OPEN or ENTRY_CLOSE, which also are the words for it. */
static void log_debug(struct login *login, const char *event, const struct enforce_report *report)
{
	if (login->arguments.debug)
		log_line(login, LOG_DEBUG, event, "%s of %s: %s%s%s", event, login->subject.name,
			 message_outcome(report->outcome), *report->note.text ? ": " : "",
			 report->note.text);
}

/* A greeter, or a job of the system's: it must work, but the mistakes are news. */
static void log_spared(struct login *login, const struct enforce_report *report)
{
	log_line(login, LOG_WARNING, ENTRY_TROUBLE,
		 "%s, a system account that no line names, is let in although the policy has "
		 "mistakes: %s",
		 login->subject.name, report->note.text);
}

static int answer(struct login *login, const struct enforce_report *report)
{
	log_debug(login, ENTRY_OPEN, report);
	remember(login, report->outcome == ENFORCE_FILTERED, report->leader);
	switch (report->outcome) {
	case ENFORCE_FILTERED:
		log_filtered(login, report);
		return PAM_SUCCESS;
	case ENFORCE_NO_SESSION:
		return no_session(login, report);
	case ENFORCE_LEFT_ALONE:
		log_left_alone(login, report);
		return PAM_IGNORE;
	case ENFORCE_FOREIGN:
		log_foreign(login, report);
		return PAM_IGNORE;
	case ENFORCE_NO_RULES:
		if (report->spared)
			log_spared(login, report);
		return PAM_IGNORE;
	default:
		return PAM_IGNORE;
	}
}

/* Leaves the subject to the session's close; to nobody, if none is to come. */
static void leave_subject(struct login *login)
{
	struct opened *opened = recall(login);

	if (opened && opened->filtered && !opened->subject.name)
		opened->subject = login->subject;
	else
		policy_subject_free(&login->subject);
}

/* Takes it from there. False: another process opened the session, or as somebody else. */
static bool take_subject(struct login *login, struct opened *opened)
{
	const char *user = NULL;

	if (!opened || !opened->subject.name ||
	    pam_get_user(login->pamh, &user, NULL) != PAM_SUCCESS || !user ||
	    strcmp(user, opened->subject.name) != 0)
		return false;
	login->user = user;
	login->subject = opened->subject;
	opened->subject = (struct policy_subject) { .name = NULL };
	return true;
}

/*
 * Returns 0 with login->subject; 1: there is no such user; or a negative errno; both with @why.
 */
static int load_subject(struct login *login, struct reason *why)
{
	const char *user = NULL;
	int ret = pam_get_user(login->pamh, &user, NULL);

	if (ret != PAM_SUCCESS || !user || !*user) {
		reason_set(why, "no user name: %s", pam_strerror(login->pamh, ret));
		return 1;
	}
	login->user = user;
	return policy_subject_load(user, &login->subject, why);
}

static int open_subject(struct login *login)
{
	struct enforce_report *report = &login->report;
	struct reason why = { "" };

	const struct enforce_systemd systemd = { pam_getenv(login->pamh, "XDG_SESSION_ID"),
						 pam_getenv(login->pamh, "XDG_SEAT") };

	int err = enforce_open(&login->options, &login->subject, &login->session, &systemd, report,
			       &why);

	return err < 0 ? refuse(login, err, &why) : answer(login, report);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct reason why;
	struct login login;
	int ret;

	prepare(&login, pamh, flags, argc, argv);
	ret = load_subject(&login, &why);
	if (ret > 0) {
		log_line(&login, LOG_ERR, ENTRY_REFUSED, "%s", why.text);
		return PAM_USER_UNKNOWN;
	}
	ret = ret < 0 ? refuse(&login, ret, &why) : open_subject(&login);
	leave_subject(&login);
	return ret;
}

/* Nothing may depend on close: it may lack the right, and the kernel ends a filter with its cgroup. */
static int close_failed(struct login *login, int error, const struct reason *why)
{
	/* Some services close as the user, for whom this is nothing new at each logout. */
	int level = error == -EPERM || error == -EACCES ? LOG_DEBUG : LOG_WARNING;

	log_line(login, level, ENTRY_CLOSE,
		 "closing the session of %s failed: %s; what filter is left ends with its cgroup",
		 login->user, why->text);
	return PAM_SUCCESS;
}

/*
 * Not silenced by quiet: this is no success. @unit: NULL: the login's. @by: whose rules; NULL: the
 * user's own.
 */
static void log_denied(struct login *login, const struct enforce_denied *denied, const char *unit,
		       const char *by)
{
	struct entry entry = {
		.level = LOG_NOTICE,
		.event = ENTRY_DENIED,
		.unit = unit,
		.rules_of = by,
		.denied = denied,
	};
	char text[MESSAGE_SIZE], where[MESSAGE_SIZE];

	unit = unit ? unit : login->report.unit;
	if (by) {
		snprintf(where, sizeof(where), "%s by the rules of %s, who became %s", unit, by,
			 login->subject.name);
		unit = where;
	}
	if (*denied->why.text)
		log_line(login, LOG_WARNING, ENTRY_TROUBLE,
			 "what %s was denied in %s is not known: %s", login->subject.name, unit,
			 denied->why.text);
	else if (message_denied(denied, login->subject.name, unit, text, sizeof(text)))
		log_entry(login, &entry, text);
}

static int close_subject(struct login *login, bool ours)
{
	struct enforce_report *report = &login->report;
	char manager[SESSION_MANAGER_SIZE];
	struct reason why;
	int ret = enforce_close(&login->options, &login->subject, ours, report, &why);

	log_denied(login, &report->denied, NULL, NULL);
	log_denied(login, &report->caller_denied, NULL, report->caller);
	log_denied(login, &report->manager_denied,
		   session_manager_unit(login->subject.uid, manager), NULL);
	if (ret < 0)
		return close_failed(login, ret, &why);
	log_debug(login, ENTRY_CLOSE, report);
	log_manager(login, report);
	if (report->outcome == ENFORCE_KEPT && !login->arguments.quiet)
		log_line(login, LOG_INFO, ENTRY_CLOSE,
			 "%s left processes in %s: they stay filtered", login->subject.name,
			 report->unit);
	return report->outcome == ENFORCE_NO_RULES ? PAM_IGNORE : PAM_SUCCESS;
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct opened *opened;
	struct reason why;
	struct login login;
	int ret;

	prepare(&login, pamh, flags, argc, argv);
	opened = recall(&login);
	/* NULL: another process opened the session, so that only the kernel knows. */
	if (opened && !opened->filtered)
		return PAM_IGNORE;
	ret = take_subject(&login, opened) ? 0 : load_subject(&login, &why);
	if (ret > 0)
		return PAM_USER_UNKNOWN;
	ret = ret < 0 ? close_failed(&login, ret, &why)
		      : close_subject(&login, opened && opened->leader);
	policy_subject_free(&login.subject);
	return ret;
}
