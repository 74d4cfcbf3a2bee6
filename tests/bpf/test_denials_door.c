// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter has denied a service that asked on a process' behalf. */
#include "denials.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tables.h"

#define R BPFDEV_READ
#define W BPFDEV_WRITE

static const struct filter_denial asked = {
	.type = BPFDEV_CHAR,
	.major = 300,
	.minor = 1,
	.access = R | W,
	.refused = R | W,
	.digest = 7,
	.source = 42,
	.uid = 4001,
	.pid = 1234,
	.comm = "udisks2",
};

static void put_empty(const struct scratch *scratch, int old_fd)
{
	struct table *table = make_table(NULL, 0);

	attach_table(scratch->fd, table, old_fd);
	table_free(table);
}

/* Returns a filter that allows nothing. */
static int begin(const struct scratch *scratch)
{
	put_empty(scratch, -1);
	return find_filter(scratch->fd);
}

static void count(int prog_fd, const struct filter_denial *denial)
{
	struct reason why = { "" };

	if (filter_count_door(prog_fd, denial, &why) != 0)
		fail_msg("%s", why.text);
}

static const struct filter_denial *find(const struct denials *denials, uint32_t minor, bool door)
{
	for (size_t i = 0; i < denials->count; i++)
		if (denials->items[i].minor == minor && denials->items[i].door == door)
			return &denials->items[i];
	fail_msg("nothing is counted for c 300:%u", minor);
	return NULL;
}

static void test_counted(void **state)
{
	struct scratch *scratch = scratch_get(state);
	const struct filter_denial *found;
	struct denials denials;
	int prog_fd;

	prog_fd = begin(scratch);
	for (int i = 0; i < 3; i++)
		count(prog_fd, &asked);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 1);
	assert_int_equal(denials.lost, 0);
	found = find(&denials, 1, true);
	assert_int_equal(found->type, BPFDEV_CHAR);
	assert_int_equal(found->major, 300);
	assert_int_equal(found->access, R | W);
	assert_int_equal(found->refused, R | W);
	assert_int_equal(found->audited, 0);
	assert_int_equal(found->count, 3);
	assert_true(found->first < found->last);
	assert_int_equal(found->digest, 7);
	assert_int_equal(found->source, 42);
	assert_int_equal(found->uid, 4001);
	assert_int_equal(found->pid, 1234);
	assert_string_equal(found->comm, "udisks2");
	denials_free(&denials);
	close(prog_fd);
}

/* An open of one's own, of the same device, is counted apart: by the program. */
static void test_apart(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	int prog_fd;

	prog_fd = begin(scratch);
	count(prog_fd, &asked);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 300, 1, O_RDWR), EPERM);
	count(prog_fd, &asked);
	denials_read(scratch, &denials);
	assert_int_equal(find(&denials, 1, true)->count, 2);
	assert_int_equal(find(&denials, 1, false)->count, 1);
	assert_string_equal(find(&denials, 1, true)->comm, "udisks2");
	denials_free(&denials);
	close(prog_fd);
}

/* A program in the place of this one goes on with what doors were denied. */
static void test_kept(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	int prog_fd;

	prog_fd = begin(scratch);
	count(prog_fd, &asked);
	put_empty(scratch, prog_fd);
	close(prog_fd);
	prog_fd = find_filter(scratch->fd);
	count(prog_fd, &asked);
	denials_read(scratch, &denials);
	assert_int_equal(find(&denials, 1, true)->count, 2);
	denials_free(&denials);
	close(prog_fd);
}

/* While the program counts as fast as it can, nothing of either is lost. */
static void test_beside_a_storm(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm = storm_new(scratch, 2, 3, 0);
	pid_t pids[2];
	struct denials denials;
	int prog_fd;

	prog_fd = begin(scratch);
	for (int i = 0; i < 2; i++)
		pids[i] = scratch_start(scratch, NULL, storm_job, storm);
	for (int i = 0; i < 5000; i++)
		count(prog_fd, &asked);
	storm->stop = 1;
	for (int i = 0; i < 2; i++)
		assert_int_equal(scratch_wait(pids[i]), 0);
	denials_read(scratch, &denials);
	assert_int_equal(find(&denials, 1, true)->count, 5000);
	assert_int_equal(denials_sum(&denials), 5000 + storm->refused);
	denials_free(&denials);
	storm_free(storm);
	close(prog_fd);
}

/* More devices than there is room for: that is said, and what the program denies is not lost. */
static void test_full(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct filter_denial denial = asked;
	struct reason why = { "" };
	struct denials denials;
	int prog_fd, ret = 0;

	prog_fd = begin(scratch);
	for (denial.minor = 0; ret == 0 && denial.minor < 1000; denial.minor++)
		ret = filter_count_door(prog_fd, &denial, &why);
	assert_int_equal(ret, -E2BIG);
	assert_string_not_equal(why.text, "");
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	denials_read(scratch, &denials);
	assert_int_equal(denials.lost, 1);
	denials_free(&denials);
	close(prog_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_counted), scratch_test(test_apart),
		scratch_test(test_kept),    scratch_test(test_beside_a_storm),
		scratch_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
