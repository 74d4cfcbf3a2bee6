// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What all parts of the filter ask of bpf(2): a program's maps, and what an error means. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/call.h"
#include "filter/kernel.h"

static const struct {
	int err;
	const char *meaning;
} failures[] = {
	{ -EPERM, "bpf(2) takes CAP_SYS_ADMIN, on older kernels CAP_NET_ADMIN besides, enough "
		  "RLIMIT_MEMLOCK before Linux 5.11, and no seccomp filter that refuses it" },
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

/* The kernel lists maps as the program first names them: where to begin. */
static __u32 usual_place(const char *name)
{
	static const char *const order[] = { FILTER_TABLE_MAP, FILTER_INFO_MAP, FILTER_DENIALS_MAP,
					     FILTER_ORIGIN_MAP };
	__u32 place = 0;

	while (place < sizeof(order) / sizeof(order[0]) && strcmp(order[place], name) != 0)
		place++;
	return place;
}

int filter_open_map(const struct filter *filter, const char *name, struct bpf_map_info *info)
{
	__u32 first = usual_place(name);

	for (__u32 i = 0; i < filter->map_count; i++) {
		int fd = call_open_map(filter->maps[(first + i) % filter->map_count]), err;

		if (fd < 0)
			return fd;
		memset(info, 0, sizeof(*info));
		err = call_info(fd, info, sizeof(*info));
		if (!err && ends_in(info->name, name))
			return fd;
		close(fd);
		if (err)
			return err;
	}
	return -ENOENT;
}

/* Reads the data of all versions, and the rest of it if this one knows it. */
static int read_info(struct filter *filter)
{
	struct bpf_map_info map;
	FILTER_CLOSE int fd = filter_open_map(filter, FILTER_INFO_MAP, &map);
	size_t known = offsetof(struct bpfdev_info, rule_count);
	__u32 first = 0;
	char *value;
	int err;

	if (fd < 0)
		return fd;
	if (map.value_size < known)
		return -ENOENT;
	value = malloc(map.value_size);
	if (!value)
		return -ENOMEM;
	err = call_lookup(fd, &first, value);
	if (!err) {
		memcpy(&filter->info, value, known);
		filter->readable = filter->info.version == BPFDEV_INFO_VERSION &&
				   map.value_size >= sizeof(filter->info);
	}
	if (!err && filter->readable)
		memcpy(&filter->info, value, sizeof(filter->info));
	free(value);
	return err;
}

static void terminate(struct bpfdev_info *info)
{
	info->user[sizeof(info->user) - 1] = '\0';
	info->service[sizeof(info->service) - 1] = '\0';
	info->tty[sizeof(info->tty) - 1] = '\0';
	info->rhost[sizeof(info->rhost) - 1] = '\0';
	info->unit[sizeof(info->unit) - 1] = '\0';
	info->policy[sizeof(info->policy) - 1] = '\0';
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		info->exceptions[i].device[sizeof(info->exceptions[i].device) - 1] = '\0';
}

int filter_list_maps(struct filter *filter, struct bpf_prog_info *prog)
{
	int err;

	*prog = (struct bpf_prog_info) { .map_ids = (uintptr_t)filter->maps,
					 .nr_map_ids = FILTER_MAPS_MAX };
	err = call_info(filter->fd, prog, sizeof(*prog));
	filter->id = prog->id;
	filter->map_count = 0;
	if (!err)
		filter->map_count =
			prog->nr_map_ids < FILTER_MAPS_MAX ? prog->nr_map_ids : FILTER_MAPS_MAX;
	return err;
}

/* The name could be anyone's; the first word of the data is ours. */
int filter_identify(int prog_fd, struct filter *filter)
{
	struct bpf_prog_info prog;
	int err;

	filter->fd = prog_fd;
	filter->readable = false;
	memset(&filter->info, 0, sizeof(filter->info));
	err = filter_list_maps(filter, &prog);
	if (err)
		return err;
	if (prog.type != BPF_PROG_TYPE_CGROUP_DEVICE || strcmp(prog.name, FILTER_NAME) != 0) {
		filter->map_count = 0; /* nobody is to take them for ours */
		return 0;
	}
	err = read_info(filter);
	terminate(&filter->info);
	if (err)
		return err == -ENOENT ? 0 : err;
	return filter->info.magic == BPFDEV_INFO_MAGIC;
}
