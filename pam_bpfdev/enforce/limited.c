// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether somebody else limits devices where the administrator wants us to leave a cgroup alone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/cgroups.h"
#include "enforce/internal.h"

static int count_programs(const char *path, struct reason *why)
{
	struct filter_program
		programs[8]; /* one that goes meanwhile is not the only one, as a rule */
	int fd = session_open_cgroup(path, why), count;

	if (fd < 0)
		return fd;
	count = filter_list(fd, false, programs, sizeof(programs) / sizeof(*programs), why);
	close(fd);
	return count;
}

/* Takes the last component off. */
static void shorten(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

/*
 * What is above what the patterns fit does not count: in a container, its own limit holds for
 * everything, and says nothing about jobs.
 */
int enforce_is_limited(const char *patterns, const struct session *place, struct reason *why)
{
	char *path = strdup(place->path), *cgroup = strdup(place->cgroup);
	int ret = path && cgroup ? 0 : -ENOMEM;

	if (ret < 0)
		reason_set(why, "looking at the cgroup: %s", strerror(-ret));
	for (; ret == 0 && cgroups_fit(patterns, cgroup); shorten(path), shorten(cgroup))
		ret = count_programs(path, why);
	free(path);
	free(cgroup);
	return ret;
}
