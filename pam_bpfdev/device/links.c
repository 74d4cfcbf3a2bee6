// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Links as claims. Two sticks with one label both claim /dev/disk/by-label/LABEL; udev makes the link
 * for one of them, but notes both.
 */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "device/internal.h"

bool device_path_matches(const char *glob, const char *path)
{
	return fnmatch(glob, path, FNM_PATHNAME | FNM_PERIOD) == 0;
}

char *device_below_dev(const char *path)
{
	char *below = strdup(path + strlen("/dev/")), *out = below;

	for (const char *in = below; in && *in; in++)
		if (*in != '/' || (out > below && out[-1] != '/'))
			*out++ = *in;
	if (below)
		*out = '\0';
	return below;
}

/*
 * From "disk\x2fby-id\x2fA" to "disk/by-id/A". Before systemd 251 it begins with the slash, too.
 * @out: NAME_MAX + 1 bytes. Returns the path in it.
 */
static const char *decode(const char *name, char *out)
{
	size_t n = 0;

	for (; *name && n < NAME_MAX; n++) {
		bool slash = strncmp(name, "\\x2f", 4) == 0;

		if (slash || strncmp(name, "\\x5c", 4) == 0) {
			out[n] = slash ? '/' : '\\';
			name += 4;
		} else {
			out[n] = *name++;
		}
	}
	out[n] = '\0';
	return out + (*out == '/');
}

/* From version 249 on, a name that would be too long is cut to this length and ends in a digest. */
static bool may_be_cut(const char *name)
{
	return strlen(name) == NAME_MAX;
}

/* A link, or many, whose claimers are looked for. */
struct claims {
	const struct device_source *source;
	struct device_patterns *patterns;
	const char *glob;
	bool is_cut; /* whether a claimer's link is matched, only its own entry says */
	bool found;
};

static int see_line(const char *line, void *data, struct reason *why)
{
	struct claims *claims = data;

	(void)why;
	if (strncmp(line, "S:", 2) == 0)
		claims->found = claims->found || device_path_matches(claims->glob, line + 2);
	return 0;
}

static int see_claimer(const char *id, void *data, struct reason *why)
{
	struct claims *claims = data;
	struct device_pattern pattern;
	int ret = 0;

	if (!device_udev_id(id, &pattern) ||
	    device_has(claims->patterns, pattern.type, pattern.major, pattern.minor))
		return 0;
	claims->found = !claims->is_cut;
	if (claims->is_cut)
		ret = device_udev_lines(claims->source, id, see_line, claims, why);
	return ret == 0 && claims->found ? device_add(claims->patterns, &pattern, why) : ret;
}

static int see_link(const char *name, void *data, struct reason *why)
{
	struct claims *claims = data;
	char folder[NAME_MAX + sizeof("links/")], link[NAME_MAX + 1];

	claims->is_cut = may_be_cut(name);
	if (!claims->is_cut && !device_path_matches(claims->glob, decode(name, link)))
		return 0;
	snprintf(folder, sizeof(folder), "links/%s", name);
	return device_udev_names(claims->source, folder, see_claimer, claims, why);
}

int device_claims(const struct device_source *source, const char *path,
		  struct device_patterns *patterns, struct reason *why)
{
	char *glob = device_below_dev(path);
	struct claims claims = { source, patterns, glob, false, false };
	int ret;

	if (!glob) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	ret = device_udev_names(source, "links", see_link, &claims, why);
	free(glob);
	return ret;
}

static int see_own_link(const char *line, void *data, struct reason *why)
{
	struct claims *claims = data;

	(void)why;
	if (strncmp(line, "S:", 2) == 0)
		claims->found = claims->found || strcmp(claims->glob, line + 2) == 0;
	return 0;
}

/* Its entry is still that of before: it is written when the links have been made. */
int device_is_claimed(const struct device_source *source, const char *link,
		      const struct device_event *event, struct reason *why)
{
	struct claims claims = { source, NULL, link, false, false };
	char id[32];
	int ret;

	snprintf(id, sizeof(id), "%c%u:%u", event->type == BPFDEV_BLOCK ? 'b' : 'c', event->major,
		 event->minor);
	ret = device_udev_lines(source, id, see_own_link, &claims, why);
	return ret < 0 ? ret : claims.found;
}

bool device_event_has_link(const struct device_event *event, const char *link)
{
	size_t wanted = strlen(link);

	for (const char *at = event->links; *at;) {
		size_t length = strcspn(at, " ");

		if (length == wanted + 5 && strncmp(at, "/dev/", 5) == 0 &&
		    strncmp(at + 5, link, wanted) == 0)
			return true;
		at += length + (at[length] == ' ');
	}
	return false;
}
