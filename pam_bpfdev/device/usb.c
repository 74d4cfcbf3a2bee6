// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * USB devices as sysfs has them: the kernel's own view, which needs no udev. The folder of a USB
 * device has its ids and, perhaps, its serial number; the devices that its drivers make are below.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpfdev.h"
#include "base/array.h"
#include "device/internal.h"

/* A serial number of a descriptor has up to 126 characters, of up to three bytes each. */
#define ATTRIBUTE_SIZE DEVICE_SERIAL_SIZE

/* A device that is unplugged meanwhile is no error: it is not there. */
static bool has_gone(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ENODEV || error == ENXIO;
}

/*
 * The text of a file of sysfs, without its last newline. Returns 1; 0: there is no such file; or a
 * negative errno with @why; in both cases @out is "". @out: ATTRIBUTE_SIZE bytes.
 */
static int read_attribute(const char *folder, const char *name, char *out, struct reason *why)
{
	char path[PATH_MAX];
	ssize_t length;
	int fd, error;

	*out = '\0';
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, out, ATTRIBUTE_SIZE - 1);
	error = errno;
	if (fd >= 0)
		close(fd);
	if (length < 0 && has_gone(error))
		return 0;
	if (length < 0) {
		reason_set(why, "%s cannot be read: %s", path, strerror(error));
		return error > 0 ? -error : -EIO;
	}
	if (length && out[length - 1] == '\n')
		length--;
	out[length] = '\0';
	return 1;
}

static bool read_id(const char *text, uint32_t *id)
{
	char *end;

	*id = (uint32_t)strtoul(text, &end, 16);
	return *text && !*end;
}

static bool is_id(const struct device_range *range, const char *text)
{
	uint32_t id;

	return read_id(text, &id) && (range->any || id == range->low);
}

/* Whether the folder is that of a USB device as @usb says. Returns 1, 0 or a negative errno. */
static int is_such_device(const char *folder, const struct device_usb *usb, struct reason *why)
{
	char text[ATTRIBUTE_SIZE];
	int ret = read_attribute(folder, "idVendor", text, why);

	if (ret <= 0 || !is_id(&usb->vendor, text))
		return ret < 0 ? ret : 0;
	ret = read_attribute(folder, "idProduct", text, why);
	if (ret <= 0 || !is_id(&usb->product, text))
		return ret < 0 ? ret : 0;
	if (!usb->serial)
		return 1;
	ret = read_attribute(folder, "serial", text, why);
	return ret < 0 ? ret : fnmatch(usb->serial, text, 0) == 0;
}

/* Whether a folder of the path is that of a USB bus: "usb1". */
static bool is_below_usb(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/usb")); at++)
		if (at[4] >= '0' && at[4] <= '9')
			return true;
	return false;
}

/* What the kernel found in its descriptors; what it has not got is "". */
static bool know_device(const char *folder, struct device_known *known)
{
	char vendor[ATTRIBUTE_SIZE], product[ATTRIBUTE_SIZE], *name = known->name;

	if (read_attribute(folder, "idVendor", vendor, NULL) != 1 ||
	    read_attribute(folder, "idProduct", product, NULL) != 1 ||
	    !read_id(vendor, &known->vendor) || !read_id(product, &known->product))
		return false;
	read_attribute(folder, "serial", known->serial, NULL);
	read_attribute(folder, "manufacturer", name, NULL);
	if (read_attribute(folder, "product", product, NULL) == 1) {
		size_t length = strlen(name), rest;

		if (length && length + 1 < sizeof(known->name))
			name[length++] = ' ';
		rest = strnlen(product, sizeof(known->name) - 1 - length);
		memcpy(name + length, product, rest);
		name[length + rest] = '\0';
	}
	return true;
}

bool device_find_usb(const struct device_source *source, const char *path,
		     struct device_known *known)
{
	char folder[PATH_MAX];
	size_t root = source->sys ? strlen(source->sys) : 0;

	if (!source->sys || !is_below_usb(path) ||
	    snprintf(folder, sizeof(folder), "%s%s", source->sys, path) >= (int)sizeof(folder))
		return false;
	for (char *slash; (slash = strrchr(folder, '/')) && slash >= folder + root; *slash = '\0')
		if (know_device(folder, known))
			return true;
	return false;
}

int device_is_usb(const struct device_source *source, const char *path,
		  const struct device_usb *usb, struct reason *why)
{
	char folder[PATH_MAX];
	size_t root;
	int ret = 0;

	if (!source->sys || !*path || !is_below_usb(path))
		return 0;
	root = strlen(source->sys);
	if (snprintf(folder, sizeof(folder), "%s%s", source->sys, path) >= (int)sizeof(folder))
		return 0;
	for (char *slash; ret == 0 && (slash = strrchr(folder, '/')) && slash >= folder + root;
	     *slash = '\0')
		ret = is_such_device(folder, usb, why);
	return ret;
}

/* The numbers "8:16", which are the name of an entry in /sys/dev/block. */
static bool parse_entry(const char *name, struct device_pattern *pattern)
{
	char end;

	return sscanf(name, "%u:%u%c", &pattern->major, &pattern->minor, &end) == 2 &&
	       pattern->major < BPFDEV_MAJORS && pattern->minor < BPFDEV_MINORS;
}

const char *device_below_sysfs(const char *target)
{
	const char *devices = strstr(target, "/devices/");

	return devices ? devices : "";
}

static int add_node(struct device_cache *cache, const struct device_pattern *pattern,
		    const char *path, struct reason *why)
{
	struct device_usb_node *grown =
		array_grow(cache->nodes, cache->node_count, &cache->node_capacity, sizeof(*grown));
	char *copy = grown ? strdup(path) : NULL;

	if (grown)
		cache->nodes = grown;
	if (!copy) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	grown[cache->node_count++] = (struct device_usb_node) { *pattern, copy };
	return 0;
}

static int look_at_entry(const struct device_source *source, int dir_fd, const char *name,
			 struct device_pattern *pattern, struct device_cache *cache,
			 struct reason *why)
{
	char target[PATH_MAX];
	const char *path;
	ssize_t length;

	if (!parse_entry(name, pattern))
		return 0;
	length = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	if (length < 0 && (has_gone(errno) || errno == EINVAL))
		return 0; /* EINVAL: it is no link */
	if (length < 0) {
		length = -errno;
		reason_set(why, "the device %s cannot be looked at in %s: %s", name, source->sys,
			   strerror((int)-length));
		return (int)length;
	}
	target[length] = '\0';
	path = device_below_sysfs(target);
	return is_below_usb(path) ? add_node(cache, pattern, path, why) : 0;
}

/* @type: enum bpfdev_type, whose devices are listed in /sys/dev/char or /sys/dev/block. */
static int list_type(const struct device_source *source, uint32_t type, struct device_cache *cache,
		     struct reason *why)
{
	struct device_pattern pattern = { .type = type };
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/dev/%s", source->sys,
		 type == BPFDEV_BLOCK ? "block" : "char");
	dir = opendir(path);
	while (dir && ret == 0 && (errno = 0, entry = readdir(dir)))
		ret = look_at_entry(source, dirfd(dir), entry->d_name, &pattern, cache, why);
	/* A kernel without block devices has no folder for them; without the other it is no sysfs. */
	if (ret == 0 && errno && !(errno == ENOENT && type == BPFDEV_BLOCK)) {
		ret = -errno;
		reason_set(why, "%s, where the USB devices are found, cannot be read: %s", path,
			   strerror(-ret));
	}
	if (dir)
		closedir(dir);
	return ret;
}

static void forget_nodes(struct device_cache *cache)
{
	while (cache->node_count)
		free(cache->nodes[--cache->node_count].path);
	free(cache->nodes);
	cache->nodes = NULL;
	cache->node_capacity = 0;
}

/* Returns 0, or a negative errno with @why: nothing is known then. */
static int list_nodes(const struct device_source *source, struct device_cache *cache,
		      struct reason *why)
{
	int ret = list_type(source, BPFDEV_CHAR, cache, why);

	if (ret == 0)
		ret = list_type(source, BPFDEV_BLOCK, cache, why);
	cache->has_nodes = ret == 0;
	if (ret < 0)
		forget_nodes(cache);
	return ret;
}

int device_resolve_usb(const struct device_source *source, const struct device_usb *usb,
		       struct device_patterns *patterns, struct reason *why)
{
	struct device_cache own = { 0 }, *cache = source->cache ? source->cache : &own;
	int ret;

	if (!source->sys) {
		reason_set(why, "there is no sysfs to find USB devices in");
		return -ENOENT;
	}
	ret = cache->has_nodes ? 0 : list_nodes(source, cache, why);
	for (size_t i = 0; i < cache->node_count && ret == 0; i++) {
		ret = device_is_usb(source, cache->nodes[i].path, usb, why);
		if (ret > 0)
			ret = device_add(patterns, &cache->nodes[i].pattern, why);
	}
	forget_nodes(&own);
	return ret;
}
