// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What udev knows, in /run/udev: a folder for each link with the ids of the devices that claim it
 * (links/), a folder for each tag with those that ever had it (tags/), a file for each device
 * (data/), and a file that is there while udev has something to do (queue). So it is in all versions
 * from 247 to 262; where there is no udev, as in a container, there is nothing of it.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpfdev.h"
#include "device/internal.h"

bool device_udev_id(const char *id, struct device_pattern *pattern)
{
	char end;

	*pattern = (struct device_pattern) { .type = *id == 'b' ? BPFDEV_BLOCK : BPFDEV_CHAR };
	return (*id == 'b' || *id == 'c') &&
	       sscanf(id + 1, "%u:%u%c", &pattern->major, &pattern->minor, &end) == 2 &&
	       pattern->major < BPFDEV_MAJORS && pattern->minor < BPFDEV_MINORS;
}

/* The path of something of udev's. Returns false: there can be none. @out: PATH_MAX bytes. */
static bool udev_path(const struct device_source *source, const char *folder, const char *name,
		      char *out)
{
	return source->udev && snprintf(out, PATH_MAX, "%s/%s%s%s", source->udev, folder,
					*name ? "/" : "", name) < PATH_MAX;
}

static int unreadable(const char *path, int error, struct reason *why)
{
	if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG)
		return 0;
	reason_set(why, "%s cannot be read: %s", path, strerror(error));
	return -error;
}

int device_udev_names(const struct device_source *source, const char *folder,
		      device_udev_visit *visit, void *data, struct reason *why)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	int ret = 0;
	DIR *dir;

	if (!udev_path(source, folder, "", path))
		return 0;
	dir = opendir(path);
	if (!dir)
		return unreadable(path, errno, why);
	while (ret == 0 && (errno = 0, entry = readdir(dir)))
		if (*entry->d_name != '.')
			ret = visit(entry->d_name, data, why);
	if (ret == 0 && errno)
		ret = unreadable(path, errno, why);
	closedir(dir);
	return ret;
}

int device_udev_lines(const struct device_source *source, const char *id, device_udev_visit *visit,
		      void *data, struct reason *why)
{
	char path[PATH_MAX], *line = NULL;
	size_t size = 0;
	ssize_t length;
	FILE *file;
	int ret = 0;

	if (!udev_path(source, "data", id, path))
		return 0;
	file = fopen(path, "re");
	if (!file)
		return unreadable(path, errno, why);
	while (ret == 0 && (errno = 0, length = getline(&line, &size, file)) >= 0) {
		line[length && line[length - 1] == '\n' ? length - 1 : length] = '\0';
		ret = visit(line, data, why);
	}
	if (ret == 0 && !feof(file))
		ret = unreadable(path, errno ? errno : EIO, why);
	free(line);
	fclose(file);
	return ret;
}

/* A tag whose devices are looked for, and what the entry of one of them says. */
struct tagged {
	const struct device_source *source;
	struct device_patterns *patterns;
	const char *tag;
	bool has_version, has_now, has_ever;
};

static int see_line(const char *line, void *data, struct reason *why)
{
	struct tagged *tagged = data;

	(void)why;
	if (strncmp(line, "V:", 2) == 0)
		tagged->has_version = true;
	else if (strncmp(line, "Q:", 2) == 0 && strcmp(line + 2, tagged->tag) == 0)
		tagged->has_now = true;
	else if (strncmp(line, "G:", 2) == 0 && strcmp(line + 2, tagged->tag) == 0)
		tagged->has_ever = true;
	return 0;
}

/* Before its entries had a version, udev did not tell tags of now from those of before. */
static int see_tagged(const char *id, void *data, struct reason *why)
{
	struct tagged *tagged = data;
	struct device_pattern pattern;
	int ret;

	if (!device_udev_id(id, &pattern))
		return 0;
	tagged->has_version = tagged->has_now = tagged->has_ever = false;
	ret = device_udev_lines(tagged->source, id, see_line, tagged, why);
	if (ret == 0 && (tagged->has_version ? tagged->has_now : tagged->has_ever))
		ret = device_add(tagged->patterns, &pattern, why);
	return ret;
}

int device_resolve_tag(const struct device_source *source, const char *tag,
		       struct device_patterns *patterns, struct reason *why)
{
	struct tagged tagged = { source, patterns, tag, false, false, false };
	char folder[NAME_MAX + sizeof("tags/")];

	if (snprintf(folder, sizeof(folder), "tags/%s", tag) >= (int)sizeof(folder))
		return 0;
	return device_udev_names(source, folder, see_tagged, &tagged, why);
}

static long long milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int device_await_udev(const struct device_source *source, unsigned int milliseconds)
{
	const struct timespec pause = { .tv_nsec = 3000000 };
	long long end = milliseconds_now() + milliseconds;
	char path[PATH_MAX];

	if (!udev_path(source, "queue", "", path))
		return 0;
	while (access(path, F_OK) == 0) {
		if (milliseconds_now() >= end)
			return 1;
		nanosleep(&pause, NULL);
	}
	return 0;
}
