// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Filters beside other programs, in the place of older ones, and gone again. */
#include "scratch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter/filter.h"
#include "tables.h"

#define PROGRAMS_MAX 64	  /* of the kernel, on one cgroup */
#define REPLACEMENTS 1000 /* or what PAM_BPFDEV_REPLACEMENTS says: emulated kernels are slow */

static struct table *null_only(void)
{
	struct table_rule rules[] = { ALLOW(CHAR, 1, 3, BPFDEV_ACCESS) };

	return make_table(rules, ARRAY_SIZE(rules));
}

static void check_null_only(const struct scratch *scratch)
{
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), EPERM);
}

static void test_detach(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = null_only();
	int prog;

	attach_table(scratch->fd, table, -1);
	check_null_only(scratch);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	assert_int_equal(count_attached(scratch->fd), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), 0);
	/* It is gone already: what was wanted. */
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
	table_free(table);
}

/* As under systemd with DeviceAllow=: all programs are asked, and detaching ours leaves theirs. */
static void beside(const struct scratch *scratch, bool other_first, int verdict)
{
	struct table *table = null_only();
	int other = load_other(verdict), prog;

	if (other_first)
		attach_other(scratch->fd, other);
	attach_table(scratch->fd, table, -1);
	if (!other_first)
		attach_other(scratch->fd, other);
	assert_int_equal(count_attached(scratch->fd), 2);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), verdict ? 0 : EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), EPERM);

	prog = find_filter(scratch->fd);
	attach_table(scratch->fd, table, prog);
	assert_int_equal(count_attached(scratch->fd), 2);
	close(prog);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
	assert_int_equal(count_attached(scratch->fd), 1);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), verdict ? 0 : EPERM);
	assert_int_equal(bpf_prog_detach2(other, scratch->fd, BPF_CGROUP_DEVICE), 0);
	close(other);
	table_free(table);
}

static void test_beside_other_programs(void **state)
{
	struct scratch *scratch = scratch_get(state);

	beside(scratch, true, 1);
	beside(scratch, false, 1);
	beside(scratch, true, 0);
	beside(scratch, false, 0);
}

/* With two of ours, the older one is found; each that is found and detached uncovers the next. */
static void test_several_of_ours(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct bpfdev_info info = { .user = "first" };
	struct table *table = null_only();
	int prog;

	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, -1, NULL)), 0);
	strcpy(info.user, "second");
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, -1, NULL)), 0);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_read(prog, &info, NULL, NULL), 0);
	assert_string_equal(info.user, "first");
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_read(prog, &info, NULL, NULL), 0);
	assert_string_equal(info.user, "second");
	close(prog);
	table_free(table);
}

static void fill_up(const struct scratch *scratch, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		int other = load_other(1);

		attach_other(scratch->fd, other);
		close(other);
	}
}

static void test_no_place_left(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct bpfdev_info info = { 0 };
	struct table *table = null_only();
	struct reason why = { "" };
	int prog;

	fill_up(scratch, PROGRAMS_MAX - 1);
	attach_table(scratch->fd, table, -1);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, -1, &why)), -E2BIG);
	assert_contains(why.text, "64 device programs");
	assert_int_equal(count_attached(scratch->fd), PROGRAMS_MAX);

	/* The kernel wants room even where nothing is added. The old filter stays. */
	prog = find_filter(scratch->fd);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, prog, &why)), -E2BIG);
	close(prog);
	check_null_only(scratch);
	table_free(table);
}

static void test_replace_what_is_gone(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct bpfdev_info info = { 0 };
	struct table *table = null_only();
	struct reason why = { "" };
	int prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, prog, &why)), -ENOENT);
	assert_contains(why.text, "no longer there");
	assert_int_equal(count_attached(scratch->fd), 0);
	close(prog);
	table_free(table);
}

/* A program that was attached without BPF_F_ALLOW_MULTI allows no others below it. */
static void test_forbidden_from_above(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct bpfdev_info info = { 0 };
	struct table *table = null_only();
	struct reason why = { "" };
	char below[512];
	int other = load_other(1), fd;

	scratch_mkdir(scratch, "below", below, sizeof(below));
	fd = open(below, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(bpf_prog_attach(other, scratch->fd, BPF_CGROUP_DEVICE, 0), 0);
	assert_int_equal(attached(filter_attach(fd, &info, table, -1, &why)), -EPERM);
	assert_contains(why.text, "above it");
	close(fd);
	close(other);
	table_free(table);
}

/* Shared with the process that opens devices while their filter is replaced. */
struct watch {
	char allowed[128], denied[128];
	volatile int stop;
	volatile unsigned long rounds;
};

enum { WATCH_FINE, WATCH_REFUSED, WATCH_LET_IN };

static int open_and_close(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int watch_devices(void *data)
{
	struct watch *watch = data;

	while (!watch->stop) {
		if (!open_and_close(watch->allowed))
			return WATCH_REFUSED;
		if (open_and_close(watch->denied))
			return WATCH_LET_IN;
		watch->rounds++;
	}
	return WATCH_FINE;
}

static void replace_with(const struct scratch *scratch, const struct table *table)
{
	int prog = find_filter(scratch->fd);

	attach_table(scratch->fd, table, prog);
	close(prog);
}

/* Tables that grow and shrink; c 1:3 is allowed in all of them, c 1:5 in none. */
static void test_replace_leaves_no_gap(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct watch *watch = mmap(NULL, sizeof(*watch), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const uint32_t sizes[] = { 1, 100, 3, 2000, 40 };
	struct table *tables[ARRAY_SIZE(sizes)];
	const char *wanted = getenv("PAM_BPFDEV_REPLACEMENTS");
	int count = wanted ? atoi(wanted) : REPLACEMENTS;
	pid_t watcher;

	assert_ptr_not_equal(watch, MAP_FAILED);
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, watch->allowed, sizeof(watch->allowed));
	scratch_node(scratch, BPFDEV_CHAR, 1, 5, watch->denied, sizeof(watch->denied));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		tables[i] = make_large_table(sizes[i]);
	attach_table(scratch->fd, tables[0], -1);

	watcher = scratch_start(scratch, NULL, watch_devices, watch);
	for (int i = 0; i < count; i++)
		replace_with(scratch, tables[i % ARRAY_SIZE(sizes)]);
	watch->stop = 1;
	assert_int_equal(scratch_wait(watcher), WATCH_FINE);
	print_message("%lu rounds of opens during %d replacements\n", watch->rounds, count);
	assert_true(watch->rounds > 0);
	assert_int_equal(count_attached(scratch->fd), 1);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		table_free(tables[i]);
	munmap(watch, sizeof(*watch));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_detach),
		scratch_test(test_beside_other_programs),
		scratch_test(test_several_of_ours),
		scratch_test(test_no_place_left),
		scratch_test(test_replace_what_is_gone),
		scratch_test(test_forbidden_from_above),
		scratch_test(test_replace_leaves_no_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
