// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Devices that nobody should be let have without a thought. */
#include <fnmatch.h>
#include <string.h>

#include "command/suggest/plan.h"

#define MEMORY "raw memory: who may open it rules the machine"
#define DISK "a disk or the like: who may open it gets round the permissions of all files on it"
#define COMMANDS "raw commands to disks: who may open it gets round the permissions of all files"
#define USB "raw access to USB devices: disks and keyboards, too"
#define INPUT "keyboards, too: who may open it reads what others type"
#define TYPING "input that is made up: who may open it types in the place of others"
#define CONSOLE "a console: who may open it reads what others type there, or see"
#define HARDWARE "hardware itself, past its driver and what that would refuse"

#define ANY BPFDEV_ANY

static const struct {
	uint32_t type, major, low, high; /* minors; or BPFDEV_ANY */
	const char *driver;		 /* a glob; NULL: any */
	const char *what;		 /* NULL: it is all right, whatever follows */
	bool plain;			 /* names for many such devices say so themselves */
} risks[] = {
	{ BPFDEV_CHAR, 1, 1, 2, NULL, MEMORY, false },
	{ BPFDEV_CHAR, 1, 4, 4, NULL, "raw I/O ports: who may open it rules the machine", false },
	{ BPFDEV_CHAR, 1, 12, 12, NULL, MEMORY, false }, /* of a kernel that has crashed */
	{ BPFDEV_CHAR, 4, 0, 63, NULL, CONSOLE, false },
	{ BPFDEV_CHAR, 5, 1, 1, "/dev/console", CONSOLE, false },
	{ BPFDEV_CHAR, 7, ANY, ANY, NULL, CONSOLE, false },
	/* vhci, uinput, uhid, userio */
	{ BPFDEV_CHAR, 10, 137, 137, NULL, TYPING, false },
	{ BPFDEV_CHAR, 10, 223, 223, NULL, TYPING, false },
	{ BPFDEV_CHAR, 10, 239, 240, NULL, TYPING, false },
	{ BPFDEV_CHAR, 10, 196, 196, NULL, HARDWARE, false }, /* vfio */
	{ BPFDEV_CHAR, 10, 231, 231, NULL, MEMORY, false },   /* snapshot: what hibernation saves */
	{ BPFDEV_CHAR, 13, ANY, ANY, NULL, INPUT, true },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "hidraw", INPUT, true },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "pts", "terminals of others, too", false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "vfio*", HARDWARE, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "firewire", HARDWARE, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "ieee1394", HARDWARE, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "cpu/msr",
	  "registers of the processor: who may write to them rules the machine", false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "dax", MEMORY, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "mtd", DISK, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "ubi*", DISK, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "raw", DISK, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "sg", COMMANDS, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "bsg", COMMANDS, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "nvme*", COMMANDS, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "usb_device", USB, false },
	{ BPFDEV_CHAR, ANY, ANY, ANY, "usbmon", USB, false },
	/* Optical discs: no file on them is kept from anybody. */
	{ BPFDEV_BLOCK, 11, ANY, ANY, NULL, NULL, false },
	{ BPFDEV_BLOCK, ANY, ANY, ANY, NULL, DISK, false },
};

static bool matches(uint32_t low, uint32_t high, uint32_t number)
{
	return low == ANY || number == ANY || (number >= low && number <= high);
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

const char *suggest_risk(struct names *names, const struct bpfdev_key *device, bool *hidden)
{
	char drivers[NAMES_DRIVERS_SIZE];

	*hidden = false;
	names_drivers(names, device->type, device->major, drivers);
	for (size_t i = 0; i < sizeof(risks) / sizeof(risks[0]); i++) {
		if (risks[i].type != device->type ||
		    !matches(risks[i].major, risks[i].major, device->major) ||
		    !matches(risks[i].low, risks[i].high, device->minor) ||
		    (risks[i].driver && !is_driver(risks[i].driver, drivers)))
			continue;
		*hidden = risks[i].what && !risks[i].plain;
		return risks[i].what;
	}
	return NULL;
}
