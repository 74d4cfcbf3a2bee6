// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The PAM module: pam_sm_open_session and pam_sm_close_session. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <security/pam_modutil.h>

#include "arguments.h"
#include "enforce.h"
#include "session.h"

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
};

/* A mistake here must not lock everybody out: it is logged, and the default holds. */
static void parse_arguments(struct login *login, int argc, const char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!arguments_parse(argv[i], &login->arguments))
			pam_syslog(login->pamh, LOG_ERR,
				   "unknown argument \"%s\" skipped; expected conf=/PATH, "
				   "onerr=fail|succeed, nosession=deny|ignore, debug or quiet",
				   argv[i]);
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

static void prepare(struct login *login, pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	*login = (struct login) {
		.pamh = pamh, .flags = flags, .user = "", .paths = conf_paths_system
	};
	parse_arguments(login, argc, argv);
	if (login->arguments.conf)
		login->paths = conf_paths_of(login->arguments.conf);
	login->options = (struct enforce_options) { &login->paths, &device_source_system,
						    SESSION_LOCK_FOLDER };
	login->session.service = item(login, PAM_SERVICE);
	login->session.rhost = item(login, PAM_RHOST);
	login->session.ruser = item(login, PAM_RUSER);
	login->session.tty = without_dev(item(login, PAM_TTY));
}

/*
 * What this handle's open did, for its close. Only memory: the cleanup also runs in forked children
 * that end the handle, and must not touch the filter.
 */
struct opened {
	bool filtered; /* the filter is this handle's */
	bool leader;   /* so is the session, which ends with it */
};

static void free_opened(pam_handle_t *pamh, void *data, int error_status)
{
	(void)pamh;
	(void)error_status;
	free(data);
}

static const struct opened *recall(struct login *login)
{
	const void *data = NULL;

	return pam_get_data(login->pamh, DATA_NAME, &data) == PAM_SUCCESS ? data : NULL;
}

static void remember(struct login *login, bool filtered, bool leader)
{
	const struct opened *before = recall(login);
	struct opened *opened;

	/* Opened twice: the second time was an inner session, the first one's filter is still ours.
	 */
	if (before && before->filtered)
		return;
	opened = malloc(sizeof(*opened));
	if (!opened)
		return;
	*opened = (struct opened) { filtered, leader };
	if (pam_set_data(login->pamh, DATA_NAME, opened, free_opened) != PAM_SUCCESS)
		free(opened);
}

/* The device rules could not be put in place: the user is refused, root never. Returns PAM's code.
 */
static int refuse(struct login *login, const struct reason *why)
{
	/* By name where the user database has failed: it must not lock root out either. */
	bool root =
		login->subject.name ? login->subject.uid == 0 : strcmp(login->user, "root") == 0;

	if (root || login->arguments.onerr_succeed) {
		pam_syslog(login->pamh, LOG_ERR, "%s is let in WITHOUT device rules (%s): %s",
			   login->user, root ? "root is never locked out" : "onerr=succeed",
			   why->text);
		remember(login, false, false);
		return PAM_IGNORE;
	}
	pam_syslog(login->pamh, LOG_ERR,
		   "%s is refused, as the device rules cannot be put in place: %s", login->user,
		   why->text);
	if (!(login->flags & PAM_SILENT))
		pam_error(login->pamh,
			  "The device rules of this machine could not be put in place, so "
			  "this login is refused. Please tell the administrator.");
	return PAM_SESSION_ERR;
}

/* Rules apply, but the process is in a daemon's cgroup: filtering that would hit everybody. */
static int no_session(struct login *login, const struct enforce_report *report)
{
	struct reason why;

	if (login->arguments.nosession_ignore) {
		pam_syslog(
			login->pamh, LOG_NOTICE,
			"%s runs WITHOUT device rules (nosession=ignore): cgroup %s is no session",
			login->subject.name, report->note.text);
		return PAM_IGNORE;
	}
	reason_set(
		&why,
		"cgroup %s is not a login session's; pam_systemd must come before pam_bpfdev "
		"in the PAM service \"%s\" and must not have failed, or, for jobs without a session, "
		"nosession=ignore lets them run unfiltered",
		report->note.text, login->session.service);
	return refuse(login, &why);
}

/* The policy became unusable between the opening of a session and this reading of it. */
static void log_manager(struct login *login, const struct enforce_report *report)
{
	if (*report->note.text)
		pam_syslog(login->pamh, LOG_ERR,
			   "the user manager of %s keeps only what every shell needs: %s",
			   login->subject.name, report->note.text);
}

static void log_filtered(struct login *login, const struct enforce_report *report)
{
	const char *name = login->subject.name;

	log_manager(login, report);
	if (login->arguments.quiet)
		return;
	if (report->manager)
		pam_syslog(login->pamh, LOG_INFO, "user manager of %s filtered in %s", name,
			   report->unit);
	else if (report->unrestricted)
		pam_syslog(login->pamh, LOG_INFO,
			   "%s not restricted in %s: no line of the policy applies to this session",
			   name, report->unit);
	else
		pam_syslog(login->pamh, LOG_INFO, "%s filtered in %s: %u rules", name, report->unit,
			   report->rule_count);
}

/* Not refused: root's own su must work. */
static void log_foreign(struct login *login, const struct enforce_report *report)
{
	if (report->unfiltered && !login->arguments.quiet)
		pam_syslog(login->pamh, LOG_NOTICE,
			   "%s runs WITHOUT device rules: %s is another user's and has no filter",
			   login->subject.name, report->unit);
}

static void log_debug(struct login *login, const char *what, const struct enforce_report *report)
{
	static const char *const outcomes[] = {
		[ENFORCE_FILTERED] = "filtered",
		[ENFORCE_NO_RULES] = "no rules",
		[ENFORCE_UNRESTRICTED] = "nothing to restrict",
		[ENFORCE_INNER] = "within the user's own filtered session, left as it is",
		[ENFORCE_FOREIGN] = "within another user's session, left as it is",
		[ENFORCE_NO_SESSION] = "in no session",
		[ENFORCE_KEPT] = "filter kept, processes are left",
		[ENFORCE_REMOVED] = "filter removed",
	};

	if (login->arguments.debug)
		pam_syslog(login->pamh, LOG_DEBUG, "%s of %s: %s%s%s", what, login->subject.name,
			   outcomes[report->outcome], *report->note.text ? ": " : "",
			   report->note.text);
}

static int answer(struct login *login, const struct enforce_report *report)
{
	log_debug(login, "open", report);
	remember(login, report->outcome == ENFORCE_FILTERED, report->leader);
	switch (report->outcome) {
	case ENFORCE_FILTERED:
		log_filtered(login, report);
		return PAM_SUCCESS;
	case ENFORCE_NO_SESSION:
		return no_session(login, report);
	case ENFORCE_FOREIGN:
		log_foreign(login, report);
		return PAM_IGNORE;
	default:
		return PAM_IGNORE;
	}
}

/*
 * Returns 0 with login->subject; -ENOENT: there is no such user; or another negative errno; @why
 * says why.
 */
static int load_subject(struct login *login, struct reason *why)
{
	const char *user = NULL;
	int ret = pam_get_user(login->pamh, &user, NULL);

	if (ret != PAM_SUCCESS || !user || !*user) {
		reason_set(why, "no user name: %s", pam_strerror(login->pamh, ret));
		return -ENOENT;
	}
	login->user = user;
	return policy_subject_load(user, &login->subject, why);
}

static int open_subject(struct login *login)
{
	struct enforce_report report;
	struct reason why = { "" };

	if (enforce_open(&login->options, &login->subject, &login->session, &report, &why) < 0)
		return refuse(login, &why);
	return answer(login, &report);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct reason why;
	struct login login;
	int ret;

	prepare(&login, pamh, flags, argc, argv);
	ret = load_subject(&login, &why);
	if (ret == -ENOENT) {
		pam_syslog(pamh, LOG_ERR, "%s", why.text);
		return PAM_USER_UNKNOWN;
	}
	ret = ret < 0 ? refuse(&login, &why) : open_subject(&login);
	policy_subject_free(&login.subject);
	return ret;
}

/* Nothing may depend on close: it may lack the right, and the kernel ends a filter with its cgroup.
 */
static int close_failed(struct login *login, int error, const struct reason *why)
{
	/* Some services close as the user, for whom this is nothing new at each logout. */
	int level = error == -EPERM || error == -EACCES ? LOG_DEBUG : LOG_WARNING;

	pam_syslog(login->pamh, level,
		   "closing the session of %s failed: %s; what filter is left ends with its cgroup",
		   login->user, why->text);
	return PAM_SUCCESS;
}

static int close_subject(struct login *login, bool ours)
{
	struct enforce_report report;
	struct reason why;
	int ret = enforce_close(&login->options, &login->subject, ours, &report, &why);

	if (ret < 0)
		return close_failed(login, ret, &why);
	log_debug(login, "close", &report);
	log_manager(login, &report);
	if (report.outcome == ENFORCE_KEPT && !login->arguments.quiet)
		pam_syslog(login->pamh, LOG_INFO, "%s left processes in %s: they stay filtered",
			   login->subject.name, report.unit);
	return report.outcome == ENFORCE_NO_RULES ? PAM_IGNORE : PAM_SUCCESS;
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct opened *opened;
	struct reason why;
	struct login login;
	int ret;

	prepare(&login, pamh, flags, argc, argv);
	opened = recall(&login);
	/* NULL: another process opened the session, so that only the kernel knows. */
	if (opened && !opened->filtered)
		return PAM_IGNORE;
	ret = load_subject(&login, &why);
	if (ret == -ENOENT)
		return PAM_USER_UNKNOWN;
	ret = ret < 0 ? close_failed(&login, ret, &why)
		      : close_subject(&login, opened && opened->leader);
	policy_subject_free(&login.subject);
	return ret;
}
