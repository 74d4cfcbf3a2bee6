/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf(2): one function for each of its commands that is used here.
 *
 * Not libbpf: this runs in every login daemon, and a library that is chosen by the host's files,
 * steered by the environment (which su has from its user), changes limits of the process and asks
 * the kernel what it can do at each first load, is more than these few calls need.
 *
 * All return a negative errno if the kernel refuses. Descriptors are close-on-exec, as the kernel
 * makes all of bpf(2)'s.
 */
#ifndef FILTER_CALL_H
#define FILTER_CALL_H

#include <linux/bpf.h>
#include <stddef.h>

/* Programs on a cgroup. @flags: BPF_F_QUERY_EFFECTIVE or 0; *@count: room, then how many. */
int call_query(int cgroup_fd, __u32 flags, __u32 *ids, __u32 *count);
/* Beside others, or in the place of @old_prog_fd if that is not -1. */
int call_attach(int cgroup_fd, int prog_fd, int old_prog_fd);
int call_detach(int cgroup_fd, int prog_fd);

/* Descriptors. */
int call_open_program(__u32 id);
int call_open_map(__u32 id);
/* *@id: of a program, or 0; then that of the next one. -ENOENT: there is none. */
int call_next_program(__u32 *id);
/* @info: a zeroed struct of @size bytes, but for what it asks for. */
int call_info(int fd, void *info, __u32 size);

/* Descriptors of what is made. @attr: zeroed, but for what that command of bpf(2) takes. */
int call_create_map(union bpf_attr *attr);
int call_load_program(union bpf_attr *attr);
int call_load_types(const void *btf, __u32 size);

/* The program keeps the map, which it does not name. From Linux 5.10 on. */
int call_bind_map(int prog_fd, int map_fd);

int call_lookup(int map_fd, const void *key, void *value);
int call_update(int map_fd, const void *key, const void *value, __u64 flags);
int call_freeze(int map_fd);
/* *@count: how many are wanted or given, then how many it were. @from: NULL for the beginning. */
int call_lookup_batch(int map_fd, const void *from, void *next, void *keys, void *values,
		      __u32 *count, __u64 flags);
int call_update_batch(int map_fd, const void *keys, const void *values, __u32 *count);

#endif
