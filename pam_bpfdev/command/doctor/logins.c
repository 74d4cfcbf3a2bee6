// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether sshd asks PAM at all; and programs that answer, and files, for the other checks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "sshd"
#define SSHD "/usr/sbin/sshd"
#define TIMEOUT_MS 5000 /* it reads files and answers; it asks nobody */

/* Starts a program with its output to @out. Returns 0 or a negative errno. */
static int start(char *const *argv, int out, pid_t *pid)
{
	char *envp[] = { "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO && !error; fd++)
		error = posix_spawn_file_actions_adddup2(&actions, out, fd);
	if (!error)
		error = posix_spawn(pid, argv[0], &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Reads all that comes from @fd until its end. Returns 0, -ETIMEDOUT or another negative errno. */
static int read_all(int fd, char *text)
{
	long long deadline = clock_ms() + TIMEOUT_MS, left;
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0 && length < DOCTOR_OUTPUT_MAX - 1) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		left = deadline - clock_ms();
		if (left <= 0 || poll(&poll_fd, 1, (int)left) == 0)
			return -ETIMEDOUT;
		got = read(fd, text + length, DOCTOR_OUTPUT_MAX - 1 - length);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			length += (size_t)got;
	}
	text[length] = '\0';
	return got < 0 ? -errno : 0;
}

int doctor_run(char *const *argv, char *text)
{
	int pipes[2], status = 0, ret;
	pid_t pid = 0;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	ret = start(argv, pipes[1], &pid);
	close(pipes[1]);
	if (ret == 0) {
		ret = read_all(pipes[0], text);
		/* Whoever exits has an exit status by the time that their output ends. */
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(pipes[0]);
	if (ret < 0)
		return ret;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECANCELED;
}

/* The first line of @text, cut out of it. */
static const char *first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void unsure(struct doctor *doctor, const char *why)
{
	doctor_find(doctor, DOCTOR_WARN, TOPIC, "", "sshd -T does not say whether it uses PAM: %s",
		    why);
	doctor_advise(doctor, "see that sshd_config has no \"UsePAM no\"");
}

/* Newer versions can be told to use another name; where that leads to is said of that service. */
static void tell_service(struct doctor *doctor, char *text)
{
	static const char option[] = "\npamservicename ";
	char *found = strcasestr(text, option);
	const char *name = found ? first_line(found + strlen(option)) : "sshd";

	if (strcmp(name, "sshd") == 0) {
		doctor_find(doctor, DOCTOR_OK, TOPIC, "", "sshd uses PAM");
	} else {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "", "sshd uses PAM, and its service is %s",
			    name);
		doctor_advise(doctor, "see what is said of pam %s, or, if nothing is, of pam other",
			      name);
	}
}

/* @text begins with a newline, and so does every option. Case has changed between versions. */
static void tell(struct doctor *doctor, int ret, char *text)
{
	if (ret < 0) {
		unsure(doctor, ret == -ETIMEDOUT ? "it does not answer" : strerror(-ret));
	} else if (ret > 0) {
		unsure(doctor, first_line(text + 1));
	} else if (strcasestr(text, "\nusepam yes\n")) {
		tell_service(doctor, text);
	} else {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, "",
			    "sshd does not use PAM: who logs in by it has no session and no rules");
		doctor_advise(doctor, "set \"UsePAM yes\" in sshd_config and restart sshd");
	}
}

void doctor_check_sshd(struct doctor *doctor)
{
	char *text;

	if (access(SSHD, X_OK) < 0)
		return;
	text = xmalloc(DOCTOR_OUTPUT_MAX + 1);
	text[0] = '\n';
	text[1] = '\0';
	tell(doctor, doctor_run((char *const[]) { SSHD, "-T", NULL }, text + 1), text);
	free(text);
}

bool doctor_read_lines(const char *path, bool (*line)(const char *text, void *data), void *data)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	bool done = false;
	size_t size = 0;

	while (file && !done && getline(&text, &size, file) >= 0) {
		text[strcspn(text, "#\n")] = '\0';
		if (text[strspn(text, " \t")])
			done = line(text, data);
	}
	free(text);
	if (file)
		fclose(file);
	return done;
}
