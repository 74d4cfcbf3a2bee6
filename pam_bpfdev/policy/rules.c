// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From statements to rules for devices. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpfdev.h"
#include "policy/internal.h"

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

/* A statement's devices on the way to lines. */
struct adding {
	const struct conf *conf;
	struct rules *rules;
	struct rules_line line;
	uint32_t column; /* of the device in the statement */
	bool *seen;	 /* classes, as in struct resolution */
};

/* Appends a line for @device, or for each device of its class, and of the classes in that. */
static int add_device(struct adding *adding, const struct device_spec *device)
{
	const struct conf *conf = adding->conf;
	const struct conf_class *class;
	int ret = 0;

	if (device->kind != DEVICE_CLASS) {
		adding->line.device = *device;
		adding->line.device.column = adding->column;
		return rules_add(adding->rules, &adding->line);
	}
	class = conf_find_class(conf, device->text);
	if (!class || adding->seen[class - conf->classes])
		return 0;
	adding->seen[class - conf->classes] = true;
	for (size_t i = 0; i < class->count && ret == 0; i++)
		ret = add_device(adding, &class->devices[i]);
	return ret;
}

int policy_add_device(const struct conf *conf, const struct device_spec *device,
		      const struct rules_line *line, struct rules *rules, struct reason *why)
{
	struct adding adding = { conf, rules, *line, device->column,
				 calloc(conf->class_count + 1, sizeof(bool)) };
	int ret = adding.seen ? add_device(&adding, device) : -ENOMEM;

	free(adding.seen);
	if (ret < 0)
		reason_set(why, "out of memory");
	return ret;
}

int policy_add_rules(struct rules *rules, const struct conf *conf,
		     const struct conf_statement *statement, enum table_rank rank,
		     struct reason *why)
{
	const struct rules_line line = {
		.access = (uint8_t)statement->access,
		.source = policy_source(statement),
		.rank = (uint8_t)rank,
		.allow = statement->verb == CONF_ALLOW,
	};

	return policy_add_device(conf, &statement->device, &line, rules, why);
}

int policy_resolve_statement(const struct conf *conf, const struct device_source *devices,
			     const struct conf_statement *statement,
			     struct device_patterns *patterns, struct reason *why)
{
	struct rules rules = { 0 };
	int ret = policy_add_rules(&rules, conf, statement, TABLE_ANYONE, why);

	if (ret == 0)
		ret = rules_resolve(&rules, devices, NULL, why);
	if (ret == 0)
		ret = rules_patterns(&rules, patterns, why);
	rules_free(&rules);
	return ret == RULES_TOO_MANY ? -E2BIG : ret;
}
