/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* From a device's numbers to its name, as far as that takes no look into all of /dev. */
#ifndef DEVICE_NAME_H
#define DEVICE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

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

#endif
