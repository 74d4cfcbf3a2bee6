/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Whether a device as a policy names it covers a request, and how specifically. */
#include "naive.h"

#include <fnmatch.h>
#include <string.h>

static bool range_covers(const struct device_range *range, uint32_t number)
{
	return range->any || (number >= range->low && number <= range->high);
}

static bool has_type(const struct device_spec *spec, enum bpfdev_type type)
{
	return type == BPFDEV_BLOCK ? spec->block : spec->character;
}

static enum naive_specificity numbers_cover(const struct device_spec *spec,
					    const struct naive_request *request)
{
	if (!range_covers(&spec->major, request->major) ||
	    !range_covers(&spec->minor, request->minor))
		return COVERS_NOT;
	if (spec->major.any)
		return spec->minor.any ? ALL_DEVICES : ANY_MAJOR;
	return spec->minor.any ? ANY_MINOR : EXACT;
}

/* Whether a driver that nobody has heard of may get the request's major. */
static bool is_free(const struct world *world, const struct naive_request *request)
{
	char names[DEVICE_NAME_SIZE];

	return request->major > 0 && request->major < BPFDEV_INDEXED_MAJORS &&
	       !device_drivers(&world->source, request->type, request->major, names);
}

/* What is denied and may come, may come with any major that is free. */
static bool may_come(const struct device_spec *spec)
{
	if (strpbrk(spec->text, "*?["))
		return true;
	for (size_t i = 0; i < world_driver_count; i++)
		if (world_drivers[i].type == (spec->block ? BPFDEV_BLOCK : BPFDEV_CHAR) &&
		    strcmp(world_drivers[i].name, spec->text) == 0)
			return false;
	return true;
}

static enum naive_specificity driver_covers(const struct world *world,
					    const struct device_spec *spec, bool deny,
					    const struct naive_request *request)
{
	if (spec->text[strspn(spec->text, "*")] == '\0')
		return ANY_MINOR;
	for (size_t i = 0; i < world_driver_count; i++)
		if (world_drivers[i].type == request->type &&
		    world_drivers[i].major == request->major &&
		    fnmatch(spec->text, world_drivers[i].name, 0) == 0)
			return ANY_MINOR;
	return deny && may_come(spec) && is_free(world, request) ? ANY_MINOR : COVERS_NOT;
}

static enum naive_specificity path_covers(const struct world *world, const struct device_spec *spec,
					  const struct naive_request *request)
{
	const char *glob = spec->text;

	if (strncmp(glob, "/dev/", 5) == 0)
		glob += 5;
	for (size_t i = 0; world->has_nodes && i < world_node_count; i++)
		if (world_nodes[i].type == request->type &&
		    world_nodes[i].major == request->major &&
		    world_nodes[i].minor == request->minor &&
		    fnmatch(glob, world_nodes[i].path, FNM_PATHNAME | FNM_PERIOD) == 0)
			return EXACT;
	return COVERS_NOT;
}

static enum naive_specificity usb_covers(const struct device_usb *usb,
					 const struct naive_request *request)
{
	for (size_t i = 0; i < world_usb_count; i++)
		if (world_usb[i].type == request->type && world_usb[i].major == request->major &&
		    world_usb[i].minor == request->minor &&
		    range_covers(&usb->vendor, world_usb[i].vendor) &&
		    range_covers(&usb->product, world_usb[i].product) &&
		    (!usb->serial || fnmatch(usb->serial, world_usb[i].serial, 0) == 0))
			return EXACT;
	return COVERS_NOT;
}

static enum naive_specificity tag_covers(const char *tag, const struct naive_request *request)
{
	for (size_t i = 0; i < world_tag_count; i++)
		if (world_tags[i].type == request->type && world_tags[i].major == request->major &&
		    world_tags[i].minor == request->minor && strcmp(tag, world_tags[i].tag) == 0)
			return EXACT;
	return COVERS_NOT;
}

static const struct conf_class *last_class(const struct conf *conf, const char *name)
{
	for (size_t i = conf->class_count; i-- > 0;)
		if (strcmp(conf->classes[i].name, name) == 0)
			return &conf->classes[i];
	return NULL;
}

enum naive_specificity naive_covers(const struct world *world, const struct conf *conf,
				    const struct device_spec *spec, bool deny,
				    const struct naive_request *request)
{
	const struct conf_class *class;
	enum naive_specificity best = COVERS_NOT, one;

	if (spec->kind == DEVICE_CLASS) {
		class = last_class(conf, spec->text);
		for (size_t i = 0; class && i < class->count; i++) {
			one = naive_covers(world, conf, &class->devices[i], deny, request);
			best = one > best ? one : best;
		}
		return best;
	}
	if (spec->kind == DEVICE_ALL)
		return ALL_DEVICES;
	if (!has_type(spec, request->type))
		return COVERS_NOT;
	if (spec->kind == DEVICE_NUMBERS)
		return numbers_cover(spec, request);
	if (spec->kind == DEVICE_DRIVER)
		return driver_covers(world, spec, deny, request);
	if (spec->kind == DEVICE_USB)
		return usb_covers(&spec->usb, request);
	if (spec->kind == DEVICE_TAG)
		return tag_covers(spec->text, request);
	return path_covers(world, spec, request);
}
