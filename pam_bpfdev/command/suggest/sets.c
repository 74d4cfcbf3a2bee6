// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Names for more than one device: classes and drivers, for whom they are fit, and what they risk. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
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

/* Of a driver's devices, so many are as good as all, however many there are. */
#define SEVERAL 3

static bool has(const struct device_pattern *pattern, const struct bpfdev_key *device)
{
	return pattern->type == device->type && pattern->major == device->major &&
	       (pattern->minor == BPFDEV_ANY || pattern->minor == device->minor);
}

static bool member_has(const struct device_patterns *member, const struct bpfdev_key *device)
{
	for (size_t i = 0; i < member->count; i++)
		if (has(&member->items[i], device))
			return true;
	return false;
}

bool suggest_set_has(const struct suggest_set *set, const struct bpfdev_key *device)
{
	for (size_t i = 0; i < set->count; i++)
		if (member_has(&set->members[i], device))
			return true;
	return false;
}

/* How many devices the member stands for: those that are there, or that are written one by one. */
static size_t count_devices(const struct names_nodes *nodes, const struct device_patterns *member)
{
	size_t existing = 0, written = 0;
	struct bpfdev_key last = { 0 };

	for (size_t i = 0; i < nodes->count; i++) {
		const struct names_node *node = &nodes->items[i];
		const struct bpfdev_key device = { node->type, node->major, node->minor };

		/* Several nodes of one device stand side by side. */
		existing +=
			(!i || table_compare_keys(&device, &last)) && member_has(member, &device);
		last = device;
	}
	for (size_t i = 0; i < member->count; i++)
		written += member->items[i].minor != BPFDEV_ANY;
	return existing > written ? existing : written;
}

/* One device under another name. */
static bool is_alias(const struct suggest_set *set)
{
	return set->count == 1 && set->members[0].count == 1 &&
	       set->members[0].items[0].minor != BPFDEV_ANY;
}

/*
 * Whether the devices of the major have nothing in common: the memory, and whatever else needs no
 * major of its own (fuse, kvm, uinput ...); or consoles and serial ports.
 */
static bool is_mixed(struct names *names, uint32_t type, uint32_t major)
{
	char drivers[NAMES_DRIVERS_SIZE];

	if (type == BPFDEV_CHAR && (major == 1 || major == 10))
		return true;
	return names_drivers(names, type, major, drivers) && strchr(drivers, ',');
}

static bool is_clear(struct names *names, const struct device_pattern *pattern)
{
	const struct bpfdev_key device = { pattern->type, pattern->major, pattern->minor };
	bool hidden;

	suggest_risk(names, &device, &hidden);
	if (pattern->major == BPFDEV_ANY || hidden)
		return false;
	return pattern->minor != BPFDEV_ANY || !is_mixed(names, pattern->type, pattern->major);
}

/* Whether the set stands for what belongs together, and does no harm unseen. */
static bool is_good(struct names *names, const struct suggest_set *set)
{
	if (is_alias(set))
		return true;
	for (size_t i = 0; i < set->count; i++)
		for (size_t j = 0; j < set->members[i].count; j++)
			if (!is_clear(names, &set->members[i].items[j]))
				return false;
	return true;
}

static void free_set(struct suggest_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		device_patterns_free(&set->members[i]);
	free(set->members);
	free(set->sizes);
}

/* Returns 0; -E2BIG: it stands for too much; another negative errno with @why. */
static int resolve(const struct suggest *suggest, const struct names_nodes *nodes,
		   const struct device_spec *devices, size_t count, struct suggest_set *set,
		   struct reason *why)
{
	const struct suggest_request *request = suggest->request;
	size_t together = 0;
	int ret = 0;

	set->members = xcalloc(count + 1, sizeof(*set->members));
	set->sizes = xcalloc(count + 1, sizeof(*set->sizes));
	for (; set->count < count && ret == 0; set->count++) {
		struct device_patterns *member = &set->members[set->count];

		ret = xcheck(policy_resolve(request->conf, request->devices, &devices[set->count],
					    member, why));
		set->sizes[set->count] = count_devices(nodes, member);
		together += member->count;
	}
	return ret == 0 && together > DEVICE_PATTERNS_MAX ? -E2BIG : ret;
}

/* @text: "@gpu", "char-drm". What would be no good name is left out. */
static int add_set(struct suggest *suggest, const struct names_nodes *nodes,
		   struct suggest_sets *sets, enum suggest_kind kind, const char *text,
		   const struct device_spec *devices, size_t count, struct reason *why)
{
	struct suggest_set *set = xappend(sets);
	int ret;

	*set = (struct suggest_set) { .kind = kind };
	ret = resolve(suggest, nodes, devices, count, set, why);
	if (ret == 0 && is_good(suggest->request->names, set) &&
	    suggest_target_add(suggest, kind, text, &set->target)) {
		for (size_t i = 0; i < set->count; i++)
			suggest->targets[set->target].devices += set->sizes[i];
		return 0;
	}
	free_set(set);
	sets->count--;
	/* One that stands for too much is a mistake only where a line names it. */
	return ret == -E2BIG ? 0 : ret;
}

static int add_driver(struct suggest *suggest, const struct names_nodes *nodes,
		      struct suggest_sets *sets, const struct bpfdev_key *device,
		      struct reason *why)
{
	char drivers[NAMES_DRIVERS_SIZE], text[NAMES_DRIVERS_SIZE + sizeof("block-")];
	struct device_spec spec;

	/* A name with a wildcard in it is none for this driver alone. */
	if (!names_drivers(suggest->request->names, device->type, device->major, drivers) ||
	    strpbrk(drivers, ",*?[\\"))
		return 0;
	snprintf(text, sizeof(text), "%s-%s", device->type == BPFDEV_CHAR ? "char" : "block",
		 drivers);
	if (!suggest_parse_device(text, &spec))
		return 0;
	return add_set(suggest, nodes, sets, SUGGEST_DRIVER, text, &spec, 1, why);
}

/* A driver with several majors would come several times. */
static bool is_there(const struct suggest_sets *sets, size_t classes,
		     const struct bpfdev_key *device)
{
	for (size_t i = classes; i < sets->count; i++)
		if (suggest_set_has(&sets->items[i], device))
			return true;
	return false;
}

int suggest_sets_find(struct suggest *suggest, const struct names_nodes *nodes,
		      struct suggest_sets *sets, struct reason *why)
{
	const struct conf *conf = suggest->request->conf;
	size_t classes;
	int ret = 0;

	for (size_t i = 0; i < conf->class_count && ret == 0; i++) {
		const struct conf_class *class = &conf->classes[i];
		char *text = xasprintf("@%s", class->name);

		ret = add_set(suggest, nodes, sets, SUGGEST_CLASS, text, class->devices,
			      class->count, why);
		free(text);
	}
	classes = sets->count;
	for (size_t i = 0; i < suggest->wish_count && ret == 0; i++)
		if (!is_there(sets, classes, &suggest->wishes[i].device))
			ret = add_driver(suggest, nodes, sets, &suggest->wishes[i].device, why);
	return ret;
}

void suggest_sets_free(struct suggest_sets *sets)
{
	for (size_t i = 0; i < sets->count; i++)
		free_set(&sets->items[i]);
	free(sets->items);
	*sets = (struct suggest_sets) { 0 };
}

static size_t count_wished(const struct device_patterns *member, const struct suggest_wish *wishes,
			   size_t count)
{
	size_t wished = 0;

	for (size_t i = 0; i < count; i++)
		wished += member_has(member, &wishes[i].device);
	return wished;
}

/* Most of the devices that there are, or several. */
static bool is_most(size_t wished, size_t size)
{
	return wished >= SEVERAL || (size && wished * 2 > size);
}

/* Whether the wishes are about each of the majors that are in there: a range may have many. */
static bool is_whole(const struct device_patterns *member, const struct suggest_wish *wishes,
		     size_t count)
{
	for (size_t i = 0; i < member->count; i++) {
		struct device_pattern all = member->items[i];
		struct device_patterns major = { &all, 1, 1 };

		all.minor = BPFDEV_ANY;
		if (!count_wished(&major, wishes, count))
			return false;
	}
	return true;
}

size_t suggest_set_fits(const struct suggest_set *set, const struct suggest_wish *wishes,
			size_t count)
{
	size_t together = 0;

	for (size_t i = 0; i < set->count; i++) {
		size_t wished = count_wished(&set->members[i], wishes, count);

		if (!wished || (!is_alias(set) && !is_most(wished, set->sizes[i])))
			return 0;
		if (set->kind == SUGGEST_CLASS && !is_whole(&set->members[i], wishes, count))
			return 0;
		together += wished;
	}
	return together;
}
