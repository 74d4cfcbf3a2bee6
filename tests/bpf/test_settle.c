// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Filters follow the devices that their rules name, as udev tells of them. */
#include "slice.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static struct device_event plugged(uint32_t minor, const char *links, const char *tags)
{
	return (struct device_event) {
		.has_number = true,
		.type = BPFDEV_CHAR,
		.major = SLICE_MAJOR,
		.minor = minor,
		.node = "/dev/new",
		.links = links,
		.tags = tags,
		.sysfs = "/devices/virtual/zork/new",
		.subsystem = "zork",
	};
}

static struct device_event unplugged(uint32_t minor)
{
	struct device_event event = plugged(minor, "", "");

	event.gone = true;
	return event;
}

static void keep(const struct enforce_change_report *report, void *data)
{
	struct slice *slice = data;

	assert_true(slice->told < ARRAY_SIZE(slice->reports));
	slice->reports[slice->told++] = *report;
}

/* NULL: all anew. */
static void settle(struct slice *slice, const struct device_event *event)
{
	struct reason why = { "" };

	slice->told = 0;
	if (enforce_settle(&slice->options, slice->scratch->cgroup, event, keep, slice, &why) < 0)
		fail_msg("%s", why.text);
}

/* Writes the list of drivers: one more for each name, from 511 on. */
static void load_driver(const struct slice *slice, const char *name)
{
	char text[200];
	int fd = open(slice->proc_devices, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(text, sizeof(text), "Character devices:\n%s%s%s\nBlock devices:\n",
		 name ? "510 " : "", name ? name : "", name ? "\n" : "");
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void test_what_is_denied_by_a_link_is_denied_when_it_comes(void **state)
{
	const struct device_event mouse = plugged(3, "/dev/by-id/mouse /dev/other", "");
	const struct device_event other = plugged(4, "/dev/by-path/mouse", "");
	const struct device_event gone = unplugged(3), keyboard = plugged(3, "/dev/else", "");
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow * r\nroot deny /dev/by-id/* r\n");
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_open(&slice, TWO);
	assert_reads(&slice, ONE, "1234567");
	/* The policy may be broken by now: the filter has its rules. */
	slice_policy(&slice, "oops\n");
	settle(&slice, &other);
	assert_int_equal(slice.told, 0);
	settle(&slice, &mouse);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_outcome(&slice, TWO, ENFORCE_CHANGED);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "124567");
	assert_reads(&slice, TWO, "124567");
	assert_reads(&slice, SLICE_MANAGER, "124567");
	settle(&slice, &mouse);
	assert_int_equal(slice.told, 0);
	/* Another one with that number has rules of its own. */
	settle(&slice, &gone);
	settle(&slice, &keyboard);
	assert_reads(&slice, ONE, "1234567");
	assert_reads(&slice, SLICE_MANAGER, "1234567");
	assert_int_equal(slice_filters(&slice, ONE), 1);
	slice_free(&slice);
}

static void test_what_is_allowed_comes_and_goes(void **state)
{
	const struct device_event tagged = plugged(2, "", ":seat:kiosk:");
	const struct device_event untagged = plugged(2, "", ":seat:");
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow tag:kiosk r\n");
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	assert_reads(&slice, ONE, "");
	settle(&slice, &tagged);
	assert_reads(&slice, ONE, "2");
	assert_reads(&slice, SLICE_MANAGER, "2");
	settle(&slice, &untagged);
	assert_reads(&slice, ONE, "");
	assert_reads(&slice, SLICE_MANAGER, "");
	slice_free(&slice);
}

/* Whether the process has decided what to attach, and waits for its turn. */
static bool waits_for(pid_t pid, const char *lock)
{
	char path[64], target[200];
	bool found = false;

	for (int fd = 0; fd < 64 && !found; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		found = strcmp(target, lock) == 0;
	}
	return found;
}

static void test_link_that_comes_while_a_login_is_under_way(void **state)
{
	char node[100], folder[128], link[200], lock_path[SESSION_LOCK_PATH_SIZE];
	struct slice slice;
	pid_t login;
	int lock;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow * r\nroot deny /dev/by-id/* r\n");
	slice_add_manager(&slice);
	scratch_node(slice.scratch, BPFDEV_CHAR, SLICE_MAJOR, 3, node, sizeof(node));
	snprintf(folder, sizeof(folder), "%s/by-id", slice.devices.dev);
	snprintf(link, sizeof(link), "%s/mouse", folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	lock = session_lock(slice.locks, 0, 1000, NULL, NULL);
	assert_true(lock >= 0);
	session_lock_path(slice.locks, 0, lock_path);
	login = slice_start_open(&slice, ONE);
	while (!waits_for(login, lock_path))
		assert_int_equal(waitpid(login, NULL, WNOHANG), 0);
	assert_int_equal(symlink("../c-510-3", link), 0);
	session_unlock(lock);
	assert_int_equal(scratch_wait(login), 0);
	assert_reads(&slice, ONE, "124567");
	assert_reads(&slice, SLICE_MANAGER, "124567");
	slice_free(&slice);
}

static void test_manager_without_sessions_follows_by_itself(void **state)
{
	const struct device_event event = plugged(5, "/dev/by-id/scanner", "");
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow /dev/by-id/scanner r\n");
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_kill_last(&slice, ONE);
	slice_reload(&slice);
	assert_reads(&slice, SLICE_MANAGER, "");
	slice_policy(&slice, "oops\n");
	settle(&slice, &event);
	assert_reads(&slice, SLICE_MANAGER, "5");
	slice_free(&slice);
}

static void test_majors_that_nobody_has_are_denied_with_a_driver_that_may_come(void **state)
{
	const struct device_event module = {
		.node = "", .links = "", .tags = "", .sysfs = "/module/m", .subsystem = "module"
	};
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	load_driver(&slice, NULL);
	slice_policy(&slice, "root allow * r\nroot deny char-zork-uvm r\n");
	slice_open(&slice, ONE);
	assert_reads(&slice, ONE, "");
	/* Somebody else's. */
	load_driver(&slice, "zork");
	settle(&slice, &module);
	assert_reads(&slice, ONE, "1234567");
	load_driver(&slice, "zork-uvm");
	settle(&slice, &module);
	assert_reads(&slice, ONE, "");
	settle(&slice, &module);
	assert_int_equal(slice.told, 0);
	slice_free(&slice);
}

static void test_those_without_such_lines_are_not_touched(void **state)
{
	const struct device_event event = plugged(1, "/dev/by-id/mouse", ":kiosk:");
	struct bpfdev_info before, after;
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	load_driver(&slice, NULL);
	slice_policy(&slice, "root allow c 510:1-3 r\nroot deny /dev/by-id/scanner\n");
	slice_open(&slice, ONE);
	before = slice_info(&slice, ONE);
	load_driver(&slice, "zork");
	settle(&slice, &event);
	assert_int_equal(slice.told, 0);
	after = slice_info(&slice, ONE);
	assert_memory_equal(&after, &before, sizeof(after));
	assert_reads(&slice, ONE, "123");
	slice_free(&slice);
}

static void test_what_is_lent_follows_too(void **state)
{
	const struct device_event event = plugged(6, "/dev/by-id/stick", "");
	const struct device_event gone = unplugged(6);
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow c 510:1 r\n");
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_lend(&slice, "tag:stick", 60);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "1");
	slice_lend(&slice, "/dev/by-id/stick", 60);
	/* A path that leads nowhere is a mistake in most cases. */
	assert_outcome(&slice, ONE, ENFORCE_FAILED);
	settle(&slice, &event);
	assert_reads(&slice, ONE, "1");
	settle(&slice, &(struct device_event) { .has_number = true,
						.type = BPFDEV_CHAR,
						.major = SLICE_MAJOR,
						.minor = 6,
						.node = "",
						.links = "",
						.tags = ":stick:",
						.sysfs = "",
						.subsystem = "" });
	assert_reads(&slice, ONE, "16");
	assert_reads(&slice, SLICE_MANAGER, "16");
	settle(&slice, &gone);
	assert_reads(&slice, ONE, "1");
	slice_reclaim(&slice, NULL);
	assert_reads(&slice, SLICE_MANAGER, "1");
	slice_free(&slice);
}

static void test_all_anew_is_what_a_login_would_find(void **state)
{
	char link[200];
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow * r\nroot deny /dev/by-id/* r\n");
	slice_open(&slice, ONE);
	snprintf(link, sizeof(link), "%s/by-id", slice.devices.dev);
	assert_int_equal(mkdir(link, 0755), 0);
	snprintf(link, sizeof(link), "%s/by-id/mouse", slice.devices.dev);
	assert_int_equal(mknod(link, S_IFCHR | 0600, makedev(SLICE_MAJOR, 7)), 0);
	settle(&slice, NULL);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	assert_reads(&slice, ONE, "123456");
	unlink(link);
	settle(&slice, NULL);
	assert_reads(&slice, ONE, "1234567");
	slice_free(&slice);
}

static void test_another_versions_filter_is_told_of(void **state)
{
	const struct device_event event = plugged(3, "/dev/by-id/mouse", "");
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow * r\nroot deny /dev/by-id/* r\n");
	slice_open(&slice, TWO);
	close(slice_begin(&slice, ONE));
	slice_give_other_version(&slice, ONE);
	settle(&slice, &event);
	assert_int_equal(assert_outcome(&slice, ONE, ENFORCE_FAILED)->cause,
			 ENFORCE_BY_OTHER_VERSION);
	/* It is no reason to leave the others as they were. */
	assert_reads(&slice, TWO, "124567");
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_what_is_denied_by_a_link_is_denied_when_it_comes),
		scratch_test(test_what_is_allowed_comes_and_goes),
		scratch_test(test_link_that_comes_while_a_login_is_under_way),
		scratch_test(test_manager_without_sessions_follows_by_itself),
		scratch_test(test_majors_that_nobody_has_are_denied_with_a_driver_that_may_come),
		scratch_test(test_those_without_such_lines_are_not_touched),
		scratch_test(test_what_is_lent_follows_too),
		scratch_test(test_all_anew_is_what_a_login_would_find),
		scratch_test(test_another_versions_filter_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
