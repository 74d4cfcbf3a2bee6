// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The lock around all changes to the filters of one user's sessions. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "session/internal.h"
#include "session/session.h"

#define FIRST_PAUSE_MS 1
#define LONGEST_PAUSE_MS 50

/* How long others wait for a process that a user has stopped, and for one that does not get on. */
#define STOPPED_MS 1000
#define SLOW_MS 1500
#define HELD_MS 400 /* the last one: others may have had the lock before */

/* Who waits, and whom for. Times are what this process had while it waited, see below. */
struct waiting {
	int fd;
	int waited_ms;
	struct session_stat holder; /* pid 0: not known */
	int held_ms;		    /* as far as was seen */
	struct session_holder *killed;
};

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

/* The process that has the lock, as the kernel has it; 0: none that can be seen from here. */
static pid_t find_holder(int fd)
{
	FILE *file = fopen("/proc/locks", "re");
	unsigned int major, minor;
	unsigned long long inode;
	char line[256];
	pid_t holder = 0, pid;
	struct stat st;

	/* proc_locks(5): "1: FLOCK ADVISORY WRITE 4711 00:19:1234 0 EOF", numbers of the device in hex */
	while (file && fstat(fd, &st) == 0 && !holder && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*u: FLOCK %*s %*s %d %x:%x:%llu", &pid, &major, &minor,
			   &inode) == 4 &&
		    makedev(major, minor) == st.st_dev && inode == st.st_ino)
			holder = pid;
	if (file)
		fclose(file);
	return holder > 0 ? holder : 0;
}

static bool is_same(const struct session_stat *a, const struct session_stat *b)
{
	return a->state && b->state && a->pid == b->pid && a->start == b->start;
}

/* Only the process that was looked at, and only while it has the lock. */
static void kill_holder(const struct waiting *waiting)
{
	const struct session_stat *holder = &waiting->holder;
	int pidfd = (int)syscall(SYS_pidfd_open, holder->pid, 0);
	struct session_holder killed = { .pid = holder->pid,
					 .stopped = holder->state == 'T',
					 .waited_ms = waiting->waited_ms };
	struct session_stat now;

	if (pidfd < 0)
		return;
	session_read_stat(holder->pid, &now);
	if (find_holder(waiting->fd) == holder->pid && is_same(&now, holder) &&
	    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0) {
		memcpy(killed.name, holder->name, sizeof(killed.name));
		*waiting->killed = killed;
	}
	close(pidfd);
}

/*
 * A user can stop a process that has the lock (their su, their sshd), have its cgroup frozen or its
 * share of the processors made small: nobody else is to wait for that.
 */
static void watch_holder(struct waiting *waiting, int passed_ms)
{
	pid_t pid = find_holder(waiting->fd);
	struct session_stat holder = { .pid = 0 };

	if (pid)
		session_read_stat(pid, &holder);
	if (is_same(&holder, &waiting->holder))
		waiting->held_ms += passed_ms;
	else
		waiting->held_ms = 0;
	waiting->holder = holder;
	if (!holder.state || pid == getpid())
		return;
	if (holder.state == 'T' ? waiting->waited_ms >= STOPPED_MS
				: waiting->waited_ms >= SLOW_MS && waiting->held_ms >= HELD_MS &&
					  session_is_users(pid))
		kill_holder(waiting);
}

/* @why: who has the lock, as far as that can be seen. Returns -ETIMEDOUT. */
static int give_up(int fd, const char *path, int timeout_ms, struct reason *why)
{
	pid_t pid = find_holder(fd);
	struct session_stat holder = { .pid = 0 };

	if (pid)
		session_read_stat(pid, &holder);
	if (holder.state)
		reason_set(why, "%s: locked by process %d (%s) for more than %d ms", path, pid,
			   holder.name, timeout_ms);
	else
		reason_set(why, "%s: locked by another process for more than %d ms", path,
			   timeout_ms);
	return -ETIMEDOUT;
}

/*
 * flock(2) cannot wait for a bounded time, and an alarm would meddle with the host's signals. Where
 * the machine has no time for this process, it has none for the one that has the lock: what passes
 * meanwhile counts as one pause.
 */
static int wait_for(int fd, const char *path, int timeout_ms, struct session_holder *killed,
		    struct reason *why)
{
	int64_t now = clock_ms(), deadline = now + timeout_ms;
	struct waiting waiting = { .fd = fd, .killed = killed };
	int pause = FIRST_PAUSE_MS, err;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int64_t before = now;
		int passed;

		err = -errno;
		if (err != -EWOULDBLOCK && err != -EINTR) {
			reason_set(why, "%s: %s", path, strerror(-err));
			return err;
		}
		if (now >= deadline)
			return give_up(fd, path, timeout_ms, why);
		pause_ms(pause);
		now = clock_ms();
		passed = now - before < 2 * pause ? (int)(now - before) : 2 * pause;
		waiting.waited_ms += passed;
		if (pause == LONGEST_PAUSE_MS)
			watch_holder(&waiting, passed);
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
	snprintf(path, SESSION_LOCK_PATH_SIZE, "%s/%u.lock", folder, uid);
	return path;
}

/* Its being there is what tells udev's rule that there may be filters. Returns 0 or an errno. */
static int make_folder(const char *folder, struct reason *why)
{
	int err = 0;

	/* Whatever the umask. */
	if (mkdir(folder, 0700) == 0)
		err = chmod(folder, 0700) < 0 ? -errno : 0;
	else if (errno != EEXIST)
		err = -errno;
	if (err)
		reason_set(why, "%s: %s", folder, strerror(-err));
	return err;
}

/* As session_lock(), without the folder. */
static int lock_file(const char *folder, uid_t uid, int timeout_ms, struct session_holder *killed,
		     struct reason *why)
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
		err = wait_for(fd, path, timeout_ms, killed, why);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int session_lock(const char *folder, uid_t uid, int timeout_ms, struct session_holder *killed,
		 struct reason *why)
{
	struct session_holder nobody = { .pid = 0 };
	int err = make_folder(folder, why);

	killed = killed ? killed : &nobody;
	*killed = (struct session_holder) { .pid = 0 };
	return err ? err : lock_file(folder, uid, timeout_ms, killed, why);
}
