// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a filter takes of locked memory; how long it takes to load, and to read back. Figures for people: nothing here
 * passes or fails. What a decision costs: see bench_decisions.c.
 */
#include "scratch.h"

#include <bpf/bpf.h>
#include <time.h>
#include <unistd.h>

#include "filter/filter.h"
#include "memory.h"
#include "tables.h"

#define REPEATS 9

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

static void bench_memory(const struct scratch *scratch)
{
	struct table *table = make_usual_table();
	int prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	printf("locked memory of a filter with 20 rules, bytes\n");
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
		bench_memory(scratch);
		bench_loading(scratch);
	}
	scratch_teardown(&state);
	return unable != NULL;
}
