// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "../unit/check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/session.h"

#define UID 4242

struct place {
	char folder[64], path[SESSION_LOCK_PATH_SIZE];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	*state = place;
	strcpy(place->folder, "/tmp/pam_bpfdev_lock.XXXXXX");
	if (!mkdtemp(place->folder)) {
		strcpy(place->folder, "/pam_bpfdev_lock.XXXXXX");
		if (!mkdtemp(place->folder))
			return -1;
	}
	session_lock_path(place->folder, UID, place->path);
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->folder);
	free(place);
	return 0;
}

static int lock(const struct place *place, int timeout_ms)
{
	return session_lock(place->folder, UID, timeout_ms, NULL, NULL);
}

static void test_lock(void **state)
{
	const struct place *place = *state;
	mode_t mask = umask(0);
	struct stat st;
	int fd = lock(place, 0);

	assert_true(fd >= 0);
	assert_int_equal(umask(mask), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	fd = lock(place, 0);
	assert_true(fd >= 0);
	close(fd);
}

/* Even where the owner may not read what it makes. */
static void test_narrow_umask(void **state)
{
	const struct place *place = *state;
	mode_t mask = umask(0777);
	int fd = lock(place, 0);

	umask(mask);
	assert_true(fd >= 0);
	close(fd);
}

/* Who runs the process below; root has started it. */
static uid_t hold_uid;

/* Holds the lock until its parent closes the pipe. */
static pid_t hold(const struct place *place, int *end)
{
	int started[2], ends[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe2(started, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[1]);
		/* The kernel has that in brackets, and does not mind. */
		prctl(PR_SET_NAME, "a) b)");
		if (lock(place, 0) < 0 || setresuid(hold_uid, 0, 0) < 0 ||
		    write(started[1], &byte, 1) != 1)
			_exit(1);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 2);
	}
	close(started[1]);
	close(ends[0]);
	assert_int_equal(read(started[0], &byte, 1), 1);
	close(started[0]);
	*end = ends[1];
	return pid;
}

static void test_held_by_another(void **state)
{
	const struct place *place = *state;
	struct reason why = { "" };
	char holder[64];
	int end, status, fd;
	pid_t pid = hold(place, &end);

	assert_int_equal(session_lock(place->folder, UID, 0, NULL, &why), -ETIMEDOUT);
	assert_int_equal(session_lock(place->folder, UID, 30, NULL, &why), -ETIMEDOUT);
	assert_contains(why.text, place->path);
	assert_contains(why.text, "30 ms");
	snprintf(holder, sizeof(holder), "process %d (a) b)) for", pid);
	assert_contains(why.text, holder);
	close(end);
	/* Waits for the other's end. */
	fd = lock(place, 60000);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The lock of a process that was killed is free. */
static void test_holder_died(void **state)
{
	const struct place *place = *state;
	int end, status, fd;
	pid_t pid = hold(place, &end);

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd = lock(place, 0);
	assert_true(fd >= 0);
	close(fd);
	close(end);
}

static void check_taken_from(const struct place *place, pid_t pid, int end, bool stopped)
{
	struct session_holder killed = { .pid = 0 };
	int fd = session_lock(place->folder, UID, 20000, &killed, NULL), status;

	assert_true(fd >= 0);
	assert_int_equal(killed.pid, pid);
	assert_string_equal(killed.name, "a) b)");
	assert_int_equal(killed.stopped, stopped);
	assert_true(killed.waited_ms >= 1000);
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	close(end);
}

static void test_stopped_holder_is_killed(void **state)
{
	const struct place *place = *state;
	int end, status;
	pid_t pid = hold(place, &end);

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	check_taken_from(place, pid, end, true);
}

/* As su is, whose processors or memory a user has limited. */
static void test_holder_that_runs_for_a_user_is_killed(void **state)
{
	const struct place *place = *state;
	int end;
	pid_t pid;

	hold_uid = 65534;
	pid = hold(place, &end);
	hold_uid = 0;
	check_taken_from(place, pid, end, false);
}

/* It may be slow, but no user has made it so. */
static void test_holder_that_is_no_users_is_left_alone(void **state)
{
	const struct place *place = *state;
	struct session_holder killed;
	int end, status;
	pid_t pid = hold(place, &end);

	assert_int_equal(session_lock(place->folder, UID, 4000, &killed, NULL), -ETIMEDOUT);
	assert_int_equal(killed.pid, 0);
	close(end);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check_refused(const struct place *place, int err, const char *fragment)
{
	struct reason why = { "" };

	assert_int_equal(session_lock(place->folder, UID, 0, NULL, &why), err);
	assert_contains(why.text, place->path);
	assert_contains(why.text, fragment);
}

/* Whoever could open the file could hold everyone's login. */
static void test_not_ours_alone(void **state)
{
	const struct place *place = *state;
	int fd = open(place->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0640), 0);
	check_refused(place, -EPERM, "0600");
	assert_int_equal(fchmod(fd, 0602), 0);
	check_refused(place, -EPERM, "0600");
	close(fd);
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(place->path, 0600), 0);
	assert_int_equal(chown(place->path, 1, 0), 0);
	check_refused(place, -EPERM, "uid 1 ");
}

static void test_not_a_file(void **state)
{
	const struct place *place = *state;

	assert_int_equal(symlink("elsewhere", place->path), 0);
	check_refused(place, -ELOOP, "");
	unlink(place->path);
	assert_int_equal(mkfifo(place->path, 0600), 0);
	check_refused(place, -EPERM, "regular file");
	unlink(place->path);
	assert_int_equal(mkdir(place->path, 0700), 0);
	check_refused(place, -EISDIR, "");
	assert_int_equal(rmdir(place->path), 0);
}

#define lock_test(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		lock_test(test_lock),
		lock_test(test_narrow_umask),
		lock_test(test_held_by_another),
		lock_test(test_holder_died),
		lock_test(test_stopped_holder_is_killed),
		lock_test(test_holder_that_runs_for_a_user_is_killed),
		lock_test(test_holder_that_is_no_users_is_left_alone),
		lock_test(test_not_ours_alone),
		lock_test(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
