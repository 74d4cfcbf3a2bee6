// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A driver's name and the majors that it has, or will have once it is loaded. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "device/resolve.h"

/*
 * Majors that the kernel has assigned for good, under the names that drivers register them with
 * (Documentation/admin-guide/devices.txt). A module that is loaded when its first device is plugged
 * in is not in /proc/devices at login: without this list a rule on char-video4linux would be
 * nothing at all until then, and the webcam that comes later would be open.
 */
struct assigned {
	const char *name;
	uint16_t low, high;
};

static const struct assigned assigned_char[] = {
	{ "mem", 1, 1 },	   { "tty", 4, 4 },
	{ "ttyS", 4, 4 },	   { "lp", 6, 6 },
	{ "vcs", 7, 7 },	   { "st", 9, 9 },
	{ "misc", 10, 10 },	   { "input", 13, 13 },
	{ "sound", 14, 14 },	   { "sg", 21, 21 },
	{ "fb", 29, 29 },	   { "osst", 206, 206 },
	{ "video4linux", 81, 81 }, { "ch", 86, 86 },
	{ "i2c", 89, 89 },	   { "mtd", 90, 90 },
	{ "ppdev", 99, 99 },	   { "ppp", 108, 108 },
	{ "alsa", 116, 116 },	   { "ptm", 128, 135 },
	{ "pts", 136, 143 },	   { "spi", 153, 153 },
	{ "raw", 162, 162 },	   { "ttyACM", 166, 166 },
	{ "ieee1394", 171, 171 },  { "usb", 180, 180 },
	{ "ttyUSB", 188, 188 },	   { "usb_device", 189, 189 },
	{ "nvidia", 195, 195 },	   { "nvidia-frontend", 195, 195 },
	{ "cpu/msr", 202, 202 },   { "cpu/cpuid", 203, 203 },
	{ "DVB", 212, 212 },	   { "rfcomm", 216, 216 },
	{ "drm", 226, 226 },
};

static const struct assigned assigned_block[] = {
	{ "fd", 2, 2 },	     { "ide0", 3, 3 },	     { "loop", 7, 7 },	     { "sd", 8, 8 },
	{ "md", 9, 9 },	     { "sr", 11, 11 },	     { "mtdblock", 31, 31 }, { "nbd", 43, 43 },
	{ "sd", 65, 71 },    { "sd", 128, 135 },     { "drbd", 147, 147 },   { "mmc", 179, 179 },
	{ "xvd", 202, 202 }, { "blkext", 259, 259 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the drivers that are found go. */
struct visitor {
	device_driver_visit *visit;
	void *data;
};

/* A line of /proc/devices: "Character devices:", "Block devices:", or "  1 mem". */
static void visit_line(const struct visitor *visitor, const char *line, uint32_t *type)
{
	unsigned int major;
	int name = 0;

	if (strncmp(line, "Character", 9) == 0)
		*type = BPFDEV_CHAR;
	else if (strncmp(line, "Block", 5) == 0)
		*type = BPFDEV_BLOCK;
	else if (*type != BPFDEV_TYPES && sscanf(line, "%u %n", &major, &name) == 1 && name &&
		 major < BPFDEV_MAJORS)
		visitor->visit(&(struct device_driver) { *type, major, major, line + name, true },
			       visitor->data);
}

static int visit_registered(const struct visitor *visitor, const char *proc_devices,
			    struct reason *why)
{
	FILE *file = fopen(proc_devices, "re");
	uint32_t type = BPFDEV_TYPES;
	char *line = NULL;
	size_t size = 0;
	int error;

	if (!file) {
		error = errno;
		reason_set(why, "%s cannot be read: %s", proc_devices, strerror(error));
		return -error;
	}
	while (getline(&line, &size, file) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		visit_line(visitor, line, &type);
	}
	free(line);
	error = ferror(file) ? EIO : 0;
	fclose(file);
	if (error)
		reason_set(why, "%s cannot be read: %s", proc_devices, strerror(error));
	return -error;
}

static void visit_assigned(const struct visitor *visitor, uint32_t type,
			   const struct assigned *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		visitor->visit(&(struct device_driver) { type, list[i].low, list[i].high,
							 list[i].name, false },
			       visitor->data);
}

int device_each_driver(const struct device_source *source, device_driver_visit *visit, void *data,
		       struct reason *why)
{
	struct visitor visitor = { visit, data };
	int ret = visit_registered(&visitor, source->proc_devices, why);

	if (ret < 0)
		return ret;
	visit_assigned(&visitor, BPFDEV_CHAR, assigned_char, COUNT(assigned_char));
	visit_assigned(&visitor, BPFDEV_BLOCK, assigned_block, COUNT(assigned_block));
	return 0;
}

/* What is looked for, and where what is found goes. */
struct search {
	const char *glob;
	uint32_t type;
	bool seen[BPFDEV_MAJORS]; /* a driver may be listed twice */
};

static void see(const struct device_driver *driver, void *data)
{
	struct search *search = data;

	if (driver->type != search->type || fnmatch(search->glob, driver->name, 0) != 0)
		return;
	for (uint32_t major = driver->low; major <= driver->high; major++)
		search->seen[major] = true;
}

/* "*", "**": every driver there is or will be, so not a list of today's. */
static bool is_every_driver(const char *glob)
{
	return glob[strspn(glob, "*")] == '\0';
}

static int add_majors(const struct search *search, struct device_patterns *patterns,
		      struct reason *why)
{
	struct device_pattern pattern = { .type = search->type, .minor = BPFDEV_ANY };
	int ret = 0;

	for (uint32_t major = 0; major < BPFDEV_MAJORS && ret == 0; major++) {
		pattern.major = major;
		if (search->seen[major])
			ret = device_add(patterns, &pattern, why);
	}
	return ret;
}

int device_resolve_driver(const struct device_source *source, const struct device_spec *spec,
			  struct device_patterns *patterns, struct reason *why)
{
	struct search search = { .glob = spec->text,
				 .type = spec->block ? BPFDEV_BLOCK : BPFDEV_CHAR };
	struct device_pattern every = { search.type, BPFDEV_ANY, BPFDEV_ANY, true };
	int ret;

	if (is_every_driver(spec->text))
		return device_add(patterns, &every, why);
	ret = device_each_driver(source, see, &search, why);
	return ret < 0 ? ret : add_majors(&search, patterns, why);
}
