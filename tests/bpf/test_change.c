// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A changed policy for sessions that are open. */
#include "slice.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tables.h"

static const char first[] = "root allow c 510:1 r\n";
static const char second[] = "root allow c 510:2 r\nroot allow c 510:3 r\n";

static void test_all_change_and_the_manager_is_last(void **state)
{
	struct slice slice;
	struct bpfdev_info before, after;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_open(&slice, TWO);
	slice_open_as(&slice, THREE, "sshd");
	before = slice_info(&slice, ONE);
	assert_reads(&slice, SLICE_MANAGER, "1");

	slice_policy(&slice, second);
	slice_reload(&slice);
	assert_int_equal(slice.told, 4);
	assert_string_equal(slice.reports[3].unit, SLICE_MANAGER);
	assert_int_equal(slice.reports[3].role, BPFDEV_MANAGER);
	for (size_t i = 0; i < slice.told; i++) {
		const struct enforce_change_report *report = &slice.reports[i];

		assert_outcome(&slice, report->unit, ENFORCE_CHANGED);
		assert_string_equal(report->why.text, "");
		assert_int_equal(report->error, 0);
		assert_reads(&slice, report->unit, "23");
		assert_int_equal(slice_filters(&slice, report->unit), 1);
	}
	assert_int_equal(slice_report(&slice, ONE)->before.rule_count, 1);
	assert_int_equal(slice_report(&slice, ONE)->after.rule_count, 2);

	/* All but the rules is as the login made it. */
	after = slice_info(&slice, ONE);
	assert_memory_equal(&after, &slice_report(&slice, ONE)->after, sizeof(after));
	assert_true(after.policy_digest != before.policy_digest);
	after.policy_digest = before.policy_digest;
	after.table_digest = before.table_digest;
	after.origin_digest = before.origin_digest;
	after.origin_size = before.origin_size;
	after.rule_count = before.rule_count;
	assert_memory_equal(&after, &before, sizeof(after));
	slice_free(&slice);
}

static void test_what_is_as_the_policy_says_stays(void **state)
{
	const struct enforce_change_report *report;
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_reload(&slice);
	assert_int_equal(slice.told, 2);
	assert_outcome(&slice, ONE, ENFORCE_SAME);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_SAME);
	/* Another text that says the same is noted, so that the session is not taken for outdated. */
	slice_policy(&slice, "root allow c 510:1 r # x\n");
	slice_reload(&slice);
	report = assert_outcome(&slice, ONE, ENFORCE_SAME);
	assert_true(report->before.policy_digest != report->after.policy_digest);
	assert_true(slice_info(&slice, ONE).policy_digest == report->after.policy_digest);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_SAME);
	slice_free(&slice);
}

static void test_no_slice_and_no_manager_are_no_error(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_open(&slice, ONE);
	slice_reload(&slice);
	assert_int_equal(slice.told, 1);
	slice_kill_last(&slice, ONE);
	slice_reload(&slice);
	assert_int_equal(slice.told, 0);
	slice.user.slice = (char *)"/sys/fs/cgroup/none";
	slice_reload(&slice);
	assert_int_equal(slice.told, 0);
	slice_free(&slice);
}

static void test_sessions_without_a_filter_of_ours(void **state)
{
	struct slice slice;
	int fd, other = load_other(1);

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	fd = slice_begin(&slice, TWO);
	attach_other(fd, other);
	slice_reload(&slice);
	assert_int_equal(slice.told, 3);
	for (size_t i = 0; i < slice.told; i++) {
		assert_outcome(&slice, slice.reports[i].unit, ENFORCE_UNFILTERED);
		assert_int_equal(slice_filters(&slice, slice.reports[i].unit), 0);
	}
	assert_int_equal(count_attached(fd), 1);
	close(fd);
	slice_free(&slice);
	close(other);
}

/* More than a line of a policy may stand for. */
static void make_many_nodes(const struct slice *slice)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/many", slice->devices.dev);
	assert_int_equal(mkdir(path, 0755), 0);
	for (unsigned int i = 0; i <= DEVICE_PATTERNS_MAX; i++) {
		snprintf(path, sizeof(path), "%s/many/%u", slice->devices.dev, i);
		assert_int_equal(mknod(path, S_IFCHR | 0600, makedev(SLICE_MAJOR, i)), 0);
	}
}

static void test_policy_with_mistakes_changes_nothing(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_policy(&slice, "root allow c 510:2 r\nroot dney *\nroot allwo *\n");
	assert_contains(slice_fails(&slice, ONE, -EINVAL, "1")->why.text, ":2:6: ");
	assert_contains(slice_report(&slice, ONE)->why.text, "more mistake");
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_SAME);
	/* A mistake that shows when the devices are looked up. */
	make_many_nodes(&slice);
	slice_policy(&slice, "root allow c 510:2 r\nroot allow /dev/many/* r\n");
	assert_contains(slice_fails(&slice, ONE, -EINVAL, "1")->why.text, ":2:12: ");
	assert_contains(slice_report(&slice, ONE)->why.text, "4096");
	slice_free(&slice);
}

/* That is no session which has gone. */
static void test_drivers_that_cannot_be_looked_up(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_open(&slice, ONE);
	slice_policy(&slice, "root allow char-zork r\n");
	slice.devices.proc_devices = "/nowhere/at/all";
	assert_contains(slice_fails(&slice, ONE, -ENOENT, "1")->why.text, "/nowhere/at/all");
	slice.devices.proc_devices = slice.proc_devices;
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "1234567");
	slice_free(&slice);
}

static void test_left_processes_get_new_rules_and_stay_closed(void **state)
{
	struct bpfdev_info info = { .user = "root", .flags = BPFDEV_CLOSED };
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, second);
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	slice_give(&slice, ONE, info, 5);
	slice_give(&slice, SLICE_MANAGER, (struct bpfdev_info) { .user = "root" }, 5);
	slice_policy(&slice, "root allow c 510:2 r\nroot allow c 510:3 r local\n");
	slice_reload(&slice);
	assert_reads(&slice, ONE, "23");
	assert_int_equal(slice_info(&slice, ONE).flags, BPFDEV_CLOSED);
	/* It has what the policy says of managers. */
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, SLICE_MANAGER, "2");
	slice_policy(&slice, NULL);
	slice_reload(&slice);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_int_equal(slice_filters(&slice, SLICE_MANAGER), 0);
	slice_free(&slice);
}

/* What a session that was killed could do is the manager's until then. */
static void test_killed_sessions_share_goes(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_policy(&slice, second);
	slice_open(&slice, TWO);
	assert_reads(&slice, SLICE_MANAGER, "123");
	slice_kill_last(&slice, TWO);
	slice_policy(&slice, first);
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_SAME);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, SLICE_MANAGER, "1");
	slice_free(&slice);
}

static void test_lock_that_cannot_be_had(void **state)
{
	static const struct enforce_change reload = { .kind = ENFORCE_RELOAD };
	struct reason why = { "" };
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice.options.lock_folder = "/nowhere/at/all";
	assert_int_equal(enforce_change(&slice.options, &slice.user, &reload, NULL, NULL, &why),
			 -ENOENT);
	assert_contains(why.text, "/nowhere/at/all: ");
	slice_free(&slice);
}

/* What a login does that has taken the lock before. */
static int log_in(void *data)
{
	const struct slice *slice = ((void **)data)[0];
	const int *locked = ((void **)data)[1];
	int lock = session_lock(slice->locks, 0, 1000, NULL, NULL);

	if (lock < 0 || write(*locked, "x", 1) != 1)
		return 1;
	/* So that who waits for the lock has begun to. */
	usleep(50000);
	slice_give(slice, ONE, (struct bpfdev_info) { .user = "root" }, 5);
	session_unlock(lock);
	return 0;
}

static void test_logins_are_waited_for(void **state)
{
	struct slice slice;
	int ends[2];
	char byte;
	pid_t pid;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_open(&slice, ONE);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = scratch_start(slice.scratch, NULL, log_in, (void *[]) { &slice, &ends[1] });
	assert_int_equal(read(ends[0], &byte, 1), 1);
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_int_equal(scratch_wait(pid), 0);
	assert_reads(&slice, ONE, "1");
	close(ends[0]);
	close(ends[1]);
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_all_change_and_the_manager_is_last),
		scratch_test(test_what_is_as_the_policy_says_stays),
		scratch_test(test_no_slice_and_no_manager_are_no_error),
		scratch_test(test_sessions_without_a_filter_of_ours),
		scratch_test(test_policy_with_mistakes_changes_nothing),
		scratch_test(test_drivers_that_cannot_be_looked_up),
		scratch_test(test_left_processes_get_new_rules_and_stay_closed),
		scratch_test(test_killed_sessions_share_goes),
		scratch_test(test_lock_that_cannot_be_had),
		scratch_test(test_logins_are_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
