// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Logins and changes of the policy that overlap: what is put in place is what the files say then. */
#include "slice.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/store.h"

static const char first[] = "root allow c 510:1 r\n", second[] = "root allow c 510:2 r\n";

/* Whether the process has the file @path open. */
static bool has_open(pid_t pid, const char *path)
{
	char folder[64], target[PATH_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", pid);
	dir = opendir(folder);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (length > 0) {
			target[length] = '\0';
			found = strcmp(target, path) == 0;
		}
	}
	if (dir)
		closedir(dir);
	return found;
}

static int reload(void *data)
{
	struct slice *slice = data;

	slice_reload(slice);
	return 0;
}

static int open_session(void *data)
{
	struct slice *slice = data;
	const struct policy_session session = { "login", "tty9", "", "root", POLICY_LOGIN };
	const struct enforce_systemd nothing = { NULL, NULL };
	struct enforce_report report;
	struct reason why = { "" };

	return enforce_open(&slice->options, &slice->subject, &session, &nothing, &report, &why) ==
			       0
		       ? 0
		       : 1;
}

/* Starts @job in session ONE, and waits until it wants the lock, which this process has. */
static pid_t start_and_stall(struct slice *slice, scratch_job *job, const char *lock_path)
{
	char unit[512];
	pid_t pid;

	snprintf(unit, sizeof(unit), "%s/" ONE, slice->path);
	pid = scratch_start(slice->scratch, unit, job, slice);
	while (!has_open(pid, lock_path))
		usleep(1000);
	return pid;
}

/* Both read the policy before they have the lock. */
static void each_checks_again(struct slice *slice, scratch_job *job)
{
	char path[SESSION_LOCK_PATH_SIZE];
	int lock = session_lock(slice->locks, 0, 1000, NULL, NULL);
	pid_t pid;

	assert_true(lock >= 0);
	pid = start_and_stall(slice, job, session_lock_path(slice->locks, 0, path));
	slice_policy(slice, second);
	session_unlock(lock);
	assert_int_equal(scratch_wait(pid), 0);
	assert_reads(slice, ONE, "2");
}

static void test_open_sees_what_changed_while_it_waited(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	close(slice_begin(&slice, ONE));
	each_checks_again(&slice, open_session);
	slice_free(&slice);
}

static void test_reload_sees_what_changed_while_it_waited(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow c 510:3 r\n");
	slice_open(&slice, ONE);
	slice_policy(&slice, first);
	each_checks_again(&slice, reload);
	slice_free(&slice);
}

static int hold_lock(void *data)
{
	const struct slice *slice = data;
	int fd = session_lock(slice->locks, 0, 1000, NULL, NULL);

	/* The lock goes with this process only. */
	return fd < 0 ? 1 : pause();
}

/* A session's processes stand still where its cgroup is frozen. */
static void test_frozen_login_holds_nobody_up(void **state)
{
	char path[512], lock_path[SESSION_LOCK_PATH_SIZE], file[600];
	struct slice slice;
	int lock, freeze, status;
	pid_t pid;

	slice_make(&slice, scratch_get(state));
	scratch_mkdir(slice.scratch, "user.slice/user-4242.slice/session-1.scope", path,
		      sizeof(path));
	pid = scratch_start(slice.scratch, path, hold_lock, &slice);
	session_lock_path(slice.locks, 0, lock_path);
	while ((lock = session_lock(slice.locks, 0, 0, NULL, NULL)) >= 0) {
		session_unlock(lock);
		usleep(1000);
	}
	snprintf(file, sizeof(file), "%s/cgroup.freeze", path);
	freeze = open(file, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(freeze, "1", 1), 1);
	close(freeze);
	lock = session_lock(slice.locks, 0, 20000, NULL, NULL);
	assert_true(lock >= 0);
	session_unlock(lock);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	slice_free(&slice);
}

/* The file that makes the difference need not have been there. */
static void test_files_that_come_and_go_are_seen(void **state)
{
	struct conf_paths paths;
	struct conf_store store = { .system = &paths };
	struct conf *conf;
	struct slice slice;
	char folder[200], path[256];

	slice_make(&slice, scratch_get(state));
	snprintf(folder, sizeof(folder), "%s/drop", slice.locks);
	snprintf(path, sizeof(path), "%s/one.conf", folder);
	paths = (struct conf_paths) { .main = slice.policy, .dropins = folder };
	assert_int_equal(conf_store_get(&store, NULL, &conf, NULL), 0);
	assert_true(conf_store_is_current(&store));
	slice_policy(&slice, first);
	assert_false(conf_store_is_current(&store));

	conf_store_renew(&store);
	assert_int_equal(conf_store_get(&store, NULL, &conf, NULL), 0);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_false(conf_store_is_current(&store));
	conf_store_renew(&store);
	assert_int_equal(conf_store_get(&store, NULL, &conf, NULL), 0);
	assert_true(conf_store_is_current(&store));
	assert_int_equal(link(slice.policy, path), 0);
	assert_false(conf_store_is_current(&store));

	conf_store_renew(&store);
	assert_int_equal(conf_store_get(&store, NULL, &conf, NULL), 0);
	assert_int_equal(conf->file_count, 2);
	assert_int_equal(unlink(path), 0);
	assert_false(conf_store_is_current(&store));
	rmdir(folder);
	conf_store_free(&store);
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_open_sees_what_changed_while_it_waited),
		scratch_test(test_reload_sees_what_changed_while_it_waited),
		scratch_test(test_frozen_login_holds_nobody_up),
		scratch_test(test_files_that_come_and_go_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
