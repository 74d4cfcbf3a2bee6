// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The links that udev makes to say which device one is: /dev/serial/by-id/... */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/suggest/plan.h"

/* "/dev/LINK" with what means something in a glob escaped. NULL: no memory. */
static char *write_path(const char *link)
{
	char *path = malloc(sizeof("/dev/") + 2 * strlen(link)), *end;

	if (!path)
		return NULL;
	end = stpcpy(path, "/dev/");
	for (; *link; link++) {
		if (strchr("*?[\\", *link))
			*end++ = '\\';
		*end++ = *link;
	}
	*end = '\0';
	return path;
}

/* Takes @path over. */
static int keep(struct suggest_links *links, char *path, const struct device_pattern *pattern)
{
	struct suggest_link *grown =
		array_grow(links->items, links->count, &links->capacity, sizeof(*grown));

	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	links->items = grown;
	grown[links->count++] = (struct suggest_link) {
		{ pattern->type, pattern->major, pattern->minor },
		path,
	};
	return 0;
}

/* Whether a policy may trust the link is for the core to say: then it leads to a device. */
static int add(const struct device_source *devices, const char *link, struct suggest_links *links)
{
	struct device_patterns patterns = { 0 };
	struct device_spec spec;
	char *path = write_path(link);
	int ret = 0;

	if (!path)
		return -ENOMEM;
	if (suggest_parse_device(path, &spec))
		ret = device_resolve(devices, &spec, &patterns, NULL);
	if (ret == 0 && patterns.count == 1)
		ret = keep(links, path, &patterns.items[0]);
	else
		free(path);
	device_patterns_free(&patterns);
	return ret == -ENOMEM ? ret : 0;
}

/* What a device is outlasts where it is plugged in; of several names the shortest one. */
static int compare_links(const void *left, const void *right)
{
	const struct suggest_link *a = left, *b = right;
	bool a_is_id = strstr(a->path, "/by-id/"), b_is_id = strstr(b->path, "/by-id/");
	size_t length = strlen(a->path), other = strlen(b->path);

	if (a_is_id != b_is_id)
		return a_is_id ? -1 : 1;
	return length == other ? strcmp(a->path, b->path) : length < other ? -1 : 1;
}

int suggest_links_find(const struct device_source *devices, const struct names_nodes *nodes,
		       struct suggest_links *links)
{
	int ret = 0;

	for (size_t i = 0; i < nodes->link_count && ret == 0; i++)
		ret = add(devices, nodes->links[i], links);
	if (links->count)
		qsort(links->items, links->count, sizeof(*links->items), compare_links);
	return ret;
}

const char *suggest_link_to(const struct suggest_links *links, const struct bpfdev_key *device)
{
	for (size_t i = 0; i < links->count; i++)
		if (table_compare_keys(&links->items[i].device, device) == 0)
			return links->items[i].path;
	return NULL;
}

void suggest_links_free(struct suggest_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		free(links->items[i].path);
	free(links->items);
	*links = (struct suggest_links) { 0 };
}
