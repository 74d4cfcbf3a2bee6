// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The ways in which a policy can name a device, the best one first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/suggest/plan.h"

bool suggest_parse_device(char *text, struct device_spec *spec)
{
	const char *rest, *word = text[0] && text[1] == ' ' ? text + 2 : text;

	/* "#" in a word is a mistake in a policy, which refuses everybody; udev may have it in links. */
	for (const char *c = word; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '#')
			return false;
	return device_parse_text(text, spec, &rest, NULL) == 0 && !*rest;
}

bool suggest_target_add(struct suggest *suggest, enum suggest_kind kind, const char *text,
			size_t *place)
{
	struct suggest_target target = { .kind = kind, .text = xstrdup(text) };

	for (*place = 0; *place < suggest->target_count; ++*place)
		if (strcmp(suggest->targets[*place].text, text) == 0)
			break;
	if (*place < suggest->target_count || !suggest_parse_device(target.text, &target.spec)) {
		free(target.text);
		return *place < suggest->target_count;
	}
	suggest->targets = xgrow(suggest->targets, suggest->target_count, &suggest->target_capacity,
				 sizeof(target));
	suggest->targets[suggest->target_count++] = target;
	return true;
}

/* A link to a device, which stays the same when numbers change: /dev/serial/by-id/... */
struct link {
	struct bpfdev_key device;
	char *path; /* as a policy writes it */
};

struct links {
	struct link *items;
	size_t count, capacity;
};

/* What the device is comes before where it is plugged in; of several names the shortest. */
static int compare_links(const void *left, const void *right)
{
	const struct link *a = left, *b = right;
	bool a_is_id = strstr(a->path, "/by-id/"), b_is_id = strstr(b->path, "/by-id/");
	size_t length = strlen(a->path), other = strlen(b->path);

	if (a_is_id != b_is_id)
		return a_is_id ? -1 : 1;
	return length == other ? strcmp(a->path, b->path) : length < other ? -1 : 1;
}

/* Of the links that @nodes has, those that the core says a policy may trust: they lead to a device. */
static struct links find_links(const struct device_source *devices, const struct names_nodes *nodes)
{
	struct links links = { 0 };

	for (size_t i = 0; i < nodes->link_count; i++) {
		char *path = names_write_path(nodes->links[i]);
		struct device_patterns found = { 0 };
		struct device_spec spec;

		if (suggest_parse_device(path, &spec) &&
		    xcheck(device_resolve(devices, &spec, &found, NULL)) == 0 && found.count == 1) {
			const struct device_pattern *device = &found.items[0];

			*xappend(&links) = (struct link) {
				{ device->type, device->major, device->minor },
				path,
			};
		} else {
			free(path);
		}
		device_patterns_free(&found);
	}
	if (links.count)
		qsort(links.items, links.count, sizeof(*links.items), compare_links);
	return links;
}

/* The best link to the device, or NULL. */
static const char *link_to(const struct links *links, const struct bpfdev_key *device)
{
	for (size_t i = 0; i < links->count; i++)
		if (table_compare_keys(&links->items[i].device, device) == 0)
			return links->items[i].path;
	return NULL;
}

static void add_rung(struct suggest_wish *wish, size_t target)
{
	/* A device may have one name on two grounds. */
	for (size_t i = 0; i < wish->rungs; i++)
		if (wish->ladder[i] == target)
			return;
	if (wish->rungs < SUGGEST_RUNGS)
		wish->ladder[wish->rungs++] = target;
}

/* What cannot be written in a policy is passed over. */
static void add_text(struct suggest *suggest, struct suggest_wish *wish, enum suggest_kind kind,
		     const char *text)
{
	size_t target;

	if (suggest_target_add(suggest, kind, text, &target))
		add_rung(wish, target);
}

/* What targets are made of. */
struct material {
	struct names_nodes nodes;
	struct links links;
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

/* The path of a device whose numbers may change, as the kernel's name for it does not. */
static void add_path(struct suggest *suggest, struct suggest_wish *wish)
{
	const struct bpfdev_key *device = &wish->device;
	struct names *names = suggest->request->names;
	char drivers[NAMES_DRIVERS_SIZE], path[NAMES_PATH_SIZE];

	if (is_assigned_at_run_time(device) &&
	    names_drivers(names, device->type, device->major, drivers) &&
	    names_path(names, device->type, device->major, device->minor, path) &&
	    !strpbrk(path, "*?[\\"))
		add_text(suggest, wish, SUGGEST_PATH, path);
}

/*
 * What the device itself says that it is, if it has a serial number or, with @any, also if it says
 * only what model it is.
 */
static void add_usb(struct suggest *suggest, struct suggest_wish *wish, bool any)
{
	const struct bpfdev_key *device = &wish->device;
	char text[DEVICE_SERIAL_SIZE];
	struct device_known known;

	xcheck(device_know(suggest->request->devices, device->type, device->major, device->minor,
			   &known));
	if (device_known_usb(&known, text) && (any || *known.serial))
		add_text(suggest, wish, SUGGEST_USB, text);
	device_known_free(&known);
}

static void build_ladder(struct suggest *suggest, const struct material *material,
			 struct suggest_wish *wish)
{
	const struct bpfdev_key *device = &wish->device;
	const char *link = link_to(&material->links, device);
	const struct suggest_set *class, *driver;
	char numbers[NAMES_NUMBERS_SIZE];
	bool link_first;
	size_t classed, most;

	class = find_set(material, SUGGEST_CLASS, device, &classed);
	driver = find_set(material, SUGGEST_DRIVER, device, &most);
	/* A class may be a part of a driver, of which all is asked for: one line says that. */
	if (class && classed >= most)
		add_rung(wish, class->target);
	/* If these say which one the device is, and the driver has no other that is asked for. */
	link_first = link && strstr(link, "/by-id/") && most == 1;
	if (most <= 1)
		add_usb(suggest, wish, false);
	if (link_first)
		add_text(suggest, wish, SUGGEST_PATH, link);
	if (driver)
		add_rung(wish, driver->target);
	if (class)
		add_rung(wish, class->target);
	add_usb(suggest, wish, true);
	if (link && !link_first)
		add_text(suggest, wish, SUGGEST_PATH, link);
	add_path(suggest, wish);
	add_text(suggest, wish, SUGGEST_NUMBERS,
		 names_numbers(device->type, device->major, device->minor, numbers));
}

/* User by user, as it depends on all wishes of one which names fit them. */
static void build(struct suggest *suggest, struct material *material)
{
	const struct suggest_sets *sets = &material->sets;
	size_t first = 0;

	material->fits = xcalloc(sets->count + 1, sizeof(*material->fits));
	while (first < suggest->wish_count) {
		struct suggest_wish *wishes = &suggest->wishes[first];
		size_t count = 1;

		while (first + count < suggest->wish_count && wishes[count].who == wishes->who)
			count++;
		for (size_t i = 0; i < sets->count; i++)
			material->fits[i] = suggest_set_fits(&sets->items[i], wishes, count);
		for (size_t i = 0; i < count; i++)
			build_ladder(suggest, material, &wishes[i]);
		first += count;
	}
}

int suggest_ladders_build(struct suggest *suggest, struct reason *why)
{
	const struct device_source *devices = suggest->request->devices;
	struct material material = { 0 };
	int ret;

	names_nodes_find(devices->dev, &material.nodes);
	material.links = find_links(devices, &material.nodes);
	ret = suggest_sets_find(suggest, &material.nodes, &material.sets, why);
	if (ret == 0)
		build(suggest, &material);
	free(material.fits);
	suggest_sets_free(&material.sets);
	for (size_t i = 0; i < material.links.count; i++)
		free(material.links.items[i].path);
	free(material.links.items);
	names_nodes_free(&material.nodes);
	return ret;
}
