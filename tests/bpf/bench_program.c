// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a decision costs, as a ratio to a program that only returns 1; what a filter takes of locked
 * memory; how long it takes to load. Figures for people: nothing here passes or fails.
 */
#include "scratch.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <time.h>
#include <unistd.h>

#include "filter/filter.h"
#include "memory.h"
#include "tables.h"

#define OPENS 10000
#define REPEATS 9

/* The tables differ in how c 1:3 is found. */
enum path { BY_MAJOR, EXACT, MISS, PATHS };

static const char *const path_names[] = { "by major", "exact hit", "miss" };

static struct table *make_path_table(enum path path, uint32_t count)
{
	struct table_rule *rules = calloc(count + 1, sizeof(*rules));
	struct table *table;

	assert_non_null(rules);
	rules[0] = (struct table_rule)ALLOW(CHAR, 1, BPFDEV_ANY, BPFDEV_ACCESS);
	/* Exact rules: elsewhere, with c 1:3 among them, or all but that in the same major. */
	for (uint32_t i = 0; i < count; i++)
		rules[i + 1] = (struct table_rule)DENY(CHAR, path == BY_MAJOR ? 100 + i % 100 : 1,
						       4 + i * 7, BPFDEV_MKNOD);
	if (path == EXACT)
		rules[1] = (struct table_rule)DENY(CHAR, 1, 3, BPFDEV_MKNOD);
	table = make_table(rules, count + 1);
	free(rules);
	return table;
}

static int open_often(void *path)
{
	for (int i = 0; i < OPENS; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

/* Nanoseconds for one run of a program that is attached to the scratch cgroup. */
static double time_program(const struct scratch *scratch, int prog, char *path)
{
	struct bpf_prog_info before = { 0 }, after = { 0 };
	uint32_t size = sizeof(before);

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &before, &size), 0);
	assert_int_equal(scratch_run(scratch, NULL, open_often, path), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(prog, &after, &size), 0);
	return (double)(after.run_time_ns - before.run_time_ns) / (after.run_cnt - before.run_cnt);
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values)
{
	qsort(values, REPEATS, sizeof(*values), compare_doubles);
	return values[REPEATS / 2];
}

static double time_once(const struct scratch *scratch, int prog, char *path)
{
	double ns;

	attach_other(scratch->fd, prog);
	ns = time_program(scratch, prog, path);
	assert_int_equal(bpf_prog_detach2(prog, scratch->fd, BPF_CGROUP_DEVICE), 0);
	return ns;
}

/* In turns, so that whatever else the machine does meets both alike. */
static void compare(const struct scratch *scratch, enum path path, uint32_t count, char *node)
{
	struct table *table = make_path_table(path, count);
	double empty_ns[REPEATS], ns[REPEATS], ratios[REPEATS];
	int empty = load_other(1), prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	for (int i = 0; i < REPEATS; i++) {
		empty_ns[i] = time_once(scratch, empty, node);
		ns[i] = time_once(scratch, prog, node);
		ratios[i] = ns[i] / empty_ns[i];
	}
	printf("%-10s %7u %9.1f %9.1f %6.2f\n", path_names[path], count, median(empty_ns),
	       median(ns), median(ratios));
	close(prog);
	close(empty);
	table_free(table);
}

static void bench_decisions(const struct scratch *scratch)
{
	static const uint32_t counts[] = { 1, 20, 100, 1000, 10000, 100000 };
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	char node[128];

	assert_true(stats >= 0);
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, node, sizeof(node));
	printf("one decision, median of %d times %d opens\n", REPEATS, OPENS);
	printf("%-10s %7s %9s %9s %6s\n", "found", "rules", "empty ns", "filter ns", "ratio");
	for (int path = 0; path < PATHS; path++)
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
			compare(scratch, path, counts[i], node);
	close(stats);
}

static void bench_memory(const struct scratch *scratch)
{
	struct table *table = make_usual_table();
	int prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	printf("\nlocked memory of a filter with 20 rules, bytes\n");
	memory_of(prog, true);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
	table_free(table);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void time_life(const struct scratch *scratch, uint32_t count)
{
	double attach[REPEATS], read[REPEATS];
	struct table *table = make_large_table(count), *copy;
	struct bpfdev_info info;

	for (int i = 0; i < REPEATS; i++) {
		double start = now_ms(), attached;
		int prog;

		attach_table(scratch->fd, table, -1);
		attached = now_ms();
		attach[i] = attached - start;
		prog = find_filter(scratch->fd);
		assert_int_equal(filter_read(prog, &info, &copy, NULL), 0);
		read[i] = now_ms() - attached;
		assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
		close(prog);
		table_free(copy);
	}
	printf("%8u %10.2f %10.2f\n", count, median(attach), median(read));
	table_free(table);
}

static void bench_loading(const struct scratch *scratch)
{
	static const uint32_t counts[] = { 0, 20, 1000, 10000, 100000 };

	printf("\nmilliseconds, median of %d\n%8s %10s %10s\n", REPEATS, "rules", "attach",
	       "find+read");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		time_life(scratch, counts[i]);
}

int main(void)
{
	struct scratch *scratch;
	void *state;
	const char *unable;

	if (scratch_setup(&state) < 0)
		return 1;
	scratch = state;
	unable = scratch->unable;
	if (unable) {
		printf("cannot measure: %s\n", unable);
	} else {
		bench_decisions(scratch);
		bench_memory(scratch);
		bench_loading(scratch);
	}
	scratch_teardown(&state);
	return unable != NULL;
}
