/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* From a device's numbers back to what people call it: a path below /dev, the driver's names. */
#ifndef NAMES_H
#define NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "device/device.h"

/* Sizes of the texts below, with the final NUL; what does not fit is no name. */
#define NAMES_NUMBERS_SIZE 32
#define NAMES_DRIVERS_SIZE DEVICE_NAME_SIZE
#define NAMES_PATH_SIZE 1024
#define NAMES_BEST_SIZE NAMES_PATH_SIZE
#define NAMES_MISC_SIZE (DEVICE_NAME_SIZE + 64)

/* What has been looked up so far. Nothing is before it is asked for. */
struct names;

/*
 * Starts looking up; @devices must outlive it. Free with names_free(). What cannot be found out
 * has no name.
 */
struct names *names_new(const struct device_source *devices);

/* NULL is fine. */
void names_free(struct names *names);

/*
 * "c 226:128", "b 8:*", "c *:*": @type is an enum bpfdev_type, @major and @minor may be BPFDEV_ANY.
 * @out: NAMES_NUMBERS_SIZE bytes. Returns @out.
 */
char *names_numbers(uint32_t type, uint32_t major, uint32_t minor, char *out);

/*
 * The names that /proc/devices has for the major, or, if no driver has it now, those of the drivers
 * that it is assigned to; with commas between, without "char-" or "block-": "/dev/vc/0,tty,ttyS".
 * @out: NAMES_DRIVERS_SIZE bytes. Returns false, and @out is "": there are none.
 */
bool names_drivers(struct names *names, uint32_t type, uint32_t major, char *out);

/*
 * How a policy names what was taken for a driver (@word, behind "char-"), but is a device of
 * char-misc: "\"@kvm\" or \"c 10:232\"", with the class of @conf that names it first;
 * "\"/dev/vsock\"" where the number is another after each start.
 * @out: NAMES_MISC_SIZE bytes. Returns false, and @out is "": it is no such device.
 */
bool names_misc(const struct conf *conf, const struct device_source *devices, const char *word,
		char *out);

/*
 * A path below /dev where a node with these numbers is now: the kernel's own name for it, if that
 * is there. @out: NAMES_PATH_SIZE bytes. Returns false, and @out is "": there is none, or @major or
 * @minor is BPFDEV_ANY.
 */
bool names_path(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out);

/*
 * What the USB device says that it is, or that it is a part of: "usb:46f4:0001:SERIAL". @out:
 * DEVICE_SERIAL_SIZE bytes. Returns false, and @out is "": it is none, is not there, or @major or
 * @minor is BPFDEV_ANY.
 */
bool names_usb(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out);

/*
 * The one name to show beside the numbers: "/dev/dri/renderD128"; or "char-drm" where there is no
 * path; or "". @out: NAMES_BEST_SIZE bytes. Returns @out.
 */
char *names_best(struct names *names, uint32_t type, uint32_t major, uint32_t minor, char *out);

/*
 * What had these numbers at @when (nanoseconds of CLOCK_BOOTTIME) and has gone since, as a policy can
 * name it: "usb:46f4:0001:SERIAL". @out: NAMES_BEST_SIZE bytes. Returns false, and @out is "": it
 * has not gone, or is not remembered.
 */
bool names_gone(struct names *names, uint32_t type, uint32_t major, uint32_t minor, uint64_t when,
		char *out);

/* "/dev/PATH" as a policy has it: with what means something in a glob escaped. To be freed. */
char *names_write_path(const char *path);

/*
 * Whether @text, of a command line, is the path of what is there rather than a policy's word for
 * paths: it has no wildcards, and no backslash that names_write_path() has put there.
 */
bool names_is_path(const char *text);

/* The device nodes below /dev, and the links to them that say which device one is. */
struct names_node {
	uint32_t type, major, minor;
	char *path; /* below /dev */
};

struct names_nodes {
	struct names_node *items; /* sorted by numbers, then by the paths' lengths */
	size_t count, capacity;
	char **links; /* the paths of those in folders "by-id" and "by-path" */
	size_t link_count, link_capacity;
};

/*
 * Collects the nodes and links below @dev, as far as folders can be read. Links are not followed, and folders that others than root can write to are passed over: a user could fill those
 * at will. Free: names_nodes_free().
 */
void names_nodes_find(const char *dev, struct names_nodes *nodes);

/* The shortest path of a node with these numbers, below /dev, or NULL. */
const char *names_nodes_at(const struct names_nodes *nodes, uint32_t type, uint32_t major,
			   uint32_t minor);

void names_nodes_free(struct names_nodes *nodes);

#endif
