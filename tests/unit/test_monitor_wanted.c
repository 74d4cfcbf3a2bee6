// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev monitor: who is followed, and who is told that it is at work. */
#include "check.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "command/monitor/monitor.h"

/* Two sessions of root's, and one of a user whom nobody knows. */
static struct machine_unit units[] = {
	{ .unit = { BPFDEV_SESSION, 0, "root", "session-1.scope" }, .name = "session-1.scope" },
	{ .unit = { BPFDEV_SESSION, 0, "root", "session-12.scope" }, .name = "session-12.scope" },
	{ .unit = { BPFDEV_MANAGER, 0, "root", "user@0.service" }, .name = "user@0.service" },
	{ .unit = { BPFDEV_SESSION, 54321, "gone", "session-3.scope" }, .name = "session-3.scope" },
};

static const struct machine collected = { .units = units, .unit_count = ARRAY_SIZE(units) };

static void drop(struct machine *machine)
{
	free(machine->wanted.one);
	free(machine->denials);
}

/* @expected: a letter for each unit: y, n. */
static void check_wanted(const char *argument, const char *expected)
{
	struct machine machine = collected;

	assert_true(machine_want(&machine, argument, true));
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		assert_int_equal(machine.units[i].wanted, expected[i] == 'y');
	drop(&machine);
}

static void test_everybody_is_wanted(void **state)
{
	(void)state;
	check_wanted(NULL, "yyyy");
}

static void test_who_is_there_is_wanted(void **state)
{
	(void)state;
	check_wanted("1", "ynnn");
	check_wanted("session-12.scope", "nynn");
	check_wanted("user@0.service", "nnyn");
	check_wanted("root", "yyyn");
	check_wanted("0", "yyyn");
	check_wanted(":0", "yyyn");
	check_wanted("3", "nnny");
	check_wanted("gone", "nnny");
	check_wanted(":54321", "nnny");
	check_wanted("54321", "nnny");
}

/* One who may come yet: a user whom the system knows. */
static void test_who_is_not_there_yet_is_wanted(void **state)
{
	const struct unit later = { BPFDEV_SESSION, 65534, "nobody", "session-9.scope" };
	static const char *const names[] = { "nobody", "65534", ":65534" };
	(void)state;
	if (!getpwnam("nobody") || getpwnam("nobody")->pw_uid != 65534)
		cannot_run("nobody is not 65534 here");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct machine machine = collected;

		check_wanted(names[i], "nnnn");
		assert_true(machine_want(&machine, names[i], true));
		assert_true(machine_wants(&machine, &later));
		assert_false(machine_want(&machine, names[i], false));
		drop(&machine);
	}
}

/* A session that opens later does not take the place of what was meant. */
static void test_session_stays_the_one(void **state)
{
	const struct unit other = { BPFDEV_SESSION, 1000, "sam", "session-0.scope" };
	struct machine machine = collected;

	(void)state;
	assert_true(machine_want(&machine, "0", true));
	assert_false(machine_wants(&machine, &other));
	assert_true(machine_wants(&machine, &units[0].unit));
	assert_null(machine.wanted.one);
	assert_true(machine_want(&machine, "1", true));
	assert_string_equal(machine.wanted.one, "session-1.scope");
	assert_false(machine_wants(&machine, &other));
	drop(&machine);
}

static void test_nobody_of_that_name(void **state)
{
	static const char *const names[] = { "",
					     "?",
					     ":",
					     ":x",
					     "17",
					     "session-",
					     "nobodyatall",
					     "4294967296",
					     "99999999999999999999" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct machine machine = collected;

		assert_false(machine_want(&machine, names[i], true));
		drop(&machine);
	}
}

/* Binds a socket to @path, which NOTIFY_SOCKET calls @name. */
static void check_ready(const char *name, const char *path, size_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char said[16] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, length);
	assert_int_equal(bind(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	monitor_ready();
	assert_int_equal(recv(fd, said, sizeof(said), 0), strlen("READY=1"));
	assert_string_equal(said, "READY=1");
	close(fd);
}

static void test_who_asked_is_told(void **state)
{
	char name[64], path[sizeof(name)];

	(void)state;
	snprintf(name, sizeof(name), "/tmp/test-monitor-%d", getpid());
	check_ready(name, name, strlen(name));
	unlink(name);
	/* One without a file. */
	memcpy(path, name, sizeof(path));
	*name = '@';
	*path = '\0';
	check_ready(name, path, strlen(name));
}

static void test_nobody_asked(void **state)
{
	char name[4096]; /* no socket has so long a name */

	(void)state;
	memset(name, '@', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	monitor_ready();
	setenv("NOTIFY_SOCKET", "", 1);
	monitor_ready();
	unsetenv("NOTIFY_SOCKET");
	monitor_ready();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everybody_is_wanted),
		cmocka_unit_test(test_who_is_there_is_wanted),
		cmocka_unit_test(test_who_is_not_there_yet_is_wanted),
		cmocka_unit_test(test_session_stays_the_one),
		cmocka_unit_test(test_nobody_of_that_name),
		cmocka_unit_test(test_who_asked_is_told),
		cmocka_unit_test(test_nobody_asked),
	};

	return cmocka_run_group_tests_name("monitor_wanted", tests, NULL, NULL);
}
