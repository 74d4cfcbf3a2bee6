/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A line of the module's log as an entry of the journal, whose fields journalctl(1) finds. */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "enforce/enforce.h"

/* What LOG in pam_bpfdev(8) says of each line's kind. */
#define ENTRY_OPEN "open"
#define ENTRY_CLOSE "close"
#define ENTRY_DENIED "denied"
#define ENTRY_REFUSED "refused"
#define ENTRY_UNFILTERED "unfiltered"
#define ENTRY_TROUBLE "trouble"

/* NULL and "": not known. */
struct entry {
	int level; /* LOG_INFO ... */
	const char *event;
	const char *user;
	const uint32_t *uid;
	const char *unit; /* session-3.scope */
	const struct policy_session *session;
	const struct enforce_denied *denied;
};

/*
 * Sends @text, as syslog would have it, and @entry to the journal. Returns 0, or a negative errno:
 * the journal has nothing of it, as there may be none.
 */
int entry_send(const struct entry *entry, const char *text);

#endif
