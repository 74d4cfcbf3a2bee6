// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Another process: whose it is, and where. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/session.h"

#define PATH_SIZE sizeof("/proc/4294967295/cgroup")

/* Returns 0 or a negative errno; ESRCH: it ends just now. */
static int read_file(pid_t pid, const char *name, char *text, size_t size)
{
	char path[PATH_SIZE];
	ssize_t length = -1;
	FILE *file;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	errno = 0;
	length = (ssize_t)fread(text, 1, size - 1, file);
	err = ferror(file) ? -errno : 0;
	fclose(file);
	text[length < 0 ? 0 : length] = '\0';
	return err;
}

/* "Uid:\t1000\t1000\t1000\t1000" */
int session_read_uids(pid_t pid, uid_t uids[4])
{
	char text[4096];
	const char *line;
	int err = read_file(pid, "status", text, sizeof(text));

	if (err)
		return err;
	line = strstr(text, "\nUid:");
	if (!line ||
	    sscanf(line, "\nUid: %u %u %u %u", &uids[0], &uids[1], &uids[2], &uids[3]) != 4)
		return -EPROTO;
	return 0;
}

/* "4711 (NAME) S 1 ...": the name may have any bytes in it, also parentheses and newlines. */
int session_read_stat(pid_t pid, struct session_stat *stat)
{
	char text[1024];
	const char *name, *rest;
	int err = read_file(pid, "stat", text, sizeof(text));

	*stat = (struct session_stat) { .pid = pid };
	if (err)
		return err;
	name = strchr(text, '(');
	rest = strrchr(text, ')');
	if (!name || !rest ||
	    sscanf(rest,
		   ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
		   "%" SCNu64,
		   &stat->state, &stat->parent, &stat->start) != 3) {
		*stat = (struct session_stat) { .pid = pid };
		return -EPROTO;
	}
	snprintf(stat->name, sizeof(stat->name), "%.*s", (int)(rest - name - 1), name + 1);
	return 0;
}

static int find_place(struct session_process *process, struct reason *why)
{
	struct session_mount mount = { 0 };
	char path[PATH_SIZE], *cgroup = NULL;
	int err;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", process->pid);
	err = session_read_cgroup(path, &cgroup, why);
	if (err)
		return err == -ENOENT ? -ESRCH : err;
	err = session_find_mount(cgroup, &mount, why);
	if (!err)
		err = session_locate(cgroup ? cgroup : "", mount.point, mount.root,
				     process->uids[0], &process->session, why);
	session_mount_free(&mount);
	free(cgroup);
	return err;
}

static int look(struct session_process *process, struct reason *why)
{
	struct session_stat stat;
	int err = session_read_uids(process->pid, process->uids);

	if (!err)
		err = session_read_stat(process->pid, &stat);
	if (err) {
		reason_set(why, "process %d: %s", process->pid, strerror(-err));
		return err;
	}
	process->start = stat.start;
	return find_place(process, why);
}

/* Until it ends, nobody else has its pid. */
static bool has_ended(int pidfd)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };

	return poll(&fd, 1, 0) != 0;
}

int session_look_at(pid_t pid, struct session_process *process, struct reason *why)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), err = -errno;

	*process = (struct session_process) { .pid = pid };
	if (pidfd < 0 && (err == -ESRCH || err == -EINVAL))
		return 0;
	if (pidfd < 0) {
		reason_set(why, "process %d: %s", pid, strerror(-err));
		return err;
	}
	err = look(process, why);
	if (err == -ESRCH || has_ended(pidfd)) {
		session_free(&process->session);
		err = -ESRCH;
	}
	close(pidfd);
	return err == -ESRCH ? 0 : err ? err : 1;
}
