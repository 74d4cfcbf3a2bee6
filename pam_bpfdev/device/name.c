// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "bpfdev.h"
#include "device/name.h"

/* The name that the kernel gives the device's node: below /dev, as it does not say. */
static bool kernel_name(uint32_t type, uint32_t major, uint32_t minor, char *name)
{
	char path[64], line[sizeof("DEVNAME=") + DEVICE_NAME_SIZE];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u/uevent",
		 type == BPFDEV_CHAR ? "char" : "block", major, minor);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, "DEVNAME=", 8) == 0 && strlen(line + 8) < DEVICE_NAME_SIZE;
	}
	fclose(file);
	if (found)
		snprintf(name, DEVICE_NAME_SIZE, "%s", line + 8);
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

bool device_node(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		 char *out)
{
	char path[4096];

	if (kernel_name(type, major, minor, out)) {
		snprintf(path, sizeof(path), "%s/%s", source->dev, out);
		if (is_node(path, type, major, minor))
			return true;
	}
	*out = '\0';
	return false;
}

/* The drivers of one major. */
struct drivers {
	uint32_t type, major;
	bool registered; /* those in the list are loaded */
	bool lost;	 /* one did not fit */
	char *list;	 /* DEVICE_NAME_SIZE bytes */
};

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

/* What /proc/devices says comes first, and outweighs what is assigned. */
static void see_driver(const struct device_driver *driver, void *data)
{
	struct drivers *drivers = data;
	size_t used = strlen(drivers->list), room = DEVICE_NAME_SIZE - used;

	if (driver->type != drivers->type || drivers->major < driver->low ||
	    drivers->major > driver->high)
		return;
	if (driver->registered)
		drivers->registered = true;
	else if (drivers->registered)
		return;
	if (!is_listed(drivers->list, driver->name) &&
	    snprintf(drivers->list + used, room, "%s%s", used ? "," : "", driver->name) >=
		    (int)room)
		drivers->lost = true;
}

bool device_drivers(const struct device_source *source, uint32_t type, uint32_t major, char *out)
{
	struct drivers drivers = { type, major, false, false, out };

	*out = '\0';
	device_each_driver(source, see_driver, &drivers, NULL);
	if (drivers.lost)
		*out = '\0';
	return *out;
}

char *device_name(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		  char *out)
{
	const int room = DEVICE_NAME_SIZE - sizeof("block-");
	char found[DEVICE_NAME_SIZE];

	*out = '\0';
	if (device_node(source, type, major, minor, found))
		snprintf(out, DEVICE_NAME_SIZE, "/dev/%.*s", room, found);
	else if (device_drivers(source, type, major, found))
		snprintf(out, DEVICE_NAME_SIZE, "%s-%.*s", type == BPFDEV_CHAR ? "char" : "block",
			 room, found);
	return out;
}
