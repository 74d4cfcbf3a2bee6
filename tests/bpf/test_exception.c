// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Devices that open sessions may use for a time. */
#include "slice.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char policy[] = "root allow c 510:1 r\nclass some c 510:3 c 510:4\n";

/* With one session, and a manager. */
static void set_up(struct slice *slice, void **state)
{
	slice_make(slice, scratch_get(state));
	slice_policy(slice, policy);
	slice_add_manager(slice);
	slice_open(slice, ONE);
}

static int count_exceptions(const struct slice *slice, const char *unit)
{
	struct bpfdev_info info = slice_info(slice, unit);
	int count = 0;

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		count += info.exceptions[i].access != 0;
	return count;
}

/* An exception, as it might have been lent a while ago. */
static void add_exception(struct bpfdev_info *info, const char *device, uint64_t until)
{
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		if (info->exceptions[i].access)
			continue;
		info->exceptions[i] =
			(struct bpfdev_exception) { .until = until, .access = BPFDEV_READ };
		strcpy(info->exceptions[i].device, device);
		return;
	}
	fail();
}

static void test_all_open_sessions_get_it_and_give_it_back(void **state)
{
	struct bpfdev_info before, after;
	struct slice slice;

	set_up(&slice, state);
	slice_open(&slice, TWO);
	before = slice_info(&slice, ONE);
	slice_lend(&slice, "c 510:5", 60);
	assert_int_equal(slice.told, 3);
	assert_string_equal(slice.reports[2].unit, SLICE_MANAGER);
	for (size_t i = 0; i < slice.told; i++) {
		assert_outcome(&slice, slice.reports[i].unit, ENFORCE_CHANGED);
		assert_reads(&slice, slice.reports[i].unit, "15");
	}
	after = slice_info(&slice, ONE);
	assert_int_equal(after.exceptions[0].asked_by, 4242);
	assert_int_equal(after.exceptions[0].access, BPFDEV_READ);
	assert_true(after.exceptions[0].until > enforce_boottime());
	assert_string_equal(after.exceptions[0].device, "c 510:5");
	/* Who logs in now was not meant. */
	slice_open(&slice, "session-3.scope");
	assert_reads(&slice, "session-3.scope", "1");
	assert_reads(&slice, SLICE_MANAGER, "15");

	slice_reclaim(&slice, NULL);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_outcome(&slice, TWO, ENFORCE_CHANGED);
	assert_outcome(&slice, "session-3.scope", ENFORCE_SAME);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "1");
	assert_reads(&slice, SLICE_MANAGER, "1");
	after = slice_info(&slice, ONE);
	after.table_digest = before.table_digest;
	after.origin_digest = before.origin_digest;
	after.origin_size = before.origin_size;
	assert_memory_equal(&after, &before, sizeof(after));
	slice_free(&slice);
}

static void test_no_policy_is_needed_but_for_classes(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	slice_lend(&slice, "@some", 60);
	assert_reads(&slice, ONE, "134");
	slice_policy(&slice, "oops\n");
	slice_lend(&slice, "c 510:6", 60);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	/* What was lent is in the filter. */
	assert_reads(&slice, ONE, "1346");
	slice_lend(&slice, "@other", 60);
	assert_int_equal(assert_outcome(&slice, ONE, ENFORCE_FAILED)->error, -EINVAL);
	assert_reads(&slice, ONE, "1346");
	slice_reclaim(&slice, "c 510:6");
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "134");
	slice_free(&slice);
}

static void test_same_device_again_takes_the_place(void **state)
{
	struct slice slice;
	struct bpfdev_info info;

	set_up(&slice, state);
	slice_lend(&slice, "c 510:5", 60);
	slice_lend(&slice, "c 510:6", 60);
	slice_lend(&slice, "c 510:5", 4000);
	info = slice_info(&slice, ONE);
	assert_int_equal(count_exceptions(&slice, ONE), 2);
	assert_string_equal(info.exceptions[0].device, "c 510:5");
	assert_true(info.exceptions[0].until > enforce_boottime() + 3900);
	assert_reads(&slice, ONE, "156");
	/* Also if it ends sooner than before. */
	slice_lend(&slice, "c 510:5", 100);
	assert_true(slice_info(&slice, ONE).exceptions[0].until <= enforce_boottime() + 100);
	slice_free(&slice);
}

static void test_there_is_room_for_eight(void **state)
{
	char device[32];
	struct slice slice;

	set_up(&slice, state);
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		snprintf(device, sizeof(device), "c 510:%d", i < 6 ? i + 2 : i + 100);
		slice_lend(&slice, device, 60);
		assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	}
	assert_reads(&slice, ONE, "1234567");
	slice_lend(&slice, "c 510:99", 60);
	assert_int_equal(assert_outcome(&slice, ONE, ENFORCE_FAILED)->error, -ENOSPC);
	assert_contains(slice_report(&slice, ONE)->why.text, "8 exceptions");
	assert_int_equal(count_exceptions(&slice, ONE), 8);
	/* The last one's place is not the free one that another took before. */
	slice_lend(&slice, "c 510:107", 60);
	assert_int_equal(count_exceptions(&slice, ONE), 8);
	slice_reclaim(&slice, "c 510:3");
	slice_lend(&slice, "c 510:107", 70);
	assert_int_equal(count_exceptions(&slice, ONE), 7);
	slice_lend(&slice, "c 510:99", 60);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "124567");
	slice_free(&slice);
}

static void reclaim_expired(struct slice *slice)
{
	slice_change(slice, &(struct enforce_change) { .kind = ENFORCE_RECLAIM, .expired = true });
}

/* A session with an exception that is over, and one that is not. */
static void give_old(const struct slice *slice, const char *unit, uint32_t flags)
{
	struct bpfdev_info info = { .user = "root", .flags = flags };

	add_exception(&info, "c 510:5", enforce_boottime());
	add_exception(&info, "c 510:6", enforce_boottime() + 60);
	slice_give(slice, unit, info, 1);
}

static void test_any_change_drops_what_is_over(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	give_old(&slice, ONE, 0);
	reclaim_expired(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_int_equal(count_exceptions(&slice, ONE), 1);
	assert_reads(&slice, ONE, "16");
	reclaim_expired(&slice);
	assert_outcome(&slice, ONE, ENFORCE_SAME);

	give_old(&slice, ONE, 0);
	slice_reclaim(&slice, "c 510:7");
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "16");
	give_old(&slice, ONE, 0);
	slice_lend(&slice, "c 510:7", 60);
	assert_reads(&slice, ONE, "167");
	give_old(&slice, ONE, 0);
	slice_reload(&slice);
	assert_reads(&slice, ONE, "16");
	give_old(&slice, ONE, 0);
	slice_reclaim(&slice, NULL);
	assert_int_equal(count_exceptions(&slice, ONE), 0);
	slice_free(&slice);
}

static void test_an_end_in_the_past_lends_nothing(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	slice_lend(&slice, "c 510:5", 0);
	assert_int_equal(assert_outcome(&slice, ONE, ENFORCE_FAILED)->error, -ETIME);
	assert_int_equal(count_exceptions(&slice, ONE), 0);
	slice_lend(&slice, "c 510:5", 2);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	while (enforce_boottime() < slice_info(&slice, ONE).exceptions[0].until)
		usleep(10000);
	reclaim_expired(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "1");
	assert_reads(&slice, SLICE_MANAGER, "1");
	slice_free(&slice);
}

static void test_reload_leaves_what_is_not_over(void **state)
{
	struct slice slice;

	set_up(&slice, state);
	slice_lend(&slice, "c 510:5", 60);
	slice_lend(&slice, "@some", 60);
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_SAME);
	slice_policy(&slice, "root allow c 510:2 r\nclass some c 510:7\n");
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "257");
	assert_reads(&slice, SLICE_MANAGER, "257");
	/* The class is gone. */
	slice_policy(&slice, "root allow c 510:2 r\n");
	slice_reload(&slice);
	assert_reads(&slice, ONE, "25");
	assert_int_equal(count_exceptions(&slice, ONE), 1);
	assert_contains(slice_report(&slice, ONE)->why.text, "@some");
	slice_reclaim(&slice, NULL);
	assert_reads(&slice, ONE, "2");
	slice_free(&slice);
}

static void test_devices_that_are_none(void **state)
{
	static const struct {
		const char *device, *said;
	} cases[] = {
		{ "@none", "no class \"none\"" },
		{ "/dev/none", "stands for no device" },
		{ "char-none", "stands for no device" },
		{ "sda", "expected" },
	};
	struct slice slice;

	set_up(&slice, state);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		slice_lend(&slice, cases[i].device, 60);
		assert_outcome(&slice, ONE, ENFORCE_FAILED);
		assert_contains(slice_report(&slice, ONE)->why.text, cases[i].said);
		assert_int_equal(count_exceptions(&slice, ONE), 0);
		assert_outcome(&slice, SLICE_MANAGER, ENFORCE_SAME);
	}
	slice.devices.proc_devices = "/nowhere";
	slice_lend(&slice, "char-zork", 60);
	assert_contains(assert_outcome(&slice, ONE, ENFORCE_FAILED)->why.text, "/nowhere");
	slice_free(&slice);
}

/* As "*" or a path; what the path leads to is looked up anew at each change. */
static void test_all_forms_of_devices(void **state)
{
	char node[200];
	struct slice slice;

	set_up(&slice, state);
	snprintf(node, sizeof(node), "%s/stick", slice.devices.dev);
	assert_int_equal(mknod(node, S_IFCHR | 0600, makedev(SLICE_MAJOR, 5)), 0);
	slice_lend(&slice, "/dev/stick", 60);
	assert_reads(&slice, ONE, "15");
	unlink(node);
	assert_int_equal(mknod(node, S_IFCHR | 0600, makedev(SLICE_MAJOR, 6)), 0);
	slice_reload(&slice);
	assert_reads(&slice, ONE, "16");
	unlink(node);
	slice_reload(&slice);
	assert_reads(&slice, ONE, "1");
	assert_int_equal(count_exceptions(&slice, ONE), 1);
	slice_lend(&slice, "char-zo*", 60);
	assert_reads(&slice, ONE, "1234567");
	slice_reclaim(&slice, "char-zo*");
	assert_reads(&slice, ONE, "1");
	slice_lend(&slice, "a 510:2-3", 60);
	assert_reads(&slice, ONE, "123");
	slice_lend(&slice, "*", 60);
	assert_reads(&slice, ONE, "1234567");
	slice_free(&slice);
}

static void test_session_that_may_do_everything(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root exempt\n");
	slice_open(&slice, ONE);
	slice_lend(&slice, "c 510:5", 60);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	slice_policy(&slice, policy);
	slice_reload(&slice);
	assert_reads(&slice, ONE, "15");
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_all_open_sessions_get_it_and_give_it_back),
		scratch_test(test_no_policy_is_needed_but_for_classes),
		scratch_test(test_same_device_again_takes_the_place),
		scratch_test(test_there_is_room_for_eight),
		scratch_test(test_any_change_drops_what_is_over),
		scratch_test(test_an_end_in_the_past_lends_nothing),
		scratch_test(test_reload_leaves_what_is_not_over),
		scratch_test(test_devices_that_are_none),
		scratch_test(test_all_forms_of_devices),
		scratch_test(test_session_that_may_do_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
