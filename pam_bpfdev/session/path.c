// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Text only: what the path of a cgroup says. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/session.h"
#include "session/path.h"

/* A component of a path, without its slash. */
struct component {
	const char *name;
	size_t length;
};

static bool next_component(const char **rest, struct component *c)
{
	*rest += strspn(*rest, "/");
	c->name = *rest;
	c->length = strcspn(*rest, "/");
	*rest += c->length;
	return c->length > 0;
}

static bool component_is(const struct component *c, const char *name)
{
	return c->length == strlen(name) && memcmp(c->name, name, c->length) == 0;
}

/* Strips both ends off; what is left must not be empty. */
static bool strip(struct component *c, const char *prefix, const char *suffix)
{
	size_t before = strlen(prefix), after = strlen(suffix);

	if (c->length <= before + after || memcmp(c->name, prefix, before) != 0 ||
	    memcmp(c->name + c->length - after, suffix, after) != 0)
		return false;
	c->name += before;
	c->length -= before + after;
	return true;
}

/* Only the one way in which systemd writes a uid. */
static bool parse_uid(const struct component *c, uid_t *uid)
{
	uint64_t value = 0;

	if (c->length == 0 || c->length > 10 || (c->name[0] == '0' && c->length > 1))
		return false;
	for (size_t i = 0; i < c->length; i++) {
		if (c->name[i] < '0' || c->name[i] > '9')
			return false;
		value = value * 10 + (c->name[i] - '0');
	}
	*uid = value;
	return value < (uid_t)-1;
}

bool session_is_scope(const char *name, size_t length)
{
	struct component c = { .name = name, .length = length };

	return strip(&c, "session-", ".scope");
}

bool session_parse_slice(const char *name, uid_t *uid)
{
	struct component c = { .name = name, .length = strlen(name) };

	return strip(&c, "user-", ".slice") && parse_uid(&c, uid);
}

/* user@UID.service of the same user as the slice that it is in */
static bool is_manager(struct component c, uid_t slice_uid)
{
	uid_t uid;

	return strip(&c, "user@", ".service") && parse_uid(&c, &uid) && uid == slice_uid;
}

bool session_parse_path(const char *cgroup, struct session_path *path)
{
	const char *rest = cgroup;
	struct component c;

	do {
		if (!next_component(&rest, &c))
			return false;
	} while (!component_is(&c, "user.slice"));

	if (!next_component(&rest, &c) || !strip(&c, "user-", ".slice") ||
	    !parse_uid(&c, &path->uid))
		return false;
	path->slice_end = rest - cgroup;

	if (!next_component(&rest, &c))
		return false;
	path->unit_end = rest - cgroup;
	path->manager = is_manager(c, path->uid);
	return path->manager || session_is_scope(c.name, c.length);
}

/* Outside its cgroup namespace the kernel writes "/..": that path leads nowhere for us. */
static bool leads_up(const char *path)
{
	struct component c;

	while (next_component(&path, &c))
		if (component_is(&c, ".."))
			return true;
	return false;
}

const char *session_below(const char *cgroup, const char *mount_root)
{
	size_t length = strcmp(mount_root, "/") == 0 ? 0 : strlen(mount_root);

	if (cgroup[0] != '/' || leads_up(cgroup) || strncmp(cgroup, mount_root, length) != 0)
		return NULL;
	if (cgroup[length] != '/' && cgroup[length] != '\0')
		return NULL;
	return strcmp(cgroup, "/") == 0 ? "" : cgroup + length;
}

/* The file system's path of the first @length bytes of @below. */
static char *join(const char *mount, const char *below, size_t length)
{
	char *path;

	return asprintf(&path, "%s%.*s", mount, (int)length, below) < 0 ? NULL : path;
}

/* Slice and unit must both be below the mount point: sessions beside ours are looked at too. */
static int locate_unit(const struct session_path *path, const char *mount, const char *below,
		       struct session *session, struct reason *why)
{
	size_t hidden = below - session->cgroup;

	if (hidden > path->slice_end) {
		reason_set(why, "the cgroup2 mount %s shows a part of a user's slice only", mount);
		return -ENODEV;
	}
	if (path->uid != session->uid)
		session->place = SESSION_FOREIGN;
	else
		session->place = path->manager ? SESSION_OWN_MANAGER : SESSION_OWN_SCOPE;
	session->slice = join(mount, below, path->slice_end - hidden);
	session->unit = join(mount, below, path->unit_end - hidden);
	return session->slice && session->unit ? 0 : -ENOMEM;
}

static int locate(const char *mount, const char *mount_root, struct session *session,
		  struct reason *why)
{
	struct session_path path;
	const char *below;

	if (!session->cgroup)
		return -ENOMEM;
	below = session_below(session->cgroup, mount_root);
	if (!below) {
		reason_set(why, "the cgroup2 mount %s does not show this process' cgroup %s", mount,
			   session->cgroup);
		return -ENODEV;
	}
	if (!session_parse_path(session->cgroup, &path))
		return 0;
	return locate_unit(&path, mount, below, session, why);
}

int session_locate(const char *cgroup, const char *mount, const char *mount_root, uid_t uid,
		   struct session *session, struct reason *why)
{
	int err;

	*session = (struct session) { .place = SESSION_NONE, .uid = uid };
	session->cgroup = strdup(cgroup);
	err = locate(mount, mount_root, session, why);
	if (err == -ENOMEM)
		reason_set(why, "out of memory");
	if (err)
		session_free(session);
	return err;
}

void session_free(struct session *session)
{
	free(session->cgroup);
	free(session->slice);
	free(session->unit);
	*session = (struct session) { .place = SESSION_NONE, .uid = session->uid };
}
