// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter lets through: tables are loaded, and devices really opened and made. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "filter/filter.h"
#include "tables.h"

#define RWM BPFDEV_ACCESS
#define R BPFDEV_READ
#define W BPFDEV_WRITE
#define M BPFDEV_MKNOD

static void put(const struct scratch *scratch, struct table_rule *rules, size_t count)
{
	struct table *table = make_table(rules, count);

	attach_table(scratch->fd, table, -1);
	table_free(table);
}

#define PUT(scratch, ...)                                                                          \
	do {                                                                                       \
		struct table_rule rules_[] = { __VA_ARGS__ };                                      \
		put(scratch, rules_, ARRAY_SIZE(rules_));                                          \
	} while (0)

static void test_probe(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct reason why = { "" };
	int no_cgroup = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(filter_probe(scratch->fd, &why), 0);
	assert_string_equal(why.text, "");
	assert_int_equal(filter_probe(no_cgroup, &why), -EBADF);
	assert_contains(why.text, "no cgroup");
	close(no_cgroup);
}

static void test_no_filter(void **state)
{
	struct scratch *scratch = scratch_get(state);
	int other = load_other(1), prog = -1;

	assert_int_equal(filter_find(scratch->fd, &prog, NULL), 0);
	attach_other(scratch->fd, other);
	assert_int_equal(filter_find(scratch->fd, &prog, NULL), 0);
	assert_int_equal(prog, -1);
	close(other);
}

static void test_empty_table_denies_everything(void **state)
{
	struct scratch *scratch = scratch_get(state);

	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), 0);
	put(scratch, NULL, 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_WRONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_BLOCK, 259, 0, O_RDONLY), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 3), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 4095, (1 << 20) - 1), EPERM);
}

static void test_allow_all(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table;

	assert_int_equal(table_allow_all(&table), 0);
	attach_table(scratch->fd, table, -1);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 511, 7), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 4095, (1 << 20) - 1), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 600, 0), 0);
	table_free(table);
}

static void test_each_access_bit(void **state)
{
	struct scratch *scratch = scratch_get(state);

	PUT(scratch, ALLOW(CHAR, 1, 3, R), ALLOW(CHAR, 1, 5, W), ALLOW(CHAR, 1, 7, R | W),
	    ALLOW(CHAR, 1, 8, M));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_WRONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 3), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_WRONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 7, O_RDWR | O_TRUNC), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 8, O_RDONLY), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 8), 0);
}

/* Bits of different rules add up, and a denied bit leaves the others alone. */
static void test_bits_add_up(void **state)
{
	struct scratch *scratch = scratch_get(state);

	PUT(scratch, ALLOW(CHAR, 1, 5, R), ALLOW(CHAR, 1, BPFDEV_ANY, W), DENY(CHAR, 1, 7, W),
	    ALLOW(CHAR, BPFDEV_ANY, 7, R));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_WRONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 7, O_RDONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 7, O_WRONLY), EPERM);
}

/* The most specific device decides: M:m, then M:*, then *:m, then all. */
static void test_specificity(void **state)
{
	struct scratch *scratch = scratch_get(state);

	PUT(scratch, ALLOW(CHAR, 1, 3, RWM), DENY(CHAR, 1, BPFDEV_ANY, RWM),
	    ALLOW(CHAR, BPFDEV_ANY, 9, RWM), DENY(CHAR, BPFDEV_ANY, BPFDEV_ANY, RWM),
	    ALLOW(CHAR, 20, BPFDEV_ANY, RWM), DENY(CHAR, 20, 3, RWM));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 9, O_RDONLY), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 30, 9), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 30, 8), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 20, 2), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 20, 3), EPERM);
}

static void test_types_are_apart(void **state)
{
	struct scratch *scratch = scratch_get(state);

	PUT(scratch, ALLOW(CHAR, 1, 3, RWM), ALLOW(BLOCK, 240, BPFDEV_ANY, RWM),
	    DENY(CHAR, 240, BPFDEV_ANY, RWM));
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 3), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 1, 3), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 240, 3), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 240, 3), EPERM);
}

/* Only majors below 512 can be registered, and are indexed; the others can still be made. */
static void test_large_numbers(void **state)
{
	struct scratch *scratch = scratch_get(state);
	const unsigned int last = (1 << 20) - 1;

	PUT(scratch, ALLOW(CHAR, 511, last, RWM), ALLOW(CHAR, 512, last, RWM),
	    ALLOW(CHAR, 513, BPFDEV_ANY, RWM), DENY(CHAR, 513, 0, RWM),
	    ALLOW(BLOCK, 4095, last, RWM), ALLOW(BLOCK, BPFDEV_ANY, 77, RWM));
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 511, last), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 511, last - 1), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 512, last), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 512, 0), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 513, last), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 513, 0), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 514, last), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 4095, last), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 4095, 77), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 8, 77), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 4094, 78), EPERM);
}

/* What holds for all majors holds for those that cannot be registered, of its own type. */
static void test_all_large_numbers(void **state)
{
	struct scratch *scratch = scratch_get(state);

	PUT(scratch, ALLOW(CHAR, BPFDEV_ANY, BPFDEV_ANY, RWM));
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 600, 1), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 4095, 0), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 600, 1), EPERM);
}

static void test_all_large_blocks(void **state)
{
	struct scratch *scratch = scratch_get(state);

	PUT(scratch, ALLOW(BLOCK, BPFDEV_ANY, BPFDEV_ANY, RWM));
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 600, 1), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 600, 1), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 3), EPERM);
}

static int ask_existence(void *path)
{
	return access(path, F_OK) < 0 ? errno : 0;
}

static int ask_readability(void *path)
{
	return access(path, R_OK) < 0 ? errno : 0;
}

/* access(F_OK) runs the program with no bits at all, stat(2) not; neither opens anything. */
static void test_asking_is_no_access(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char path[128];

	scratch_node(scratch, BPFDEV_CHAR, 1, 3, path, sizeof(path));
	put(scratch, NULL, 0);
	assert_int_equal(scratch_run(scratch, NULL, ask_existence, path), 0);
	assert_int_equal(scratch_run(scratch, NULL, ask_readability, path), EPERM);
}

/* Whoever is not in the cgroup is not asked about. */
static void test_only_this_cgroup(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char path[128], below[512];
	int fd;

	scratch_mkdir(scratch, "below", below, sizeof(below));
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, path, sizeof(path));
	put(scratch, NULL, 0);
	assert_int_equal(scratch_run(scratch, below, ask_readability, path), EPERM);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_probe),
		scratch_test(test_no_filter),
		scratch_test(test_empty_table_denies_everything),
		scratch_test(test_allow_all),
		scratch_test(test_each_access_bit),
		scratch_test(test_bits_add_up),
		scratch_test(test_specificity),
		scratch_test(test_types_are_apart),
		scratch_test(test_large_numbers),
		scratch_test(test_all_large_numbers),
		scratch_test(test_all_large_blocks),
		scratch_test(test_asking_is_no_access),
		scratch_test(test_only_this_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
