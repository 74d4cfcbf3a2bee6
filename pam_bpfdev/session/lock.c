// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The lock around all changes to the filters of one user's sessions. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "session/session.h"

#define FIRST_PAUSE_MS 1
#define LONGEST_PAUSE_MS 50

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A signal may cut it short: the caller looks at the clock again anyway. */
static void pause_ms(int ms)
{
	struct timespec time = { .tv_nsec = ms * 1000000L };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* Who else can open the file can hold the lock, and with it everyone's login. */
static int check_owner(int fd, const char *path, struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		int err = -errno;

		reason_set(why, "%s: %s", path, strerror(-err));
		return err;
	}
	if (S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return 0;
	reason_set(why,
		   "%s: must be a regular file of uid %u with mode 0600, but has uid %u and "
		   "mode %06o: remove it",
		   path, geteuid(), st.st_uid, st.st_mode);
	return -EPERM;
}

/* flock(2) cannot wait for a bounded time, and an alarm would meddle with the host's signals. */
static int wait_for(int fd, const char *path, int timeout_ms, struct reason *why)
{
	int64_t deadline = now_ms() + timeout_ms;
	int pause = FIRST_PAUSE_MS, err;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err = -errno;
		if (err != -EWOULDBLOCK && err != -EINTR) {
			reason_set(why, "%s: %s", path, strerror(-err));
			return err;
		}
		if (now_ms() >= deadline) {
			reason_set(why, "%s: locked by another process for more than %d ms", path,
				   timeout_ms);
			return -ETIMEDOUT;
		}
		pause_ms(pause);
		pause = 2 * pause < LONGEST_PAUSE_MS ? 2 * pause : LONGEST_PAUSE_MS;
	}
	return 0;
}

void session_unlock(int lock)
{
	/* Not left to close(2): a child that another thread forks meanwhile has the file open too. */
	flock(lock, LOCK_UN);
	close(lock);
}

char *session_lock_path(const char *folder, uid_t uid, char *path)
{
	snprintf(path, SESSION_LOCK_PATH_SIZE, "%s/pam_bpfdev.%u.lock", folder, uid);
	return path;
}

int session_lock(const char *folder, uid_t uid, int timeout_ms, struct reason *why)
{
	char path[SESSION_LOCK_PATH_SIZE];
	/* Whatever the umask, it makes the mode narrower only. O_NONBLOCK: a FIFO must not hang us. */
	int fd = open(session_lock_path(folder, uid, path),
		      O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	int err;

	if (fd < 0) {
		err = -errno;
		reason_set(why, "%s: %s", path, strerror(-err));
		return err;
	}
	err = check_owner(fd, path, why);
	if (!err)
		err = wait_for(fd, path, timeout_ms, why);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}
