// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Processes that run where no filter is, although their users have rules, and devices that
 * processes have open although their filter denies them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "enforce/enforce.h"
#include "filter/filter.h"
#include "session/session.h"
#include "command/base/memory.h"
#include "command/base/names.h"
#include "command/doctor/doctor.h"

#define TOPIC "processes"

struct place {
	char *cgroup; /* as /proc/PID/cgroup has it: of the session or manager; else the whole */
	bool session; /* it is a session or manager of this machine, not of a container on it */
	bool filtered;
	bool left_alone; /* the module leaves it alone, and somebody else filters there */
	const struct machine_unit *unit; /* if it is a session */
	struct table *table;		 /* what it allows; NULL: unfiltered, another version's */
};

struct process {
	pid_t pid;
	pid_t thread; /* one that has not ended: the first may have, and the others go on */
	uid_t uid;    /* the real one: who started a program with set-uid is still the user */
	char comm[64];
	const struct place *place;
	enum session_place whose;
};

struct walk {
	struct doctor *doctor;
	char *prefix; /* of the cgroup paths of this machine, if it is a container */
	struct place **places;
	size_t place_count, place_capacity;
	struct doctor_tallies strays, devices;
	size_t unseen;	    /* threads whose descriptors could not be looked at */
	char namespace[64]; /* our own, of processes */
};

/*
 * Reads the path behind "0::" of the process @pid into *@cgroup, to be freed. Returns 0; -ENOENT:
 * it is gone, or there is no such line; another negative errno.
 */
static int read_cgroup(pid_t pid, char **cgroup)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *file;
	int ret = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ESRCH ? -ENOENT : -errno;
	while (ret == -ENOENT && getline(&line, &size, file) >= 0) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*cgroup = xstrdup(line + 3);
		ret = 0;
	}
	free(line);
	fclose(file);
	return ret;
}

static void free_place(struct place *place)
{
	table_free(place->table);
	free(place->cgroup);
	free(place);
}

/* A container may have bpfdev, too, and what it filters is no unit of this machine. */
static int find_filter(const char *cgroup, struct reason *why)
{
	int fd = session_open_cgroup(cgroup, why), prog_fd = -1, ret;

	if (fd < 0)
		return fd;
	ret = filter_find(fd, &prog_fd, why);
	if (prog_fd >= 0)
		close(prog_fd);
	close(fd);
	return ret;
}

/* Whether it is as the module would have it: a job's cgroup, in which devices are limited. */
static bool is_left_alone(const struct doctor *doctor, const struct session *session)
{
	return doctor->left_alone && session->path &&
	       xcheck(enforce_is_limited(doctor->left_alone, session, NULL)) > 0;
}

/* The session or manager with that cgroup; NULL: it began after the look at them, or has ended. */
static struct machine_unit *find_unit(struct machine *machine, const char *cgroup)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		struct machine_unit *unit = &machine->units[i];
		size_t length = strlen(unit->slice);

		if (strncmp(cgroup, unit->slice, length) == 0 && cgroup[length] == '/' &&
		    strcmp(cgroup + length + 1, unit->name) == 0)
			return unit;
	}
	return NULL;
}

/* A container may have users' slices of its own, further down. */
static bool is_ours(const struct doctor *doctor, const struct session *session)
{
	static const char slice[] = "/user.slice/";
	size_t length = strlen(doctor->machine.root);

	return strncmp(session->slice, doctor->machine.root, length) == 0 &&
	       strncmp(session->slice + length, slice, strlen(slice)) == 0;
}

/* Adds the place of @session's cgroup, of which the first @length bytes are its unit's. */
static const struct place *add_place(struct walk *walk, const struct session *session,
				     size_t length)
{
	struct place *place = xcalloc(1, sizeof(*place));
	struct reason why = { "" };
	int ret = 0;

	place->cgroup = xstrndup(session->cgroup, length);
	place->session = session->unit && is_ours(walk->doctor, session);
	if (place->session) {
		struct machine_unit *unit = find_unit(&walk->doctor->machine, session->unit);

		place->unit = unit;
		place->filtered = unit && unit->filters;
		ret = unit ? machine_read_table(unit, &place->table, &why) : -ENOENT;
	} else if (session->unit) {
		ret = xcheck(find_filter(session->unit, &why));
		place->filtered = ret > 0;
	} else {
		place->left_alone = is_left_alone(walk->doctor, session);
	}
	if (ret >= 0) {
		walk->places = xgrow(walk->places, walk->place_count, &walk->place_capacity,
				     sizeof(struct place *));
		return walk->places[walk->place_count++] = place;
	}
	free_place(place);
	if (ret != -ENOENT && ret != -ENODEV) {
		doctor_find(walk->doctor, DOCTOR_BLIND, TOPIC, "",
			    "a cgroup cannot be looked at: %s", why.text);
		doctor_advise(walk->doctor, "mend that, and look again");
	}
	return NULL;
}

/*
 * Finds the unit of a cgroup, as if what systemd has were mounted by itself, at the folder where it
 * is. What this container does not show is nobody's session here.
 */
static void locate(const struct walk *walk, const char *cgroup, uid_t uid, struct session *session)
{
	int ret = session_locate(cgroup, walk->doctor->machine.root,
				 *walk->prefix ? walk->prefix : "/", uid, session, NULL);

	if (xcheck(ret) < 0)
		*session = (struct session) { .place = SESSION_NONE, .cgroup = xstrdup(cgroup) };
}

/*
 * Where a process of user @uid with that "0::" path runs, and what that is to the user in *@whose.
 * NULL: it is gone, or what is wrong was found.
 */
static const struct place *place_of(struct walk *walk, const char *cgroup, uid_t uid,
				    enum session_place *whose)
{
	const struct place *place = NULL;
	struct session session;
	size_t length;

	locate(walk, cgroup, uid, &session);
	*whose = session.place;
	/* How much of the cgroup's path is its unit's. */
	length = session.unit ? strlen(session.unit) - strlen(walk->doctor->machine.root) +
					strlen(walk->prefix)
			      : strlen(session.cgroup);
	for (size_t i = 0; i < walk->place_count && !place; i++)
		if (strlen(walk->places[i]->cgroup) == length &&
		    memcmp(walk->places[i]->cgroup, cgroup, length) == 0)
			place = walk->places[i];
	if (!place)
		place = add_place(walk, &session, length);
	session_free(&session);
	return place;
}

struct device {
	enum bpfdev_type type;
	uint32_t major, minor;
};

/* The devices that a process has open: the kernel asks when one is opened, and never again. */
struct look {
	struct walk *walk;
	const struct process *process;
	struct device terminal; /* the controlling one; no major 0 of a terminal exists */
	struct device console;	/* the one that the session was opened on; likewise */
	int thread_fd;		/* of the folder of the thread that is looked at */
};

static bool is_same(const struct device *a, const struct device *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/*
 * Asks as few questions as there are: a file on a server that is gone must not hold us up.
 * Returns whether it is a device.
 */
static bool read_device(int dir, const char *path, struct device *device)
{
	struct statx st;

	if (statx(dir, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0)
		return false;
	device->type = S_ISBLK(st.stx_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR;
	device->major = st.stx_rdev_major;
	device->minor = st.stx_rdev_minor;
	return S_ISBLK(st.stx_mode) || S_ISCHR(st.stx_mode);
}

static FILE *open_file(const struct look *look, const char *path)
{
	int fd = openat(look->thread_fd, path, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* pid (comm) state ppid pgrp session tty_nr ...; the number is as new_encode_dev() makes it. */
static void read_terminal(struct look *look)
{
	FILE *file = open_file(look, "stat");
	char line[1024];
	const char *rest;
	unsigned int number;

	if (!file)
		return;
	if (fgets(line, sizeof(line), file) && (rest = strrchr(line, ')')) &&
	    sscanf(rest, ") %*c %*d %*d %*d %u", &number) == 1) {
		look->terminal.type = BPFDEV_CHAR;
		look->terminal.major = number >> 8 & 0xfff;
		look->terminal.minor = (number & 0xff) | (number >> 12 & 0xfff00);
	}
	fclose(file);
}

static void read_console(struct look *look)
{
	const char *tty = look->process->place->unit->info.tty;
	char path[sizeof(look->process->place->unit->info.tty) + sizeof("/dev/")];

	if (strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	snprintf(path, sizeof(path), "/dev/%s", tty);
	if (!*tty || !read_device(AT_FDCWD, path, &look->console))
		look->console = (struct device) { 0 };
}

/* What an open file may still be used for: 0 for O_PATH. */
static uint32_t read_access(const struct look *look, const char *number)
{
	static const uint32_t modes[] = {
		[O_RDONLY] = BPFDEV_READ,
		[O_WRONLY] = BPFDEV_WRITE,
		[O_RDWR] = BPFDEV_READ | BPFDEV_WRITE,
		/* For ioctl(2) only: the kernel asks for both all the same. */
		[O_ACCMODE] = BPFDEV_READ | BPFDEV_WRITE,
	};
	char path[300], line[128];
	unsigned int flags = O_PATH;
	FILE *file;

	snprintf(path, sizeof(path), "fdinfo/%s", number);
	file = open_file(look, path);
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	fclose(file);
	return flags & O_PATH ? 0 : modes[flags & O_ACCMODE];
}

static const char *access_text(uint32_t access)
{
	if (access == BPFDEV_READ)
		return "reading";
	return access == BPFDEV_WRITE ? "writing" : "reading and writing";
}

static void tell_device(struct look *look, const char *path, const struct device *device,
			uint32_t access)
{
	const char *unit = strrchr(look->process->place->cgroup, '/');
	char message[PATH_MAX + 256], numbers[NAMES_NUMBERS_SIZE];
	struct doctor_tally tally = {
		.level = DOCTOR_BAD,
		.topic = "devices",
		.advice = "end them: the kernel asks when a device is opened, and never again",
		.pid = look->process->pid,
	};

	names_numbers(device->type, device->major, device->minor, numbers);
	snprintf(message, sizeof(message), "%s (%s) is open for %s in %s, whose filter denies it",
		 path, numbers, access_text(access),
		 unit ? unit + 1 : look->process->place->cgroup);
	memcpy(tally.comm, look->process->comm, sizeof(tally.comm));
	doctor_tally(&look->walk->devices, &tally, look->process->place->unit->info.user, message);
}

/*
 * Login programs open the terminal before there is a filter, and a shell has it from them: to have
 * that is what a session at a terminal is, whatever the rules say of others.
 */
static void look_at_descriptor(struct look *look, const char *number)
{
	char link[300], path[PATH_MAX];
	struct device device;
	uint32_t access, refused;
	ssize_t length;

	snprintf(link, sizeof(link), "fd/%s", number);
	if (!read_device(look->thread_fd, link, &device) || is_same(&device, &look->terminal) ||
	    is_same(&device, &look->console))
		return;
	access = read_access(look, number);
	refused = table_refused(look->process->place->table, device.type, device.major,
				device.minor, access);
	length = readlinkat(look->thread_fd, link, path, sizeof(path) - 1);
	if (!refused || length < 0)
		return;
	path[length] = '\0';
	tell_device(look, path, &device, refused);
}

/* Threads share a table of descriptors, unless one has taken its own. */
static bool shares_table(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_FILES, 0, 0) == 0;
}

static void look_at_thread(struct look *look, pid_t thread)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d", look->process->pid, thread);
	look->thread_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (look->thread_fd < 0)
		return;
	read_terminal(look);
	read_console(look);
	fd = openat(look->thread_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			look_at_descriptor(look, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	/* One that has ended in the meantime had nothing left to look at. */
	if (!dir && errno != ENOENT && errno != ESRCH)
		look->walk->unseen++;
	close(look->thread_fd);
}

static void look_at_devices(struct walk *walk, const struct process *process)
{
	struct look look = { .walk = walk, .process = process };
	struct dirent *entry;
	char path[64];
	DIR *tasks;

	if (!process->place->session || !process->place->table)
		return;
	look_at_thread(&look, process->thread);
	snprintf(path, sizeof(path), "/proc/%d/task", process->pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		pid_t thread = atoi(entry->d_name);

		if (thread > 0 && thread != process->thread &&
		    !shares_table(process->thread, thread))
			look_at_thread(&look, thread);
	}
	if (tasks)
		closedir(tasks);
}

/* Reads what @path says of a process or thread. Returns whether it has not ended. */
static bool read_status(const char *path, struct process *process)
{
	char line[256], state = 'Z';
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	process->uid = 0;
	process->comm[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		/* The kernel writes what would end the line as an escape. */
		sscanf(line, "Name:\t%63[^\n]", process->comm);
		sscanf(line, "State:\t%c", &state);
		sscanf(line, "Uid:\t%u", &process->uid);
	}
	fclose(file);
	return state != 'Z' && state != 'X';
}

/*
 * Reads who a process is, by its first thread, or by another if that has ended. Returns whether
 * there is one that can still do anything.
 */
static bool read_process(struct process *process)
{
	struct dirent *entry;
	bool lives;
	char path[64];
	DIR *tasks;

	process->thread = process->pid;
	snprintf(path, sizeof(path), "/proc/%d/status", process->pid);
	lives = read_status(path, process);
	snprintf(path, sizeof(path), "/proc/%d/task", process->pid);
	tasks = lives ? NULL : opendir(path);
	while (tasks && !lives && (entry = readdir(tasks))) {
		process->thread = atoi(entry->d_name);
		snprintf(path, sizeof(path), "/proc/%d/task/%d/status", process->pid,
			 process->thread);
		lives = process->thread > 0 && process->thread != process->pid &&
			read_status(path, process);
	}
	if (tasks)
		closedir(tasks);
	return lives;
}

static void read_namespace(pid_t pid, char *name, size_t size)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	length = readlink(path, name, size - 1);
	name[length > 0 ? length : 0] = '\0';
}

/* Not so for what a user makes with unshare(1): that stays in the session's cgroup. */
static bool is_in_container(const struct walk *walk, const struct process *process)
{
	char name[sizeof(walk->namespace)];

	if (process->place->session)
		return false;
	read_namespace(process->thread, name, sizeof(name));
	return *name && strcmp(name, walk->namespace) != 0;
}

static const char *advice_for(const struct process *process)
{
	switch (process->place->session ? process->whose : SESSION_NONE) {
	case SESSION_OWN_SCOPE:
	case SESSION_OWN_MANAGER:
		return "bpfdev reload --all gives it the filter that it would get now";
	case SESSION_FOREIGN:
		return "end them; daemons that let users in belong to systemd, not into a session";
	default:
		return "end them; services that must run as a user can have DeviceAllow= in their unit";
	}
}

static void tell_stray(struct walk *walk, const struct process *process, const char *name)
{
	struct doctor_tally tally = {
		.level = DOCTOR_BAD,
		.topic = TOPIC,
		.pid = process->pid,
	};
	char message[PATH_MAX];

	tally.advice = advice_for(process);
	if (is_in_container(walk, process)) {
		tally.level = DOCTOR_WARN;
		tally.advice = "see that no device is given to that container which the user may "
			       "not use";
	}
	snprintf(message, sizeof(message), "%s has no filter%s", process->place->cgroup,
		 tally.level == DOCTOR_WARN ? " and is a container's" : "");
	if (process->place->left_alone) {
		tally.level = DOCTOR_NOTE;
		tally.advice = "nothing: PAM's lines leave such cgroups alone";
		snprintf(message, sizeof(message), "%s has the limits of somebody else's",
			 process->place->cgroup);
	}
	memcpy(tally.comm, process->comm, sizeof(tally.comm));
	doctor_tally(&walk->strays, &tally, name, message);
}

/* A sound server that is nobody's opens devices for everybody who asks it. */
static bool is_sound_server(const struct process *process)
{
	static const char *const names[] = { "pipewire", "pulseaudio", "wireplumber" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(process->comm, names[i]) == 0)
			return true;
	return false;
}

static void look_at(struct walk *walk, struct process *process)
{
	const struct doctor_user *user;
	char *cgroup;

	if (read_cgroup(process->thread, &cgroup) < 0)
		return;
	process->place = place_of(walk, cgroup, process->uid, &process->whose);
	free(cgroup);
	if (!process->place)
		return;
	if (!process->place->session && is_sound_server(process))
		walk->doctor->sound_server = process->pid;
	/* Root has daemons everywhere, and its login programs had their devices before the filter. */
	if (process->uid == 0)
		return;
	look_at_devices(walk, process);
	user = doctor_user_of_uid(walk->doctor, process->uid);
	if (doctor_has_rules(user) && !process->place->filtered)
		tell_stray(walk, process, user->subject.name);
}

static void walk_proc(struct walk *walk, DIR *proc)
{
	struct process process;
	struct dirent *entry;

	while ((entry = readdir(proc))) {
		process = (struct process) { .pid = atoi(entry->d_name) };
		if (process.pid <= 0 || !read_process(&process))
			continue;
		if (process.uid != 0 || is_sound_server(&process))
			look_at(walk, &process);
	}
}

static void tell_all(struct walk *walk)
{
	struct doctor *doctor = walk->doctor;

	if (walk->strays.count == 0 && doctor->conf)
		doctor_find(doctor, DOCTOR_OK, TOPIC, "",
			    "no process of a user with rules is outside of the filters");
	doctor_tell_tallies(doctor, &walk->strays);
	if (walk->unseen) {
		doctor_find(doctor, DOCTOR_BLIND, "devices", "",
			    "the descriptors of %zu threads could not be looked at", walk->unseen);
		doctor_advise(doctor, "look again as root, outside of any container");
	} else if (walk->devices.count == 0) {
		doctor_find(
			doctor, DOCTOR_OK, "devices", "",
			"no user's process in a session holds a descriptor of a device that its "
			"filter denies; mappings, and descriptors on their way from process to "
			"process, cannot be seen");
	}
	doctor_tell_tallies(doctor, &walk->devices);
}

static void blind(struct doctor *doctor, const char *why)
{
	doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "processes cannot be looked at: %s", why);
	doctor_advise(doctor, "mount proc(5) at /proc so that root sees all processes");
}

void doctor_check_processes(struct doctor *doctor)
{
	struct walk walk = { .doctor = doctor };
	struct reason why = { "" };
	char *last;
	DIR *proc;
	int ret;

	/* Without cgroup2 nothing is filtered at all: that was said. */
	if (!doctor->machine.root)
		return;
	if (machine_look(&doctor->machine, NULL, 0, &why) < 0) {
		doctor_find(doctor, DOCTOR_BLIND, "sessions", "", "they cannot be looked at: %s",
			    why.text);
		doctor_advise(doctor, "mend that, and look again");
		return;
	}
	proc = opendir("/proc");
	if (!proc) {
		blind(doctor, strerror(errno));
		return;
	}
	ret = read_cgroup(1, &walk.prefix);
	if (ret < 0 || !walk.prefix) {
		reason_set(&why, "/proc/1/cgroup: %s", strerror(-ret));
		blind(doctor, why.text);
	} else {
		/* systemd's own: what session_find_root() leaves out. */
		last = strrchr(walk.prefix, '/');
		if (last && strcmp(last, "/init.scope") == 0)
			*last = '\0';
		read_namespace(getpid(), walk.namespace, sizeof(walk.namespace));
		walk_proc(&walk, proc);
		tell_all(&walk);
	}
	for (size_t i = 0; i < walk.place_count; i++)
		free_place(walk.places[i]);
	free(walk.places);
	free(walk.prefix);
	closedir(proc);
}
