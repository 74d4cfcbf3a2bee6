/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev devices: the devices that are there, and the names that they can have. */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "device/device.h"
#include "table/table.h"
#include "command/base/names.h"

/* A device that has a node. */
struct found {
	struct bpfdev_key key;
	const char *node; /* below /dev */
	char *drivers;	  /* as names_drivers(); "" if there are none */
	char *usb;	  /* "usb:VENDOR:PRODUCT:SERIAL", or NULL */
	char *name;	  /* what it calls itself, or NULL */
	/* As a policy writes them: "@webcam", "/dev/disk/by-label/A\\x20B", "tag:lab". */
	struct words {
		char **items;
		size_t count, capacity;
	} classes, links, tags;
};

struct founds {
	struct names_nodes nodes; /* what node points into */
	struct found *items;	  /* sorted by numbers, one of each */
	size_t count, capacity;
};

/*
 * Finds the devices that are there. @conf: whose classes count. @wanted: those that one of these
 * has; NULL: all. Free: founds_free().
 */
void founds_find(const struct device_source *devices, const struct conf *conf,
		 const struct device_patterns *wanted, struct founds *founds);

void founds_free(struct founds *founds);

/*
 * Appends what the word @text of the command line stands for, which may be nothing: a device as a
 * policy has it, the path of a node wherever it is, or a folder, for all that is in it. Returns
 * COMMAND_YES; _USAGE or _FAILED having said why.
 */
int founds_want(const struct device_source *devices, const struct conf *conf, const char *text,
		struct device_patterns *wanted);

#endif
