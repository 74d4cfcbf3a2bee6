// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a device as it is written to the patterns that it stands for. */
#include <errno.h>
#include <stdlib.h>

#include "bpfdev.h"
#include "base/array.h"
#include "device/resolve.h"

const struct device_source device_source_system = {
	.proc_devices = "/proc/devices",
	.dev = "/dev",
};

int device_add(struct device_patterns *patterns, const struct device_pattern *pattern,
	       struct reason *why)
{
	struct device_pattern *grown;

	if (patterns->count >= DEVICE_PATTERNS_MAX) {
		reason_set(why,
			   "the device stands for more than %d rules; expected fewer, or * in "
			   "the place of a range",
			   DEVICE_PATTERNS_MAX);
		return -E2BIG;
	}
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
		ret = device_resolve_driver(source, spec, &found, why);
		break;
	case DEVICE_PATH:
		ret = device_resolve_path(source->dev, spec, &found, why);
		break;
	case DEVICE_CLASS:
		reason_set(why, "a class is not a device");
		break;
	}
	for (size_t i = 0; i < found.count && ret == 0; i++)
		ret = device_add(patterns, &found.items[i], why);
	device_patterns_free(&found);
	return ret;
}
