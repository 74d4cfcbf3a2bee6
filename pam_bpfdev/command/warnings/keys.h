/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Keys for chains of what lines are about: so a line finds those that may cover it, or give back what it
 * denies, without going through the others. Whatever is found is looked at closely all the same.
 */
#ifndef KEYS_H
#define KEYS_H

#include "command/warnings/chains.h"
#include "conf/conf.h"
#include "device/device.h"

uint64_t warnings_key_of_pattern(const struct device_pattern *pattern);

/* A name, of a driver, path, USB device or tag: under what stands before its first wildcard. */
uint64_t warnings_key_of_name(const struct device_spec *device);

/* The key of what @key is of under the conditions @when. */
uint64_t warnings_key_of_conditions(uint64_t key, const struct conf_when *when);

/*
 * Adds to a walk what is under @key with conditions that hold wherever those of @when do: each the same,
 * or none.
 */
void warnings_walk_conditions(struct chains *chains, uint64_t key, const struct conf_when *when);

/* Walks all names that may stand for what @device does: each begins as it does. */
void warnings_walk_names(struct chains *chains, const struct device_spec *device,
			 const struct conf_when *when);

#endif
