/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What logind knows of a session that was opened without us. */
#ifndef LOGIND_H
#define LOGIND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"

struct logind;

/*
 * Loads libsystemd, which nothing else here needs, and connects to the system bus. Returns 0 with
 * *@logind, for logind_close(); or a negative errno with @why.
 */
int logind_open(struct logind **logind, struct reason *why);

void logind_close(struct logind *logind);

/* Strings: free with logind_free_session(). */
struct logind_session {
	char *service; /* PAM_SERVICE */
	char *tty;     /* PAM_TTY; logind does not keep what sshd writes there */
	char *rhost;   /* PAM_RHOST */
	char *user;    /* the name under which the user logged in */
	bool login;    /* see session_is_login() */
	bool seated;   /* it has a virtual terminal of seat0: see session_is_local() */
};

/*
 * Asks for the session called @id ("3").
 * Returns 0; -ENOENT: there is no such session; or a negative errno; with @why.
 */
int logind_ask(struct logind *logind, const char *id, struct logind_session *session,
	       struct reason *why);

/*
 * How many sessions there are, and how many logind makes at most (SessionsMax= of logind.conf(5)).
 * Returns 0, or a negative errno.
 */
int logind_count(struct logind *logind, uint64_t *sessions, uint64_t *most);

void logind_free_session(struct logind_session *session);

#endif
