// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Copies of the filters of whoever has become the user of a session: su, sudo and their like. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enforce/internal.h"
#include "filter/filter.h"

/*
 * Attaches the tables of @prog_fd without what was lent, which is its session's own: with the flags
 * changed, and in the place of @old_fd, or -1. Returns 0 or a negative errno with @why.
 */
static int attach_again(int cgroup_fd, int prog_fd, uint32_t set, uint32_t clear, int old_fd,
			struct bpfdev_info *info, struct reason *why)
{
	struct table *table = NULL, *rest = NULL;
	int ret = filter_read(prog_fd, info, &table, why);

	info->flags = (info->flags & ~clear) | set;
	memset(info->exceptions, 0, sizeof(info->exceptions));
	if (ret > 0)
		ret = -EPROTO;
	if (ret == 0)
		ret = exception_drop_all(table, &rest, why);
	if (ret == 0)
		ret = filter_attach(cgroup_fd, info, rest, old_fd, why);
	table_free(rest);
	table_free(table);
	if (ret > 0)
		close(ret);
	return ret < 0 ? ret : 0;
}

int enforce_mark_closed(int cgroup_fd, int prog_fd, struct reason *why)
{
	struct bpfdev_info info;

	return attach_again(cgroup_fd, prog_fd, BPFDEV_CLOSED, 0, prog_fd, &info, why);
}

int copies_make(int from_fd, int cgroup_fd, char *caller, size_t size, struct reason *why)
{
	int fds[FILTER_ALL_MAX];
	int count = filter_find_all(from_fd, fds, FILTER_ALL_MAX, why), ret = count < 0 ? count : 0;

	for (int i = 0; i < count; i++) {
		struct bpfdev_info info;

		if (ret == 0) {
			ret = attach_again(cgroup_fd, fds[i], BPFDEV_CALLER, BPFDEV_CLOSED, -1,
					   &info, why);
			if (ret == 0)
				snprintf(caller, size, "%s", info.user);
		}
		close(fds[i]);
	}
	return ret;
}

int copies_find(int cgroup_fd, struct copies *copies, struct reason *why)
{
	int fds[FILTER_ALL_MAX];
	int count = filter_find_all(cgroup_fd, fds, FILTER_ALL_MAX, why), ret = count;

	*copies = (struct copies) { .count = 0 };
	for (int i = 0; i < count; i++) {
		struct bpfdev_info info = { 0 };

		if (ret >= 0)
			ret = filter_read(fds[i], &info, NULL, why);
		if (ret == 0 && info.flags & BPFDEV_CALLER) {
			if (copies->count == 0)
				copies->info = info;
			copies->fds[copies->count++] = fds[i];
		} else {
			close(fds[i]);
		}
	}
	if (ret < 0)
		copies_free(copies);
	return ret < 0 ? ret : copies->count;
}

int copies_end(const struct copies *copies, int cgroup_fd, bool last, struct reason *why)
{
	int ret = 0;

	for (int i = 0; i < copies->count && ret >= 0; i++)
		ret = last ? filter_detach(cgroup_fd, copies->fds[i], why)
			   : enforce_mark_closed(cgroup_fd, copies->fds[i], why);
	return ret;
}

void copies_free(struct copies *copies)
{
	while (copies->count)
		close(copies->fds[--copies->count]);
}
