/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that resolve devices. */
#ifndef DEVICE_RESOLVE_H
#define DEVICE_RESOLVE_H

#include "device/device.h"

/* Appends one pattern. Returns 0, -E2BIG past DEVICE_PATTERNS_MAX, or -ENOMEM; with @why. */
int device_add(struct device_patterns *patterns, const struct device_pattern *pattern,
	       struct reason *why);

/* Each resolves one kind of device, as device_resolve() says. */
int device_resolve_driver(const struct device_source *source, const struct device_spec *spec,
			  struct device_patterns *patterns, struct reason *why);
int device_resolve_path(const char *dev, const struct device_spec *spec,
			struct device_patterns *patterns, struct reason *why);

#endif
