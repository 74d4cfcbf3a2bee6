// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a table to a program that is loaded, with its maps filled and frozen. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "filter/call.h"
#include "filter/filter.h"
#include "filter/kernel.h"
#include "filter/object.h"

#define LOG_SIZE (64 * 1024) /* of the verifier, who says why it refuses a program */
#define STACK_SIZE (64 * 1024)
#define OLD_VALUE_MAX (4u << 20) /* KMALLOC_MAX_SIZE, where a map's values had that limit */

/* In the order in which they are made. */
enum { DATA, TABLE, DENIALS, MAPS };

/* What a program is made from. */
struct parts {
	const struct bpfdev_info *info;
	const struct table *table;
	struct filter_image image; /* of it, */
	int denials_fd;	    /* of the program that is replaced; -1: there is none to go on with */
	bool knows_process; /* what is denied may ask for the process */
	char *log;	    /* NULL: the verifier says nothing */
	int result;	    /* a descriptor of the program, or a negative errno */
};

/* One that the object declares; @entries: how many; 0: as many as it says. */
static int make_map(const char *name, __u32 entries, int types_fd)
{
	union bpf_attr attr;
	int err = object_describe_map(name, &attr);

	if (err)
		return err;
	/* bpftool shows it: it says whose read-only data this is. */
	strncpy(attr.map_name, strcmp(name, OBJECT_DATA) == 0 ? "bpfdev" FILTER_INFO_MAP : name,
		sizeof(attr.map_name) - 1);
	if (entries)
		attr.max_entries = entries;
	attr.btf_fd = (__u32)types_fd;
	return call_create_map(&attr);
}

/* Of @count values with @size bytes each, which nobody but user space writes. */
static int make_array(const char *name, __u32 count, size_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(__u32);
	attr.value_size = (__u32)size;
	attr.max_entries = count;
	attr.map_flags = BPF_F_RDONLY_PROG;
	strncpy(attr.map_name, name, sizeof(attr.map_name) - 1);
	return call_create_map(&attr);
}

/* Fills an array map with @count values of @size bytes and makes it read-only for everyone. */
static int fill(int fd, const void *values, __u32 count, size_t size)
{
	__u32 keys[FILTER_BATCH];

	for (__u32 done = 0; done < count; done += FILTER_BATCH) {
		__u32 now = count - done < FILTER_BATCH ? count - done : FILTER_BATCH;
		int err;

		for (__u32 i = 0; i < now; i++)
			keys[i] = done + i;
		err = call_update_batch(fd, keys, (const char *)values + done * size, &now);
		if (err)
			return err;
	}
	return call_freeze(fd);
}

static int fill_one(int fd, const void *value)
{
	__u32 first = 0;
	int err = call_update(fd, &first, value, BPF_ANY);

	return err ? err : call_freeze(fd);
}

static int fill_data(int fd, const struct parts *parts)
{
	struct bpfdev_data data = {
		.info = *parts->info,
		.knows_process = parts->knows_process,
	};

	return fill_one(fd, &data);
}

/* Bytes of one value of the map that holds the rules as the policy has them. */
#define ORIGIN_CHUNK 4096u

static int make_origin_map(const struct table *table)
{
	__u32 size = (__u32)table->origin_size;
	__u32 chunk = size < ORIGIN_CHUNK ? (size + 7) & ~7u : ORIGIN_CHUNK;
	__u32 count = (size + chunk - 1) / chunk;
	void *padded = calloc(count, chunk);
	int fd, err;

	if (!padded)
		return -ENOMEM;
	memcpy(padded, table->origin, size);
	fd = make_array(FILTER_ORIGIN_MAP, count, chunk);
	err = fd < 0 ? fd : fill(fd, padded, count, chunk);
	free(padded);
	if (fd >= 0 && err)
		close(fd);
	return err ? err : fd;
}

/* The program never looks at it: it is bound to it, so that it lives as long. */
static int bind_origin(int prog_fd, const struct table *table)
{
	FILTER_CLOSE int fd = table->origin_size ? make_origin_map(table) : -1;

	if (!table->origin_size)
		return 0;
	return fd < 0 ? fd : call_bind_map(prog_fd, fd);
}

static int make_table_map(const struct parts *parts)
{
	int fd = filter_find_shared(&parts->image, parts->info->table_digest), err;

	if (fd >= 0)
		return fd;
	fd = make_array(FILTER_TABLE_NAME, 1, parts->image.size);
	err = fd < 0 ? fd : fill_one(fd, parts->image.table);
	if (fd >= 0 && err)
		close(fd);
	if (err)
		return err;
	filter_share(&parts->image, parts->info->table_digest, fd);
	return fd;
}

/* What is not there yet. */
static int make_maps(struct object_map *maps, int types_fd, const struct parts *parts)
{
	maps[DATA].fd = make_map(OBJECT_DATA, 0, types_fd);
	if (maps[DATA].fd < 0)
		return maps[DATA].fd;
	maps[TABLE].fd = make_table_map(parts);
	if (maps[TABLE].fd < 0)
		return maps[TABLE].fd;
	if (maps[DENIALS].fd < 0)
		maps[DENIALS].fd = make_map(FILTER_DENIALS_MAP,
					    filter_denials_max(parts->knows_process), types_fd);
	if (maps[DENIALS].fd < 0)
		return maps[DENIALS].fd;
	return fill_data(maps[DATA].fd, parts);
}

/* The program holds its maps. */
static int load_program(const struct object_map *maps, char *log)
{
	union bpf_attr attr;
	size_t count, license_size;
	const void *license = object_section(OBJECT_LICENSE, &license_size);
	struct bpf_insn *instructions;
	int ret = object_link(maps, MAPS, &instructions, &count);

	if (ret)
		return ret;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.expected_attach_type = BPF_CGROUP_DEVICE;
	attr.insns = (uintptr_t)instructions;
	attr.insn_cnt = (__u32)count;
	attr.license = (uintptr_t)license;
	strncpy(attr.prog_name, FILTER_NAME, sizeof(attr.prog_name) - 1);
	if (log) {
		attr.log_level = 1;
		attr.log_buf = (uintptr_t)log;
		attr.log_size = LOG_SIZE;
	}
	ret = call_load_program(&attr);
	free(instructions);
	return ret;
}

static int load_once(const struct parts *parts)
{
	struct object_map maps[MAPS] = {
		[DATA] = { OBJECT_DATA, -1 },
		[TABLE] = { OBJECT_TABLE, -1 },
		[DENIALS] = { FILTER_DENIALS_MAP, parts->denials_fd },
	};
	size_t size;
	void *types = object_types(&size);
	FILTER_CLOSE int types_fd = types ? call_load_types(types, (__u32)size) : -ENOMEM;
	int err = types_fd < 0 ? types_fd : make_maps(maps, types_fd, parts), fd = err;

	free(types);
	if (!err)
		fd = load_program(maps, parts->log);
	if (fd >= 0) {
		err = bind_origin(fd, parts->table);
		if (err)
			filter_close_fd(&fd);
	}
	for (int i = 0; i < MAPS; i++)
		if (i != DENIALS || parts->denials_fd < 0)
			filter_close_fd(&maps[i].fd);
	return err ? err : fd;
}

/* Without CAP_SYS_RESOURCE: as much as there is. */
static int load_unlimited(void *data)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	struct parts *parts = data;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	parts->result = load_once(parts);
	return 0;
}

/*
 * Before Linux 5.11 maps and programs count as locked memory. The limit is one of the whole process,
 * so raising it would show in other threads, and go to a child that one of them starts meanwhile. A
 * process that shares memory and descriptors with this one, as vfork(2) makes it, has its own. It
 * gets no signals, whose handlers would run twice, and sends none when it ends.
 */
static void load_in_process_of_its_own(struct parts *parts)
{
	char *stack = malloc(STACK_SIZE);
	sigset_t all, before;
	pid_t pid;

	if (!stack) {
		parts->result = -ENOMEM;
		return;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = clone(load_unlimited, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | CLONE_FILES,
		    parts);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(stack);
}

static bool is_limited(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/*
 * Whether the kernel tells the program which process asks is best seen by having it do so: where it
 * does, which is everywhere but on old kernels, that costs nothing.
 */
static void load(struct parts *parts)
{
	parts->knows_process = true;
	parts->result = load_once(parts);
	if (parts->result == -EINVAL || parts->result == -EPERM) {
		parts->knows_process = false;
		parts->result = load_once(parts);
	}
	if (parts->result == -EPERM && is_limited())
		load_in_process_of_its_own(parts);
}

/* The last line of the verifier's log that is not its statistics. Cuts @log up. */
static const char *last_words(char *log)
{
	char *line;

	log[LOG_SIZE - 1] = '\0';
	while ((line = strrchr(log, '\n'))) {
		*line++ = '\0';
		if (*line && strncmp(line, "processed ", 10) != 0 &&
		    strncmp(line, "verification time ", 18) != 0 &&
		    strncmp(line, "stack depth ", 12) != 0)
			return line;
	}
	return log;
}

/* Once more, for what the verifier has to say. It may well go right now: memory was short, say. */
static void load_with_words(struct parts *parts, struct reason *why)
{
	int err = parts->result;
	const char *words = "";

	parts->log = calloc(1, LOG_SIZE);
	if (parts->log && (err == -EACCES || err == -EINVAL || err == -E2BIG)) {
		parts->result = load_once(parts);
		words = last_words(parts->log);
	}
	if (parts->result < 0) {
		parts->result = filter_failed(err, "loading the device program", why);
		if (why && *words)
			reason_set(why, "%s; the verifier: %s", why->text, words);
	}
	free(parts->log);
}

int filter_load(const struct bpfdev_info *info, const struct table *table, int denials_fd,
		struct reason *why)
{
	struct parts parts = { .info = info, .table = table, .denials_fd = denials_fd };

	parts.result = filter_pack(table, &parts.image);
	if (parts.result == 0)
		load(&parts);
	if (parts.result == -E2BIG && parts.image.size > OLD_VALUE_MAX)
		reason_set(
			why,
			"the rules come to a table of %zu bytes; before Linux 6.0 the kernel takes "
			"at most %u; expected fewer rules, or \"M:*\" in the place of many minors",
			parts.image.size, OLD_VALUE_MAX);
	else if (parts.result < 0)
		load_with_words(&parts, why);
	free(parts.image.table);
	return parts.result;
}

int filter_try(const struct table *table, struct reason *why)
{
	const struct bpfdev_info nobody = { .table_digest = table_digest(table) };
	int fd = filter_load(&nobody, table, -1, why);

	filter_close_fd(&fd);
	return fd < 0 ? fd : 0;
}
