// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Daemons that let users in: whether sshd asks PAM at all, and those that know nothing of PAM. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "sshd"
#define SSHD "/usr/sbin/sshd"
#define TIMEOUT_MS 5000 /* it reads files and answers; it asks nobody */

static long long milliseconds(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

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
	long long deadline = milliseconds() + TIMEOUT_MS, left;
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0 && length < DOCTOR_OUTPUT_MAX - 1) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

		left = deadline - milliseconds();
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

/* Daemons that let users in and ask nobody, or may be built so; and those that leave it to login(1). */
static const struct {
	const char *name;
	bool by_login;
} daemons[] = {
	{ "dropbear", false },	  { "tinysshd", false },  { "in.rshd", false },
	{ "rshd", false },	  { "in.rexecd", false }, { "rexecd", false },
	{ "ttyd", false },	  { "gotty", false },	  { "lshd", false },
	{ "sshesame", false },	  { "telnetd", true },	  { "in.telnetd", true },
	{ "utelnetd", true },	  { "rlogind", true },	  { "in.rlogind", true },
	{ "shellinaboxd", true },
};

#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

static size_t find_daemon(const char *name)
{
	size_t i = 0;

	while (i < DAEMONS && strcmp(daemons[i].name, name) != 0)
		i++;
	return i;
}

static void tell_daemon(struct doctor *doctor, size_t which, const char *how)
{
	const char *name = daemons[which].name;

	if (daemons[which].by_login) {
		doctor_find(doctor, DOCTOR_WARN, "logins", name,
			    "%s, and knows nothing of PAM: sessions have rules only if it is "
			    "login(1) that it starts",
			    how);
		doctor_advise(doctor, "see which program it starts, or use sshd in its place");
	} else {
		doctor_find(doctor, DOCTOR_BAD, "logins", name,
			    "%s, and opens no PAM session: who logs in by it has no rules", how);
		doctor_advise(doctor, "end it, and use sshd in its place");
	}
}

/* The inodes of sockets that listen, which @path, of /proc/net, lists. */
struct sockets {
	unsigned long *items;
	size_t count, capacity;
};

static void list_sockets(struct sockets *sockets, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int state;
	unsigned long inode;
	char line[512];

	/* sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode; 0A: LISTEN */
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %*s %*s %lu", &state, &inode) == 2 &&
		    state == 0x0a)
			*xappend(sockets) = inode;
	if (file)
		fclose(file);
}

static bool listens(const struct sockets *sockets, int pid)
{
	char path[64], target[64];
	struct dirent *entry;
	bool does = false;
	unsigned long inode;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && !does && (entry = readdir(dir))) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		target[length > 0 ? length : 0] = '\0';
		if (sscanf(target, "socket:[%lu]", &inode) != 1)
			continue;
		for (size_t i = 0; i < sockets->count && !does; i++)
			does = sockets->items[i] == inode;
	}
	if (dir)
		closedir(dir);
	return does;
}

/* Whether the program has Linux-PAM's library in memory. */
static bool has_pam(int pid)
{
	char path[64], line[1024];
	bool has = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	while (file && !has && fgets(line, sizeof(line), file))
		has = strstr(line, "/libpam.so");
	if (file)
		fclose(file);
	return has;
}

static void look_at_daemon(struct doctor *doctor, const struct sockets *sockets, int pid)
{
	char path[64], comm[32] = "", how[64];
	FILE *file;
	size_t which;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(comm, sizeof(comm), file))
		comm[strcspn(comm, "\n")] = '\0';
	fclose(file);
	which = find_daemon(comm);
	/* Some build dropbear with PAM, which it asks for a password and for no session. */
	if (which == DAEMONS || !listens(sockets, pid) || (daemons[which].by_login && has_pam(pid)))
		return;
	snprintf(how, sizeof(how), "process %d listens", pid);
	tell_daemon(doctor, which, how);
}

/* service type protocol wait user PROGRAM arguments: inetd(8) starts it when somebody connects. */
static bool look_at_inetd(const char *line, void *data)
{
	char program[256], *name;

	if (sscanf(line, "%*s %*s %*s %*s %*s %255s %255s", program, program) < 1)
		return false;
	name = strrchr(program, '/');
	name = name ? name + 1 : program;
	if (find_daemon(name) < DAEMONS)
		tell_daemon(data, find_daemon(name), "is in /etc/inetd.conf");
	return false;
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

void doctor_check_daemons(struct doctor *doctor)
{
	struct sockets sockets = { 0 };
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	list_sockets(&sockets, "/proc/net/tcp");
	list_sockets(&sockets, "/proc/net/tcp6");
	while (proc && (entry = readdir(proc)))
		if (atoi(entry->d_name) > 0)
			look_at_daemon(doctor, &sockets, atoi(entry->d_name));
	if (proc)
		closedir(proc);
	free(sockets.items);
	doctor_read_lines("/etc/inetd.conf", look_at_inetd, doctor);
}
