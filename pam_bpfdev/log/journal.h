/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* An entry of systemd's journal, with fields that journalctl(1) can look for. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stddef.h>

/* Where journald takes entries from programs: systemd's "Native Journal Protocol". */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* So many fields may an entry have. */
#define JOURNAL_FIELDS_MAX 64

struct journal_field {
	const char *name;  /* capital letters, digits and underscores; may stand more than once */
	const char *value; /* any bytes but NUL; NULL and "": the field is left out */
};

/*
 * How an entry is sent. journald takes only so many in a while from the processes of a unit
 * (RateLimitBurst= in journald.conf(5)), and its queue holds only some hundred of all: a session that
 * writes enough of them would keep away what is said of it from within that session.
 */
enum journal_manner {
	/* In its own name. A journal that does not take it at once is not waited for. */
	JOURNAL_OFFER,
	/*
	 * In the name of pid 1, of whose unit no user has a process: the kernel lets root
	 * (CAP_SYS_ADMIN) send in that of another (SCM_CREDENTIALS in unix(7)); others send it in
	 * their own. A journal whose queue is full is waited for, as long as JOURNAL_WAIT.
	 */
	JOURNAL_INSIST,
};

#define JOURNAL_WAIT 1000 /* milliseconds */

/*
 * Sends one entry to the journal that listens at @path. Leaves nothing behind.
 * Returns 0: journald has it; or a negative errno: it has nothing of it. -ENOENT: no journal is
 * there; -EAGAIN: it does not keep up; -E2BIG: more than JOURNAL_FIELDS_MAX fields.
 */
int journal_send(const char *path, enum journal_manner manner, const struct journal_field *fields,
		 size_t count);

#endif
