// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Attaching a program, and not believing it until the kernel lists it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "filter/filter.h"
#include "filter/kernel.h"

static int attach_failed(int err, struct reason *why)
{
	switch (err) {
	case -E2BIG:
		reason_set(why,
			   "attaching: there are %d device programs on the cgroup already, the "
			   "most that the kernel takes",
			   FILTER_PROGRAMS_MAX);
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

/* Attaches @prog_fd in the place of @old_prog_fd, or, if that is -1, beside what is there. */
static int attach(int cgroup_fd, int prog_fd, int old_prog_fd)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts, .flags = BPF_F_ALLOW_MULTI);

	if (old_prog_fd >= 0) {
		opts.flags |= BPF_F_REPLACE;
		opts.replace_prog_fd = old_prog_fd;
	}
	return bpf_prog_attach_opts(prog_fd, cgroup_fd, BPF_CGROUP_DEVICE, &opts);
}

static int program_id(int prog_fd, __u32 *id)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &size);

	*id = info.id;
	return err;
}

static bool is_listed(const struct filter_programs *programs, __u32 id)
{
	for (__u32 i = 0; i < programs->count; i++)
		if (programs->ids[i] == id)
			return true;
	return false;
}

/* Whether the kernel lists the new program, and the old one no more. */
static int check(int cgroup_fd, int prog_fd, int old_prog_fd, struct reason *why)
{
	struct filter_programs programs;
	__u32 id, old = 0; /* no program has the id 0 */
	int err = program_id(prog_fd, &id);

	if (!err && old_prog_fd >= 0)
		err = program_id(old_prog_fd, &old);
	if (err)
		return filter_failed(err, "reading back the attached program", why);
	err = filter_query(cgroup_fd, &programs, why);
	if (err)
		return err;
	if (is_listed(&programs, id) && !is_listed(&programs, old))
		return 0;
	reason_set(why, "the kernel took the device program, but does not list it on the cgroup");
	return -EIO;
}

/* Attached, but not listed as it should be: back to what was before. */
static void undo(int cgroup_fd, int prog_fd, int old_prog_fd)
{
	if (old_prog_fd >= 0)
		attach(cgroup_fd, old_prog_fd, prog_fd);
	else
		bpf_prog_detach2(prog_fd, cgroup_fd, BPF_CGROUP_DEVICE);
}

int filter_attach(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		  int old_prog_fd, struct reason *why)
{
	/* Where the old program's denials cannot be gone on with, the new rules matter more. */
	FILTER_CLOSE int denials_fd = old_prog_fd < 0 ? -1 : filter_open_denials(old_prog_fd);
	int prog_fd = filter_load(info, table, denials_fd, why), err;

	if (prog_fd < 0)
		return prog_fd;
	err = attach(cgroup_fd, prog_fd, old_prog_fd);
	if (err) {
		attach_failed(err, why);
	} else {
		err = check(cgroup_fd, prog_fd, old_prog_fd, why);
		if (!err)
			return prog_fd;
		undo(cgroup_fd, prog_fd, old_prog_fd);
	}
	close(prog_fd);
	return err;
}
