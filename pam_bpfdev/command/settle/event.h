/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What udev tells a program in its rules of the device that it is about to hand out. */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include "device/device.h"

/*
 * Fills @event in from the environment that PROGRAM has in udev's rules: see udev(7). The strings stay
 * the environment's. Returns false: this is no such environment, or one that makes no sense.
 */
bool event_from_environment(struct device_event *event);

/*
 * What a device that is going is called from now on, by what udev has known of it: as a policy can
 * name it, "usb:46f4:0001:SERIAL" or a link of it that says which one it is. @out: @size bytes.
 * Returns false, and @out is "": it has neither.
 */
bool event_identity(const struct device_event *event, char *out, size_t size);

/* What to call it: its node, or where it is in sysfs. */
const char *event_name(const struct device_event *event);

/*
 * Before Linux 5.12 a module's event comes before its init function has run: waits until it has, but a
 * few seconds at most.
 */
void event_await_module(const struct device_event *event);

#endif
