// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Sessions in real cgroups below the scratch cgroup, which are named as systemd names them. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/session.h"

#define USER 4242
#define SLICE "user.slice/user-4242.slice"
#define SCOPE SLICE "/session-1.scope"

/* What a process in a session is to find out. */
struct question {
	const char *unit; /* the path of its unit's cgroup */
	int expected;
};

static int find_place(void *data)
{
	const struct question *question = data;
	struct session session;

	if (session_find(USER, &session, NULL) != 0)
		return 200;
	if ((int)session.place != question->expected)
		return 201;
	return question->unit && strcmp(session.unit, question->unit) != 0 ? 202 : 0;
}

static void test_find(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct question question = { .expected = SESSION_NONE };
	char unit[512], below[512];

	assert_int_equal(scratch_run(scratch, NULL, find_place, &question), 0);
	scratch_mkdir(scratch, "user.slice/user-4243.slice/session-2.scope", unit, sizeof(unit));
	question.expected = SESSION_FOREIGN;
	assert_int_equal(scratch_run(scratch, unit, find_place, &question), 0);
	scratch_mkdir(scratch, SCOPE, unit, sizeof(unit));
	scratch_mkdir(scratch, SCOPE "/deep/er", below, sizeof(below));
	question = (struct question) { .expected = SESSION_OWN_SCOPE, .unit = unit };
	assert_int_equal(scratch_run(scratch, unit, find_place, &question), 0);
	assert_int_equal(scratch_run(scratch, below, find_place, &question), 0);
	scratch_mkdir(scratch, SLICE "/user@4242.service", unit, sizeof(unit));
	question.expected = SESSION_OWN_MANAGER;
	assert_int_equal(scratch_run(scratch, unit, find_place, &question), 0);
}

static int ask_is_last(void *data)
{
	struct session session;
	int last, fd;

	(void)data;
	if (session_find(USER, &session, NULL) != 0)
		return 200;
	fd = session_open_cgroup(session.unit, NULL);
	last = session_is_last(&session, fd, NULL);
	close(fd);
	session_free(&session);
	return last < 0 ? 100 - last : last;
}

/* Lives until the other end of the pipe is closed. */
static int linger(void *data)
{
	const int *ends = data;
	char byte;

	close(ends[1]);
	return read(ends[0], &byte, 1) == 0 ? 0 : 1;
}

/* Whether a process in @path is told so, now or soon: others take their time to come and to go. */
static bool soon_last(const struct scratch *scratch, const char *path, int expected)
{
	for (int i = 0; i < 500; i++) {
		if (scratch_run(scratch, path, ask_is_last, NULL) == expected)
			return true;
		usleep(2000);
	}
	return false;
}

/* A process in @cgroup, until end_other(). */
static pid_t start_other(const struct scratch *scratch, const char *cgroup, int *end)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = scratch_start(scratch, cgroup, linger, ends);
	close(ends[0]);
	*end = ends[1];
	return pid;
}

static void end_other(pid_t pid, int end)
{
	close(end);
	assert_int_equal(scratch_wait(pid), 0);
}

static void check_not_last(const struct scratch *scratch, const char *path, const char *other)
{
	int end;
	pid_t pid = start_other(scratch, other, &end);

	assert_true(soon_last(scratch, path, 0));
	end_other(pid, end);
	assert_true(soon_last(scratch, path, 1));
}

static void test_is_last(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char unit[512], a[512], b[512], beside[512];

	scratch_mkdir(scratch, SLICE "/session-11.scope", beside, sizeof(beside));
	scratch_mkdir(scratch, SCOPE, unit, sizeof(unit));
	assert_int_equal(scratch_run(scratch, unit, ask_is_last, NULL), 1);
	scratch_mkdir(scratch, SCOPE "/a/x/y/z/1/2/3/4/5/6", a, sizeof(a));
	scratch_mkdir(scratch, SCOPE "/b/x", b, sizeof(b));
	/* Empty cgroups below hold nobody, however deep. */
	assert_true(soon_last(scratch, unit, 1));
	assert_true(soon_last(scratch, a, 1));

	check_not_last(scratch, unit, unit);
	check_not_last(scratch, unit, a);
	check_not_last(scratch, a, unit);
	check_not_last(scratch, a, b);
	check_not_last(scratch, a, a);
}

static void test_other_sessions_do_not_count(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char unit[512], other[512];
	int end;
	pid_t pid;

	scratch_mkdir(scratch, SCOPE, unit, sizeof(unit));
	scratch_mkdir(scratch, SLICE "/session-2.scope", other, sizeof(other));
	pid = start_other(scratch, other, &end);
	for (int i = 0; i < 20; i++)
		assert_int_equal(scratch_run(scratch, unit, ask_is_last, NULL), 1);
	end_other(pid, end);
}

static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[600];
	int fd;
	bool written;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return written;
}

static void *ask_as_thread(void *data)
{
	return (void *)(intptr_t)(write_file(data, "cgroup.threads", "0") ? ask_is_last(NULL)
									  : 210);
}

/* Moves one of its threads to the threaded cgroup below, and asks there. */
static int ask_from_thread(void *below)
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, ask_as_thread, below) != 0)
		return 220;
	pthread_join(thread, &result);
	return (intptr_t)result;
}

/* Who is in a threaded cgroup cannot be read, so somebody may be. */
static void test_threaded(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char unit[512], below[512];

	scratch_mkdir(scratch, SCOPE, unit, sizeof(unit));
	scratch_mkdir(scratch, SCOPE "/below", below, sizeof(below));
	if (!write_file(below, "cgroup.type", "threaded"))
		cannot_run("no threaded cgroups here");
	assert_int_equal(scratch_run(scratch, unit, ask_from_thread, below), 0);
	assert_int_equal(scratch_run(scratch, below, ask_is_last, NULL), 0);
}

struct visits {
	int count;
	int stop_after;
	bool good;
};

static int note_scope(int cgroup_fd, const char *unit, void *data)
{
	struct visits *visits = data;

	visits->count++;
	visits->good =
		(fcntl(cgroup_fd, F_GETFD) & FD_CLOEXEC) && strcmp(unit, "session-1.scope") == 0;
	return visits->count == visits->stop_after ? 77 : 0;
}

/* What else is in a slice: sessions without processes, and what is no session. */
static void make_neighbours(const struct scratch *scratch, char *busy, size_t size)
{
	static const char *const names[] = { "session-2.scope", "session-.scope", "session-3",
					     "session-4.scope.d", "user@4242.service" };
	char name[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "%s/%s", SLICE, names[i]);
		scratch_mkdir(scratch, name, busy, size);
	}
}

/* Only the session scope that has processes is visited, however deep they are. */
static void test_each_scope(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct session session = { .uid = USER };
	struct visits visits = { 0 };
	char busy[512], deep[512], slice[512];
	int ends[2], descriptors = count_descriptors();
	pid_t others[2];

	scratch_mkdir(scratch, SLICE, slice, sizeof(slice));
	scratch_mkdir(scratch, SCOPE "/deep/er", deep, sizeof(deep));
	make_neighbours(scratch, busy, sizeof(busy));
	session.slice = slice;
	others[0] = start_other(scratch, busy, &ends[0]);
	assert_int_equal(session_each_scope(&session, note_scope, &visits, NULL), 0);
	assert_int_equal(visits.count, 0);

	others[1] = start_other(scratch, deep, &ends[1]);
	for (int i = 0; i < 500 && visits.count == 0; i++) {
		assert_int_equal(session_each_scope(&session, note_scope, &visits, NULL), 0);
		usleep(2000);
	}
	assert_int_equal(visits.count, 1);
	assert_true(visits.good);
	visits.stop_after = 2;
	assert_int_equal(session_each_scope(&session, note_scope, &visits, NULL), 77);
	/* The last one first: it has the other's pipe open too. */
	end_other(others[1], ends[1]);
	end_other(others[0], ends[0]);
	assert_int_equal(count_descriptors(), descriptors);
}

static void test_open_manager(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct session session = { .uid = USER };
	struct reason why = { "" };
	char slice[512], manager[512];
	int fd;

	scratch_mkdir(scratch, SLICE, slice, sizeof(slice));
	session.slice = slice;
	assert_int_equal(session_open_manager(&session, &fd, &why), 0);
	assert_contains(why.text, "user@4242.service");
	scratch_mkdir(scratch, SLICE "/user@4242.service", manager, sizeof(manager));
	assert_int_equal(session_open_manager(&session, &fd, &why), 1);
	assert_false(session_is_gone(fd));
	assert_int_equal(rmdir(manager), 0);
	assert_true(session_is_gone(fd));
	close(fd);
	assert_int_equal(session_open_cgroup("/", &why), -ENODEV);
	assert_contains(why.text, "not in a cgroup2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_find),
		scratch_test(test_is_last),
		scratch_test(test_other_sessions_do_not_count),
		scratch_test(test_threaded),
		scratch_test(test_each_scope),
		scratch_test(test_open_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
