// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What the client does with its own process, and what it can tell of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "client.h"

/* move FILE: into the cgroup whose cgroup.procs this is */
void move(struct client *client, char **arguments)
{
	(void)client;
	answer_errno(write_word(arguments[0], "0"));
}

/* become UID: gives all privileges up */
void become(struct client *client, char **arguments)
{
	uid_t uid = (uid_t)atoi(arguments[0]);

	(void)client;
	answer_errno(setresuid(uid, uid, uid));
}

/* seccomp ERRNO: from now on bpf(2) fails with it */
void seccomp(struct client *client, char **arguments)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (__u32)atoi(arguments[0])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	(void)client;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	answer_errno(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static int open_and_close(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* try r|w|rw|F_OK PATH */
void try_open(struct client *client, char **arguments)
{
	const char *how = arguments[0], *path = arguments[1];

	(void)client;
	if (strcmp(how, "F_OK") == 0)
		answer_errno(access(path, F_OK));
	else if (strcmp(how, "rw") == 0)
		answer_errno(open_and_close(path, O_RDWR));
	else
		answer_errno(open_and_close(path, *how == 'r' ? O_RDONLY : O_WRONLY));
}

/* mknod c|b MAJOR MINOR PATH: which is removed again */
void try_mknod(struct client *client, char **arguments)
{
	mode_t type = *arguments[0] == 'c' ? S_IFCHR : S_IFBLK;
	dev_t device = makedev(atoi(arguments[1]), atoi(arguments[2]));
	int result = mknod(arguments[3], type | 0600, device), err = errno;

	(void)client;
	unlink(arguments[3]);
	errno = err;
	answer_errno(result);
}

void show_environment(struct client *client, char **arguments)
{
	(void)client;
	(void)arguments;
	for (char **variable = environ; *variable; variable++)
		printf("> %s\n", *variable);
	ANSWER("ok");
}
