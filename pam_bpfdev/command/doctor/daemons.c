// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Daemons that let users in and know nothing of PAM: those that run and listen, and those that inetd(8)
 * or systemd starts when somebody connects. And what systemd listens for by itself.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "logins"
#define SYSTEMCTL "/usr/bin/systemctl"
#define DEBUG_SHELL "debug-shell.service"

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
		doctor_find(doctor, DOCTOR_WARN, TOPIC, name,
			    "%s, and knows nothing of PAM: sessions have rules only if it is "
			    "login(1) that it starts",
			    how);
		doctor_advise(doctor, "see which program it starts, or use sshd in its place");
	} else {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, name,
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

/* A socket of systemd's on which somebody is waited for. */
struct door {
	char *name;   /* dropbear.socket */
	char *listen; /* the first place where, as "[::]:22 (Stream)" */
};

struct doors {
	struct door *items;
	size_t count, capacity;
};

/* What `systemctl show` says of one unit; all NULL before the first line. */
struct shown {
	const char *id, *state, *listen;
};

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void look_at_unit(struct doctor *doctor, struct doors *doors, const struct shown *shown)
{
	if (!shown->id || !shown->state)
		return;
	if (strcmp(shown->id, DEBUG_SHELL) == 0 && strcmp(shown->state, "running") == 0) {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, DEBUG_SHELL,
			    "runs, a shell of root's on tty9 that asks for no password: who is at "
			    "the console becomes root without rules");
		doctor_advise(doctor, "systemctl disable --now " DEBUG_SHELL
				      ", and take systemd.debug_shell off the kernel's command "
				      "line");
	}
	if (ends_in(shown->id, ".socket") &&
	    (strcmp(shown->state, "listening") == 0 || strcmp(shown->state, "running") == 0))
		*xappend(doors) =
			(struct door) { xstrdup(shown->id), xstrdup(shown->listen ?: "") };
}

/* Properties in any order, one a line, and an empty line between units. */
static void list_doors(struct doctor *doctor, struct doors *doors, char *text)
{
	char *rest = text, *line;
	struct shown shown = { .id = NULL };

	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (!value) {
			look_at_unit(doctor, doors, &shown);
			shown = (struct shown) { .id = NULL };
			continue;
		}
		*value++ = '\0';
		if (strcmp(line, "Id") == 0)
			shown.id = value;
		else if (strcmp(line, "SubState") == 0)
			shown.state = value;
		else if (strcmp(line, "Listen") == 0 && !shown.listen)
			shown.listen = value;
	}
	look_at_unit(doctor, doors, &shown);
}

/* The socket whose service stands in the file @path, or in a drop-in for it; NULL: none. */
static const struct door *door_of(const struct doors *doors, const char *path)
{
	for (size_t i = 0; i < doors->count; i++) {
		const char *name = doors->items[i].name;
		size_t base = strcspn(name, "@.");
		const char *at = path;

		while ((at = strchr(at, '/')))
			if (strncmp(++at, name, base) == 0 &&
			    (strncmp(at + base, "@.service", strlen("@.service")) == 0 ||
			     strncmp(at + base, ".service", strlen(".service")) == 0))
				return &doors->items[i];
	}
	return NULL;
}

static bool asks_where_from(const struct conf *conf)
{
	for (size_t i = 0; conf && i < conf->statement_count; i++)
		if (conf->statements[i].when.origin != CONF_ORIGIN_ANY)
			return true;
	return false;
}

/*
 * systemd has sshd answer on sockets of its own making, too (systemd-ssh-generator(8)). That of the
 * machine itself lets nobody in who has not come in before.
 */
static void tell_sshd(struct doctor *doctor, const struct door *door)
{
	const char *listen = door->listen;
	bool outside = strncmp(listen, "vsock:", strlen("vsock:")) == 0 ||
		       strncmp(listen, "/run/host/", strlen("/run/host/")) == 0;

	if (!outside || !asks_where_from(doctor->conf))
		return;
	doctor_find(doctor, DOCTOR_NOTE, "sshd", door->name,
		    "lets in by %.*s; sshd knows no address of theirs, so that they are neither "
		    "local nor remote: every conditional deny line counts for them, and no other "
		    "conditional line that does not name the service",
		    (int)strcspn(listen, " "), listen);
	doctor_advise(doctor,
		      "nothing, if logins from there are meant to be; else systemctl mask "
		      "%s",
		      door->name);
}

/* "ExecStart=-/usr/sbin/dropbear -i" */
static void look_at_start(struct doctor *doctor, const struct door *door, char *value)
{
	char *program = value + strspn(value, "-@:+!| "), *name, how[256];

	program[strcspn(program, " ")] = '\0';
	name = strrchr(program, '/');
	name = name ? name + 1 : program;
	if (strcmp(name, "sshd") == 0)
		tell_sshd(doctor, door);
	if (find_daemon(name) == DAEMONS)
		return;
	snprintf(how, sizeof(how), "is started by %s when somebody connects", door->name);
	tell_daemon(doctor, find_daemon(name), how);
}

/* Each file as a comment has its path, then what stands in it. */
static void look_at_services(struct doctor *doctor, const struct doors *doors, char *text)
{
	static const char start[] = "ExecStart=";
	const struct door *door = NULL;
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "# /", 3) == 0)
			door = door_of(doors, line + 2);
		else if (door && strncmp(line, start, strlen(start)) == 0)
			look_at_start(doctor, door, line + strlen(start));
	}
}

static void ask_of_services(struct doctor *doctor, const struct doors *doors, char *text)
{
	char **argv = xcalloc(2 * doors->count + 5, sizeof(*argv));
	size_t count = 0;

	argv[count++] = (char *)SYSTEMCTL;
	argv[count++] = (char *)"cat";
	argv[count++] = (char *)"--no-pager";
	argv[count++] = (char *)"--";
	for (size_t i = 0; i < doors->count; i++) {
		const char *name = doors->items[i].name;
		int base = (int)strcspn(name, "@.");

		argv[count++] = xasprintf("%.*s@.service", base, name);
		argv[count++] = xasprintf("%.*s.service", base, name);
	}
	/* Which of the two there is decides whether it fails, and says nothing. */
	if (doors->count && doctor_run(argv, text) >= 0)
		look_at_services(doctor, doors, text);
	while (count > 4)
		free(argv[--count]);
	free(argv);
}

void doctor_check_sockets(struct doctor *doctor)
{
	char *argv[] = {
		SYSTEMCTL,	    "show",	 "--no-pager", "--property=Id,SubState,Listen",
		(char *)"*.socket", DEBUG_SHELL, NULL
	};
	struct doors doors = { 0 };
	char *text;

	if (access(SYSTEMCTL, X_OK) < 0 || access("/run/systemd/system", F_OK) < 0)
		return;
	text = xmalloc(DOCTOR_OUTPUT_MAX);
	/* Without systemd there is none of this, and doctor says that elsewhere. */
	if (doctor_run(argv, text) == 0)
		list_doors(doctor, &doors, text);
	ask_of_services(doctor, &doors, text);
	for (size_t i = 0; i < doors.count; i++) {
		free(doors.items[i].name);
		free(doors.items[i].listen);
	}
	free(doors.items);
	free(text);
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
