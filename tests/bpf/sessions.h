/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Sessions in the scratch cgroup, with processes that keep them alive, and filters for them. */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "scratch.h"

#define USERS "user.slice/user-4242.slice"
#define OTHERS "user.slice/user-4243.slice"
#define MANAGER USERS "/user@4242.service"

/* Processes that keep sessions alive until the test ends them. */
struct sessions {
	struct scratch *scratch;
	pid_t pids[8];
	int ends[8];
	size_t count;
};

/* Makes the cgroup @name and puts a process there. Returns a descriptor of the cgroup. */
int begin_session(struct sessions *sessions, const char *name);

void end_sessions(struct sessions *sessions);

/* Makes the cgroup @name if need be. Returns a descriptor of it. */
int open_cgroup(const struct scratch *scratch, const char *name);

bool is_populated(const char *cgroup);

/*
 * A filter that allows c 1:3, by its first or second line, and one more device, for a session or
 * manager of "someone"; closes @cgroup_fd.
 */
void attach_minor(int cgroup_fd, uint32_t minor, uint32_t flags);

/* A filter of which only the first words can be read; closes @cgroup_fd. */
void attach_other_version(int cgroup_fd);

#endif
