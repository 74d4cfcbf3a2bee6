// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * From a process to its place in the cgroup2 hierarchy: its cgroup, the mount that shows it, and
 * what the path says.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/session.h"

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

size_t session_scope_id(const char *unit, const char **id)
{
	struct component c = { .name = unit, .length = strlen(unit) };

	if (!strip(&c, "session-", ".scope"))
		return 0;
	*id = c.name;
	return c.length;
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
	return path->manager || strip(&c, "session-", ".scope");
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

/*
 * The part of @cgroup that a mount of the cgroup @mount_root shows below its mount point: "" or
 * begins with a slash; points into @cgroup. NULL: the mount does not show that cgroup.
 */
static const char *find_below(const char *cgroup, const char *mount_root)
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
	below = find_below(session->cgroup, mount_root);
	if (!below) {
		reason_set(why, "the cgroup2 mount %s does not show this process' cgroup %s", mount,
			   session->cgroup);
		return -ENODEV;
	}
	session->path = join(mount, below, strlen(below));
	if (!session->path)
		return -ENOMEM;
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
	free(session->path);
	free(session->slice);
	free(session->unit);
	free(session->from);
	*session = (struct session) { .place = SESSION_NONE, .uid = session->uid };
}

/* The fields of a line of /proc/self/mountinfo (proc_pid_mountinfo(5)) that are asked for here. */
struct mount_line {
	char *root, *point, *type;
};

static bool is_octal(const char *text)
{
	return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' &&
	       text[2] >= '0' && text[2] <= '7';
}

/* The kernel writes blanks and backslashes in names as \ooo. */
static void unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text + 1)) {
			*out++ = (text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0');
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* id parent major:minor ROOT POINT options [optional fields] - TYPE source options */
static bool split_line(char *line, struct mount_line *mount)
{
	char *rest = line, *field;

	for (int i = 0; i < 3; i++)
		if (!strsep(&rest, " "))
			return false;
	mount->root = strsep(&rest, " ");
	mount->point = strsep(&rest, " ");
	while ((field = strsep(&rest, " ")) && strcmp(field, "-") != 0)
		;
	mount->type = strsep(&rest, " ");
	return mount->type != NULL;
}

static int take(const struct mount_line *line, struct session_mount *mount)
{
	mount->root = strdup(line->root);
	mount->point = strdup(line->point);
	if (mount->root && mount->point)
		return 1;
	session_mount_free(mount);
	return -ENOMEM;
}

/* Returns 1: this is the mount; 0: it is not; -ENOMEM. Counts what it saw in @seen. */
static int look_at(char *text, const char *cgroup, struct session_mount_seen *seen,
		   struct session_mount *mount)
{
	struct mount_line line;

	text[strcspn(text, "\n")] = '\0';
	if (!split_line(text, &line))
		return 0;
	if (strcmp(line.type, "cgroup") == 0)
		seen->v1 = true;
	if (strcmp(line.type, "cgroup2") != 0)
		return 0;
	seen->v2 = true;
	unescape(line.root);
	unescape(line.point);
	return find_below(cgroup, line.root) ? take(&line, mount) : 0;
}

int session_mount_find(FILE *mountinfo, const char *cgroup, struct session_mount_seen *seen,
		       struct session_mount *mount)
{
	char *text = NULL;
	size_t size = 0;
	int found = 0;

	*seen = (struct session_mount_seen) { 0 };
	*mount = (struct session_mount) { 0 };
	while (!found && getline(&text, &size, mountinfo) >= 0)
		found = look_at(text, cgroup, seen, mount);
	if (!found && !feof(mountinfo))
		found = errno ? -errno : -EIO;
	free(text);
	return found;
}

void session_mount_free(struct session_mount *mount)
{
	free(mount->root);
	free(mount->point);
	*mount = (struct session_mount) { 0 };
}

static FILE *open_proc(const char *path, struct reason *why)
{
	FILE *file = fopen(path, "re");
	int err = errno;

	if (!file)
		reason_set(why, "%s: %s", path, strerror(err));
	errno = err;
	return file;
}

/* The path in the line "0::PATH" of the file, where the cgroup2 hierarchy stands; NULL without. */
static int read_path(FILE *file, char **path)
{
	char *line = NULL;
	size_t size = 0;
	int err = 0;

	*path = NULL;
	errno = 0;
	while (!err && !*path && getline(&line, &size, file) >= 0) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*path = strdup(line + 3);
		err = *path ? 0 : -ENOMEM;
	}
	if (!err && !*path && !feof(file))
		err = errno ? -errno : -EIO;
	free(line);
	return err;
}

int session_read_cgroup(const char *process, char **cgroup, struct reason *why)
{
	FILE *file = open_proc(process, why);
	int err;

	if (!file)
		return -errno;
	err = read_path(file, cgroup);
	fclose(file);
	if (err)
		reason_set(why, "%s: %s", process, strerror(-err));
	return err;
}

static int not_mounted(const char *cgroup, const struct session_mount_seen *seen,
		       struct reason *why)
{
	if (seen->v2)
		reason_set(why,
			   "no cgroup2 mount shows this process' cgroup %s: it is outside of this "
			   "container's cgroup namespace or mounts",
			   cgroup);
	else if (seen->v1)
		reason_set(why, "this machine uses cgroup v1 only: no cgroup2 hierarchy is mounted "
				"(boot with systemd.unified_cgroup_hierarchy=1)");
	else
		reason_set(why, "no cgroup2 hierarchy is mounted");
	return -ENODEV;
}

int session_find_mount(const char *cgroup, struct session_mount *mount, struct reason *why)
{
	FILE *file = open_proc("/proc/self/mountinfo", why);
	struct session_mount_seen seen;
	int found;

	if (!file)
		return -errno;
	/* Without a "0::" line nothing is shown; the mounts still tell the reason. */
	found = session_mount_find(file, cgroup ? cgroup : "", &seen, mount);
	fclose(file);
	if (found == 0)
		return not_mounted(cgroup ? cgroup : "(none)", &seen, why);
	if (found < 0)
		reason_set(why, "/proc/self/mountinfo: %s", strerror(-found));
	return found < 0 ? found : 0;
}

/*
 * logind moves su into a new session scope if it is started by the user's manager. Its parent stays
 * where it was; if that dies, the manager inherits su, so that a user cannot hide it. A parent that
 * cannot be looked at is taken for one that hides; one outside of this pid namespace is no user's.
 */
static bool is_nested(const char *cgroup, pid_t parent, char **from, bool *shared)
{
	char path[sizeof("/proc/4294967295/cgroup")], *parents_cgroup = NULL;
	struct session_path own, parents;
	bool nested;

	*shared = false;
	if (parent == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", parent);
	if (session_read_cgroup(path, &parents_cgroup, NULL) < 0 || !parents_cgroup)
		return true;
	nested = session_parse_path(parents_cgroup, &parents) && session_parse_path(cgroup, &own);
	if (nested)
		*shared = own.unit_end == parents.unit_end &&
			  strncmp(cgroup, parents_cgroup, own.unit_end) == 0;
	nested &= !*shared;
	if (nested && from)
		*from = strndup(parents_cgroup, parents.unit_end);
	free(parents_cgroup);
	return nested;
}

bool session_is_login(pid_t leader)
{
	char path[sizeof("/proc/4294967295/cgroup")], *cgroup = NULL;
	bool login = false, shared;
	struct session_stat stat;
	uid_t uids[4];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", leader);
	if (session_read_uids(leader, uids) == 0 && session_read_stat(leader, &stat) == 0 &&
	    session_read_cgroup(path, &cgroup, NULL) == 0 && cgroup)
		login = uids[0] == 0 && !is_nested(cgroup, stat.parent, NULL, &shared);
	free(cgroup);
	return login;
}

bool session_is_users(pid_t pid)
{
	char path[sizeof("/proc/4294967295/cgroup")], *cgroup = NULL;
	struct session_path parsed;
	bool users = false;
	uid_t uids[4];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	if (session_read_uids(pid, uids) == 0)
		users = uids[0] != 0;
	if (!users && session_read_cgroup(path, &cgroup, NULL) == 0 && cgroup)
		users = session_parse_path(cgroup, &parsed) && parsed.uid != 0;
	free(cgroup);
	return users;
}

/* systemd puts itself into init.scope, right below the cgroup that it was given. */
static void strip_init(char *cgroup)
{
	char *last = strrchr(cgroup, '/');

	if (last && strcmp(last, "/init.scope") == 0)
		*last = '\0';
	if (strcmp(cgroup, "/") == 0)
		*cgroup = '\0';
}

static int root_below(const struct session_mount *mount, char *cgroup, char **root,
		      struct reason *why)
{
	const char *below;

	strip_init(cgroup);
	below = find_below(cgroup, mount->root);
	/* The mount begins within what systemd has: then only that part is seen. */
	if (!below)
		below = "";
	if (asprintf(root, "%s%s", mount->point, below) >= 0)
		return 0;
	reason_set(why, "out of memory");
	return -ENOMEM;
}

int session_find_root(char **root, struct reason *why)
{
	struct session_mount mount = { 0 };
	char *cgroup = NULL;
	int err = session_read_cgroup("/proc/1/cgroup", &cgroup, why);

	if (!err)
		err = session_find_mount(cgroup, &mount, why);
	if (!err && cgroup) {
		err = root_below(&mount, cgroup, root, why);
		session_mount_free(&mount);
	}
	free(cgroup);
	return err;
}

static void find_parent(struct session *session, const struct session_mount *mount)
{
	char *cgroup = NULL;
	const char *below;

	session->nested = is_nested(session->cgroup, getppid(), &cgroup, &session->shared);
	below = cgroup ? find_below(cgroup, mount->root) : NULL;
	if (below)
		session->from = join(mount->point, below, strlen(below));
	free(cgroup);
}

int session_find(uid_t uid, struct session *session, struct reason *why)
{
	struct session_mount mount = { 0 };
	char *cgroup = NULL;
	int err;

	*session = (struct session) { .place = SESSION_NONE, .uid = uid };
	err = session_read_cgroup("/proc/self/cgroup", &cgroup, why);
	if (err)
		return err;
	err = session_find_mount(cgroup, &mount, why);
	if (!err && mount.root) {
		err = session_locate(cgroup ? cgroup : "", mount.point, mount.root, uid, session,
				     why);
		if (!err && session->place == SESSION_OWN_SCOPE)
			find_parent(session, &mount);
		session_mount_free(&mount);
	}
	free(cgroup);
	return err;
}

int session_of_other(const struct session *session, uid_t uid, struct session *other,
		     struct reason *why)
{
	int length = (int)(strrchr(session->slice, '/') - session->slice);

	*other = (struct session) { .place = SESSION_NONE, .uid = uid };
	if (asprintf(&other->slice, "%.*s/user-%u.slice", length, session->slice, uid) >= 0)
		return 0;
	other->slice = NULL;
	reason_set(why, "out of memory");
	return -ENOMEM;
}

const char *session_unit_name(const struct session *session)
{
	const char *slash = strrchr(session->unit, '/');

	return slash ? slash + 1 : session->unit;
}
