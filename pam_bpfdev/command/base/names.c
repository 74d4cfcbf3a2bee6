// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The nodes below /dev, and from numbers back to the names that people know. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpfdev.h"
#include "command/base/memory.h"
#include "command/base/names.h"
#include "device/device.h"

/* Far more than a /dev has; the depth also bounds the stack. */
#define NODES_MAX 65536
#define DEPTH_MAX 8

static void add_node(struct names_nodes *nodes, const char *here, const char *name,
		     const struct stat *st)
{
	*xappend(nodes) = (struct names_node) {
		.type = S_ISBLK(st->st_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR,
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
		.path = xasprintf("%s%s", here, name),
	};
}

/* udev names there what a device is, or where it is plugged in. */
static bool is_for_links(const char *here)
{
	return fnmatch("*/by-id/", here, 0) == 0 || fnmatch("*/by-path/", here, 0) == 0 ||
	       strcmp(here, "by-id/") == 0 || strcmp(here, "by-path/") == 0;
}

static void add_link(struct names_nodes *nodes, const char *here, const char *name)
{
	nodes->links =
		xgrow(nodes->links, nodes->link_count, &nodes->link_capacity, sizeof(char *));
	nodes->links[nodes->link_count++] = xasprintf("%s%s", here, name);
}

static void walk(struct names_nodes *nodes, int fd, const char *here, int depth);

static void enter(struct names_nodes *nodes, int dir, const char *here, const char *name, int depth)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *path;

	if (fd < 0)
		return;
	if (depth == DEPTH_MAX) {
		close(fd);
		return;
	}
	path = xasprintf("%s%s/", here, name);
	walk(nodes, fd, path, depth + 1);
	free(path);
}

static void visit(struct names_nodes *nodes, int dir, const char *here, const char *name, int depth)
{
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		enter(nodes, dir, here, name, depth);
	else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		add_node(nodes, here, name, &st);
	else if (S_ISLNK(st.st_mode) && is_for_links(here))
		add_link(nodes, here, name);
}

/* Closes @fd. */
static void walk(struct names_nodes *nodes, int fd, const char *here, int depth)
{
	const struct dirent *entry;
	struct stat st;
	DIR *dir = NULL;

	if (fstat(fd, &st) == 0 && st.st_uid == 0 && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	while (nodes->count + nodes->link_count < NODES_MAX && (entry = readdir(dir)))
		visit(nodes, dirfd(dir), here, entry->d_name, depth);
	closedir(dir);
}

static int compare_numbers(const struct names_node *a, const struct names_node *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	return (a->minor > b->minor) - (a->minor < b->minor);
}

/* Paths of the same length have an order too, so that the same one is shown each time. */
static int compare_nodes(const void *left, const void *right)
{
	const struct names_node *a = left, *b = right;
	size_t length = strlen(a->path), other = strlen(b->path);
	int difference = compare_numbers(a, b);

	if (difference)
		return difference;
	return length == other ? strcmp(a->path, b->path) : length < other ? -1 : 1;
}

void names_nodes_find(const char *dev, struct names_nodes *nodes)
{
	int fd = open(dev, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		walk(nodes, fd, "", 0);
	if (nodes->count)
		qsort(nodes->items, nodes->count, sizeof(*nodes->items), compare_nodes);
}

const char *names_nodes_at(const struct names_nodes *nodes, uint32_t type, uint32_t major,
			   uint32_t minor)
{
	const struct names_node wanted = { type, major, minor, NULL };
	size_t low = 0, high = nodes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_numbers(&nodes->items[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == nodes->count || compare_numbers(&nodes->items[low], &wanted) != 0)
		return NULL;
	return nodes->items[low].path;
}

void names_nodes_free(struct names_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		free(nodes->items[i].path);
	for (size_t i = 0; i < nodes->link_count; i++)
		free(nodes->links[i]);
	free(nodes->items);
	free(nodes->links);
	*nodes = (struct names_nodes) { 0 };
}

char *names_write_path(const char *path)
{
	char *word = xmalloc(sizeof("/dev/") + 2 * strlen(path)), *end = stpcpy(word, "/dev/");

	for (; *path; path++) {
		if (strchr("*?[\\", *path))
			*end++ = '\\';
		*end++ = *path;
	}
	*end = '\0';
	return word;
}

bool names_is_path(const char *text)
{
	return !strpbrk(text, "*?[") && (!strchr(text, '\\') || access(text, F_OK) == 0);
}

struct names {
	const struct device_source *devices;
	char *drivers[BPFDEV_TYPES][BPFDEV_MAJORS]; /* NULL: not looked for yet */
	bool has_nodes;				    /* they have been looked for */
	struct names_nodes nodes;
	bool has_gone; /* likewise */
	struct device_gone *gone;
	size_t gone_count;
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
	free(names->gone);
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
		snprintf(out, NAMES_MISC_SIZE, "\"@%.64s\" or \"c %d:%u\"", class->name, MISC_MAJOR,
			 minor);
	else
		snprintf(out, NAMES_MISC_SIZE, "\"c %d:%u\"", MISC_MAJOR, minor);
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

bool names_usb(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out)
{
	struct device_known known;
	bool found = false;

	*out = '\0';
	if (major == BPFDEV_ANY || minor == BPFDEV_ANY)
		return false;
	xcheck(device_know(names->devices, type, major, minor, &known));
	found = device_known_usb(&known, out);
	device_known_free(&known);
	return found;
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

bool names_gone(struct names *names, uint32_t type, uint32_t major, uint32_t minor, uint64_t when,
		char *out)
{
	const char *name;

	if (!names->has_gone && names->devices->gone)
		xcheck(device_gone_read(names->devices->gone, &names->gone, &names->gone_count));
	names->has_gone = true;
	name = device_gone_find(names->gone, names->gone_count, type, major, minor, when);
	snprintf(out, NAMES_BEST_SIZE, "%s", name ? name : "");
	return name;
}
