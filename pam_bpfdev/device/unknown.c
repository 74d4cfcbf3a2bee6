// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Drivers that are not there yet. One that gets its major when it is loaded may get any that is
 * free; its nodes may be open to all before anybody has heard of it (nvidia-modprobe makes
 * /dev/nvidia-uvm with mode 0666 itself, and udev is told of the module only).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "base/digest.h"
#include "device/internal.h"

struct awaiting {
	const char *glob;
	uint32_t type;
	bool seen;
};

static void see_name(const struct device_driver *driver, void *data)
{
	struct awaiting *awaiting = data;

	if (driver->type == awaiting->type && device_driver_matches(awaiting->glob, driver->name))
		awaiting->seen = true;
}

int device_awaits_driver(const struct device_source *source, const struct device_spec *spec,
			 struct reason *why)
{
	struct awaiting awaiting = { spec->text, spec->block ? BPFDEV_BLOCK : BPFDEV_CHAR, false };
	bool is_glob = strpbrk(spec->text, "*?[\\");
	int ret;

	/* "*" is every driver already. */
	if (spec->text[strspn(spec->text, "*")] == '\0')
		return 0;
	if (is_glob)
		return 1;
	ret = device_each_driver(source, see_name, &awaiting, why);
	return ret < 0 ? ret : !awaiting.seen;
}

typedef bool majors[BPFDEV_INDEXED_MAJORS];

static void take_majors(const struct device_driver *driver, void *data)
{
	majors *free_majors = data;

	for (uint32_t major = driver->low; major <= driver->high; major++)
		if (major < BPFDEV_INDEXED_MAJORS)
			free_majors[driver->type][major] = false;
}

int device_free_majors(const struct device_source *source,
		       bool free_majors[BPFDEV_TYPES][BPFDEV_INDEXED_MAJORS], struct reason *why)
{
	/* 0 is no driver's: systemd puts c 0:0 over what is inaccessible. */
	for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
		for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS; major++)
			free_majors[type][major] = major > 0;
	return device_each_driver(source, take_majors, free_majors, why);
}

struct digesting {
	uint64_t digest;
};

static void digest_driver(const struct device_driver *driver, void *data)
{
	struct digesting *digesting = data;

	if (!driver->registered)
		return;
	digesting->digest = digest_add(digesting->digest, &driver->type, sizeof(driver->type));
	digesting->digest = digest_add(digesting->digest, &driver->low, sizeof(driver->low));
	digesting->digest = digest_add(digesting->digest, driver->name, strlen(driver->name) + 1);
}

int device_drivers_digest(const struct device_source *source, uint64_t *digest, struct reason *why)
{
	struct digesting digesting = { DIGEST_START };
	int ret = device_each_driver(source, digest_driver, &digesting, why);

	*digest = digesting.digest;
	return ret;
}
