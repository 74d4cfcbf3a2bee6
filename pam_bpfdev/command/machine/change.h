/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What reload, allow and revoke share: whose sessions, who asks, what came of it. */
#ifndef CHANGE_H
#define CHANGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "enforce/change.h"
#include "command/machine/machine.h"

/* A user that was named on the command line. */
struct change_user {
	char name[256]; /* as NSS has it; ":UID" if there is no such user any more */
	uid_t uid;
};

/*
 * Understands a name, or ":UID" as in a policy, which needs no user of that uid: sessions outlive
 * their users. Returns 0, or a negative errno having said why.
 */
int change_find_user(const char *text, struct change_user *user);

/*
 * Sets the slice of @user, whose uid is set: free with session_free(). Returns 0, or a negative
 * errno having said why.
 */
int change_open_user(struct session *user);

/* The reports of a change, sorted by unit: they come as the kernel lists cgroups. */
struct change_reports {
	struct enforce_change_report *items;
	size_t count, capacity;
};

/* An enforce_tell whose data is a struct change_reports. */
void change_keep(const struct enforce_change_report *report, void *reports);

/* Says on standard error what failed. Returns COMMAND_YES, _MISTAKES or _FAILED. */
int change_complain(const struct change_reports *reports);

/* As unit_id(). @name: UNIT_ID_SIZE bytes. Returns @name. */
char *change_session_name(const struct enforce_change_report *report, char *name);

/* Whether the exception for @device is in the session of @report now: granted, or already there. */
bool change_has_exception(const struct enforce_change_report *report,
			  const struct bpfdev_exception *exception);

/* The names of the sessions that have @exception: "3, 7", cut to fit (@size bytes). Returns @text. */
char *change_list_sessions(const struct change_reports *reports,
			   const struct bpfdev_exception *exception, char *text, size_t size);

/* Writes to the system log, at LOG_NOTICE, what was done; @asked: and who asked for it. */
void change_log(bool asked, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same at LOG_ERR: something was not done. */
void change_log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The operations of the audit trail: AUDIT RECORDS in pam_bpfdev(8). */
#define CHANGE_ALLOW "bpfdev-allow"
#define CHANGE_REVOKE "bpfdev-revoke"
#define CHANGE_RELOAD "bpfdev-reload"
#define CHANGE_EDIT "bpfdev-edit"

/* What has been done, for the audit trail. NULL, "" and 0: this is not about such a thing. */
struct change_record {
	const char *op;	  /* CHANGE_ALLOW ... */
	const char *user; /* whose sessions */
	const char *sessions, *device, *access, *file;
	uint64_t until; /* seconds since 1970 */
	bool counts;	/* the next two are told */
	uint64_t session_count, manager_count;
	bool failed; /* some of it was not done */
};

/* Writes it to the kernel's audit trail, which says itself who was logged in. There need be none. */
void change_record(const struct change_record *record);

/* Whether exception number @i of a session has ended with what is reported. */
bool change_has_ended(const struct enforce_change_report *report, int i);

/* Logs the exceptions of a session of @user that have ended. */
void change_log_ends(const struct enforce_change_report *report, const char *user);

/*
 * The uid of whoever asks: who logged in, if the kernel's audit knows (loginuid), or who runs sudo,
 * or the real uid.
 */
uid_t change_asker(void);

/* For enforce_options: writes it to the system log. */
void change_tell(const struct reason *what, void *data);

/* Options and lock folder of the installed system, with @paths as the policy. */
struct enforce_options change_options(const struct conf_paths *paths);

#endif
