// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Finding the device programs of others, from a cgroup up to the root. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/session.h"
#include "command/base/memory.h"
#include "command/machine/programs.h"

/* The kernel has 64 at most on one cgroup; all that bear on one are as many times its depth. */
#define PROGRAMS_MAX 1024

void other_programs_free(struct other_programs *programs)
{
	for (size_t i = 0; i < programs->count; i++)
		free(programs->items[i].cgroup);
	free(programs->items);
	*programs = (struct other_programs) { 0 };
}

static bool is_known(const struct other_programs *programs, uint32_t id)
{
	for (size_t i = 0; i < programs->count; i++)
		if (programs->items[i].program.id == id)
			return true;
	return false;
}

/* Adds those on the cgroup, or, if @cgroup is NULL, those that no cgroup in sight has. */
static int add_all(struct other_programs *programs, int cgroup_fd, const char *cgroup,
		   struct reason *why)
{
	struct filter_program *found = xcalloc(PROGRAMS_MAX, sizeof(*found));
	int count = xcheck(filter_list(cgroup_fd, !cgroup, found, PROGRAMS_MAX, why));

	for (int i = 0; i < count; i++)
		if (!found[i].ours && (cgroup || !is_known(programs, found[i].id)))
			*xappend(programs) = (struct other_program) {
				found[i],
				cgroup ? xstrdup(cgroup) : NULL,
			};
	free(found);
	return count < 0 ? count : 0;
}

static const char *below(const char *path, const char *root)
{
	size_t length = strlen(root);

	if (strncmp(path, root, length) != 0)
		return path;
	return path[length] ? path + length : "/";
}

/* From the cgroup on up; what lies above the mount is no cgroup. */
static int walk_up(struct other_programs *programs, char *path, const char *root,
		   struct reason *why)
{
	int ret = 0;

	for (char *end = path + strlen(path); end > path && ret == 0; end = strrchr(path, '/')) {
		struct reason outside;
		int fd;

		*end = '\0';
		fd = session_open_cgroup(path, &outside);
		if (fd < 0)
			return fd == -ENODEV ? 0 : fd;
		ret = add_all(programs, fd, below(path, root), why);
		close(fd);
	}
	return ret;
}

int other_programs_find(const char *path, const char *root, struct other_programs *programs,
			struct reason *why)
{
	int fd = session_open_cgroup(path, why), ret;
	char *copy;

	*programs = (struct other_programs) { 0 };
	if (fd < 0)
		return fd;
	copy = xstrdup(path);
	ret = walk_up(programs, copy, root, why);
	if (ret == 0)
		ret = add_all(programs, fd, NULL, why);
	free(copy);
	close(fd);
	if (ret < 0)
		other_programs_free(programs);
	return ret;
}
