// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The ways in which a policy can name a device, the best one first. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/suggest/plan.h"

bool suggest_parse_device(char *text, struct device_spec *spec)
{
	const char *rest, *word = text[0] && text[1] == ' ' ? text + 2 : text;

	/* In a word, "#" is a mistake, which would refuse everybody; udev lets it stand in links. */
	for (const char *c = word; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return false;
	return device_parse_text(text, spec, &rest, NULL) == 0 && !*rest;
}

ssize_t suggest_target_add(struct suggest *suggest, enum suggest_kind kind, char *text)
{
	struct suggest_target *grown, target = { .kind = kind, .text = text };

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < suggest->target_count; i++) {
		if (strcmp(suggest->targets[i].text, text) == 0) {
			free(text);
			return (ssize_t)i;
		}
	}
	grown = array_grow(suggest->targets, suggest->target_count, &suggest->target_capacity,
			   sizeof(*grown));
	if (!grown || !suggest_parse_device(text, &target.spec)) {
		suggest->targets = grown ? grown : suggest->targets;
		free(text);
		return grown ? -EINVAL : -ENOMEM;
	}
	suggest->targets = grown;
	grown[suggest->target_count] = target;
	return (ssize_t)suggest->target_count++;
}

static void add_rung(struct suggest_wish *wish, size_t target)
{
	if (wish->rungs < SUGGEST_RUNGS)
		wish->ladder[wish->rungs++] = target;
}

/* Returns 0 or -ENOMEM; what cannot be written in a policy is passed over. */
static int add_text(struct suggest *suggest, struct suggest_wish *wish, enum suggest_kind kind,
		    const char *text)
{
	ssize_t target = suggest_target_add(suggest, kind, strdup(text));

	if (target >= 0)
		add_rung(wish, (size_t)target);
	return target == -ENOMEM ? -ENOMEM : 0;
}

/* What targets are made of. */
struct material {
	struct names_nodes nodes;
	struct suggest_links links;
	struct suggest_sets sets;
	size_t *fits; /* for each set: suggest_set_fits() of the user at hand */
};

/*
 * Of the sets of the kind that have the device, the one for the most wishes; NULL: there is none.
 * *@most: how many these are.
 */
static const struct suggest_set *find_set(const struct material *material, enum suggest_kind kind,
					  const struct bpfdev_key *device, size_t *most)
{
	const struct suggest_set *best = NULL;

	*most = 0;
	for (size_t i = 0; i < material->sets.count; i++) {
		const struct suggest_set *set = &material->sets.items[i];

		if (material->fits[i] <= *most || set->kind != kind ||
		    !suggest_set_has(set, device))
			continue;
		best = set;
		*most = material->fits[i];
	}
	return best;
}

/*
 * The driver, and the link: that comes first if it says what the device is, and there is but this
 * one of the driver.
 */
static int add_driver_and_link(struct suggest *suggest, struct suggest_wish *wish,
			       const struct suggest_set *driver, size_t most, const char *link)
{
	bool link_first = link && strstr(link, "/by-id/") && most == 1;
	int ret = 0;

	if (link_first)
		ret = add_text(suggest, wish, SUGGEST_PATH, link);
	if (driver)
		add_rung(wish, driver->target);
	if (link && !link_first)
		ret = add_text(suggest, wish, SUGGEST_PATH, link);
	return ret;
}

#define IN(number, low, high) ((number) >= (low) && (number) <= (high))

/*
 * Whether the kernel gives the numbers out as they come, so that they may be another device's after
 * the next boot (Documentation/admin-guide/devices.txt, include/linux/miscdevice.h).
 */
static bool is_assigned_at_run_time(const struct bpfdev_key *device)
{
	if (device->type == BPFDEV_CHAR && device->major == 10)
		return (device->minor < 128 && device->minor != 1) || device->minor > 255;
	return IN(device->major, 234, 254) || IN(device->major, 384, 511);
}

/* The kernel's name for such a device stays. */
static int add_path(struct suggest *suggest, struct suggest_wish *wish)
{
	const struct bpfdev_key *device = &wish->device;
	struct names *names = suggest->request->names;
	char drivers[NAMES_DRIVERS_SIZE], path[NAMES_PATH_SIZE];

	if (!is_assigned_at_run_time(device) ||
	    !names_drivers(names, device->type, device->major, drivers) ||
	    !names_path(names, device->type, device->major, device->minor, path) ||
	    strpbrk(path, "*?[\\"))
		return 0;
	return add_text(suggest, wish, SUGGEST_PATH, path);
}

static int build_ladder(struct suggest *suggest, const struct material *material,
			struct suggest_wish *wish)
{
	const struct bpfdev_key *device = &wish->device;
	const struct suggest_set *class, *driver;
	char numbers[NAMES_NUMBERS_SIZE];
	size_t most;
	int ret;

	class = find_set(material, SUGGEST_CLASS, device, &most);
	if (class)
		add_rung(wish, class->target);
	driver = find_set(material, SUGGEST_DRIVER, device, &most);
	ret = add_driver_and_link(suggest, wish, driver, most,
				  suggest_link_to(&material->links, device));
	if (ret == 0)
		ret = add_path(suggest, wish);
	if (ret == 0)
		ret = add_text(suggest, wish, SUGGEST_NUMBERS,
			       names_numbers(device->type, device->major, device->minor, numbers));
	return ret;
}

/* The wishes of one user. */
static int build_ladders(struct suggest *suggest, struct material *material,
			 struct suggest_wish *wishes, size_t count)
{
	const struct suggest_sets *sets = &material->sets;
	int ret = 0;

	for (size_t i = 0; i < sets->count; i++)
		material->fits[i] = suggest_set_fits(&sets->items[i], wishes, count);
	for (size_t i = 0; i < count && ret == 0; i++)
		ret = build_ladder(suggest, material, &wishes[i]);
	return ret;
}

static int build(struct suggest *suggest, struct material *material)
{
	size_t first = 0;
	int ret = 0;

	material->fits = calloc(material->sets.count + 1, sizeof(*material->fits));
	if (!material->fits)
		return -ENOMEM;
	while (first < suggest->wish_count && ret == 0) {
		size_t next = first;

		while (next < suggest->wish_count &&
		       suggest->wishes[next].who == suggest->wishes[first].who)
			next++;
		ret = build_ladders(suggest, material, &suggest->wishes[first], next - first);
		first = next;
	}
	return ret;
}

int suggest_ladders_build(struct suggest *suggest, struct reason *why)
{
	const struct device_source *devices = suggest->request->devices;
	struct material material = { 0 };
	int ret;

	names_nodes_find(devices->dev, &material.nodes);
	ret = suggest_links_find(devices, &material.nodes, &material.links);
	if (ret == 0)
		ret = suggest_sets_find(suggest, &material.nodes, &material.sets, why);
	if (ret == 0)
		ret = build(suggest, &material);
	free(material.fits);
	suggest_sets_free(&material.sets);
	suggest_links_free(&material.links);
	names_nodes_free(&material.nodes);
	return ret;
}
