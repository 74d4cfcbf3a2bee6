// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What is in force now: a walk over all sessions and managers. */
#include "enforce/live.h"
#include "enforce/internal.h"
#include "filter/filter.h"

struct walk {
	const struct session *user;
	enforce_live_visit *visit;
	void *data;
	struct reason *why;
};

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
	int copy_fds[FILTER_ALL_MAX];
	struct copies copies;
	struct filter own;
	int ret = enforce_look_all(cgroup_fd, &own, &live.filters, &copies, walk->why);

	live.prog_fd = own.fd;
	live.known = ret == FOUND_FILTER;
	if (live.known)
		live.info = own.info;
	for (int i = 0; i < copies.count; i++)
		copy_fds[i] = copies.items[i].fd;
	live.copies = copy_fds;
	live.copy_count = copies.count;
	if (ret >= 0)
		ret = walk->visit(&live, walk->data);
	copies_free(&copies);
	close_fd(&live.prog_fd);
	return ret < 0 && session_is_gone(cgroup_fd) ? 0 : ret;
}

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	return visit_unit(data, BPFDEV_SESSION, cgroup_fd, unit);
}

static int visit_manager(const struct walk *walk)
{
	char unit[SESSION_MANAGER_SIZE];
	int fd, ret = session_open_manager(walk->user, &fd, walk->why);

	if (ret <= 0)
		return ret;
	ret = visit_unit(walk, BPFDEV_MANAGER, fd, session_manager_unit(walk->user->uid, unit));
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
	return ret;
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
