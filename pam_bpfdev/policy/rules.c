// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From statements to rules for devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpfdev.h"
#include "base/array.h"
#include "policy/internal.h"

static int add_rule(struct policy_rules *rules, const struct table_rule *rule)
{
	struct table_rule *grown =
		array_grow(rules->items, rules->count, &rules->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	rules->items = grown;
	grown[rules->count++] = *rule;
	return 0;
}

/* Documentation/admin-guide/devices.txt; 0:0 is what systemd puts over InaccessiblePaths=. */
static const struct {
	uint32_t type, low, high, minor;
} baseline[] = {
	{ BPFDEV_CHAR, 1, 1, 3 },	       /* /dev/null */
	{ BPFDEV_CHAR, 1, 1, 5 },	       /* /dev/zero */
	{ BPFDEV_CHAR, 1, 1, 7 },	       /* /dev/full */
	{ BPFDEV_CHAR, 1, 1, 8 },	       /* /dev/random */
	{ BPFDEV_CHAR, 1, 1, 9 },	       /* /dev/urandom */
	{ BPFDEV_CHAR, 5, 5, 0 },	       /* /dev/tty */
	{ BPFDEV_CHAR, 5, 5, 2 },	       /* /dev/ptmx */
	{ BPFDEV_CHAR, 136, 143, BPFDEV_ANY }, /* /dev/pts */
	{ BPFDEV_CHAR, 0, 0, 0 },
	{ BPFDEV_BLOCK, 0, 0, 0 },
};

int policy_add_baseline(struct policy_rules *rules)
{
	for (size_t i = 0; i < sizeof(baseline) / sizeof(baseline[0]); i++) {
		for (uint32_t major = baseline[i].low; major <= baseline[i].high; major++) {
			struct table_rule rule = {
				.device = { baseline[i].type, major, baseline[i].minor, false },
				.access = BPFDEV_READ | BPFDEV_WRITE,
				.source = BPFDEV_SOURCE_BASELINE,
				.rank = TABLE_BASELINE,
				.allow = 1,
			};
			if (add_rule(rules, &rule) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* A device or class on the way to patterns. */
struct resolution {
	const struct conf *conf;
	const struct device_source *source;
	struct device_patterns *patterns;
	struct reason *why;
	bool *seen; /* classes: looked into already; once is enough */
};

/* Appends what @device stands for, or the devices of its class, and of the classes in that. */
static int resolve(struct resolution *resolution, const struct device_spec *device)
{
	const struct conf *conf = resolution->conf;
	const struct conf_class *class;
	int ret = 0;

	if (device->kind != DEVICE_CLASS)
		return device_resolve(resolution->source, device, resolution->patterns,
				      resolution->why);
	class = conf_find_class(conf, device->text);
	if (!class || resolution->seen[class - conf->classes])
		return 0;
	resolution->seen[class - conf->classes] = true;
	for (size_t i = 0; i < class->count && ret == 0; i++)
		ret = resolve(resolution, &class->devices[i]);
	return ret;
}

int policy_resolve(const struct conf *conf, const struct device_source *source,
		   const struct device_spec *device, struct device_patterns *patterns,
		   struct reason *why)
{
	bool *seen = calloc(conf->class_count + 1, sizeof(*seen));
	struct resolution resolution = { conf, source, patterns, why, seen };
	int ret;

	if (!seen) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	ret = resolve(&resolution, device);
	free(seen);
	return ret;
}

uint32_t policy_source(const struct conf_statement *statement)
{
	return (statement->place.file + 1) << BPFDEV_SOURCE_LINE_BITS | statement->place.line;
}

bool policy_place(const struct conf *conf, uint32_t source, char *out, size_t size)
{
	uint32_t file = source >> BPFDEV_SOURCE_LINE_BITS;
	uint32_t line = source & ((1u << BPFDEV_SOURCE_LINE_BITS) - 1);
	bool found = file && file <= conf->file_count;

	*out = '\0';
	if (found)
		snprintf(out, size, "%s:%u", conf->files[file - 1].path, line);
	return found;
}

static int add_patterns(struct policy_rules *rules, const struct device_patterns *patterns,
			const struct conf_statement *statement, enum table_rank rank)
{
	struct table_rule rule = {
		.access = statement->access,
		.source = policy_source(statement),
		.rank = (uint8_t)rank,
		.allow = statement->verb == CONF_ALLOW,
	};

	for (size_t i = 0; i < patterns->count; i++) {
		rule.device = patterns->items[i];
		if (add_rule(rules, &rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

int policy_add_rules(struct policy_rules *rules, struct conf *conf,
		     const struct device_source *devices, const struct conf_statement *statement,
		     enum table_rank rank, struct reason *why)
{
	struct conf_place place = statement->place;
	struct device_patterns patterns = { 0 };
	struct reason what;
	int ret = policy_resolve(conf, devices, &statement->device, &patterns, &what);

	if (ret == 0) {
		ret = add_patterns(rules, &patterns, statement, rank);
		if (ret < 0)
			reason_set(why, "out of memory");
	} else if (ret == -E2BIG) {
		place.column = statement->device.column;
		conf_add_error(conf, &place, &what);
		ret = -EINVAL;
	} else {
		reason_set(why, "%s", what.text);
	}
	device_patterns_free(&patterns);
	return ret;
}
