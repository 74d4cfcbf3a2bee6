/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Sentences of the module's log. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>

#include "enforce/enforce.h"

/* Room for any of them; what does not fit is cut. */
#define MESSAGE_SIZE 2048

/*
 * That a session or manager has its filter: "sam filtered in session-3.scope: 5 rules, from
 * 192.0.2.7". Returns @out (@size bytes).
 */
char *message_filtered(const struct enforce_report *report, const char *user,
		       const struct policy_session *session, char *out, size_t size);

/* What came of opening or closing, for who looks for a mistake. */
const char *message_outcome(enum enforce_outcome outcome);

/*
 * What a session was denied: "sam was denied 14 times in session-3.scope: /dev/video0 (c 81:0) rw
 * 12 times by /etc/security/bpfdev.conf:4, ...". Returns @out (@size bytes), or NULL: it was denied
 * nothing.
 */
char *message_denied(const struct enforce_denied *denied, const char *user, const char *unit,
		     char *out, size_t size);

/* "c 81:0" of the device. @out: 32 bytes. Returns @out. */
char *message_numbers(const struct enforce_denied_device *device, char *out);

#endif
