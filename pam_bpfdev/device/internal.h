/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that make up device. */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include "device/device.h"

/*
 * The device's text behind "usb:" or "tag:". @spec has all but kind, text and usb. Returns 0, or
 * -EINVAL with what was expected in @why.
 */
int device_parse_usb(const char *text, struct device_spec *spec, struct reason *why);
int device_parse_tag(const char *text, struct device_spec *spec, struct reason *why);

/* Whether the glob of a policy matches the driver's name. */
bool device_driver_matches(const char *glob, const char *name);

/* A node that belongs to USB, as sysfs lists it. */
struct device_usb_node {
	struct device_pattern pattern;
	char *path; /* below sysfs: "/devices/..." */
};

/* Whether it is what lsusb calls a device: "46f4:0001". */
bool device_looks_like_usb(const char *text);

/* Whether the exact numbers are among them. */
bool device_has(const struct device_patterns *patterns, uint32_t type, uint32_t major,
		uint32_t minor);

/*
 * Appends the nodes that @path (a glob, "/dev/...") leads to in /dev as it is. @event (may be NULL):
 * links that udev has made for its device, and that it no longer lists, lead nowhere.
 * Returns as device_resolve() does.
 */
int device_walk(const struct device_source *source, const char *path,
		const struct device_event *event, struct device_patterns *patterns,
		struct reason *why);

/*
 * Appends the devices, but those that are there already, that claim a link which @path (a glob,
 * "/dev/...") matches. Returns as device_resolve() does.
 */
int device_claims(const struct device_source *source, const char *path,
		  struct device_patterns *patterns, struct reason *why);

/*
 * Whether the device of @event, which has a number, claims @link (below /dev), as udev knows it from
 * before the event. Returns 1, 0, or a negative errno with @why.
 */
int device_is_claimed(const struct device_source *source, const char *link,
		      const struct device_event *event, struct reason *why);

/* Whether @event lists @link (below /dev). */
bool device_event_has_link(const struct device_event *event, const char *link);

/*
 * Whether the device that is @path below sysfs ("/devices/...") is, or is below, a USB device as
 * @usb says. Returns 1, 0, or a negative errno with @why.
 */
int device_is_usb(const struct device_source *source, const char *path,
		  const struct device_usb *usb, struct reason *why);

/* What a link in /sys/dev/block leads to: of "../../devices/..." it is "/devices/...", or "". */
const char *device_below_sysfs(const char *target);

/*
 * Sets of @known what sysfs says of the nearest USB device that @path ("/devices/...") is, or is
 * below. Returns whether there is one.
 */
bool device_find_usb(const struct device_source *source, const char *path,
		     struct device_known *known);

/* Appends what the kind stands for. Return as device_resolve() does. */
int device_resolve_usb(const struct device_source *source, const struct device_usb *usb,
		       struct device_patterns *patterns, struct reason *why);
int device_resolve_tag(const struct device_source *source, const char *tag,
		       struct device_patterns *patterns, struct reason *why);

/*
 * The path below /dev without doubled slashes, in new memory; NULL: there is none. Free: free().
 * @path: "/dev/...".
 */
char *device_below_dev(const char *path);

/* Whether a link or node (below /dev) is matched by @glob (below /dev, too), folder by folder. */
bool device_path_matches(const char *glob, const char *path);

/*
 * Of udev's database, for those who look into it. The id of a device with a node ("b8:0", "c4:64")
 * as numbers; false: it is another's.
 */
bool device_udev_id(const char *id, struct device_pattern *pattern);

/* What is called for each;  a negative errno ends it. */
typedef int device_udev_visit(const char *text, void *data, struct reason *why);

/*
 * Visits the names in udev's folder @folder ("tags/uaccess"), but those that begin with a dot.
 * Returns 0, also if there is none; or a negative errno, the visitor's or with @why.
 */
int device_udev_names(const struct device_source *source, const char *folder,
		      device_udev_visit *visit, void *data, struct reason *why);

/* The same for the lines of the entry of the device @id. */
int device_udev_lines(const struct device_source *source, const char *id, device_udev_visit *visit,
		      void *data, struct reason *why);

#endif
