// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Drivers and the majors that they have, or will have once they are loaded; and from a device's
 * numbers to its name, as far as that takes no look into all of /dev.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "bpfdev.h"
#include "base/array.h"
#include "device/internal.h"

/*
 * Majors that the kernel has assigned for good, under the names that drivers register them with
 * (Documentation/admin-guide/devices.txt). A module that is loaded when its first device is plugged
 * in is not in /proc/devices at login: without this list a rule on char-video4linux would be
 * nothing at all until then, and the webcam that comes later would be open.
 */
struct assigned {
	const char *name;
	uint16_t low, high;
};

static const struct assigned assigned_char[] = {
	{ "mem", 1, 1 },
	{ "tty", 4, 4 },
	{ "ttyS", 4, 4 },
	{ "lp", 6, 6 },
	{ "vcs", 7, 7 },
	{ "st", 9, 9 },
	{ "misc", 10, 10 },
	{ "input", 13, 13 },
	{ "sound", 14, 14 },
	{ "sg", 21, 21 },
	{ "fb", 29, 29 },
	{ "osst", 206, 206 },
	{ "capi20", 68, 68 },
	{ "video4linux", 81, 81 },
	{ "ch", 86, 86 },
	{ "i2c", 89, 89 },
	{ "mtd", 90, 90 },
	{ "comedi", 98, 98 },
	{ "ppdev", 99, 99 },
	{ "ppp", 108, 108 },
	{ "alsa", 116, 116 },
	{ "ptm", 128, 135 },
	{ "pts", 136, 143 },
	{ "aoechr", 152, 152 },
	{ "spi", 153, 153 },
	{ "raw", 162, 162 },
	{ "ttyACM", 166, 166 },
	{ "ieee1394", 171, 171 },
	{ "usb", 180, 180 },
	{ "ttyUSB", 188, 188 },
	{ "usb_device", 189, 189 },
	{ "nvidia", 195, 195 },
	{ "nvidia-frontend", 195, 195 },
	{ "nvidiactl", 195, 195 },
	{ "nvidia-modeset", 195, 195 },
	{ "cpu/msr", 202, 202 },
	{ "cpu/cpuid", 203, 203 },
	{ "DVB", 212, 212 },
	{ "rfcomm", 216, 216 },
	{ "drm", 226, 226 },
	{ "hvc", 229, 229 },
	{ "infiniband_mad", 231, 231 },
	{ "infiniband_verbs", 231, 231 },
	{ "accel", 261, 261 },
};

static const struct assigned assigned_block[] = {
	{ "ramdisk", 1, 1 },	{ "fd", 2, 2 },	     { "ide0", 3, 3 },	  { "loop", 7, 7 },
	{ "sd", 8, 8 },		{ "md", 9, 9 },	     { "sr", 11, 11 },	  { "mtdblock", 31, 31 },
	{ "nbd", 43, 43 },	{ "sd", 65, 71 },    { "sd", 128, 135 },  { "dasd", 94, 94 },
	{ "drbd", 147, 147 },	{ "aoe", 152, 152 }, { "mmc", 179, 179 }, { "xvd", 202, 202 },
	{ "blkext", 259, 259 },
};

/*
 * Minors of char-misc that are assigned for good, under the names that /proc/misc has for them, and
 * the names of their nodes where these are others. People take such a name for a driver's.
 */
static const struct {
	const char *name, *node;
	uint16_t minor;
} assigned_misc[] = {
	{ "psaux", NULL, 1 },
	{ "watchdog", NULL, 130 },
	{ "rtc", NULL, 135 },
	{ "vhci", NULL, 137 },
	{ "nvram", NULL, 144 },
	{ "vmmon", NULL, 165 },
	{ "agpgart", NULL, 175 },
	{ "hw_random", "hwrng", 183 },
	{ "microcode", "cpu/microcode", 184 },
	{ "vfio", "vfio/vfio", 196 },
	{ "tun", "net/tun", 200 },
	{ "cuse", NULL, 203 },
	{ "mptctl", NULL, 220 },
	{ "mpt2ctl", NULL, 221 },
	{ "mpt3ctl", NULL, 222 },
	{ "uinput", NULL, 223 },
	{ "tpm", "tpm0", 224 },
	{ "mcelog", NULL, 227 },
	{ "hpet", NULL, 228 },
	{ "fuse", NULL, 229 },
	{ "snapshot", NULL, 231 },
	{ "kvm", NULL, 232 },
	{ "btrfs-control", NULL, 234 },
	{ "autofs", NULL, 235 },
	{ "device-mapper", "mapper/control", 236 },
	{ "loop-control", NULL, 237 },
	{ "vhost-net", NULL, 238 },
	{ "uhid", NULL, 239 },
	{ "userio", NULL, 240 },
	{ "vhost-vsock", NULL, 241 },
	{ "rfkill", NULL, 242 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Reads all of @path; *@text is NULL if it is empty. Returns 0, or a negative errno with @why. */
static int read_text(const char *path, char **text, struct reason *why)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	int error = file ? 0 : errno;

	*text = NULL;
	if (file) {
		errno = 0;
		if (getdelim(text, &size, '\0', file) < 0) {
			error = feof(file) ? 0 : errno ? errno : EIO;
			free(*text);
			*text = NULL;
		}
		fclose(file);
	}
	if (error)
		reason_set(why, "%s cannot be read: %s", path, strerror(error));
	return -error;
}

static int add_driver(struct device_cache *cache, const struct device_driver *driver)
{
	struct device_driver *grown = array_grow(cache->drivers, cache->driver_count,
						 &cache->driver_capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	cache->drivers = grown;
	grown[cache->driver_count++] = *driver;
	return 0;
}

/* A line of /proc/devices: "Character devices:", "Block devices:", or "  1 mem". */
static int read_line(struct device_cache *cache, const char *line, uint32_t *type)
{
	unsigned int major;
	int name = 0;

	if (strncmp(line, "Character", 9) == 0)
		*type = BPFDEV_CHAR;
	else if (strncmp(line, "Block", 5) == 0)
		*type = BPFDEV_BLOCK;
	else if (*type != BPFDEV_TYPES && sscanf(line, "%u %n", &major, &name) == 1 && name &&
		 major < BPFDEV_MAJORS)
		return add_driver(
			cache, &(struct device_driver) { *type, major, major, line + name, true });
	return 0;
}

/* The names stay where they were read. */
static int add_registered(struct device_cache *cache)
{
	uint32_t type = BPFDEV_TYPES;
	char *rest = cache->names;
	int ret = 0;

	while (rest && ret == 0)
		ret = read_line(cache, strsep(&rest, "\n"), &type);
	return ret;
}

static int add_assigned(struct device_cache *cache, uint32_t type, const struct assigned *list,
			size_t count)
{
	int ret = 0;

	for (size_t i = 0; i < count && ret == 0; i++)
		ret = add_driver(cache, &(struct device_driver) { type, list[i].low, list[i].high,
								  list[i].name, false });
	return ret;
}

static void forget_drivers(struct device_cache *cache)
{
	free(cache->names);
	free(cache->drivers);
	cache->names = NULL;
	cache->drivers = NULL;
	cache->driver_count = cache->driver_capacity = 0;
}

/* Returns 0, or a negative errno with @why: nothing is known then. */
static int read_drivers(struct device_cache *cache, const struct device_source *source,
			struct reason *why)
{
	int ret = read_text(source->proc_devices, &cache->names, why);

	if (ret < 0)
		return ret;
	ret = add_registered(cache);
	if (ret == 0)
		ret = add_assigned(cache, BPFDEV_CHAR, assigned_char, COUNT(assigned_char));
	if (ret == 0)
		ret = add_assigned(cache, BPFDEV_BLOCK, assigned_block, COUNT(assigned_block));
	if (ret < 0) {
		reason_set(why, "out of memory");
		forget_drivers(cache);
	}
	return ret;
}

int device_each_driver(const struct device_source *source, device_driver_visit *visit, void *data,
		       struct reason *why)
{
	struct device_cache own = { 0 }, *cache = source->cache ? source->cache : &own;
	int ret = cache->drivers ? 0 : read_drivers(cache, source, why);

	for (size_t i = 0; cache->drivers && i < cache->driver_count; i++)
		visit(&cache->drivers[i], data);
	forget_drivers(&own);
	return ret;
}

/* A policy may have thousands of names, each of which is held against each driver. */
bool device_driver_matches(const char *glob, const char *name)
{
	if (!strchr("*?[\\", *glob) && *glob != *name)
		return false;
	return fnmatch(glob, name, 0) == 0;
}

/* The name that the kernel gives the device's node: below /dev, as it does not say. */
static bool kernel_name(const char *sys, uint32_t type, uint32_t major, uint32_t minor, char *name)
{
	char path[4096], line[sizeof("DEVNAME=") + DEVICE_NAME_SIZE];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/dev/%s/%u:%u/uevent", sys,
		 type == BPFDEV_CHAR ? "char" : "block", major, minor);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, "DEVNAME=", 8) == 0 && strlen(line + 8) < DEVICE_NAME_SIZE;
	}
	fclose(file);
	if (found)
		snprintf(name, DEVICE_NAME_SIZE, "%s", line + 8);
	return found;
}

/* Whether a node with these numbers, and no link to it, is at @path. */
static bool is_node(const char *path, uint32_t type, uint32_t major, uint32_t minor)
{
	struct stat st;

	return lstat(path, &st) == 0 &&
	       (type == BPFDEV_CHAR ? S_ISCHR(st.st_mode) : S_ISBLK(st.st_mode)) &&
	       major(st.st_rdev) == major && minor(st.st_rdev) == minor;
}

bool device_node(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		 char *out)
{
	char path[4096];

	if (source->sys && kernel_name(source->sys, type, major, minor, out)) {
		snprintf(path, sizeof(path), "%s/%s", source->dev, out);
		if (is_node(path, type, major, minor))
			return true;
	}
	*out = '\0';
	return false;
}

/* The drivers of one major. */
struct drivers {
	uint32_t type, major;
	bool registered; /* those in the list are loaded */
	bool lost;	 /* one did not fit */
	char *list;	 /* DEVICE_NAME_SIZE bytes */
};

/* Whether @name is one of those in @list, which has commas between them. */
static bool is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *item = list; item; item = strchr(item, ',')) {
		item += *item == ',';
		if (strncmp(item, name, length) == 0 && (item[length] == ',' || !item[length]))
			return true;
	}
	return false;
}

/* What /proc/devices says comes first, and outweighs what is assigned. */
static void see_driver(const struct device_driver *driver, void *data)
{
	struct drivers *drivers = data;
	size_t used = strlen(drivers->list), room = DEVICE_NAME_SIZE - used;

	if (driver->type != drivers->type || drivers->major < driver->low ||
	    drivers->major > driver->high)
		return;
	if (driver->registered)
		drivers->registered = true;
	else if (drivers->registered)
		return;
	if (!is_listed(drivers->list, driver->name) &&
	    snprintf(drivers->list + used, room, "%s%s", used ? "," : "", driver->name) >=
		    (int)room)
		drivers->lost = true;
}

bool device_drivers(const struct device_source *source, uint32_t type, uint32_t major, char *out)
{
	struct drivers drivers = { type, major, false, false, out };

	*out = '\0';
	device_each_driver(source, see_driver, &drivers, NULL);
	if (drivers.lost)
		*out = '\0';
	return *out;
}

char *device_name(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		  char *out)
{
	const int room = DEVICE_NAME_SIZE - sizeof("block-");
	char found[DEVICE_NAME_SIZE];

	*out = '\0';
	if (device_node(source, type, major, minor, found))
		snprintf(out, DEVICE_NAME_SIZE, "/dev/%.*s", room, found);
	else if (device_drivers(source, type, major, found))
		snprintf(out, DEVICE_NAME_SIZE, "%s-%.*s", type == BPFDEV_CHAR ? "char" : "block",
			 room, found);
	return out;
}

/* Whether @word is the name of a device, or of its node without the folder, or is a glob for it. */
static bool is_misc_name(const char *word, const char *name, const char *node)
{
	const char *last = node ? strrchr(node, '/') : NULL;

	return fnmatch(word, name, 0) == 0 || (node && fnmatch(word, node, 0) == 0) ||
	       (last && fnmatch(word, last + 1, 0) == 0);
}

bool device_misc(const struct device_source *source, const char *word, uint32_t *minor, bool *fixed)
{
	FILE *file;
	char name[64];
	bool found = false;

	*fixed = true;
	for (size_t i = 0; i < COUNT(assigned_misc); i++) {
		*minor = assigned_misc[i].minor;
		if (is_misc_name(word, assigned_misc[i].name, assigned_misc[i].node))
			return true;
	}
	*fixed = false;
	file = source->proc_misc ? fopen(source->proc_misc, "re") : NULL;
	while (file && !found && fscanf(file, "%u %63s", minor, name) == 2)
		found = is_misc_name(word, name, NULL);
	if (file)
		fclose(file);
	return found;
}
