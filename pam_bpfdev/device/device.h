/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A device as a policy names it, and the numbers that it stands for on this machine. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpfdev.h"
#include "base/reason.h"

/* So many rules may one device of a policy line stand for; more is a mistake, not a cut. */
#define DEVICE_PATTERNS_MAX 4096

/* How a device can be written, for messages. */
#define DEVICE_FORMS                                                                               \
	"*, c M:m, b M:m, a M:m, char-NAME, block-NAME, /dev/PATH, usb:VENDOR:PRODUCT[:SERIAL], "  \
	"tag:NAME or @class"

enum device_kind {
	DEVICE_ALL,	/* "*" */
	DEVICE_NUMBERS, /* "c M:m" */
	DEVICE_DRIVER,	/* "char-GLOB", "block-GLOB" */
	DEVICE_PATH,	/* "/dev/GLOB" */
	DEVICE_USB,	/* "usb:VENDOR:PRODUCT[:SERIAL]" */
	DEVICE_TAG,	/* "tag:NAME", a tag of udev */
	DEVICE_CLASS,	/* "@class": resolved by whoever knows the classes */
};

/* Inclusive. any: "*", which later also covers numbers that no range can name. */
struct device_range {
	bool any;
	uint32_t low, high;
};

/* What a USB device says of itself. A pattern, where "*" stands for any. */
struct device_usb {
	struct device_range vendor, product; /* one number, or any */
	const char *serial;		     /* a glob; NULL: any, or none. Not owned */
};

/* A device as it was written. */
struct device_spec {
	enum device_kind kind;
	uint32_t column;       /* in its policy line, from 1 */
	bool block, character; /* types: both unless the form says which */
	const char *text;      /* the path, or what stands behind device_prefix(); not owned */
	union {
		struct {
			struct device_range major, minor; /* DEVICE_NUMBERS */
		};
		struct device_usb usb; /* DEVICE_USB; its serial stands in @text */
	};
};

/*
 * One rule's device: an exact number, or one of the three wildcards. each_major: written as a rule
 * for every single major ("char-*"), so that it is as specific as "M:*" although major is ANY.
 */
struct device_pattern {
	uint32_t type;	       /* enum bpfdev_type */
	uint32_t major, minor; /* or BPFDEV_ANY */
	bool each_major;
};

struct device_patterns {
	struct device_pattern *items;
	size_t count, capacity;
};

/* What was read and opened for one policy; all zero to begin with. Free: device_cache_free(). */
struct device_cache {
	struct device_driver *drivers; /* as device_each_driver() visits them; NULL: not read */
	size_t driver_count, driver_capacity;
	char *names;		       /* of those in /proc/devices */
	struct device_usb_node *nodes; /* below USB buses, if has_nodes */
	size_t node_count, node_capacity;
	int dev_fd; /* /dev, if has_dev */
	bool has_nodes, has_dev;
};

/* Where device names are looked up; the tests put files of their own there. */
struct device_source {
	const char *proc_devices;   /* "/proc/devices" */
	const char *dev;	    /* "/dev": what "/dev" in a policy stands for */
	const char *proc_misc;	    /* "/proc/misc"; NULL: there is none */
	const char *sys;	    /* "/sys"; NULL: there is none */
	const char *udev;	    /* "/run/udev", udev's database; NULL: there is none */
	const char *gone;	    /* what device_gone_remember() wrote; NULL: there is none */
	struct device_cache *cache; /* NULL: all is read and opened each time */
};

extern const struct device_source device_source_system;

/*
 * Understands the word @text (NUL-terminated, must outlive @spec) as a device. For "a", "b" and "c"
 * @numbers is the word after it (NULL: there is none) and *@used is set to 2, otherwise to 1.
 * Pure text: nothing on the machine is looked at. On a mistake in the second word *@used is 2.
 * Returns 0, or -EINVAL with what was expected in @why.
 */
int device_parse(const char *text, const char *numbers, struct device_spec *spec, int *used,
		 struct reason *why);

/* Whether @word is a type ("a", "b", "c"), so that the numbers are the next word. */
bool device_is_type(const char *word);

/*
 * The same for a device that is one string, as "c 1:3" is. What stands behind it is *@rest, else "";
 * @text is cut before that.
 */
int device_parse_text(char *text, struct device_spec *spec, const char **rest, struct reason *why);

/*
 * What stands before the text of such a device: "char-", "usb:", "@"; "" for paths and for what has
 * no text.
 */
const char *device_prefix(const struct device_spec *spec);

/*
 * Writes the device as a policy has it: device_parse_text() makes the same of that. @out: @size
 * bytes. Returns false: it does not fit, and @out is "".
 */
bool device_write(const struct device_spec *spec, char *out, size_t size);

/*
 * Letters of "rwm" to BPFDEV_READ, _WRITE and _MKNOD. Returns 0, and *@bad (NULL is fine) is where,
 * if another character stands among them, or nothing at all.
 */
uint32_t device_parse_access(const char *text, const char **bad);

/*
 * Finds what glob(7) takes as plain characters and nobody means so: a set without an end, a
 * backslash at the end, quotes. Returns 0, or -EINVAL with @why.
 */
int device_check_glob(const char *glob, struct reason *why);

/*
 * Appends to @patterns what @spec (any kind but DEVICE_CLASS) stands for now. A driver or path that
 * does not exist stands for nothing; drivers whose major the kernel has assigned for good are known
 * also while they are not loaded (Documentation/admin-guide/devices.txt). Paths: symbolic links are
 * followed, but only through directories below /dev that root owns and others cannot write to; every
 * device that claims a link, as udev keeps it, is meant by it, also while another one has it. USB
 * devices: all nodes of the device and of what is below it in sysfs, which must be there. Tags:
 * udev's database; without one they stand for nothing.
 * Returns 0; -E2BIG: more than DEVICE_PATTERNS_MAX rules; -ENOMEM; or what reading gave, in @why.
 */
int device_resolve(const struct device_source *source, const struct device_spec *spec,
		   struct device_patterns *patterns, struct reason *why);

/* Appends one pattern. Returns 0, -E2BIG past DEVICE_PATTERNS_MAX, or -ENOMEM; with @why. */
int device_add(struct device_patterns *patterns, const struct device_pattern *pattern,
	       struct reason *why);

/* Says in @why that a device stands for more than DEVICE_PATTERNS_MAX rules. Returns -E2BIG. */
int device_too_many(struct reason *why);

void device_patterns_free(struct device_patterns *patterns);

/*
 * Whether the numbers that it stands for change as devices come and go. Those of drivers change with
 * /proc/devices only, others never; a class is its devices.
 */
bool device_follows(const struct device_spec *spec);

/*
 * What udev says of a device that it is about to hand out, whose links and database entry are not
 * there yet, or are still those of before.
 */
struct device_event {
	bool gone; /* it is being removed */
	bool has_number;
	uint32_t type, major, minor; /* enum bpfdev_type; only if has_number */
	const char *node;	     /* "/dev/sda" (DEVNAME), or "" */
	const char *links;	     /* "/dev/disk/by-id/A /dev/..." (DEVLINKS), or "" */
	const char *tags;	     /* ":a:b:" (CURRENT_TAGS), or "" */
	const char *sysfs;	     /* "/devices/..." (DEVPATH), or "" */
	const char *subsystem;	     /* "block", or "" */
};

/*
 * Whether @spec, of a kind that follows, means the device of @event: what device_resolve() will find
 * as soon as udev is done with it. Other kinds mean no event.
 * Returns 1; 0; or a negative errno with @why: what is to be known of it could not be read.
 */
int device_names(const struct device_source *source, const struct device_spec *spec,
		 const struct device_event *event, struct reason *why);

/*
 * Waits until udev has nothing to do, but at most so many milliseconds. Returns 0: it has not, or
 * there is none; 1: it still has.
 */
int device_await_udev(const struct device_source *source, unsigned int milliseconds);

void device_cache_free(struct device_cache *cache);

#define DEVICE_SERIAL_SIZE 512 /* bytes of what a device says of itself, with the final NUL */

/* What is known of a device that is there, beside its numbers. Free: device_known_free(). */
struct device_known {
	bool usb; /* it is a USB device, or below the one that follows */
	uint32_t vendor, product;
	char serial[DEVICE_SERIAL_SIZE]; /* as the device says it; "": it has none */
	char name[DEVICE_SERIAL_SIZE];	 /* "ACME Meter", as the device says it, or "" */
	/* What udev knows, each as it has it: links below /dev, without that; tags of now. */
	struct device_texts {
		char **items;
		size_t count, capacity;
	} links, tags;
};

/*
 * Finds what is known of the device with these numbers; what cannot be read is not known. @type:
 * enum bpfdev_type. Returns 0 or -ENOMEM; @known is to be freed in any case.
 */
int device_know(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		struct device_known *known);

void device_known_free(struct device_known *known);

/*
 * Writes the USB device as a policy can name it: "usb:46f4:0001:SERIAL", without the last colon if
 * there is no serial number. What cannot stand in a policy's word is written as "?", or "*".
 * @out: DEVICE_SERIAL_SIZE bytes. Returns false, and @out is "": it is none.
 */
bool device_known_usb(const struct device_known *known, char *out);

/* A driver and majors of it, from @low to @high. */
struct device_driver {
	uint32_t type; /* enum bpfdev_type */
	uint32_t low, high;
	const char *name;
	bool registered; /* it is loaded; else the majors are assigned to it for good */
};

typedef void device_driver_visit(const struct device_driver *driver, void *data);

/*
 * Visits the drivers whose names a policy can use: first those that are loaded, as they stand in
 * /proc/devices, then those with assigned majors, which may be the same again.
 * Returns 0, or a negative errno with @why: /proc/devices cannot be read.
 */
int device_each_driver(const struct device_source *source, device_driver_visit *visit, void *data,
		       struct reason *why);

/*
 * Whether @word, behind "char-" in a policy, is or matches the name of a device of the driver misc,
 * which has the major 10 and dozens of devices: "kvm", "net/tun". Sets *@minor, and *@fixed: the
 * kernel has assigned it for good (include/linux/miscdevice.h); otherwise it is that of /proc/misc.
 */
bool device_misc(const struct device_source *source, const char *word, uint32_t *minor,
		 bool *fixed);

/*
 * Whether a driver that @spec (DEVICE_DRIVER) names may still come with a major that nobody knows
 * now: it is not registered and has none assigned, or @spec is a glob, for which that is never
 * known. Returns 1, 0, or a negative errno with @why.
 */
int device_awaits_driver(const struct device_source *source, const struct device_spec *spec,
			 struct reason *why);

/*
 * Sets which majors no driver has and none has been assigned. Returns 0 or a negative errno with
 * @why. The first index is enum bpfdev_type.
 */
int device_free_majors(const struct device_source *source,
		       bool free_majors[BPFDEV_TYPES][BPFDEV_INDEXED_MAJORS], struct reason *why);

/* A digest of the drivers that are registered. Returns 0 or a negative errno with @why. */
int device_drivers_digest(const struct device_source *source, uint64_t *digest, struct reason *why);

/* How a service can name the device that it asks for. */
#define DEVICE_ASKED_FORMS "/dev/PATH, c M:m, b M:m, loop (the next one) or drive:SERIAL"

/*
 * Appends what @text names, which is as DEVICE_ASKED_FORMS says: exact numbers. @drive: and, of a disk
 * or a partition, all else that is of the same disk. Links are followed: whoever asks is trusted.
 * Returns 0; 1 with @why: no such device is there; -EINVAL with @why: it is no device; or another
 * negative errno with @why. Free: device_patterns_free().
 */
int device_find_asked(const struct device_source *source, const char *text, bool drive,
		      struct device_patterns *patterns, struct reason *why);

/* Whether the kernel itself lets nobody write to it: sysfs says so of a block device. */
bool device_is_read_only(const struct device_source *source, const struct device_pattern *device);

#define DEVICE_NAME_SIZE 256 /* bytes of a name, with the final NUL; what does not fit is none */

/*
 * The kernel's name for the device's node, if a node with these numbers is there: "dri/card0" of
 * /dev/dri/card0. @type: enum bpfdev_type. @out: DEVICE_NAME_SIZE bytes. Returns false, and @out is
 * "": it has none, or the node is not there.
 */
bool device_node(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		 char *out);

/*
 * The names that /proc/devices has for the major, or, if no driver has it now, those of the drivers
 * that it is assigned to; with commas between: "/dev/vc/0,tty,ttyS". @out: DEVICE_NAME_SIZE bytes.
 * Returns false, and @out is "": there are none.
 */
bool device_drivers(const struct device_source *source, uint32_t type, uint32_t major, char *out);

/*
 * The one name to show: "/dev/dri/card0"; "char-drm" where there is no such node; or "". @out:
 * DEVICE_NAME_SIZE bytes. Returns @out.
 */
char *device_name(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		  char *out);

#define DEVICE_GONE_MAX 512 /* so many are remembered: 64 KiB */

/* A device that has been pulled out. Its number may be another's by now. */
struct device_gone {
	uint64_t until; /* the number was its own: nanoseconds of CLOCK_BOOTTIME */
	uint32_t type, major, minor;
	char name[108]; /* as a policy can have it: "usb:46f4:0001:SERIAL" */
};

/*
 * Remembers @gone in the file @path, in the place of the oldest one if there are DEVICE_GONE_MAX.
 * Returns 0 or a negative errno with @why: it cannot be written.
 */
int device_gone_remember(const char *path, const struct device_gone *gone, struct reason *why);

/*
 * Reads what is remembered; what cannot be read is not. Returns 0 with *@items, to be freed, or
 * -ENOMEM.
 */
int device_gone_read(const char *path, struct device_gone **items, size_t *count);

/*
 * The name of the device that had these numbers at @when (nanoseconds of CLOCK_BOOTTIME), and has
 * gone since; or NULL.
 */
const char *device_gone_find(const struct device_gone *items, size_t count, uint32_t type,
			     uint32_t major, uint32_t minor, uint64_t when);

#endif
