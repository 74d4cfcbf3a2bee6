// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* An attachment that the kernel then does not list is no success, and is taken back. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "filter/filter.h"
#include "tables.h"

static enum { HONEST, LISTS_NOTHING, REFUSES } answer;

int __real_call_query(int cgroup_fd, __u32 flags, __u32 *ids, __u32 *count);
int __wrap_call_query(int cgroup_fd, __u32 flags, __u32 *ids, __u32 *count);

/* What the filter asks comes here. */
int __wrap_call_query(int cgroup_fd, __u32 flags, __u32 *ids, __u32 *count)
{
	if (answer == REFUSES)
		return -EACCES;
	if (answer == LISTS_NOTHING) {
		*count = 0;
		return 0;
	}
	return __real_call_query(cgroup_fd, flags, ids, count);
}

static int attach_unlisted(const struct scratch *scratch, int how, int old_prog_fd,
			   struct reason *why)
{
	struct table *table = make_large_table(1);
	struct bpfdev_info info = { .user = "new" };
	int err;

	answer = how;
	err = attached(filter_attach(scratch->fd, &info, table, old_prog_fd, why));
	answer = HONEST;
	table_free(table);
	return err;
}

static void test_attach_is_undone(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct reason why = { "" };

	assert_int_equal(attach_unlisted(scratch, LISTS_NOTHING, -1, &why), -EIO);
	assert_contains(why.text, "does not list it");
	assert_int_equal(count_attached(scratch->fd), 0);
	assert_int_equal(attach_unlisted(scratch, REFUSES, -1, &why), -EACCES);
	assert_int_equal(count_attached(scratch->fd), 0);
}

static void test_replacement_is_undone(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_table(NULL, 0);
	struct bpfdev_info info = { .user = "old" };
	int prog;

	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, -1, NULL)), 0);
	prog = find_filter(scratch->fd);
	assert_int_equal(attach_unlisted(scratch, LISTS_NOTHING, prog, NULL), -EIO);
	assert_int_equal(attach_unlisted(scratch, REFUSES, prog, NULL), -EACCES);
	close(prog);
	assert_int_equal(count_attached(scratch->fd), 1);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_read(prog, &info, NULL, NULL), 0);
	assert_string_equal(info.user, "old");
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	close(prog);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_attach_is_undone),
		scratch_test(test_replacement_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
