// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a device as it is written to the patterns that it stands for: by numbers, by driver. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "base/array.h"
#include "base/run.h"
#include "device/internal.h"

const struct device_source device_source_system = {
	.proc_devices = "/proc/devices",
	.dev = "/dev",
	.proc_misc = "/proc/misc",
	.sys = "/sys",
	.udev = "/run/udev",
	.gone = RUN_FOLDER "/gone",
};

int device_too_many(struct reason *why)
{
	reason_set(
		why,
		"the device stands for more than %d rules; expected fewer, or * in the place of a "
		"range",
		DEVICE_PATTERNS_MAX);
	return -E2BIG;
}

int device_add(struct device_patterns *patterns, const struct device_pattern *pattern,
	       struct reason *why)
{
	struct device_pattern *grown;

	if (patterns->count >= DEVICE_PATTERNS_MAX)
		return device_too_many(why);
	grown = array_grow(patterns->items, patterns->count, &patterns->capacity, sizeof(*grown));
	if (!grown) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	patterns->items = grown;
	grown[patterns->count++] = *pattern;
	return 0;
}

void device_patterns_free(struct device_patterns *patterns)
{
	free(patterns->items);
	*patterns = (struct device_patterns) { 0 };
}

bool device_has(const struct device_patterns *patterns, uint32_t type, uint32_t major,
		uint32_t minor)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (patterns->items[i].type == type && patterns->items[i].major == major &&
		    patterns->items[i].minor == minor)
			return true;
	return false;
}

/* "*" is BPFDEV_ANY alone: the one turn of the loops below that stands for all numbers. */
static struct device_range turns(const struct device_range *range)
{
	return range->any ? (struct device_range) { false, BPFDEV_ANY, BPFDEV_ANY } : *range;
}

static int resolve_type(uint32_t type, const struct device_spec *spec,
			struct device_patterns *patterns, struct reason *why)
{
	struct device_range major = turns(&spec->major), minor = turns(&spec->minor);
	struct device_pattern pattern = { .type = type };
	int ret = 0;

	/* Counted without overflow: BPFDEV_ANY + 1 would be 0 again. */
	for (uint64_t i = major.low; i <= major.high && ret == 0; i++) {
		for (uint64_t j = minor.low; j <= minor.high && ret == 0; j++) {
			pattern.major = (uint32_t)i;
			pattern.minor = (uint32_t)j;
			ret = device_add(patterns, &pattern, why);
		}
	}
	return ret;
}

static int resolve_numbers(const struct device_spec *spec, struct device_patterns *patterns,
			   struct reason *why)
{
	int ret = 0;

	if (spec->block)
		ret = resolve_type(BPFDEV_BLOCK, spec, patterns, why);
	if (spec->character && ret == 0)
		ret = resolve_type(BPFDEV_CHAR, spec, patterns, why);
	return ret;
}

/* What is looked for, and where what is found goes. */
struct search {
	const char *glob;
	uint32_t type;
	uint32_t end;		  /* behind the last major that was seen */
	bool seen[BPFDEV_MAJORS]; /* a driver may be listed twice */
};

static void see(const struct device_driver *driver, void *data)
{
	struct search *search = data;

	if (driver->type != search->type || !device_driver_matches(search->glob, driver->name))
		return;
	for (uint32_t major = driver->low; major <= driver->high; major++)
		search->seen[major] = true;
	if (driver->high >= search->end)
		search->end = driver->high + 1;
}

/* "*", "**": every driver there is or will be, so not a list of today's. */
static bool is_every_driver(const char *glob)
{
	return glob[strspn(glob, "*")] == '\0';
}

static int add_majors(const struct search *search, struct device_patterns *patterns,
		      struct reason *why)
{
	struct device_pattern pattern = { .type = search->type, .minor = BPFDEV_ANY };
	int ret = 0;

	for (uint32_t major = 0; major < search->end && ret == 0; major++) {
		pattern.major = major;
		if (search->seen[major])
			ret = device_add(patterns, &pattern, why);
	}
	return ret;
}

static int resolve_driver(const struct device_source *source, const struct device_spec *spec,
			  struct device_patterns *patterns, struct reason *why)
{
	struct search search = { .glob = spec->text,
				 .type = spec->block ? BPFDEV_BLOCK : BPFDEV_CHAR };
	struct device_pattern every = { search.type, BPFDEV_ANY, BPFDEV_ANY, true };
	int ret;

	if (is_every_driver(spec->text))
		return device_add(patterns, &every, why);
	ret = device_each_driver(source, see, &search, why);
	return ret < 0 ? ret : add_majors(&search, patterns, why);
}

int device_resolve(const struct device_source *source, const struct device_spec *spec,
		   struct device_patterns *patterns, struct reason *why)
{
	struct device_patterns found = { 0 };
	struct device_spec all = *spec;
	int ret = -EINVAL;

	switch (spec->kind) {
	case DEVICE_ALL:
		all.major.any = all.minor.any = true;
		ret = resolve_numbers(&all, &found, why);
		break;
	case DEVICE_NUMBERS:
		ret = resolve_numbers(spec, &found, why);
		break;
	case DEVICE_DRIVER:
		ret = resolve_driver(source, spec, &found, why);
		break;
	case DEVICE_PATH:
		ret = device_walk(source, spec->text, NULL, &found, why);
		if (ret == 0)
			ret = device_claims(source, spec->text, &found, why);
		break;
	case DEVICE_USB:
		ret = device_resolve_usb(source, &spec->usb, &found, why);
		break;
	case DEVICE_TAG:
		ret = device_resolve_tag(source, spec->text, &found, why);
		break;
	case DEVICE_CLASS:
		reason_set(why, "a class is not a device");
		break;
	}
	if (ret == 0 && !patterns->items) {
		*patterns = found;
		return 0;
	}
	for (size_t i = 0; i < found.count && ret == 0; i++)
		ret = device_add(patterns, &found.items[i], why);
	device_patterns_free(&found);
	return ret;
}
