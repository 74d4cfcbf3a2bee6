// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Paths below /dev, as they are there now. Everything on the way must be root's: whoever can write to a folder (/dev/shm)
 * could put a link there that turns a rule on it into a rule on another device. So folders are
 * opened one component at a time, never through a link, and links are followed by hand, from /dev.
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
#include "device/internal.h"

/* udev makes chains of one or two links; the bound also bounds the stack. */
#define LINKS_MAX 8
/* Bytes of a path below /dev: far more than udev makes. Longer ones are passed over. */
#define DEV_PATH_MAX 1024

/* A path that is being followed. */
struct walk {
	const struct device_source *source;
	const struct device_event *event; /* whose old links lead nowhere, or NULL */
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

	return device_add(walk->patterns, &pattern, walk->why);
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
	free(cache->names);
	free(cache->drivers);
	for (size_t i = 0; i < cache->node_count; i++)
		free(cache->nodes[i].path);
	free(cache->nodes);
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

/*
 * Whether udev has made the link for the event's device and is about to take it away: the event does
 * not list it. @here is escaped. Returns 1, 0, or a negative errno.
 */
static int is_old_link(const struct walk *walk, const char *here, const char *name)
{
	char link[DEV_PATH_MAX];
	size_t n = 0;

	if (!walk->event)
		return 0;
	for (; *here; here++) {
		here += *here == '\\';
		link[n++] = *here;
	}
	if (snprintf(link + n, sizeof(link) - n, "%s%s", n ? "/" : "", name) >=
	    (int)(sizeof(link) - n))
		return 0;
	if (device_event_has_link(walk->event, link))
		return 0;
	return device_is_claimed(walk->source, link, walk->event, walk->why);
}

static int follow(struct walk *walk, int dir_fd, const char *here, const char *name,
		  const char *rest)
{
	char target[DEV_PATH_MAX / 2], escaped[DEV_PATH_MAX], path[DEV_PATH_MAX];
	ssize_t length = readlinkat(dir_fd, name, target, sizeof(target) - 1);
	int ret;

	if (length < 0)
		return unreachable(walk, name);
	ret = is_old_link(walk, here, name);
	if (ret)
		return ret < 0 ? ret : 0;
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

int device_walk(const struct device_source *source, const char *path,
		const struct device_event *event, struct device_patterns *patterns,
		struct reason *why)
{
	struct walk walk = { source, event, patterns, why, LINKS_MAX };

	return walk_path(&walk, path + strlen("/dev/"));
}
