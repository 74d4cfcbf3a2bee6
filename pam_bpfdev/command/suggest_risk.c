// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Devices that nobody should be let have without a thought. */
#include <fnmatch.h>
#include <string.h>

#include "suggest_plan.h"

#define MEMORY "raw memory: who may open it rules the machine"
#define DISK "a disk or the like: who may open it gets round the permissions of all files on it"
#define COMMANDS "raw commands to disks: who may open it gets round the permissions of all files"
#define USB "raw access to USB devices: disks and keyboards, too"

static const struct {
	uint32_t type, major, minor; /* or BPFDEV_ANY */
	const char *driver;	     /* a glob; NULL: any */
	const char *what;	     /* NULL: it is all right, whatever follows */
} risks[] = {
	{ BPFDEV_CHAR, 1, 1, NULL, MEMORY },
	{ BPFDEV_CHAR, 1, 2, NULL, MEMORY },
	{ BPFDEV_CHAR, 1, 4, NULL, "raw I/O ports: who may open it rules the machine" },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "cpu/msr",
	  "registers of the processor: who may write to them rules the machine" },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "dax", MEMORY },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "mtd", DISK },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "ubi*", DISK },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "raw", DISK },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "sg", COMMANDS },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "bsg", COMMANDS },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "nvme*", COMMANDS },
	{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, "usb_device", USB },
	/* Optical discs: no file on them is kept from anybody. */
	{ BPFDEV_BLOCK, 11, BPFDEV_ANY, NULL, NULL },
	{ BPFDEV_BLOCK, BPFDEV_ANY, BPFDEV_ANY, NULL, DISK },
};

static bool matches(uint32_t wanted, uint32_t number)
{
	return wanted == BPFDEV_ANY || number == BPFDEV_ANY || wanted == number;
}

/* @drivers: names with commas between. */
static bool is_driver(const char *glob, const char *drivers)
{
	char name[NAMES_DRIVERS_SIZE];

	while (*drivers) {
		size_t length = strcspn(drivers, ",");

		memcpy(name, drivers, length);
		name[length] = '\0';
		if (fnmatch(glob, name, 0) == 0)
			return true;
		drivers += length + (drivers[length] == ',');
	}
	return false;
}

const char *suggest_risk(struct names *names, const struct bpfdev_key *device)
{
	char drivers[NAMES_DRIVERS_SIZE];

	names_drivers(names, device->type, device->major, drivers);
	for (size_t i = 0; i < sizeof(risks) / sizeof(risks[0]); i++)
		if (risks[i].type == device->type && matches(risks[i].major, device->major) &&
		    matches(risks[i].minor, device->minor) &&
		    (!risks[i].driver || is_driver(risks[i].driver, drivers)))
			return risks[i].what;
	return NULL;
}
