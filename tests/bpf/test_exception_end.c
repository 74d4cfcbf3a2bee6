// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Exceptions of sessions that end, and what the manager has borrowed from them. */
#include "slice.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "denials.h"
#include "tables.h"

#define R BPFDEV_READ
#define W BPFDEV_WRITE

static const char policy[] = "root allow c 510:1 r\nclass some c 510:3 c 510:4\n";

/* With one session, and a manager. */
static void set_up(struct slice *slice, void **state)
{
	slice_make(slice, scratch_get(state));
	slice_policy(slice, policy);
	slice_add_manager(slice);
	slice_open(slice, ONE);
}

static void test_closed_sessions_get_none(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	close(slice_begin(&slice, TWO));
	slice_give(&slice, TWO, (struct bpfdev_info) { .user = "root", .flags = BPFDEV_CLOSED }, 2);
	slice_lend(&slice, "c 510:5", 60);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_outcome(&slice, TWO, ENFORCE_SAME);
	assert_reads(&slice, TWO, "2");
	assert_reads(&slice, SLICE_MANAGER, "15");
	slice_free(&slice);
}

static int open_and_close(void *data)
{
	static const struct policy_session session = { "login", "", "", "root", POLICY_LOGIN };
	struct slice *slice = data;
	const struct enforce_systemd nothing = { NULL, NULL };
	struct enforce_report report;
	struct reason why = { "" };

	if (enforce_open(&slice->options, &slice->subject, &session, &nothing, &report, &why) < 0)
		return 1;
	slice->told = 0;
	slice_lend(slice, "c 510:5", 60);
	if (enforce_close(&slice->options, &slice->subject, true, &report, &why) < 0)
		return 2;
	return report.outcome == ENFORCE_KEPT ? 0 : 3;
}

static void test_close_ends_them_for_who_is_left(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_add_manager(&slice);
	slice_open(&slice, TWO);
	close(slice_begin(&slice, ONE));
	assert_int_equal(slice_run(&slice, ONE, open_and_close, &slice), 0);
	assert_int_equal(slice_info(&slice, ONE).flags & BPFDEV_CLOSED, BPFDEV_CLOSED);
	assert_int_equal(slice_info(&slice, ONE).exceptions[0].access, 0);
	assert_reads(&slice, ONE, "1");
	/* The other session's stays, and so does the manager's share in it. */
	assert_reads(&slice, TWO, "15");
	assert_reads(&slice, SLICE_MANAGER, "15");
	slice_reclaim(&slice, NULL);
	assert_outcome(&slice, ONE, ENFORCE_SAME);
	assert_reads(&slice, SLICE_MANAGER, "1");
	slice_free(&slice);
}

/* A session that was killed ended without anybody taking the manager's share from it. */
static void test_manager_gives_back_what_a_killed_session_had(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	slice_lend(&slice, "c 510:5", 60);
	slice_open(&slice, TWO);
	slice_reclaim(&slice, "c 510:7");
	assert_reads(&slice, SLICE_MANAGER, "15");
	assert_int_equal(slice.told, 3);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_SAME);
	slice_kill_last(&slice, TWO);
	slice_kill_last(&slice, ONE);
	assert_reads(&slice, SLICE_MANAGER, "15");
	/* A policy with mistakes is no reason to leave it. */
	slice_policy(&slice, "oops\n");
	slice_change(&slice, &(struct enforce_change) { .kind = ENFORCE_RECLAIM, .expired = true });
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, SLICE_MANAGER, "");
	slice_free(&slice);
}

/* Without anything lent, a revocation is no reason to look at the policy. */
static void test_manager_that_has_borrowed_nothing_is_left_alone(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	slice_kill_last(&slice, ONE);
	slice_policy(&slice, "root allow c 510:2 r\n");
	slice_reclaim(&slice, NULL);
	assert_int_equal(slice.told, 0);
	assert_reads(&slice, SLICE_MANAGER, "1");
	slice_free(&slice);
}

static uint32_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint32_t)time.tv_sec;
}

/* Lends c 1:3 for reading until then, and attaches that. */
static void attach_lending(const struct scratch *scratch, uint32_t until)
{
	struct table_rule rules[] = { DENY(CHAR, 1, 3, R | W), ALLOW(CHAR, 1, 3, R) };
	struct table *table = make_table(rules, 1), *lending;
	struct table_loan loan = { make_table(rules + 1, 1), until };
	int old = -1;

	assert_int_equal(table_lend(table, &loan, 1, &lending, NULL), 0);
	if (count_attached(scratch->fd))
		old = find_filter(scratch->fd);
	attach_table(scratch->fd, lending, old);
	if (old >= 0)
		close(old);
	table_free(lending);
	table_free(loan.table);
	table_free(table);
}

/* Nobody does anything at that time: no timer, no reload, nobody who has the user's lock. */
static void test_the_program_ends_them_by_its_clock(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	uint32_t end = now() + 2, before = now();

	attach_lending(scratch, end);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_WRONLY), EPERM);
	/* However slow this is: what is let pass was asked before the end. */
	while (scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY) == 0) {
		assert_true(before < end);
		before = now();
	}
	assert_true(now() >= end);
	denials_read(scratch, &denials);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 3, R)->source, 1);
	denials_free(&denials);
	attach_lending(scratch, now() + 1000);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), EPERM);
	/* What was over at once, as after a suspend. */
	attach_lending(scratch, now());
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_the_program_ends_them_by_its_clock),
		scratch_test(test_closed_sessions_get_none),
		scratch_test(test_close_ends_them_for_who_is_left),
		scratch_test(test_manager_gives_back_what_a_killed_session_had),
		scratch_test(test_manager_that_has_borrowed_nothing_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
