// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether a device as it is written means the one that udev is about to hand out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "device/internal.h"

bool device_follows(const struct device_spec *spec)
{
	return spec->kind == DEVICE_PATH || spec->kind == DEVICE_USB || spec->kind == DEVICE_TAG;
}

/* Whether one of the blank-separated links, or the node, is matched. @glob: below /dev. */
static int matches(const char *glob, const char *paths)
{
	while (*paths) {
		size_t length = strcspn(paths, " ");
		char *path;
		bool found;

		if (length > 5 && strncmp(paths, "/dev/", 5) == 0) {
			path = strndup(paths + 5, length - 5);
			if (!path)
				return -ENOMEM;
			found = device_path_matches(glob, path);
			free(path);
			if (found)
				return 1;
		}
		paths += length + (paths[length] == ' ');
	}
	return 0;
}

static int claims(const char *path, const struct device_event *event, struct reason *why)
{
	char *glob = device_below_dev(path);
	int ret = glob ? matches(glob, event->node) : -ENOMEM;

	if (ret == 0)
		ret = matches(glob, event->links);
	free(glob);
	if (ret < 0)
		reason_set(why, "out of memory");
	return ret;
}

/* Links of others than udev, in /dev, may lead to the device, too. */
static int leads_to(const struct device_source *source, const char *path,
		    const struct device_event *event, struct reason *why)
{
	struct device_patterns found = { 0 };
	int ret = device_walk(source, path, event, &found, why);

	if (ret == 0)
		ret = device_has(&found, event->type, event->major, event->minor);
	device_patterns_free(&found);
	return ret;
}

static bool is_tagged(const char *tags, const char *tag)
{
	size_t wanted = strlen(tag);

	for (; *tags; tags += strcspn(tags, ":")) {
		tags += *tags == ':';
		if (strcspn(tags, ":") == wanted && strncmp(tags, tag, wanted) == 0)
			return wanted > 0;
	}
	return false;
}

int device_names(const struct device_source *source, const struct device_spec *spec,
		 const struct device_event *event, struct reason *why)
{
	int ret;

	if (event->gone || !event->has_number)
		return 0;
	switch (spec->kind) {
	case DEVICE_PATH:
		ret = claims(spec->text, event, why);
		return ret ? ret : leads_to(source, spec->text, event, why);
	case DEVICE_USB:
		return device_is_usb(source, event->sysfs, &spec->usb, why);
	case DEVICE_TAG:
		return is_tagged(event->tags, spec->text);
	case DEVICE_ALL:
	case DEVICE_NUMBERS:
	case DEVICE_DRIVER:
	case DEVICE_CLASS:
		break;
	}
	return 0;
}
