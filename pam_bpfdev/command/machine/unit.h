/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What sessions and managers are called, and which of them an argument USER|SESSION names. */
#ifndef UNIT_H
#define UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "enforce/live.h"

/* What is known of every unit; the strings are another's. */
struct unit {
	enum bpfdev_role role;
	uid_t uid;	  /* whose it is */
	const char *user; /* as unit_user() has it */
	const char *name; /* session-3.scope, user@1000.service */
};

/*
 * The user's name as the login knew it; for who has no filter, as the system does; ":UID" if nobody
 * knows. Free it. NULL: no memory.
 */
char *unit_user(const struct enforce_live *live);

#define UNIT_ID_SIZE 256

/* "3" of session-3.scope, "manager". @text: UNIT_ID_SIZE bytes. Returns @text. */
char *unit_id(const struct unit *unit, char *text);

/*
 * The order in which units are shown, as strcmp(3): by user, then sessions by number, then the
 * manager.
 */
int unit_compare(const struct unit *a, const struct unit *b);

/* The unit at @place of what @data is. */
typedef struct unit unit_at(const void *data, size_t place);

/*
 * Which of @count units @wanted names: a session (3, session-3.scope, user@1000.service), or else
 * all of a user (a name, uid, or :uid). Sets @chosen (@count of them).
 * Returns 0, or -ENOENT having said that there is none.
 */
int unit_choose(const char *wanted, unit_at *at, const void *data, size_t count, bool *chosen);

#endif
