// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a table to a program that is loaded. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "filter.h"
#include "filter_kernel.h"

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

/* What must stand before the kernel gets the program. */
static int prepare(struct bpfdev_bpf *program, const struct bpfdev_info *info,
		   const struct table *table, const struct filter_buckets *buckets)
{
	struct bpfdev_bpf__rodata *data = program->rodata;
	int err;

	data->info = *info;
	data->info.magic = BPFDEV_INFO_MAGIC;
	data->info.version = BPFDEV_INFO_VERSION;
	data->info.table_digest = table_digest(table);
	data->majors = table->index;
	data->rules_mask = buckets->count - 1;
	err = bpf_map__set_max_entries(program->maps.slots, table->slot_count);
	return err ? err
		   : bpf_map__set_max_entries(program->maps.rules, buckets->count / BPFDEV_ROW);
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

static int load_with(struct bpfdev_bpf *program, const struct bpfdev_info *info,
		     const struct table *table, const struct filter_buckets *buckets)
{
	int err = prepare(program, info, table, buckets);

	if (!err)
		err = bpfdev_bpf__load(program);
	if (!err)
		err = fill(program->maps.slots, table->slots);
	if (!err)
		err = fill(program->maps.rules, buckets->items);
	return err;
}

/* Returns a descriptor of the program, which holds its maps. */
static int load(const struct bpfdev_info *info, const struct table *table,
		const struct filter_buckets *buckets, char *log)
{
	struct bpfdev_bpf *program;
	int err = open_program(log, &program), fd = -1;

	if (err)
		return err;
	err = load_with(program, info, table, buckets);
	if (!err) {
		fd = fcntl(bpf_program__fd(program->progs.pam_bpfdev), F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	bpfdev_bpf__destroy(program);
	return err ? err : fd;
}

int filter_load(const struct bpfdev_info *info, const struct table *table, struct reason *why)
{
	struct filter_buckets buckets = { 0 };
	char *log = calloc(1, LOG_SIZE);
	int fd = log ? filter_place_rules(table, &buckets) : -ENOMEM;

	if (!fd) {
		struct host host = host_save();

		fd = load(info, table, &buckets, log);
		host_restore(&host);
	}
	if (fd < 0)
		load_failed(fd, log, why);
	free(buckets.items);
	free(log);
	return fd;
}

int filter_try(const struct table *table, struct reason *why)
{
	const struct bpfdev_info nobody = { 0 };
	int fd = filter_load(&nobody, table, why);

	filter_close_fd(&fd);
	return fd < 0 ? fd : 0;
}
