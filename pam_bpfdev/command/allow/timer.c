// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The transient timer that tidies up after an exception: systemd-run(1) makes it. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command/base/output.h"
#include "command/allow/timer.h"

/* The exception ends at the next full second after its time; a clock that is cut can be one early. */
#define LATE 2 /* seconds */

extern char **environ;

/* Runs a program to its end. Returns its exit status, or a negative errno. */
static int run(char *const *arguments)
{
	int status, error;
	pid_t pid;

	error = posix_spawnp(&pid, arguments[0], NULL, NULL, arguments, environ);
	if (error)
		return -error;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* The very program that runs now: where it is installed is not known here. */
static int own_path(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);

	if (length < 0)
		return -errno;
	path[length] = '\0';
	return 0;
}

static int start_failed(int ret)
{
	output_error("systemd-run, which is to end the exception, cannot be run: %s",
		     strerror(-ret));
	return ret;
}

int timer_start(uid_t uid, uint64_t seconds, struct timer *timer)
{
	char path[PATH_MAX], unit[128], after[64], at[64], user[32];
	/* Its accuracy is a minute by default; a failure (the lock was busy) is no end. */
	char *arguments[] = { "systemd-run",
			      "--quiet",
			      "--collect",
			      unit,
			      after,
			      at,
			      "--timer-property=AccuracySec=1s",
			      "--service-type=oneshot",
			      "--property=Restart=on-failure",
			      "--property=RestartSec=5s",
			      "--property=StartLimitIntervalSec=0",
			      "--",
			      path,
			      "revoke",
			      "--expired",
			      user,
			      NULL };
	int ret = own_path(path, sizeof(path));

	if (ret < 0)
		return start_failed(ret);
	snprintf(timer->unit, sizeof(timer->unit), "bpfdev-revoke-%u-%lld-%d", uid,
		 (long long)time(NULL), getpid());
	snprintf(unit, sizeof(unit), "--unit=%s", timer->unit);
	/* Both: the end must lie behind it, for whichever comes first may be the only one. */
	snprintf(after, sizeof(after), "--on-active=%llus", (unsigned long long)seconds + LATE);
	snprintf(at, sizeof(at), "--on-calendar=@%llu",
		 (unsigned long long)time(NULL) + (unsigned long long)seconds + LATE);
	snprintf(user, sizeof(user), ":%u", uid);
	ret = run(arguments);
	if (ret < 0)
		return start_failed(ret);
	if (ret == 0)
		return 0;
	output_error("systemd-run, which is to end the exception, failed: nothing was allowed");
	return -EIO;
}

void timer_stop(const struct timer *timer)
{
	char unit[112];
	char *arguments[] = { "systemctl", "stop", "--quiet", unit, NULL };

	snprintf(unit, sizeof(unit), "%s.timer", timer->unit);
	/* If it stays, it finds nothing to end. */
	run(arguments);
}
