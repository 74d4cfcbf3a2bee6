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

	/* All of them are looked at together with the session's own filter, which is still to come. */
	if (count == FILTER_ALL_MAX) {
		reason_set(
			why,
			"the rules of %d users hold already, each of whom became the next by su, sudo "
			"or the like; log out of some of these first",
			count);
		ret = -E2BIG;
	}

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

int enforce_look_all(int cgroup_fd, struct filter *own, int *count, struct copies *copies,
		     struct reason *why)
{
	struct filter filters[FILTER_ALL_MAX];
	int ret = filter_look(cgroup_fd, true, NULL, filters, FILTER_ALL_MAX, why);
	int found = FOUND_NOTHING;

	*own = (struct filter) { .fd = -1 };
	*count = 0;
	copies->count = 0;
	for (int i = 0; i < ret; i++) {
		const struct filter *filter = &filters[i];

		if (filter->readable && filter->info.flags & BPFDEV_CALLER) {
			copies->items[copies->count++] = *filter;
		} else if ((*count)++) {
			close(filter->fd);
		} else {
			*own = *filter;
			found = filter->readable ? FOUND_FILTER : FOUND_OTHER_VERSION;
		}
	}
	return ret < 0 ? ret : found;
}

int copies_end(const struct copies *copies, int cgroup_fd, bool last, struct reason *why)
{
	int ret = 0;

	for (int i = 0; i < copies->count && ret >= 0; i++)
		ret = last ? filter_detach(cgroup_fd, copies->items[i].fd, why)
			   : enforce_mark_closed(cgroup_fd, copies->items[i].fd, why);
	return ret;
}

void copies_free(struct copies *copies)
{
	while (copies->count)
		close(copies->items[--copies->count].fd);
}
