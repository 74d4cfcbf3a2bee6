// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpf(2): one function for each of its commands that is used here. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter/call.h"

/* A kernel that is older than this struct takes it as long as what it does not know is zero. */
static int call(enum bpf_cmd command, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

/* The whole of it: with = { 0 } a compiler need not zero what lies beyond a union's first member. */
static void clear(union bpf_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
}

static __u64 address(const void *pointer)
{
	return (uintptr_t)pointer;
}

int call_query(int cgroup_fd, __u32 flags, __u32 *ids, __u32 *count)
{
	union bpf_attr attr;
	int ret;

	clear(&attr);
	attr.query.target_fd = (__u32)cgroup_fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.query_flags = flags;
	attr.query.prog_ids = address(ids);
	attr.query.prog_cnt = *count;
	ret = call(BPF_PROG_QUERY, &attr);
	*count = attr.query.prog_cnt;
	return ret;
}

int call_attach(int cgroup_fd, int prog_fd, int old_prog_fd)
{
	union bpf_attr attr;

	clear(&attr);
	attr.target_fd = (__u32)cgroup_fd;
	attr.attach_bpf_fd = (__u32)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (old_prog_fd >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (__u32)old_prog_fd;
	}
	return call(BPF_PROG_ATTACH, &attr);
}

int call_detach(int cgroup_fd, int prog_fd)
{
	union bpf_attr attr;

	clear(&attr);
	attr.target_fd = (__u32)cgroup_fd;
	attr.attach_bpf_fd = (__u32)prog_fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return call(BPF_PROG_DETACH, &attr);
}

int call_open_program(__u32 id)
{
	union bpf_attr attr;

	clear(&attr);
	attr.prog_id = id;
	return call(BPF_PROG_GET_FD_BY_ID, &attr);
}

int call_open_map(__u32 id)
{
	union bpf_attr attr;

	clear(&attr);
	attr.map_id = id;
	return call(BPF_MAP_GET_FD_BY_ID, &attr);
}

int call_next_program(__u32 *id)
{
	union bpf_attr attr;
	int ret;

	clear(&attr);
	attr.start_id = *id;
	ret = call(BPF_PROG_GET_NEXT_ID, &attr);
	if (ret == 0)
		*id = attr.next_id;
	return ret;
}

int call_info(int fd, void *info, __u32 size)
{
	union bpf_attr attr;

	clear(&attr);
	attr.info.bpf_fd = (__u32)fd;
	attr.info.info_len = size;
	attr.info.info = address(info);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

int call_create_map(union bpf_attr *attr)
{
	return call(BPF_MAP_CREATE, attr);
}

/* EAGAIN: a signal is waiting, which the verifier gives way to. */
int call_load_program(union bpf_attr *attr)
{
	int ret = -EAGAIN;

	for (int tries = 0; ret == -EAGAIN && tries < 10; tries++)
		ret = call(BPF_PROG_LOAD, attr);
	return ret;
}

int call_load_types(const void *btf, __u32 size)
{
	union bpf_attr attr;

	clear(&attr);
	attr.btf = address(btf);
	attr.btf_size = size;
	return call(BPF_BTF_LOAD, &attr);
}

int call_bind_map(int prog_fd, int map_fd)
{
	union bpf_attr attr;

	clear(&attr);
	attr.prog_bind_map.prog_fd = (__u32)prog_fd;
	attr.prog_bind_map.map_fd = (__u32)map_fd;
	return call(BPF_PROG_BIND_MAP, &attr);
}

static int call_element(enum bpf_cmd command, int map_fd, const void *key, const void *value,
			__u64 flags)
{
	union bpf_attr attr;

	clear(&attr);
	attr.map_fd = (__u32)map_fd;
	attr.key = address(key);
	attr.value = address(value);
	attr.flags = flags;
	return call(command, &attr);
}

int call_lookup(int map_fd, const void *key, void *value)
{
	return call_element(BPF_MAP_LOOKUP_ELEM, map_fd, key, value, 0);
}

int call_update(int map_fd, const void *key, const void *value, __u64 flags)
{
	return call_element(BPF_MAP_UPDATE_ELEM, map_fd, key, value, flags);
}

int call_freeze(int map_fd)
{
	return call_element(BPF_MAP_FREEZE, map_fd, NULL, NULL, 0);
}

int call_lookup_batch(int map_fd, const void *from, void *next, void *keys, void *values,
		      __u32 *count, __u64 flags)
{
	union bpf_attr attr;
	int ret;

	clear(&attr);
	attr.batch.map_fd = (__u32)map_fd;
	attr.batch.in_batch = address(from);
	attr.batch.out_batch = address(next);
	attr.batch.keys = address(keys);
	attr.batch.values = address(values);
	attr.batch.count = *count;
	attr.batch.elem_flags = flags;
	ret = call(BPF_MAP_LOOKUP_BATCH, &attr);
	*count = attr.batch.count;
	return ret;
}

int call_update_batch(int map_fd, const void *keys, const void *values, __u32 *count)
{
	union bpf_attr attr;
	int ret;

	clear(&attr);
	attr.batch.map_fd = (__u32)map_fd;
	attr.batch.keys = address(keys);
	attr.batch.values = address(values);
	attr.batch.count = *count;
	ret = call(BPF_MAP_UPDATE_BATCH, &attr);
	*count = attr.batch.count;
	return ret;
}
