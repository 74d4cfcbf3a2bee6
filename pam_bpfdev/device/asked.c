// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The device that a service asks for on a user's behalf, as the service names it. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpfdev.h"
#include "device/internal.h"

#define LOOP_MAJOR 7

/* Where sysfs has a block device: "/sys/dev/block/8:0/NAME". Returns whether it fits. */
static bool sysfs_path(const struct device_source *source, const struct device_pattern *device,
		       const char *name, char *out)
{
	return source->sys && snprintf(out, PATH_MAX, "%s/dev/block/%u:%u/%s", source->sys,
				       device->major, device->minor, name) < PATH_MAX;
}

/* Reads "8:1". Returns false: the file is not there. */
static bool read_numbers(const char *path, struct device_pattern *device)
{
	FILE *file = fopen(path, "re");
	bool found = file && fscanf(file, "%u:%u", &device->major, &device->minor) == 2;

	if (file)
		fclose(file);
	device->type = BPFDEV_BLOCK;
	return found;
}

bool device_is_read_only(const struct device_source *source, const struct device_pattern *device)
{
	char path[PATH_MAX];
	FILE *file;
	int read_only = 0;

	if (device->type != BPFDEV_BLOCK || !sysfs_path(source, device, "ro", path))
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%d", &read_only) != 1)
		read_only = 0;
	fclose(file);
	return read_only == 1;
}

static int add(const struct device_pattern *device, struct device_patterns *patterns,
	       struct reason *why)
{
	if (device_has(patterns, device->type, device->major, device->minor))
		return 0;
	return device_add(patterns, device, why);
}

/* The disk and its partitions are folders in each other. */
static int add_disk(const char *disk, struct device_patterns *patterns, struct reason *why)
{
	const struct dirent *entry;
	struct device_pattern device = { .type = BPFDEV_BLOCK };
	char path[PATH_MAX];
	DIR *dir = opendir(disk);
	int ret = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	if (snprintf(path, sizeof(path), "%s/dev", disk) < PATH_MAX && read_numbers(path, &device))
		ret = add(&device, patterns, why);
	while (ret == 0 && (entry = readdir(dir))) {
		if (snprintf(path, sizeof(path), "%s/%s/partition", disk, entry->d_name) >=
			    PATH_MAX ||
		    access(path, F_OK) < 0)
			continue;
		memcpy(strrchr(path, '/'), "/dev", sizeof("/dev"));
		if (read_numbers(path, &device))
			ret = add(&device, patterns, why);
	}
	closedir(dir);
	return ret;
}

/* What stands for one part of a drive stands for all of it. */
static int add_drive(const struct device_source *source, const struct device_pattern *part,
		     struct device_patterns *patterns, struct reason *why)
{
	char path[PATH_MAX];
	bool is_partition;

	if (part->type != BPFDEV_BLOCK || !sysfs_path(source, part, "partition", path))
		return 0;
	is_partition = access(path, F_OK) == 0;
	sysfs_path(source, part, is_partition ? ".." : ".", path);
	return add_disk(path, patterns, why);
}

static int find_node(const struct device_source *source, const char *text,
		     struct device_pattern *device, struct reason *why)
{
	char path[PATH_MAX];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s%s", source->dev, text + strlen("/dev")) >= PATH_MAX ||
	    stat(path, &st) < 0 || (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))) {
		reason_set(why, "%s is no device that is there", text);
		return 1;
	}
	*device = (struct device_pattern) {
		.type = S_ISBLK(st.st_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR,
		.major = major(st.st_rdev),
		.minor = minor(st.st_rdev),
	};
	return 0;
}

/* The loop device that the kernel hands out next: the first one that has no file behind it. */
static int find_loop(const struct device_source *source, struct device_pattern *device,
		     struct reason *why)
{
	char path[PATH_MAX];

	*device = (struct device_pattern) { .type = BPFDEV_BLOCK, .major = LOOP_MAJOR };
	do {
		if (!sysfs_path(source, device, "loop/backing_file", path)) {
			reason_set(why, "loop devices cannot be looked up without sysfs");
			return 1;
		}
		if (access(path, F_OK) < 0)
			return 0;
	} while (++device->minor < BPFDEV_MINORS);
	reason_set(why, "there is no loop device left");
	return 1;
}

/* The drives whose serial number udev knows. */
struct serials {
	const struct device_source *source;
	const char *wanted;
	bool found; /* by a line of the device that is looked at */
	struct device_patterns *patterns;
};

static int see_line(const char *line, void *data, struct reason *why)
{
	struct serials *serials = data;

	(void)why;
	/* What udisks2 takes for the serial number: of disks behind SCSI the one that they say there. */
	if (strncmp(line, "E:ID_SERIAL_SHORT=", 18) == 0)
		serials->found |= strcmp(line + 18, serials->wanted) == 0;
	if (strncmp(line, "E:ID_SCSI_SERIAL=", 17) == 0)
		serials->found |= strcmp(line + 17, serials->wanted) == 0;
	return 0;
}

static int see_device(const char *id, void *data, struct reason *why)
{
	struct serials *serials = data;
	struct device_pattern device;
	int ret;

	if (!device_udev_id(id, &device) || device.type != BPFDEV_BLOCK)
		return 0;
	serials->found = false;
	ret = device_udev_lines(serials->source, id, see_line, serials, why);
	return ret == 0 && serials->found ? add(&device, serials->patterns, why) : ret;
}

static int find_serial(const struct device_source *source, const char *serial,
		       struct device_patterns *patterns, struct reason *why)
{
	struct serials serials = { .source = source, .wanted = serial, .patterns = patterns };
	size_t before = patterns->count;
	int ret = device_udev_names(source, "data", see_device, &serials, why);

	if (ret < 0 || patterns->count > before)
		return ret;
	reason_set(why, "udev knows no drive with the serial number %s", serial);
	return 1;
}

static int find_numbers(const char *text, struct device_pattern *device, struct reason *why)
{
	unsigned int major, minor;
	char type, end;

	if (sscanf(text, "%c %u:%u%c", &type, &major, &minor, &end) != 3 ||
	    (type != 'b' && type != 'c') || major >= BPFDEV_MAJORS || minor >= BPFDEV_MINORS) {
		reason_set(why, "\"%s\": expected %s", text, DEVICE_ASKED_FORMS);
		return -EINVAL;
	}
	*device = (struct device_pattern) {
		.type = type == 'b' ? BPFDEV_BLOCK : BPFDEV_CHAR,
		.major = major,
		.minor = minor,
	};
	return 0;
}

int device_find_asked(const struct device_source *source, const char *text, bool drive,
		      struct device_patterns *patterns, struct reason *why)
{
	struct device_pattern device;
	int ret;

	if (strncmp(text, "drive:", 6) == 0)
		return find_serial(source, text + 6, patterns, why);
	if (strncmp(text, "/dev/", 5) == 0)
		ret = find_node(source, text, &device, why);
	else if (strcmp(text, "loop") == 0)
		ret = find_loop(source, &device, why);
	else
		ret = find_numbers(text, &device, why);
	if (ret == 0)
		ret = add(&device, patterns, why);
	if (ret == 0 && drive)
		ret = add_drive(source, &device, patterns, why);
	return ret;
}
