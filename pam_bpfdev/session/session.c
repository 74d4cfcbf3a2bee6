// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From the calling process to its place in the cgroup2 hierarchy. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "session/session.h"
#include "session/mount.h"
#include "session/path.h"

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

/* A process' cgroup in the cgroup2 hierarchy; *@cgroup is NULL if there is no such hierarchy. */
static int read_cgroup(const char *process, char **cgroup, struct reason *why)
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

static int find_mount(const char *cgroup, struct session_mount *mount, struct reason *why)
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
static bool is_nested(const char *cgroup, pid_t parent)
{
	char path[sizeof("/proc/4294967295/cgroup")], *parents_cgroup = NULL;
	struct session_path own, parents;
	bool nested;

	if (parent == 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/cgroup", parent);
	if (read_cgroup(path, &parents_cgroup, NULL) < 0 || !parents_cgroup)
		return true;
	nested = session_parse_path(parents_cgroup, &parents) && session_parse_path(cgroup, &own) &&
		 (own.unit_end != parents.unit_end ||
		  strncmp(cgroup, parents_cgroup, own.unit_end) != 0);
	free(parents_cgroup);
	return nested;
}

/* Real uid and parent of a process. */
static bool read_status(pid_t pid, uid_t *uid, pid_t *parent)
{
	char path[sizeof("/proc/4294967295/status")], *line = NULL;
	size_t size = 0;
	int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = open_proc(path, NULL);
	if (!file)
		return false;
	while (getline(&line, &size, file) >= 0)
		found += sscanf(line, "Uid: %u", uid) == 1 || sscanf(line, "PPid: %d", parent) == 1;
	free(line);
	fclose(file);
	return found == 2;
}

bool session_is_login(pid_t leader)
{
	char path[sizeof("/proc/4294967295/cgroup")], *cgroup = NULL;
	bool login = false;
	pid_t parent = 0;
	uid_t uid = (uid_t)-1;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", leader);
	if (read_status(leader, &uid, &parent) && read_cgroup(path, &cgroup, NULL) == 0 && cgroup)
		login = uid == 0 && !is_nested(cgroup, parent);
	free(cgroup);
	return login;
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
	below = session_below(cgroup, mount->root);
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
	int err = read_cgroup("/proc/1/cgroup", &cgroup, why);

	if (!err)
		err = find_mount(cgroup, &mount, why);
	if (!err && cgroup) {
		err = root_below(&mount, cgroup, root, why);
		session_mount_free(&mount);
	}
	free(cgroup);
	return err;
}

int session_find(uid_t uid, struct session *session, struct reason *why)
{
	struct session_mount mount = { 0 };
	char *cgroup = NULL;
	int err;

	*session = (struct session) { .place = SESSION_NONE, .uid = uid };
	err = read_cgroup("/proc/self/cgroup", &cgroup, why);
	if (err)
		return err;
	err = find_mount(cgroup, &mount, why);
	if (!err) {
		err = session_locate(cgroup, mount.point, mount.root, uid, session, why);
		session_mount_free(&mount);
	}
	free(cgroup);
	if (!err)
		session->nested = session->place == SESSION_OWN_SCOPE &&
				  is_nested(session->cgroup, getppid());
	return err;
}

const char *session_unit_name(const struct session *session)
{
	const char *slash = strrchr(session->unit, '/');

	return slash ? slash + 1 : session->unit;
}

int session_open_cgroup(const char *path, struct reason *why)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0) {
		int err = -errno;

		reason_set(why, "%s: %s", path, strerror(-err));
		return err;
	}
	/* Something else may be mounted over the hierarchy that mountinfo showed. */
	if (fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	close(fd);
	reason_set(why, "%s: not in a cgroup2 hierarchy", path);
	return -ENODEV;
}

int session_open_manager(const struct session *session, struct reason *why)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/user@%u.service", session->slice, session->uid) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	fd = session_open_cgroup(path, why);
	free(path);
	return fd;
}
