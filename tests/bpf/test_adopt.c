// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Sessions and managers that began without a filter. */
#include "slice.h"

#include <errno.h>
#include <unistd.h>

#include "tables.h"

static const char policy[] = "root allow c 510:1 r\n";

/* Returns what enforce_adopt() does for @unit, which "login" opened on tty9. */
static int adopt(struct slice *slice, const char *unit, bool no_login,
		 struct enforce_change_report *report, struct reason *why)
{
	const struct enforce_stray stray = {
		.unit = unit,
		.subject = &slice->subject,
		.session = { "login", "tty9", "", "", no_login ? POLICY_JOB : POLICY_LOGIN },
	};

	*why = (struct reason) { "" };
	return enforce_adopt(&slice->options, &slice->user, &stray, report, why);
}

static void adopt_well(struct slice *slice, const char *unit, bool no_login,
		       enum enforce_changed expected)
{
	struct enforce_change_report report;
	struct reason why;

	if (adopt(slice, unit, no_login, &report, &why) != 0)
		fail_msg("%s", why.text);
	assert_string_equal(report.unit, unit);
	assert_int_equal(report.role, BPFDEV_SESSION);
	assert_int_equal(report.outcome, expected);
}

static void test_as_if_it_had_been_opened_so(void **state)
{
	struct bpfdev_info opened, adopted;
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_open(&slice, ONE);
	close(slice_begin(&slice, TWO));
	opened = slice_info(&slice, ONE);
	adopt_well(&slice, TWO, opened.flags & BPFDEV_NO_LOGIN, ENFORCE_CHANGED);
	adopted = slice_info(&slice, TWO);
	assert_string_equal(adopted.unit, TWO);
	strcpy(adopted.unit, ONE);
	assert_true(adopted.opened >= opened.opened);
	adopted.opened = opened.opened;
	assert_memory_equal(&adopted, &opened, sizeof(opened));
	assert_reads(&slice, TWO, "1");
	slice_reload(&slice);
	assert_outcome(&slice, TWO, ENFORCE_SAME);
	slice_free(&slice);
}

static void test_manager_comes_along(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow c 510:1 r\nroot allow c 510:2 r tty=tty9\n");
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	adopt_well(&slice, ONE, false, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "12");
	assert_reads(&slice, SLICE_MANAGER, "12");
	close(slice_begin(&slice, TWO));
	adopt_well(&slice, TWO, true, ENFORCE_CHANGED);
	assert_reads(&slice, TWO, "1");
	assert_int_equal(slice_info(&slice, TWO).flags, BPFDEV_NO_LOGIN);
	assert_int_equal(slice_filters(&slice, SLICE_MANAGER), 1);
	slice_free(&slice);
}

static void test_policy_of_its_own(void **state)
{
	char path[128];
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_write(&slice, "own", "root allow c 510:6 r\n", path);
	close(slice_begin(&slice, ONE));
	slice.conf = conf_paths_of(path);
	adopt_well(&slice, ONE, false, ENFORCE_CHANGED);
	assert_string_equal(slice_info(&slice, ONE).policy, path);
	assert_int_equal(slice_info(&slice, ONE).flags, BPFDEV_CONF);
	slice.conf = (struct conf_paths) { .main = slice.policy };
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_SAME);
	slice_free(&slice);
}

static void test_who_needs_none_gets_none(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "alice deny *\n* deny *\n");
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	adopt_well(&slice, ONE, false, ENFORCE_SAME);
	assert_int_equal(slice_filters(&slice, ONE), 0);
	assert_int_equal(slice_filters(&slice, SLICE_MANAGER), 0);
	slice_free(&slice);
}

static void test_exempt_sessions_are_counted(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root exempt\n");
	close(slice_begin(&slice, ONE));
	adopt_well(&slice, ONE, false, ENFORCE_CHANGED);
	assert_int_equal(slice_info(&slice, ONE).flags, BPFDEV_UNRESTRICTED);
	assert_reads(&slice, ONE, "1234567");
	slice_free(&slice);
}

static void test_filtered_ones_are_left_alone(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	close(slice_begin(&slice, ONE));
	slice_give(&slice, ONE, (struct bpfdev_info) { .user = "root" }, 5);
	adopt_well(&slice, ONE, false, ENFORCE_SAME);
	assert_int_equal(slice_filters(&slice, ONE), 1);
	assert_reads(&slice, ONE, "5");
	slice_free(&slice);
}

static void test_session_that_has_ended(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	adopt_well(&slice, ONE, false, ENFORCE_SAME);
	slice_free(&slice);
}

static void check_failure(struct slice *slice, int error, const char *said)
{
	struct enforce_change_report report;
	struct reason why;

	assert_int_equal(adopt(slice, ONE, false, &report, &why), error);
	assert_contains(why.text, said);
	assert_int_equal(report.outcome, ENFORCE_SAME);
	assert_int_equal(slice_filters(slice, ONE), 0);
	assert_int_equal(slice_filters(slice, SLICE_MANAGER), 0);
}

static void test_failures_leave_it_as_it_was(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	slice_policy(&slice, "oops\n");
	check_failure(&slice, -EINVAL, "policy:1:");
	slice_policy(&slice, "root allow c 0-300:0-300\n");
	check_failure(&slice, -EINVAL, "4096");
	slice_policy(&slice, "root allow char-zork\n");
	slice.devices.proc_devices = "/nowhere/at/all";
	check_failure(&slice, -ENOENT, "/nowhere/at/all");
	slice.options.lock_folder = "/nowhere/at/all";
	check_failure(&slice, -ENOENT, "/nowhere/at/all");
	slice_free(&slice);
}

static int adopt_manager(struct slice *slice, struct enforce_change_report *report)
{
	report->why = (struct reason) { "" };
	return enforce_adopt_manager(&slice->options, &slice->user, &slice->subject, report,
				     &report->why);
}

static void adopt_manager_well(struct slice *slice, enum enforce_changed expected)
{
	struct enforce_change_report report;

	assert_int_equal(adopt_manager(slice, &report), 0);
	assert_int_equal(report.outcome, expected);
	assert_int_equal(report.role, BPFDEV_MANAGER);
	assert_string_equal(report.unit, SLICE_MANAGER);
	assert_string_equal(report.why.text, "");
}

static void test_lingering_manager(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	adopt_manager_well(&slice, ENFORCE_SAME);
	slice_add_manager(&slice);
	slice_policy(&slice, "alice deny *\n");
	adopt_manager_well(&slice, ENFORCE_UNFILTERED);
	slice_policy(&slice, policy);
	adopt_manager_well(&slice, ENFORCE_CHANGED);
	assert_reads(&slice, SLICE_MANAGER, "1");
	adopt_manager_well(&slice, ENFORCE_SAME);
	slice_free(&slice);
}

/* It gets what every shell needs, as it would at a logout. */
static void test_manager_and_a_policy_with_mistakes(void **state)
{
	struct enforce_change_report report;
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "oops\n");
	slice_add_manager(&slice);
	assert_int_equal(adopt_manager(&slice, &report), 0);
	assert_int_equal(report.outcome, ENFORCE_CHANGED);
	assert_contains(report.why.text, "policy:1:");
	assert_reads(&slice, SLICE_MANAGER, "");
	slice_free(&slice);
}

static void test_manager_that_cannot_be_filtered(void **state)
{
	struct enforce_change_report report = { .unit = "" };
	int fd, more[64];
	struct slice slice;
	char path[512];

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_add_manager(&slice);
	scratch_mkdir(slice.scratch, "user.slice/user-0.slice/" SLICE_MANAGER, path, sizeof(path));
	fd = session_open_cgroup(path, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		more[i] = load_other(1);
		attach_other(fd, more[i]);
	}
	assert_true(adopt_manager(&slice, &report) < 0);
	assert_string_not_equal(report.why.text, "");
	assert_string_equal(report.unit, SLICE_MANAGER);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		close(more[i]);
	close(fd);

	slice.options.lock_folder = "/nowhere/at/all";
	report = (struct enforce_change_report) { .unit = "" };
	assert_int_equal(adopt_manager(&slice, &report), -ENOENT);
	assert_string_equal(report.unit, SLICE_MANAGER);
	assert_contains(report.why.text, "/nowhere/at/all");
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_as_if_it_had_been_opened_so),
		scratch_test(test_manager_comes_along),
		scratch_test(test_policy_of_its_own),
		scratch_test(test_who_needs_none_gets_none),
		scratch_test(test_exempt_sessions_are_counted),
		scratch_test(test_filtered_ones_are_left_alone),
		scratch_test(test_session_that_has_ended),
		scratch_test(test_failures_leave_it_as_it_was),
		scratch_test(test_lingering_manager),
		scratch_test(test_manager_and_a_policy_with_mistakes),
		scratch_test(test_manager_that_cannot_be_filtered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
