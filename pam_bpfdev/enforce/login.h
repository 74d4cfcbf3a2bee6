/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What opening and closing have in common. */
#ifndef ENFORCE_LOGIN_H
#define ENFORCE_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "enforce/enforce.h"
#include "session/session.h"

/* A login that is being opened or closed. */
struct login {
	const struct enforce_options *options;
	const struct policy_subject *subject;
	struct policy_session session; /* at close: all zero */
	struct enforce_report *report;
	struct reason *why;
	struct session place;
	int cgroup_fd; /* of the session's unit, or -1 */
	int prog_fd;   /* of our filter that is there already, or -1 */
	struct policy_result policy;
	uint64_t policy_digest;
};

/* The functions below return 0, or what they say, or a negative errno with login->why. */

/* Frees and closes what it holds, not what it points to. */
void login_free(struct login *login);

/* Whether the caller is in a session or the manager of the user. */
bool login_is_own(const struct login *login);

/* Opens the unit's cgroup and looks for our filter there. Returns 1: login->prog_fd is it; 0. */
int login_look(struct login *login);

/*
 * Takes the lock that all changes to the filters of a user's sessions share. Returns a descriptor
 * for session_unlock(), or a negative errno with @why.
 */
int enforce_lock(const struct enforce_options *options, uid_t uid, struct reason *why);

/* Runs @locked with the lock that opening and closing of the user's sessions share. */
int login_with_lock(struct login *login, int (*locked)(struct login *login));

/* Brings the user's manager in line, see enforce_manager(). */
int login_mend_manager(struct login *login);

#endif
