// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * From a device as it is written to the patterns that it stands for: by numbers, by driver, by path.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpfdev.h"
#include "base/array.h"
#include "device/device.h"

const struct device_source device_source_system = {
	.proc_devices = "/proc/devices",
	.dev = "/dev",
	.proc_misc = "/proc/misc",
};

/* Appends one pattern. Returns 0, -E2BIG past DEVICE_PATTERNS_MAX, or -ENOMEM; with @why. */
static int add(struct device_patterns *patterns, const struct device_pattern *pattern,
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
			ret = add(patterns, &pattern, why);
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

/* What is looked for, and where what is found goes. */
struct search {
	const char *glob;
	uint32_t type;
	bool seen[BPFDEV_MAJORS]; /* a driver may be listed twice */
};

static void see(const struct device_driver *driver, void *data)
{
	struct search *search = data;

	if (driver->type != search->type || fnmatch(search->glob, driver->name, 0) != 0)
		return;
	for (uint32_t major = driver->low; major <= driver->high; major++)
		search->seen[major] = true;
}

/* "*", "**": every driver there is or will be, so not a list of today's. */
static bool is_every_driver(const char *glob)
{
	return glob[strspn(glob, "*")] == '\0';
}

static int add_majors(const struct search *search, struct device_patterns *patterns,
		      struct reason *why)
{
	struct device_pattern pattern = { .type = search->type, .minor = BPFDEV_ANY };
	int ret = 0;

	for (uint32_t major = 0; major < BPFDEV_MAJORS && ret == 0; major++) {
		pattern.major = major;
		if (search->seen[major])
			ret = add(patterns, &pattern, why);
	}
	return ret;
}

static int resolve_driver(const struct device_source *source, const struct device_spec *spec,
			  struct device_patterns *patterns, struct reason *why)
{
	struct search search = { .glob = spec->text,
				 .type = spec->block ? BPFDEV_BLOCK : BPFDEV_CHAR };
	struct device_pattern every = { search.type, BPFDEV_ANY, BPFDEV_ANY, true };
	int ret;

	if (is_every_driver(spec->text))
		return add(patterns, &every, why);
	ret = device_each_driver(source, see, &search, why);
	return ret < 0 ? ret : add_majors(&search, patterns, why);
}

/*
 * Paths below /dev. Everything on the way must be root's: whoever can write to a folder (/dev/shm)
 * could put a link there that turns a rule on it into a rule on another device. So folders are
 * opened one component at a time, never through a link, and links are followed by hand, from /dev.
 */

/* udev makes chains of one or two links; the bound also bounds the stack. */
#define LINKS_MAX 8
/* Bytes of a path below /dev: far more than udev makes. Longer ones are passed over. */
#define DEV_PATH_MAX 1024

/* A path that is being followed. */
struct walk {
	const struct device_source *source;
	struct device_patterns *patterns;
	struct reason *why;
	int links; /* that may still be followed */
};

static int walk_from(struct walk *walk, int dir_fd, const char *here, const char *rest);

static bool is_trusted_folder(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int add_node(struct walk *walk, const struct stat *st)
{
	struct device_pattern pattern = {
		.type = S_ISBLK(st->st_mode) ? BPFDEV_BLOCK : BPFDEV_CHAR,
		.major = major(st->st_rdev),
		.minor = minor(st->st_rdev),
	};

	return add(walk->patterns, &pattern, walk->why);
}

/*
 * Joins the folder @here (below /dev, "" for /dev itself), a link's @target and what follows it to
 * one path below /dev. Returns false if that leads out of /dev. ".." is left in: where it leads is
 * known only when what stands before it has been followed.
 */
static bool join(char *out, const char *here, const char *target, const char *rest)
{
	if (strncmp(target, "/dev/", 5) == 0) {
		here = "";
		target += 5;
	} else if (*target == '/') {
		return false;
	}
	return snprintf(out, DEV_PATH_MAX, "%s/%s/%s", here, target, rest) < DEV_PATH_MAX;
}

/* From /dev on: @path is below it, without "." and "..". */
static int walk_path(struct walk *walk, const char *path)
{
	struct device_cache *cache = walk->source->cache;
	const char *dev = walk->source->dev;
	int fd, ret;

	if (cache && cache->has_dev)
		return walk_from(walk, cache->dev_fd, "", path);
	fd = open(dev, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		ret = errno == ENOENT ? 0 : -errno;
		if (ret < 0)
			reason_set(walk->why, "%s cannot be opened: %s", dev, strerror(-ret));
		return ret;
	}
	if (cache) {
		cache->dev_fd = fd;
		cache->has_dev = true;
	}
	ret = walk_from(walk, fd, "", path);
	if (!cache)
		close(fd);
	return ret;
}

void device_cache_free(struct device_cache *cache)
{
	if (cache->has_dev)
		close(cache->dev_fd);
	free(cache->drivers);
	*cache = (struct device_cache) { 0 };
}

/* Characters of a link's target that mean something in a glob must not do so. */
static bool escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 2 < size; text++) {
		if (strchr("*?[]\\", *text))
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
	return !*text;
}

/*
 * What is not there is no device. But a device that cannot be looked at must not turn a rule into
 * nothing unseen. Returns 0 or a negative errno, from errno.
 */
static int unreachable(struct walk *walk, const char *name)
{
	int error = errno;

	if (error == ENOENT || error == ENOTDIR || error == ELOOP)
		return 0;
	reason_set(walk->why, "\"%s\" below %s cannot be looked at: %s", name, walk->source->dev,
		   strerror(error));
	return -error;
}

static int follow(struct walk *walk, int dir_fd, const char *here, const char *name,
		  const char *rest)
{
	char target[DEV_PATH_MAX / 2], escaped[DEV_PATH_MAX], path[DEV_PATH_MAX];
	ssize_t length = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	int ret;

	if (length < 0)
		return unreachable(walk, name);
	if (length == (ssize_t)sizeof(target) - 1 || walk->links == 0)
		return 0; /* gone meanwhile, or in a circle: no device */
	target[length] = '\0';
	if (!escape(escaped, sizeof(escaped), target) || !join(path, here, escaped, rest))
		return 0;
	walk->links--;
	ret = walk_path(walk, path);
	walk->links++;
	return ret;
}

static int enter(struct walk *walk, int dir_fd, const char *here, const char *name,
		 const char *rest)
{
	char path[DEV_PATH_MAX], escaped[2 * NAME_MAX + 1];
	int fd, ret;

	if (!escape(escaped, sizeof(escaped), name) ||
	    snprintf(path, sizeof(path), "%s%s%s", here, *here ? "/" : "", escaped) >=
		    (int)sizeof(path))
		return 0;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return unreachable(walk, name);
	ret = walk_from(walk, fd, path, rest);
	close(fd);
	return ret;
}

/* One entry of a folder that the path's present component names. @rest: what follows, or "". */
static int visit(struct walk *walk, int dir_fd, const char *here, const char *name,
		 const char *rest)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return unreachable(walk, name);
	if (S_ISLNK(st.st_mode))
		return follow(walk, dir_fd, here, name, rest);
	if (*rest)
		return S_ISDIR(st.st_mode) ? enter(walk, dir_fd, here, name, rest) : 0;
	return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) ? add_node(walk, &st) : 0;
}

static int visit_matches(struct walk *walk, int dir_fd, const char *here, const char *glob,
			 const char *rest)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		ret = -errno;
		reason_set(walk->why, "a folder below %s cannot be listed: %s", walk->source->dev,
			   strerror(-ret));
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (ret == 0 && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    fnmatch(glob, entry->d_name, FNM_PERIOD) == 0)
			ret = visit(walk, dirfd(dir), here, entry->d_name, rest);
	if (ret == 0 && errno)
		ret = unreachable(walk, here);
	closedir(dir);
	return ret;
}

/* @here has been reached through folders only, so that its parent is what its path says. */
static int walk_up(struct walk *walk, const char *here, const char *rest)
{
	char path[DEV_PATH_MAX];
	const char *slash = strrchr(here, '/');
	int parent = slash ? (int)(slash - here) : 0;

	if (!*here || snprintf(path, sizeof(path), "%.*s/%s", parent, here, rest) >= DEV_PATH_MAX)
		return 0;
	return walk_path(walk, path);
}

/* Follows @rest from the folder @here on. */
static int walk_from(struct walk *walk, int dir_fd, const char *here, const char *rest)
{
	char component[NAME_MAX * 2 + 1];
	size_t length;

	rest += strspn(rest, "/");
	length = strcspn(rest, "/");
	if (!length || length >= sizeof(component) || !is_trusted_folder(dir_fd))
		return 0;
	memcpy(component, rest, length);
	component[length] = '\0';
	rest += length;
	rest += strspn(rest, "/");
	if (strcmp(component, ".") == 0)
		return walk_from(walk, dir_fd, here, rest);
	if (strcmp(component, "..") == 0)
		return walk_up(walk, here, rest);
	if (strpbrk(component, "*?[\\"))
		return visit_matches(walk, dir_fd, here, component, rest);
	return visit(walk, dir_fd, here, component, rest);
}

static int resolve_path(const struct device_source *source, const struct device_spec *spec,
			struct device_patterns *patterns, struct reason *why)
{
	struct walk walk = { source, patterns, why, LINKS_MAX };

	return walk_path(&walk, spec->text + strlen("/dev/"));
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
		ret = resolve_driver(source, spec, &found, why);
		break;
	case DEVICE_PATH:
		ret = resolve_path(source, spec, &found, why);
		break;
	case DEVICE_CLASS:
		reason_set(why, "a class is not a device");
		break;
	}
	for (size_t i = 0; i < found.count && ret == 0; i++)
		ret = add(patterns, &found.items[i], why);
	device_patterns_free(&found);
	return ret;
}
