// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "enforce/live.h"
#include "filter/filter.h"

/* So many programs may a cgroup have. */
#define PROGRAMS_MAX 64

struct walk {
	const struct session *user;
	enforce_live_visit *visit;
	void *data;
	struct reason *why;
};

/* The cgroup was removed while we looked. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

/* How many filters of ours the cgroup has, or a negative errno. */
static int count_ours(int cgroup_fd, struct reason *why)
{
	struct filter_program programs[PROGRAMS_MAX];
	int count = filter_list(cgroup_fd, false, programs, PROGRAMS_MAX, why), ours = 0;

	for (int i = 0; i < count; i++)
		ours += programs[i].ours;
	return count < 0 ? count : ours;
}

/* Fills in what the unit's filter is; it may have gone since it was counted. */
static int look(struct enforce_live *live, struct reason *why)
{
	int ret = count_ours(live->cgroup_fd, why);

	live->filters = ret;
	if (ret > 0)
		ret = filter_find(live->cgroup_fd, &live->prog_fd, why);
	if (ret == 0)
		live->filters = 0;
	if (ret <= 0)
		return ret;
	ret = filter_read(live->prog_fd, &live->info, NULL, why);
	live->known = ret == 0;
	return ret == -EPROTO ? 0 : ret;
}

static int visit_unit(const struct walk *walk, enum bpfdev_role role, int cgroup_fd,
		      const char *unit)
{
	struct enforce_live live = {
		.user = walk->user,
		.role = role,
		.unit = unit,
		.cgroup_fd = cgroup_fd,
		.prog_fd = -1,
	};
	int ret = look(&live, walk->why);

	if (ret >= 0)
		ret = walk->visit(&live, walk->data);
	if (live.prog_fd >= 0)
		close(live.prog_fd);
	return is_gone(ret) ? 0 : ret;
}

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	return visit_unit(data, BPFDEV_SESSION, cgroup_fd, unit);
}

static int visit_manager(const struct walk *walk)
{
	int fd = session_open_manager(walk->user, walk->why), ret;
	char unit[64];

	if (fd < 0)
		return is_gone(fd) ? 0 : fd;
	snprintf(unit, sizeof(unit), "user@%u.service", walk->user->uid);
	ret = visit_unit(walk, BPFDEV_MANAGER, fd, unit);
	close(fd);
	return ret;
}

static int visit_user(const struct session *user, void *data)
{
	struct walk *walk = data;
	int ret;

	walk->user = user;
	ret = session_each_scope(user, visit_scope, walk, walk->why);
	if (ret == 0)
		ret = visit_manager(walk);
	return is_gone(ret) ? 0 : ret;
}

int enforce_live_each(const char *root, enforce_live_visit *visit, void *data, struct reason *why)
{
	struct walk walk = { .visit = visit, .data = data, .why = why };

	return session_each_user(root, visit_user, &walk, why);
}

int enforce_live_of(const struct session *user, enforce_live_visit *visit, void *data,
		    struct reason *why)
{
	struct walk walk = { .visit = visit, .data = data, .why = why };

	return visit_user(user, &walk);
}
