/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A device program that decides as libvirt's does, to compare with: a hash of devices, asked up to four times
 * (the device, its major, its minor, all), whose bits must cover the whole request.
 */
#ifndef LOOKUPS_H
#define LOOKUPS_H

#include <stddef.h>
#include <stdint.h>

/* As major or minor of an entry: any. */
#define LOOKUPS_ANY UINT32_MAX

struct lookups_entry {
	uint32_t major, minor;
	uint32_t access; /* bits of BPF_DEVCG_ACC_ */
};

/*
 * Loads a program with these @count entries, all for char devices.
 * Returns its descriptor, or a negative errno.
 */
int lookups_load(const struct lookups_entry *entries, size_t count);

#endif
