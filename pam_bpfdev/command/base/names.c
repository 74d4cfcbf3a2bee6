// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "device/device.h"
#include "command/base/memory.h"
#include "command/base/names.h"
#include "command/base/nodes.h"

struct names {
	const struct device_source *devices;
	char *drivers[BPFDEV_TYPES][BPFDEV_MAJORS]; /* NULL: not looked for yet */
	bool has_nodes;				    /* they have been looked for */
	struct names_nodes nodes;
};

struct names *names_new(const struct device_source *devices)
{
	struct names *names = xcalloc(1, sizeof(*names));

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

bool names_drivers(struct names *names, uint32_t type, uint32_t major, char *out)
{
	char **known = major < BPFDEV_MAJORS ? &names->drivers[type][major] : NULL;

	*out = '\0';
	if (!known)
		return false;
	if (*known)
		snprintf(out, NAMES_DRIVERS_SIZE, "%s", *known);
	else if (device_drivers(names->devices, type, major, out))
		*known = xstrdup(out);
	else
		*known = xstrdup("");
	return *out;
}

#define MISC_MAJOR 10 /* include/uapi/linux/major.h */

/* The class that is about this device of char-misc, and so names it first; or NULL. */
static const struct conf_class *class_of_misc(const struct conf *conf, uint32_t minor)
{
	for (size_t i = 0; i < conf->class_count; i++) {
		const struct conf_class *class = &conf->classes[i];
		const struct device_spec *first = class->devices;

		if (first->kind == DEVICE_NUMBERS && first->character && !first->block &&
		    !first->major.any && !first->minor.any && first->major.low == MISC_MAJOR &&
		    first->major.high == MISC_MAJOR && first->minor.low == minor &&
		    first->minor.high == minor)
			return class;
	}
	return NULL;
}

bool names_misc(const struct conf *conf, const struct device_source *devices, const char *word,
		char *out)
{
	const struct conf_class *class;
	char node[DEVICE_NAME_SIZE];
	uint32_t minor;
	bool fixed;

	*out = '\0';
	if (!device_misc(devices, word, &minor, &fixed))
		return false;
	class = class_of_misc(conf, minor);
	if (!fixed && device_node(devices, BPFDEV_CHAR, MISC_MAJOR, minor, node))
		snprintf(out, NAMES_MISC_SIZE, "\"/dev/%s\"", node);
	else if (class)
		snprintf(out, NAMES_MISC_SIZE, "\"@%.64s\" or \"c %u:%u\"", class->name, MISC_MAJOR,
			 minor);
	else
		snprintf(out, NAMES_MISC_SIZE, "\"c %u:%u\"", MISC_MAJOR, minor);
	return true;
}

bool names_path(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out)
{
	char name[DEVICE_NAME_SIZE];
	const char *found = NULL;

	*out = '\0';
	if (major == BPFDEV_ANY || minor == BPFDEV_ANY)
		return false;
	if (device_node(names->devices, type, major, minor, name))
		found = name;
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
