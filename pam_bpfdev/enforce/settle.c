// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Filters follow the devices that their rules name. */
#include <stdio.h>

#include "enforce/target.h"
#include "filter/filter.h"

/* More often than this, filters do not come and go on one cgroup but by somebody's design. */
#define ROUNDS 8

/* Returns 1: some were replaced, or went, so that others may have taken their places; 0; or an errno. */
static int settle_each(struct changing *changing, enum bpfdev_role role, int cgroup_fd,
		       const char *unit)
{
	int fds[FILTER_ALL_MAX], ret = 0;
	int count = filter_find_all(cgroup_fd, fds, FILTER_ALL_MAX, changing->why);
	bool moved = false;

	for (int i = 0; i < count; i++) {
		struct target target = { .changing = changing,
					 .change = changing->change,
					 .cgroup_fd = cgroup_fd,
					 .which = i,
					 .found = &fds[i],
					 .report = { .role = role } };

		snprintf(target.report.unit, sizeof(target.report.unit), "%s", unit);
		if (ret == 0)
			ret = target_change(&target, false);
		close_fd(&fds[i]);
		moved |= target.replaced || target.report.outcome == ENFORCE_UNFILTERED;
		if (role == BPFDEV_MANAGER && target.report.before.origin_size)
			changing->settled_manager = true;
	}
	if (count < 0 || ret < 0)
		return count < 0 ? count : ret;
	return moved;
}

/* All our filters on a cgroup. They are known by their places: until all have been found in order. */
static int settle_filters(struct changing *changing, enum bpfdev_role role, int cgroup_fd,
			  const char *unit)
{
	int ret = 1;

	for (int round = 0; round < ROUNDS && ret > 0; round++)
		ret = settle_each(changing, role, cgroup_fd, unit);
	return ret < 0 && session_is_gone(cgroup_fd) ? 0 : ret < 0 ? ret : 0;
}

static int settle_scope(int cgroup_fd, const char *unit, void *data)
{
	return settle_filters(data, BPFDEV_SESSION, cgroup_fd, unit);
}

/* A manager without sessions has a filter with rules of its own; others follow from the sessions'. */
static int settle_manager(struct changing *changing)
{
	char unit[SESSION_MANAGER_SIZE];
	int fd, ret = session_open_manager(changing->user, &fd, changing->why);

	if (ret <= 0)
		return ret;
	ret = settle_filters(changing, BPFDEV_MANAGER, fd,
			     session_manager_unit(changing->user->uid, unit));
	close(fd);
	return ret;
}

int enforce_settle_scope(const struct enforce_options *options, const struct session *user,
			 int cgroup_fd, const char *unit, const struct known *known, int *prog_fd,
			 struct reason *why)
{
	static const struct enforce_change anew = { .kind = ENFORCE_SETTLE };
	struct changing changing = {
		.user = user, .change = &anew, .why = why, .decider = decider_new(options)
	};
	struct target target = { .changing = &changing,
				 .change = &anew,
				 .cgroup_fd = cgroup_fd,
				 .which = -1,
				 .report = { .role = BPFDEV_SESSION },
				 .known = known,
				 .prog_fd = prog_fd };
	int ret;

	snprintf(target.report.unit, sizeof(target.report.unit), "%s", unit);
	ret = target_run(&target);
	if (ret == 0 && target.result < 0 && !session_is_gone(cgroup_fd))
		ret = target.result;
	if (ret < 0)
		*why = target.report.why;
	decider_free(&changing.decider);
	return ret;
}

/* One user's. A failure is told, and the next user's are looked at all the same. */
static int settle_user(const struct session *user, void *data)
{
	struct changing *changing = data;
	int ret;

	changing->user = user;
	changing->touched = changing->settled_manager = false;
	ret = session_each_scope(user, settle_scope, changing, changing->why);
	if (ret == 0)
		ret = settle_manager(changing);
	if (ret == 0 && changing->touched && !changing->settled_manager)
		target_change_manager(changing);
	if (ret < 0)
		changing->failed = ret;
	return 0;
}

static void ignore(const struct enforce_change_report *report, void *data)
{
	(void)report;
	(void)data;
}

int enforce_settle_user(const struct enforce_options *options, const struct session *user,
			struct reason *why)
{
	static const struct enforce_change anew = { .kind = ENFORCE_SETTLE };
	struct changing changing = {
		.change = &anew, .tell = ignore, .why = why, .decider = decider_new(options)
	};

	settle_user(user, &changing);
	decider_free(&changing.decider);
	return changing.failed;
}

int enforce_settle(const struct enforce_options *options, const char *root,
		   const struct device_event *event, enforce_tell *tell, void *data,
		   struct reason *why)
{
	const struct enforce_change change = { .kind = ENFORCE_SETTLE, .event = event };
	struct device_cache cache = { 0 };
	struct device_source devices = *options->devices;
	struct enforce_options with_cache = *options;
	struct changing changing = { .change = &change,
				     .tell = tell,
				     .data = data,
				     .why = why,
				     .decider = decider_new(&with_cache) };
	int ret;

	/* Read once, for all filters. */
	devices.cache = &cache;
	with_cache.devices = &devices;
	ret = session_each_user(root, settle_user, &changing, why);
	device_cache_free(&cache);
	decider_free(&changing.decider);
	return ret < 0 ? ret : changing.failed;
}
