// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a table to a program that is loaded. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "filter/filter.h"
#include "filter/kernel.h"

/* Again, outside of a system header: else clang's analyzer takes the skeleton to leak memory. */
void bpf_object__destroy_skeleton(struct bpf_object_skeleton *s);

/* Names the types of bpfdev.h without including it. */
#include "bpfdev.skel.h"

#define LOG_SIZE (64 * 1024) /* of the verifier; written to only if it refuses the program */

/* What the process has of its own and libbpf would change. */
struct host {
	libbpf_print_fn_t print;
	struct rlimit memlock;
};

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/*
 * Before Linux 5.11 maps and programs count as locked memory. libbpf raises the limit by itself,
 * but once in a process only, so that a second filter would fail after the limit was put back.
 */
static struct host host_save(void)
{
	struct host host = { .print = libbpf_set_print(print_nothing) };
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	getrlimit(RLIMIT_MEMLOCK, &host.memlock);
	if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0) {
		/* without CAP_SYS_RESOURCE: what there is */
		limit.rlim_cur = limit.rlim_max = host.memlock.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &limit);
	}
	return host;
}

static void host_restore(struct host *host)
{
	setrlimit(RLIMIT_MEMLOCK, &host->memlock);
	libbpf_set_print(host->print);
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

static void load_failed(int err, char *log, struct reason *why)
{
	const char *words = log ? last_words(log) : "";

	filter_failed(err, "loading the device program", why);
	if (why && *words)
		reason_set(why, "%s; the verifier: %s", why->text, words);
}

static int open_program(char *log, struct bpfdev_bpf **program)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log, .kernel_log_size = LOG_SIZE);

#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION >= 4
	/* Else libbpf takes a path from the environment, which su(1) has from the user. */
	opts.bpf_token_path = "";
#endif

	*program = bpfdev_bpf__open_opts(&opts);
	return *program ? 0 : -errno;
}

/* What a program is made from. */
struct parts {
	const struct bpfdev_info *info;
	const struct table *table;
	struct filter_buckets buckets;
	int denials_fd;	    /* of the program that is replaced; -1: there is none to go on with */
	bool knows_process; /* what is denied may ask for the process */
	char *log;
};

/* Sets the size of the map of denials, or takes the one that there is. */
static int prepare_denials(struct bpf_map *map, const struct parts *parts)
{
	if (parts->denials_fd >= 0)
		return bpf_map__reuse_fd(map, parts->denials_fd);
	return bpf_map__set_max_entries(map, filter_denials_max(parts->knows_process));
}

/* What must stand before the kernel gets the program. */
static int prepare(struct bpfdev_bpf *program, const struct parts *parts)
{
	struct bpfdev_bpf__rodata *data = program->rodata;
	int err;

	data->info = *parts->info;
	data->info.magic = BPFDEV_INFO_MAGIC;
	data->info.version = BPFDEV_INFO_VERSION;
	data->info.table_digest = table_digest(parts->table);
	data->majors = parts->table->index;
	data->rules_mask = parts->buckets.count - 1;
	data->knows_process = parts->knows_process;
	err = bpf_map__set_max_entries(program->maps.slots, parts->table->slot_count);
	if (!err)
		err = bpf_map__set_max_entries(program->maps.rules,
					       parts->buckets.count / BPFDEV_ROW);
	return err ? err : prepare_denials(program->maps.denials, parts);
}

/* Fills an array map with all its values and makes it read-only for everyone. */
static int fill(const struct bpf_map *map, const void *values)
{
	__u32 keys[FILTER_BATCH], count = bpf_map__max_entries(map);
	size_t size = bpf_map__value_size(map);
	int fd = bpf_map__fd(map);

	for (__u32 done = 0; done < count; done += FILTER_BATCH) {
		__u32 now = count - done < FILTER_BATCH ? count - done : FILTER_BATCH;
		int err;

		for (__u32 i = 0; i < now; i++)
			keys[i] = done + i;
		err = bpf_map_update_batch(fd, keys, (const char *)values + done * size, &now,
					   NULL);
		if (err)
			return err;
	}
	return bpf_map_freeze(fd);
}

static int load_with(struct bpfdev_bpf *program, const struct parts *parts)
{
	int err = prepare(program, parts);

	if (!err)
		err = bpfdev_bpf__load(program);
	if (!err)
		err = fill(program->maps.slots, parts->table->slots);
	if (!err)
		err = fill(program->maps.rules, parts->buckets.items);
	return err;
}

/* Returns a descriptor of the program, which holds its maps. */
static int load_once(const struct parts *parts)
{
	struct bpfdev_bpf *program;
	int err = open_program(parts->log, &program), fd = -1;

	if (err)
		return err;
	err = load_with(program, parts);
	if (!err) {
		fd = fcntl(bpf_program__fd(program->progs.pam_bpfdev), F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	bpfdev_bpf__destroy(program);
	return err ? err : fd;
}

/*
 * Whether the kernel tells the program which process asks is best seen by having it do so: where it
 * does, which is everywhere but on old kernels, that costs nothing. EPERM is what an old kernel may
 * say to the size of the map of denials, which then is smaller the second time.
 */
static int load(struct parts *parts)
{
	int fd;

	parts->knows_process = true;
	fd = load_once(parts);
	if (fd != -EINVAL && fd != -EPERM)
		return fd;
	parts->log[0] = '\0';
	parts->knows_process = false;
	return load_once(parts);
}

int filter_load(const struct bpfdev_info *info, const struct table *table, int denials_fd,
		struct reason *why)
{
	struct parts parts = { .info = info, .table = table, .denials_fd = denials_fd };
	int fd;

	parts.log = calloc(1, LOG_SIZE);
	fd = parts.log ? filter_place_rules(table, &parts.buckets) : -ENOMEM;
	if (!fd) {
		struct host host = host_save();

		fd = load(&parts);
		host_restore(&host);
	}
	if (fd < 0)
		load_failed(fd, parts.log, why);
	free(parts.buckets.items);
	free(parts.log);
	return fd;
}

int filter_try(const struct table *table, struct reason *why)
{
	const struct bpfdev_info nobody = { 0 };
	int fd = filter_load(&nobody, table, -1, why);

	filter_close_fd(&fd);
	return fd < 0 ? fd : 0;
}
