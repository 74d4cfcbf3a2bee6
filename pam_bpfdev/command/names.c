// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "../../bpf/bpfdev.h"
#include "names.h"
#include "names_walk.h"

struct names {
	const struct device_source *devices;
	bool has_drivers, has_nodes; /* they have been looked for */
	char *drivers[BPFDEV_TYPES][BPFDEV_MAJORS];
	bool registered[BPFDEV_TYPES][BPFDEV_MAJORS];
	struct names_nodes nodes;
};

struct names *names_new(const struct device_source *devices)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names)
		names->devices = devices;
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
		for (uint32_t major = 0; major < BPFDEV_MAJORS; major++)
			free(names->drivers[type][major]);
	names_nodes_free(&names->nodes);
	free(names);
}

static const char *print_number(uint32_t number, char text[12])
{
	if (number == BPFDEV_ANY)
		return "*";
	snprintf(text, 12, "%u", number);
	return text;
}

char *names_numbers(uint32_t type, uint32_t major, uint32_t minor, char *out)
{
	char first[12], second[12];

	snprintf(out, NAMES_NUMBERS_SIZE, "%c %s:%s", type == BPFDEV_CHAR ? 'c' : 'b',
		 print_number(major, first), print_number(minor, second));
	return out;
}

/* Whether @name is one of those in @list, which has commas between them. */
static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *item = list; item; item = strchr(item, ',')) {
		item += *item == ',';
		if (strncmp(item, name, length) == 0 && (item[length] == ',' || !item[length]))
			return true;
	}
	return false;
}

/* Loses the name if there is no memory. */
static void add_driver(char **list, const char *name)
{
	char *longer;

	if (*list && is_listed(*list, name))
		return;
	if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? "," : "", name) < 0)
		return;
	free(*list);
	*list = longer;
}

/* What /proc/devices says comes first, and outweighs what is assigned. */
static void see_driver(const struct device_driver *driver, void *data)
{
	struct names *names = data;

	for (uint32_t major = driver->low; major <= driver->high; major++) {
		if (driver->registered)
			names->registered[driver->type][major] = true;
		else if (names->registered[driver->type][major])
			continue;
		add_driver(&names->drivers[driver->type][major], driver->name);
	}
}

bool names_drivers(struct names *names, uint32_t type, uint32_t major, char *out)
{
	const char *found;

	*out = '\0';
	if (!names->has_drivers)
		device_each_driver(names->devices, see_driver, names, NULL);
	names->has_drivers = true;
	found = major < BPFDEV_MAJORS ? names->drivers[type][major] : NULL;
	if (!found || strlen(found) >= NAMES_DRIVERS_SIZE)
		return false;
	snprintf(out, NAMES_DRIVERS_SIZE, "%s", found);
	return true;
}

/* The name that the kernel gives the device's node: below /dev, as it does not say. */
static bool kernel_name(uint32_t type, uint32_t major, uint32_t minor, char *name)
{
	char path[64], line[NAMES_PATH_SIZE];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u/uevent",
		 type == BPFDEV_CHAR ? "char" : "block", major, minor);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, "DEVNAME=", 8) == 0;
	}
	fclose(file);
	if (found)
		snprintf(name, NAMES_PATH_SIZE, "%s", line + 8);
	return found;
}

/* Whether a node with these numbers, and no link to it, is at @path. */
static bool is_node(const char *path, uint32_t type, uint32_t major, uint32_t minor)
{
	struct stat st;

	return lstat(path, &st) == 0 &&
	       (type == BPFDEV_CHAR ? S_ISCHR(st.st_mode) : S_ISBLK(st.st_mode)) &&
	       major(st.st_rdev) == major && minor(st.st_rdev) == minor;
}

bool names_path(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out)
{
	char name[NAMES_PATH_SIZE], path[2 * NAMES_PATH_SIZE];
	const char *found = NULL;

	*out = '\0';
	if (major == BPFDEV_ANY || minor == BPFDEV_ANY)
		return false;
	if (kernel_name(type, major, minor, name)) {
		snprintf(path, sizeof(path), "%s/%s", names->devices->dev, name);
		if (is_node(path, type, major, minor))
			found = name;
	}
	if (!found && !names->has_nodes) {
		names->has_nodes = true;
		names_nodes_find(names->devices->dev, &names->nodes);
	}
	if (!found)
		found = names_nodes_at(&names->nodes, type, major, minor);
	if (!found || strlen(found) + sizeof("/dev/") > NAMES_PATH_SIZE)
		return false;
	snprintf(out, NAMES_PATH_SIZE, "/dev/%s", found);
	return true;
}

char *names_best(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out)
{
	char drivers[NAMES_DRIVERS_SIZE];

	if (names_path(names, type, major, minor, out))
		return out;
	if (names_drivers(names, type, major, drivers))
		snprintf(out, NAMES_BEST_SIZE, "%s-%s", type == BPFDEV_CHAR ? "char" : "block",
			 drivers);
	return out;
}
