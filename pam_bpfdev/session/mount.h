/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Finding the cgroup2 mount: a part of session_find(), for nobody else. */
#ifndef SESSION_MOUNT_H
#define SESSION_MOUNT_H

#include <stdbool.h>
#include <stdio.h>

struct session_mount {
	char *point; /* where it is mounted */
	char *root;  /* the cgroup that is seen there */
};

/* Which hierarchies are mounted at all: for the reason, when none fits. */
struct session_mount_seen {
	bool v1, v2;
};

/*
 * Finds the first cgroup2 mount in @mountinfo (the text of /proc/self/mountinfo) that shows
 * @cgroup. Returns 1: found, free with session_mount_free(); 0: none; or a negative errno.
 */
int session_mount_find(FILE *mountinfo, const char *cgroup, struct session_mount_seen *seen,
		       struct session_mount *mount);

void session_mount_free(struct session_mount *mount);

#endif
