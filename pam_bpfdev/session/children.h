/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The cgroups in a cgroup: shared by the parts of session.h, for nobody else. */
#ifndef SESSION_CHILDREN_H
#define SESSION_CHILDREN_H

#include <dirent.h>

/* Opens the child @name without following links. Returns the descriptor or a negative errno. */
int session_open_below(int dir, const char *name);

/* A stream of its own on the cgroup's folder, so that @cgroup_fd keeps its position; or NULL. */
DIR *session_open_children(int cgroup_fd);

/* The next child cgroup in @dir. NULL with errno 0: there are no more. */
const char *session_next_child(DIR *dir);

#endif
