// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The device programs of a cgroup: listed, ours told from others', attached, replaced, detached. */
#include <errno.h>
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

static int program_info(int prog_fd, struct bpf_prog_info *info)
{
	memset(info, 0, sizeof(*info));
	return call_info(prog_fd, info, sizeof(*info));
}

#define OURS 1
#define COPY 2 /* of ours, see filter_find_all() */

/*
 * Whether a program is one of ours, of whatever version: 0, OURS, COPY or a negative errno. The name
 * could be anyone's; the first word of the data is ours.
 */
static int is_ours(int prog_fd)
{
	struct bpf_prog_info info;
	struct filter_mark *mark;
	void *data;
	__u32 size;
	int err;

	if (program_info(prog_fd, &info) < 0 || info.type != BPF_PROG_TYPE_CGROUP_DEVICE ||
	    strcmp(info.name, FILTER_NAME) != 0)
		return 0;
	err = filter_read_data(prog_fd, &data, &size);
	if (err)
		return err == -ENOENT ? 0 : err;
	mark = data;
	err = mark->magic != BPFDEV_INFO_MAGIC					    ? 0
	      : mark->version == BPFDEV_INFO_VERSION && mark->flags & BPFDEV_CALLER ? COPY
										    : OURS;
	free(data);
	return err;
}

/* As filter_find(), for one program of a cgroup. It may be gone since it was listed. */
static int open_if_ours(__u32 id, bool copies, int *prog_fd)
{
	int fd = call_open_program(id), found;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	found = is_ours(fd);
	if (found == COPY)
		found = copies;
	if (found == 1)
		*prog_fd = fd;
	else
		close(fd);
	return found;
}

int filter_find(int cgroup_fd, int *prog_fd, struct reason *why)
{
	struct programs programs;
	int found = query(cgroup_fd, &programs, why);

	if (found < 0)
		return found;
	for (__u32 i = 0; found == 0 && i < programs.count; i++)
		found = open_if_ours(programs.ids[i], false, prog_fd);
	if (found < 0)
		filter_failed(found, "looking for our program on the cgroup", why);
	return found;
}

int filter_find_all(int cgroup_fd, int *prog_fds, size_t size, struct reason *why)
{
	struct programs programs;
	int found = query(cgroup_fd, &programs, why);
	size_t count = 0;

	for (__u32 i = 0; found >= 0 && i < programs.count && count < size; i++) {
		found = open_if_ours(programs.ids[i], true, &prog_fds[count]);
		count += found > 0;
	}
	if (found >= 0)
		return (int)count;
	while (count)
		close(prog_fds[--count]);
	return filter_failed(found, "looking for our programs on the cgroup", why);
}

/* A program may be gone since it was listed: it is then left out. Returns 1, 0 or an errno. */
static int describe(__u32 id, struct filter_program *program)
{
	FILTER_CLOSE int fd = call_open_program(id);
	struct bpf_prog_info info;
	int err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = program_info(fd, &info);
	if (err)
		return err;
	*program = (struct filter_program) { .id = id, .loaded = info.load_time };
	memcpy(program->name, info.name, sizeof(info.name));
	err = is_ours(fd);
	program->ours = err == OURS;
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
static int check(int cgroup_fd, int prog_fd, int old_prog_fd, struct reason *why)
{
	struct bpf_prog_info info, old = { 0 }; /* no program has the id 0 */
	struct programs programs;
	int err = program_info(prog_fd, &info);

	if (!err && old_prog_fd >= 0)
		err = program_info(old_prog_fd, &old);
	if (err)
		return filter_failed(err, "reading back the attached program", why);
	err = query(cgroup_fd, &programs, why);
	if (err)
		return err;
	if (is_listed(&programs, info.id) && !is_listed(&programs, old.id))
		return 0;
	reason_set(why, "the kernel took the device program, but does not list it on the cgroup");
	return -EIO;
}

int filter_attach(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		  int old_prog_fd, struct reason *why)
{
	/* Where the old program's denials cannot be gone on with, the new rules matter more. */
	FILTER_CLOSE int denials_fd = old_prog_fd < 0 ? -1 : filter_open_denials(old_prog_fd);
	int prog_fd = filter_load(info, table, denials_fd, why), err;

	if (prog_fd < 0)
		return prog_fd;
	err = call_attach(cgroup_fd, prog_fd, old_prog_fd);
	if (err) {
		attach_failed(err, why);
	} else {
		err = check(cgroup_fd, prog_fd, old_prog_fd, why);
		if (!err)
			return prog_fd;
		/* Attached, but not listed as it should be: back to what was before. */
		if (old_prog_fd >= 0)
			call_attach(cgroup_fd, old_prog_fd, prog_fd);
		else
			call_detach(cgroup_fd, prog_fd);
	}
	close(prog_fd);
	return err;
}

int filter_detach(int cgroup_fd, int prog_fd, struct reason *why)
{
	int err = call_detach(cgroup_fd, prog_fd);

	if (err == 0 || err == -ENOENT)
		return 0;
	return filter_failed(err, "detaching the device program from the cgroup", why);
}
