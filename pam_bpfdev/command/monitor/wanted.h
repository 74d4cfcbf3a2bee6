/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Whom bpfdev monitor follows: who may not be there yet, or no longer. */
#ifndef MONITOR_WANTED_H
#define MONITOR_WANTED_H

#include "command/machine/denial.h"

/* All zero: everybody. */
struct monitor_wanted {
	bool one;	  /* a session or manager: */
	char *name;	  /* its unit's */
	const char *user; /* otherwise whose, or NULL */
	bool known;	  /* that user's uid is: */
	uid_t uid;
};

/*
 * Finds out what @argument names: a session that is there, or else a user, logged in or not.
 * Returns 0; -ENOENT: neither, which was said; or -ENOMEM.
 */
int monitor_wanted_find(struct monitor_wanted *wanted, const char *argument,
			const struct denials *denials);

bool monitor_wanted_is(const struct monitor_wanted *wanted, const struct unit *unit);

void monitor_wanted_free(struct monitor_wanted *wanted);

#endif
