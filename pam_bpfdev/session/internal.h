/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the parts of session.h share, for nobody else but tests. */
#ifndef SESSION_INTERNAL_H
#define SESSION_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/reason.h"
#include "session/session.h"

/* Where in a path the slice of a user and the unit in it end. */
struct session_path {
	uid_t uid;
	size_t slice_end, unit_end; /* bytes from the start of the path */
	bool manager;		    /* user@UID.service, not a session scope */
};

/* Reads PREFIX/user.slice/user-UID.slice/UNIT[/...]. Returns false for any other path. */
bool session_parse_path(const char *cgroup, struct session_path *path);

/* Reads user-UID.slice. Returns false for any other name. */
bool session_parse_slice(const char *name, uid_t *uid);

/* What the kernel says of a process: proc_pid_stat(5). */
struct session_stat {
	pid_t pid, parent;
	char state;	/* 'T': a signal has stopped it */
	uint64_t start; /* clock ticks since boot: no other process of this pid has the same */
	char name[sizeof(((struct session_holder *)0)->name)]; /* any bytes */
};

/* Returns 0; -ESRCH: it has gone; or another negative errno. Of one that fails, all but pid is 0. */
int session_read_stat(pid_t pid, struct session_stat *stat);

/* Its real, effective, saved and file system's uid. Returns as session_read_stat(). */
int session_read_uids(pid_t pid, uid_t uids[4]);

/*
 * Whether a user can hold the process up: it runs for one who is not root, or in the slice of one,
 * where whoever is there shares the processors with it.
 */
bool session_is_users(pid_t pid);

struct session_mount {
	char *point; /* where it is mounted */
	char *root;  /* the cgroup that is seen there */
};

/* Which hierarchies are mounted at all: for the reason, when none fits. */
struct session_mount_seen {
	bool v1, v2;
};

/*
 * Reads where a process is in the cgroup2 hierarchy from @process, its file in /proc: *@cgroup, to be
 * freed; NULL if there is no such hierarchy. Returns 0 or a negative errno with @why.
 */
int session_read_cgroup(const char *process, char **cgroup, struct reason *why);

/* The mount that shows @cgroup. Returns 0; -ENODEV: none does; another negative errno; with @why. */
int session_find_mount(const char *cgroup, struct session_mount *mount, struct reason *why);

/*
 * Finds the first cgroup2 mount in @mountinfo (the text of /proc/self/mountinfo) that shows
 * @cgroup. Returns 1: found, free with session_mount_free(); 0: none; or a negative errno.
 */
int session_mount_find(FILE *mountinfo, const char *cgroup, struct session_mount_seen *seen,
		       struct session_mount *mount);

void session_mount_free(struct session_mount *mount);

#endif
