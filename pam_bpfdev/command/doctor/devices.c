// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "command/doctor/devices.h"
#include "command/base/names.h"

struct device {
	enum bpfdev_type type;
	uint32_t major, minor;
};

struct look {
	struct doctor *doctor;
	struct doctor_tallies *tallies;
	pid_t pid;
	const char *comm;
	const struct doctor_place *place;
	struct device terminal; /* the controlling one; no major 0 of a terminal exists */
	struct device console;	/* the one that the session was opened on; likewise */
	int process_fd;		/* of the folder */
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
	int fd = openat(look->process_fd, path, O_RDONLY | O_CLOEXEC);
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
	const char *tty = look->place->info.tty;
	char path[sizeof(look->place->info.tty) + sizeof("/dev/")];

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

static void tell(struct look *look, const char *path, const struct device *device, uint32_t access)
{
	const char *unit = strrchr(look->place->cgroup, '/');
	char message[PATH_MAX + 256], numbers[NAMES_NUMBERS_SIZE];
	struct doctor_tally tally = {
		.level = DOCTOR_BAD,
		.topic = "devices",
		.advice = "end them: the kernel asks when a device is opened, and never again",
		.pid = look->pid,
	};

	names_numbers(device->type, device->major, device->minor, numbers);
	snprintf(message, sizeof(message), "%s (%s) is open for %s in %s, whose filter denies it",
		 path, numbers, access_text(access), unit ? unit + 1 : look->place->cgroup);
	snprintf(tally.comm, sizeof(tally.comm), "%s", look->comm);
	doctor_tally_add(look->doctor, look->tallies, &tally, look->place->info.user, message);
}

/*
 * Login programs open the terminal before there is a filter, and a shell has it from them: to have
 * that is what a session at a terminal is, whatever the rules say of others.
 */
static void look_at(struct look *look, const char *number)
{
	char link[300], path[PATH_MAX];
	struct device device;
	uint32_t access, refused;
	ssize_t length;

	snprintf(link, sizeof(link), "fd/%s", number);
	if (!read_device(look->process_fd, link, &device) || is_same(&device, &look->terminal) ||
	    is_same(&device, &look->console))
		return;
	access = read_access(look, number);
	refused =
		table_refused(look->place->table, device.type, device.major, device.minor, access);
	length = readlinkat(look->process_fd, link, path, sizeof(path) - 1);
	if (!refused || length < 0)
		return;
	path[length] = '\0';
	tell(look, path, &device, refused);
}

static void look_at_all(struct look *look)
{
	int fd = openat(look->process_fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			look_at(look, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

void doctor_devices_look(struct doctor *doctor, struct doctor_tallies *tallies, pid_t pid,
			 const char *comm, const struct doctor_place *place)
{
	struct look look = {
		.doctor = doctor,
		.tallies = tallies,
		.pid = pid,
		.comm = comm,
		.place = place,
	};
	char path[64];

	if (!place->session || !place->table)
		return;
	snprintf(path, sizeof(path), "/proc/%d", pid);
	look.process_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (look.process_fd < 0)
		return;
	read_terminal(&look);
	read_console(&look);
	look_at_all(&look);
	close(look.process_fd);
}
