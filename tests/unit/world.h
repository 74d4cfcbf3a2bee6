/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A small machine to resolve device names on: a /proc/devices and a /dev of our own in a temporary
 * folder, and the groups that are on every Debian system.
 */
#ifndef WORLD_H
#define WORLD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpfdev.h"
#include "device/device.h"

/* The drivers have names that no kernel has, so that nothing built in knows them. */
struct world_driver {
	enum bpfdev_type type;
	uint32_t major;
	const char *name;
};

/* What a path below /dev leads to in the end. */
struct world_node {
	const char *path;
	enum bpfdev_type type;
	uint32_t major, minor;
};

/* A node of a USB device, or of what is plugged in below it: one for each of the devices above it. */
struct world_usb {
	enum bpfdev_type type;
	uint32_t major, minor;
	uint32_t vendor, product;
	const char *serial; /* "": it has none */
};

/* A node that a udev rule has tagged. */
struct world_tag {
	const char *tag;
	enum bpfdev_type type;
	uint32_t major, minor;
};

struct world_group {
	const char *name;
	gid_t gid;
};

#define WORLD_GROUPS_MAX 16

struct world {
	char folder[PATH_MAX];
	char proc_devices[PATH_MAX];
	char dev[PATH_MAX];
	char sys[PATH_MAX];
	char udev[PATH_MAX];
	struct device_source source;
	bool has_nodes; /* false: we may not make device nodes, and dev is empty */
	struct world_group groups[WORLD_GROUPS_MAX];
	size_t group_count;
};

extern const struct world_driver world_drivers[];
extern const size_t world_driver_count;
extern const struct world_node world_nodes[];
extern const size_t world_node_count;
extern const struct world_usb world_usb[];
extern const size_t world_usb_count;
extern const struct world_tag world_tags[];
extern const size_t world_tag_count;

/* Ends the program when the temporary folder cannot be made. */
void world_make(struct world *world);
void world_remove(struct world *world);

/* The gid of a group that existed when the world was made, or (gid_t)-1. */
gid_t world_gid(const struct world *world, const char *name);

/* A new temporary folder below TMPDIR; @path has room for PATH_MAX bytes. */
void world_make_folder(char *path);
/* Removes a folder and all below it. */
void world_remove_folder(const char *path);
/* Writes @length bytes of @text to a new file, readable by all. */
void world_write(const char *path, const char *text, size_t length);
/* The same with a string, for the file @name below @folder; folders on the way are made. */
void world_put(const char *folder, const char *name, const char *text);
/* A symbolic link in the same way. */
void world_link(const char *folder, const char *name, const char *target);

#endif
