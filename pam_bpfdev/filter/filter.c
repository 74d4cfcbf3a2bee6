// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Asking the kernel what is attached to a cgroup, and detaching it. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "filter/kernel.h"

/* The maps of a program of ours; newer versions may have more than we know. */
#define MAPS_MAX 16

static const struct {
	int err;
	const char *meaning;
} failures[] = {
	{ -EPERM, "bpf(2) takes CAP_SYS_ADMIN, enough RLIMIT_MEMLOCK before Linux 5.11, and no "
		  "seccomp filter that refuses it" },
	{ -EACCES, "a security module refuses bpf(2), or the kernel's verifier the program" },
	{ -ENOSYS, "this kernel has no bpf(2), or a seccomp filter refuses it" },
	{ -EOPNOTSUPP,
	  "this kernel has no device programs for cgroups: it needs CONFIG_CGROUP_BPF" },
	{ -EBADF, "this is no cgroup of a cgroup2 hierarchy" },
	{ -EPROTO, "its parts are not those that this version of the program makes" },
};

int filter_failed(int err, const char *doing, struct reason *why)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].err == err) {
			reason_set(why, "%s: %s: %s", doing, strerror(-err), failures[i].meaning);
			return err;
		}
	}
	reason_set(why, "%s: %s", doing, strerror(-err));
	return err;
}

int filter_query(int cgroup_fd, struct filter_programs *programs, struct reason *why)
{
	int err;

	programs->count = FILTER_PROGRAMS_MAX;
	err = bpf_prog_query(cgroup_fd, BPF_CGROUP_DEVICE, 0, NULL, programs->ids,
			     &programs->count);
	/* EINVAL: bpf(2) is there, and knows no such command or no such type of attachment. */
	if (err == -EINVAL)
		err = -EOPNOTSUPP;
	return err ? filter_failed(err, "listing the device programs of the cgroup", why) : 0;
}

int filter_probe(int cgroup_fd, struct reason *why)
{
	struct filter_programs programs;

	return filter_query(cgroup_fd, &programs, why);
}

static int map_info(int fd, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	memset(info, 0, size);
	return bpf_obj_get_info_by_fd(fd, info, &size);
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

int filter_open_map(int prog_fd, const char *name, struct bpf_map_info *info)
{
	__u32 ids[MAPS_MAX], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info prog = { .map_ids = (uintptr_t)ids, .nr_map_ids = MAPS_MAX };
	int err = bpf_obj_get_info_by_fd(prog_fd, &prog, &size);

	for (__u32 i = 0; !err && i < prog.nr_map_ids && i < MAPS_MAX; i++) {
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			return fd;
		err = map_info(fd, info);
		if (!err && ends_in(info->name, name))
			return fd;
		close(fd);
	}
	return err ? err : -ENOENT;
}

int filter_read_data(int prog_fd, void **data, __u32 *size)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = filter_open_map(prog_fd, FILTER_INFO_MAP, &map);
	__u32 first = 0;
	int err;

	if (fd < 0)
		return fd;
	if (map.value_size < sizeof(struct filter_mark))
		return -ENOENT;
	*data = calloc(1, map.value_size);
	*size = map.value_size;
	if (!*data)
		return -ENOMEM;
	err = bpf_map_lookup_elem(fd, &first, *data);
	if (err)
		free(*data);
	return err;
}

static bool is_named_ours(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(prog_fd, &info, &size) == 0 &&
	       info.type == BPF_PROG_TYPE_CGROUP_DEVICE && strcmp(info.name, FILTER_NAME) == 0;
}

/* The name could be anyone's; the first word of the data is ours. */
int filter_is_ours(int prog_fd)
{
	struct filter_mark *mark;
	void *data;
	__u32 size;
	int err;

	if (!is_named_ours(prog_fd))
		return 0;
	err = filter_read_data(prog_fd, &data, &size);
	if (err)
		return err == -ENOENT ? 0 : err;
	mark = data;
	err = mark->magic == BPFDEV_INFO_MAGIC;
	free(data);
	return err;
}

/* As filter_find(), for one program of a cgroup. It may be gone since it was listed. */
static int open_if_ours(__u32 id, int *prog_fd)
{
	int fd = bpf_prog_get_fd_by_id(id), found;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	found = filter_is_ours(fd);
	if (found == 1)
		*prog_fd = fd;
	else
		close(fd);
	return found;
}

int filter_find(int cgroup_fd, int *prog_fd, struct reason *why)
{
	struct filter_programs programs;
	int found = filter_query(cgroup_fd, &programs, why);

	if (found < 0)
		return found;
	for (__u32 i = 0; found == 0 && i < programs.count; i++)
		found = open_if_ours(programs.ids[i], prog_fd);
	if (found < 0)
		filter_failed(found, "looking for our program on the cgroup", why);
	return found;
}

int filter_detach(int cgroup_fd, int prog_fd, struct reason *why)
{
	int err = bpf_prog_detach2(prog_fd, cgroup_fd, BPF_CGROUP_DEVICE);

	if (err == 0 || err == -ENOENT)
		return 0;
	return filter_failed(err, "detaching the device program from the cgroup", why);
}
