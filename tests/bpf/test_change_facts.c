// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter says of itself decides which rules its session gets. */
#include "slice.h"

#include <errno.h>
#include <unistd.h>

static const char first[] = "root allow c 510:1 r\n";
static const char second[] = "root allow c 510:2 r\nroot allow c 510:3 r\n";

static void test_another_versions_filter_stays(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open(&slice, TWO);
	close(slice_begin(&slice, ONE));
	slice_give_other_version(&slice, ONE);
	slice_open(&slice, THREE);
	slice_policy(&slice, second);
	slice_reload(&slice);
	assert_int_equal(slice.told, 4);
	assert_outcome(&slice, TWO, ENFORCE_CHANGED);
	assert_outcome(&slice, THREE, ENFORCE_CHANGED);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, SLICE_MANAGER, "23");
	assert_int_equal(assert_outcome(&slice, ONE, ENFORCE_FAILED)->error, -EPROTO);
	assert_contains(slice_report(&slice, ONE)->why.text, "another version");
	assert_int_equal(slice_filters(&slice, ONE), 1);
	/* Nothing of it is known, so nothing can be given back either. */
	slice_lend(&slice, "c 510:5", 60);
	assert_int_equal(assert_outcome(&slice, ONE, ENFORCE_FAILED)->error, -EPROTO);
	assert_outcome(&slice, TWO, ENFORCE_CHANGED);
	slice_free(&slice);
}

static void test_managers_filter_of_another_version_is_replaced(void **state)
{
	const struct enforce_change_report *report;
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_give_other_version(&slice, SLICE_MANAGER);
	/* Nobody knows whose it is. */
	slice_reload(&slice);
	report = assert_outcome(&slice, SLICE_MANAGER, ENFORCE_FAILED);
	assert_int_equal(report->error, -EPROTO);
	close(slice_begin(&slice, ONE));
	slice_give(&slice, ONE, (struct bpfdev_info) { .user = "root" }, 5);
	slice_reload(&slice);
	report = assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_string_equal(report->why.text, "");
	assert_reads(&slice, SLICE_MANAGER, "1");
	assert_string_equal(slice_info(&slice, SLICE_MANAGER).user, "root");
	slice_free(&slice);
}

static void test_user_who_is_gone(void **state)
{
	struct bpfdev_info gone = { .user = "pam_bpfdev-none" };
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	slice_give(&slice, ONE, gone, 5);
	slice_give(&slice, SLICE_MANAGER, gone, 5);
	assert_contains(slice_fails(&slice, ONE, -ESRCH, "5")->why.text, "pam_bpfdev-none");
	/* What needs no policy is done all the same. */
	slice_lend(&slice, "c 510:6", 60);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, SLICE_MANAGER, "56");
	assert_string_equal(slice_info(&slice, SLICE_MANAGER).user, "pam_bpfdev-none");
	slice_reclaim(&slice, NULL);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "5");
	assert_reads(&slice, SLICE_MANAGER, "5");
	/* Nobody knows the lines for groups that named the user: so the manager keeps what it has. */
	slice_kill_last(&slice, ONE);
	slice_reload(&slice);
	assert_int_equal(assert_outcome(&slice, SLICE_MANAGER, ENFORCE_FAILED)->error, -ESRCH);
	assert_reads(&slice, SLICE_MANAGER, "5");
	slice_free(&slice);
}

static void test_name_that_is_somebody_elses_by_now(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	close(slice_begin(&slice, ONE));
	slice_give(&slice, ONE, (struct bpfdev_info) { .user = "root", .uid = 4242 }, 5);
	assert_contains(slice_fails(&slice, ONE, -ESRCH, "5")->why.text, "uid 4242");
	slice_free(&slice);
}

static void test_user_whom_no_line_names_any_more(void **state)
{
	struct slice slice;
	struct bpfdev_info info;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open_as(&slice, ONE, "kiosk");
	slice_policy(&slice, NULL);
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "1234567");
	assert_reads(&slice, SLICE_MANAGER, "1234567");
	info = slice_info(&slice, ONE);
	assert_int_equal(info.flags & BPFDEV_UNRESTRICTED, BPFDEV_UNRESTRICTED);
	assert_int_equal(info.rule_count, 0);
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_SAME);
	/* What PAM said at the session's open is known still. */
	slice_policy(&slice, "root allow c 510:4 r service=kiosk\nroot allow c 510:5 r tty=tty1\n");
	slice_reload(&slice);
	assert_reads(&slice, ONE, slice_info(&slice, ONE).flags & BPFDEV_NO_LOGIN ? "" : "4");
	assert_int_equal(slice_info(&slice, ONE).flags & BPFDEV_UNRESTRICTED, 0);
	slice_free(&slice);
}

/* Conditional lines count for it as for a job of cron. */
static void test_session_that_is_no_login(void **state)
{
	struct bpfdev_info info = { .user = "root", .tty = "tty9" };
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	close(slice_begin(&slice, ONE));
	close(slice_begin(&slice, TWO));
	slice_give(&slice, ONE, info, 7);
	info.flags = BPFDEV_NO_LOGIN;
	slice_give(&slice, TWO, info, 7);
	slice_policy(&slice, "root allow c 510:* r\nroot deny c 510:3 r remote\n"
			     "root deny c 510:4 r tty=tty9\nroot allow c 510:4 r local\n");
	slice_reload(&slice);
	assert_reads(&slice, ONE, "1234567");
	assert_reads(&slice, TWO, "12567");
	assert_int_equal(slice_info(&slice, TWO).flags, BPFDEV_NO_LOGIN);
	slice_free(&slice);
}

static void test_each_session_keeps_its_policy_file(void **state)
{
	struct bpfdev_info info = { .user = "root", .flags = BPFDEV_CONF };
	struct slice slice;
	char path[128];

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_write(&slice, "own", "root allow c 510:6 r\n", path);
	for (int i = 0; i < 4; i++) {
		char unit[] = "session-1.scope";

		unit[8] = (char)('1' + i);
		strcpy(info.policy, path);
		info.flags = i % 2 ? BPFDEV_CONF : 0;
		close(slice_begin(&slice, unit));
		slice_give(&slice, unit, info, 7);
	}
	slice_reload(&slice);
	assert_reads(&slice, ONE, "1");
	assert_reads(&slice, TWO, "6");
	assert_reads(&slice, "session-3.scope", "1");
	assert_reads(&slice, "session-4.scope", "6");
	assert_string_equal(slice_info(&slice, TWO).policy, path);
	/* A mistake in the one is none of the other's. */
	slice_policy(&slice, second);
	slice_write(&slice, "own", "oops\n", path);
	slice_reload(&slice);
	assert_reads(&slice, ONE, "23");
	assert_int_equal(assert_outcome(&slice, TWO, ENFORCE_FAILED)->error, -EINVAL);
	unlink(path);
	slice_reload(&slice);
	assert_int_equal(assert_outcome(&slice, TWO, ENFORCE_FAILED)->error, -EINVAL);
	assert_contains(slice_report(&slice, TWO)->why.text, path);
	assert_reads(&slice, TWO, "6");
	slice_free(&slice);
}

static void test_policy_file_whose_path_was_cut(void **state)
{
	struct bpfdev_info info = { .user = "root", .flags = BPFDEV_CONF };
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	memset(info.policy, 'x', sizeof(info.policy) - 1);
	info.policy[0] = '/';
	close(slice_begin(&slice, ONE));
	slice_give(&slice, ONE, info, 5);
	assert_contains(slice_fails(&slice, ONE, -ENAMETOOLONG, "5")->why.text, "too long");
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_another_versions_filter_stays),
		scratch_test(test_managers_filter_of_another_version_is_replaced),
		scratch_test(test_user_who_is_gone),
		scratch_test(test_name_that_is_somebody_elses_by_now),
		scratch_test(test_user_whom_no_line_names_any_more),
		scratch_test(test_session_that_is_no_login),
		scratch_test(test_each_session_keeps_its_policy_file),
		scratch_test(test_policy_file_whose_path_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
