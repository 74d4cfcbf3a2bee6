// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What all parts of the filter ask of bpf(2): a program's maps, and what an error means. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/call.h"
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

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

int filter_open_map(int prog_fd, const char *name, struct bpf_map_info *info)
{
	__u32 ids[MAPS_MAX];
	struct bpf_prog_info prog = { .map_ids = (uintptr_t)ids, .nr_map_ids = MAPS_MAX };
	int err = call_info(prog_fd, &prog, sizeof(prog));

	for (__u32 i = 0; !err && i < prog.nr_map_ids && i < MAPS_MAX; i++) {
		int fd = call_open_map(ids[i]);

		if (fd < 0)
			return fd;
		memset(info, 0, sizeof(*info));
		err = call_info(fd, info, sizeof(*info));
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
	err = call_lookup(fd, &first, *data);
	if (err)
		free(*data);
	return err;
}
