// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The device programs of a cgroup: listed, ours told from others', attached, replaced, detached. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/call.h"
#include "filter/filter.h"
#include "filter/kernel.h"

/* Programs on one cgroup: BPF_CGROUP_MAX_PROGS of the kernel. */
#define PROGRAMS_MAX 64

struct programs {
	__u32 ids[PROGRAMS_MAX];
	__u32 count;
};

/* The device programs of this very cgroup, not of those above, in the order of attaching. */
static int query(int cgroup_fd, struct programs *programs, struct reason *why)
{
	int err;

	programs->count = PROGRAMS_MAX;
	err = call_query(cgroup_fd, 0, programs->ids, &programs->count);
	/* EINVAL: bpf(2) is there, and knows no such command or no such type of attachment. */
	if (err == -EINVAL)
		err = -EOPNOTSUPP;
	return err ? filter_failed(err, "listing the device programs of the cgroup", why) : 0;
}

int filter_probe(int cgroup_fd, struct reason *why)
{
	struct programs programs;

	return query(cgroup_fd, &programs, why);
}

/* No other program gets the number while there is a descriptor of this one. Returns 1 or an errno. */
static int copy_known(const struct filter *known, struct filter *filter)
{
	*filter = *known;
	filter->fd = fcntl(known->fd, F_DUPFD_CLOEXEC, 0);
	return filter->fd < 0 ? -errno : 1;
}

/* As filter_look(), for one program of a cgroup. It may be gone since it was listed. */
static int open_if_ours(__u32 id, bool copies, const struct filter *known, struct filter *filter)
{
	int fd, found;

	if (known && known->id == id)
		return copy_known(known, filter);
	fd = call_open_program(id);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	found = filter_identify(fd, filter);
	if (found > 0 && !copies && filter->readable && filter->info.flags & BPFDEV_CALLER)
		found = 0;
	if (found <= 0)
		close(fd);
	return found;
}

int filter_look(int cgroup_fd, bool copies, const struct filter *known, struct filter *filters,
		size_t size, struct reason *why)
{
	struct programs programs;
	int found = query(cgroup_fd, &programs, why);
	size_t count = 0;

	if (found < 0)
		return found;
	for (__u32 i = 0; found >= 0 && i < programs.count && count < size; i++) {
		found = open_if_ours(programs.ids[i], copies, known, &filters[count]);
		count += found > 0;
	}
	if (found >= 0)
		return (int)count;
	while (count)
		close(filters[--count].fd);
	return filter_failed(found, "looking for our programs on the cgroup", why);
}

int filter_find(int cgroup_fd, int *prog_fd, struct reason *why)
{
	struct filter filter;
	int found = filter_look(cgroup_fd, false, NULL, &filter, 1, why);

	if (found > 0)
		*prog_fd = filter.fd;
	return found;
}

int filter_find_all(int cgroup_fd, int *prog_fds, size_t size, struct reason *why)
{
	struct filter filters[FILTER_ALL_MAX] = { { .fd = -1 } };
	int found = filter_look(cgroup_fd, true, NULL, filters,
				size < FILTER_ALL_MAX ? size : FILTER_ALL_MAX, why);

	for (int i = 0; i < found; i++)
		prog_fds[i] = filters[i].fd;
	return found;
}

/* A program may be gone since it was listed: it is then left out. Returns 1, 0 or an errno. */
static int describe(__u32 id, struct filter_program *program)
{
	FILTER_CLOSE int fd = call_open_program(id);
	struct bpf_prog_info info = { 0 };
	struct filter filter;
	int err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = call_info(fd, &info, sizeof(info));
	if (err)
		return err;
	*program = (struct filter_program) { .id = id, .loaded = info.load_time };
	memcpy(program->name, info.name, sizeof(info.name));
	err = filter_identify(fd, &filter);
	program->ours = err > 0 && !(filter.readable && filter.info.flags & BPFDEV_CALLER);
	return err < 0 ? err : 1;
}

int filter_list(int cgroup_fd, bool effective, struct filter_program *programs, size_t size,
		struct reason *why)
{
	__u32 flags = effective ? BPF_F_QUERY_EFFECTIVE : 0, count = (__u32)size;
	__u32 *ids = calloc(size + 1, sizeof(*ids));
	int err = -ENOMEM, listed = 0;

	if (ids)
		err = call_query(cgroup_fd, flags, ids, &count);
	if (err == -EINVAL)
		err = -EOPNOTSUPP;
	/* ENOSPC: there are more than were asked for, and those that fit are there. */
	if (err == -ENOSPC)
		err = 0;
	for (__u32 i = 0; err >= 0 && i < count && i < size; i++) {
		err = describe(ids[i], &programs[listed]);
		listed += err > 0;
	}
	free(ids);
	if (err < 0)
		return filter_failed(err, "listing the device programs of the cgroup", why);
	return listed;
}

static int attach_failed(int err, struct reason *why)
{
	switch (err) {
	case -E2BIG:
		reason_set(why,
			   "attaching: there are %d device programs on the cgroup already, the "
			   "most that the kernel takes",
			   PROGRAMS_MAX);
		return err;
	case -ENOENT:
		reason_set(why, "attaching: the filter to be replaced is no longer there");
		return err;
	case -EPERM:
		reason_set(why,
			   "attaching: %s: it takes CAP_NET_ADMIN, and no device program on the "
			   "cgroup or above it that forbids others",
			   strerror(-err));
		return err;
	default:
		return filter_failed(err, "attaching the device program to the cgroup", why);
	}
}

static bool is_listed(const struct programs *programs, __u32 id)
{
	for (__u32 i = 0; i < programs->count; i++)
		if (programs->ids[i] == id)
			return true;
	return false;
}

/* Whether the kernel lists the new program, and the old one no more. */
static int check(int cgroup_fd, const struct filter *made, const struct filter *old,
		 struct reason *why)
{
	struct programs programs;
	int err = query(cgroup_fd, &programs, why);

	if (err)
		return err;
	if (is_listed(&programs, made->id) && !(old && is_listed(&programs, old->id)))
		return 0;
	reason_set(why, "the kernel took the device program, but does not list it on the cgroup");
	return -EIO;
}

/* What a filter with @info and @table says of itself. */
static struct bpfdev_info complete(const struct bpfdev_info *info, const struct table *table)
{
	struct bpfdev_info all = *info;

	all.magic = BPFDEV_INFO_MAGIC;
	all.version = BPFDEV_INFO_VERSION;
	all.table_digest = table_digest(table);
	all.origin_digest = table_origin_digest(table);
	all.origin_size = table->origin ? table->origin_size : 0;
	return all;
}

/* Loads it, as @made. Returns 0 or a negative errno with @why. */
static int make(const struct bpfdev_info *info, const struct table *table, const struct filter *old,
		struct filter *made, struct reason *why)
{
	/* Where the old program's denials cannot be gone on with, the new rules matter more. */
	FILTER_CLOSE int denials_fd = old ? filter_open_denials(old) : -1;
	struct bpf_prog_info prog;
	int err;

	*made = (struct filter) { .readable = true, .info = complete(info, table) };
	made->fd = filter_load(&made->info, table, denials_fd, why);
	if (made->fd < 0)
		return made->fd;
	err = filter_list_maps(made, &prog);
	return err ? filter_failed(err, "reading back the loaded program", why) : 0;
}

int filter_replace(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		   const struct filter *old, struct filter *made, struct reason *why)
{
	int err = make(info, table, old, made, why);

	if (!err) {
		err = call_attach(cgroup_fd, made->fd, old ? old->fd : -1);
		if (err) {
			attach_failed(err, why);
		} else {
			err = check(cgroup_fd, made, old, why);
			/* Attached, but not listed as it should be: back to what was before. */
			if (err && old)
				call_attach(cgroup_fd, old->fd, made->fd);
			else if (err)
				call_detach(cgroup_fd, made->fd);
		}
	}
	if (err)
		filter_close_fd(&made->fd);
	return err;
}

int filter_attach(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		  int old_prog_fd, struct reason *why)
{
	struct filter old, made;
	int err = old_prog_fd < 0 ? 0 : filter_identify(old_prog_fd, &old);

	if (err < 0)
		return filter_failed(err, "looking at the filter to be replaced", why);
	err = filter_replace(cgroup_fd, info, table, old_prog_fd < 0 ? NULL : &old, &made, why);
	return err ? err : made.fd;
}

int filter_detach(int cgroup_fd, int prog_fd, struct reason *why)
{
	int err = call_detach(cgroup_fd, prog_fd);

	if (err == 0 || err == -ENOENT)
		return 0;
	return filter_failed(err, "detaching the device program from the cgroup", why);
}
