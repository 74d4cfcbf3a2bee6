// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Names for more than one device: classes and drivers, and for whom they are a fit name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/suggest/plan.h"

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

	set->members = calloc(count + 1, sizeof(*set->members));
	set->sizes = calloc(count + 1, sizeof(*set->sizes));
	if (!set->members || !set->sizes)
		return -ENOMEM;
	for (; set->count < count && ret == 0; set->count++) {
		struct device_patterns *member = &set->members[set->count];

		ret = policy_resolve(request->conf, request->devices, &devices[set->count], member,
				     why);
		set->sizes[set->count] = count_devices(nodes, member);
		together += member->count;
	}
	return ret == 0 && together > DEVICE_PATTERNS_MAX ? -E2BIG : ret;
}

static int name_set(struct suggest *suggest, struct suggest_set *set, const char *text)
{
	ssize_t target = suggest_target_add(suggest, set->kind, strdup(text));

	if (target < 0)
		return (int)target;
	set->target = (size_t)target;
	for (size_t i = 0; i < set->count; i++)
		suggest->targets[target].devices += set->sizes[i];
	return 0;
}

/* @text: "@gpu", "char-drm". What would be no good name is left out. */
static int add_set(struct suggest *suggest, const struct names_nodes *nodes,
		   struct suggest_sets *sets, enum suggest_kind kind, const char *text,
		   const struct device_spec *devices, size_t count, struct reason *why)
{
	struct suggest_set *set =
		array_grow(sets->items, sets->count, &sets->capacity, sizeof(*set));
	int ret;

	if (!set)
		return -ENOMEM;
	sets->items = set;
	set += sets->count++;
	*set = (struct suggest_set) { .kind = kind };
	ret = resolve(suggest, nodes, devices, count, set, why);
	if (ret == 0 && is_good(suggest->request->names, set))
		return name_set(suggest, set, text);
	free_set(set);
	sets->count--;
	/* One that stands for too much is a mistake only where a line names it. */
	return ret == -E2BIG ? 0 : ret;
}

static int add_class(struct suggest *suggest, const struct names_nodes *nodes,
		     struct suggest_sets *sets, const struct conf_class *class, struct reason *why)
{
	char *text;
	int ret;

	if (asprintf(&text, "@%s", class->name) < 0)
		return -ENOMEM;
	ret = add_set(suggest, nodes, sets, SUGGEST_CLASS, text, class->devices, class->count, why);
	free(text);
	return ret;
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

	for (size_t i = 0; i < conf->class_count && ret == 0; i++)
		ret = add_class(suggest, nodes, sets, &conf->classes[i], why);
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

/* Whether the wishes are about each of the majors that are in there as a whole. */
static bool is_whole(const struct device_patterns *member, const struct suggest_wish *wishes,
		     size_t count)
{
	for (size_t i = 0; i < member->count; i++) {
		struct device_patterns one = { &member->items[i], 1, 1 };

		if (one.items->minor == BPFDEV_ANY && !count_wished(&one, wishes, count))
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
