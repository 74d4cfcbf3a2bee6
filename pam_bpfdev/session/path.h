/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the path of a cgroup says: shared by the parts of session.h, for nobody else. */
#ifndef SESSION_PATH_H
#define SESSION_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

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

/* Whether @name (@length bytes) is that of a session scope. */
bool session_is_scope(const char *name, size_t length);

/*
 * The part of @cgroup that a mount of the cgroup @mount_root shows below its mount point: "" or
 * begins with a slash; points into @cgroup. NULL: the mount does not show that cgroup.
 */
const char *session_below(const char *cgroup, const char *mount_root);

#endif
