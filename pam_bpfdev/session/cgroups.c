// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What cgroups there are: of all users, a user's sessions and manager; and who is in them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "session/internal.h"
#include "session/session.h"

/*
 * What the kernel says of a cgroup that is removed while it is looked at: its name is gone first,
 * then its files can no longer be read. Only asked of what opens and reads them here.
 */
static bool means_gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

/* Opens the child @name without following links. Returns the descriptor or a negative errno. */
static int open_below(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Returns 1 with *@fd; 0: there is no such cgroup; or a negative errno with @why. */
static int open_cgroup(const char *path, int *fd, struct reason *why)
{
	struct statfs fs;
	int err;

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		err = -errno;
		reason_set(why, "%s: %s", path, strerror(-err));
		return means_gone(err) ? 0 : err;
	}
	err = fstatfs(*fd, &fs) < 0 ? -errno : 0;
	/* Something else may be mounted over the hierarchy that mountinfo showed. */
	if (!err && fs.f_type == CGROUP2_SUPER_MAGIC)
		return 1;
	close(*fd);
	*fd = -1;
	reason_set(why, "%s: %s", path, err ? strerror(-err) : "not in a cgroup2 hierarchy");
	return err ? err : -ENODEV;
}

int session_open_cgroup(const char *path, struct reason *why)
{
	int fd, found = open_cgroup(path, &fd, why);

	return found > 0 ? fd : found < 0 ? found : -ENOENT;
}

int session_open_unit(const struct session *user, const char *unit, int *fd, struct reason *why)
{
	char *path;
	int found;

	*fd = -1;
	if (asprintf(&path, "%s/%s", user->slice, unit) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	found = open_cgroup(path, fd, why);
	free(path);
	return found;
}

char *session_manager_unit(uid_t uid, char *unit)
{
	snprintf(unit, SESSION_MANAGER_SIZE, "user@%u.service", uid);
	return unit;
}

int session_open_manager(const struct session *user, int *fd, struct reason *why)
{
	char unit[SESSION_MANAGER_SIZE];

	return session_open_unit(user, session_manager_unit(user->uid, unit), fd, why);
}

static FILE *open_file(int cgroup_fd, const char *name)
{
	int fd = openat(cgroup_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

bool session_is_gone(int cgroup_fd)
{
	FILE *file = open_file(cgroup_fd, "cgroup.events");
	bool gone = !file && means_gone(-errno);

	if (file)
		fclose(file);
	return gone;
}

/*
 * Whether the cgroup or one below it has processes: 1, 0 (also if it is gone), or a negative errno.
 */
static int is_populated(int cgroup_fd)
{
	FILE *file = open_file(cgroup_fd, "cgroup.events");
	char line[64];
	int populated = -EIO, value;

	if (!file)
		return means_gone(-errno) ? 0 : -errno;
	errno = 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "populated %d", &value) == 1)
			populated = value != 0;
	if (ferror(file) && errno)
		populated = means_gone(-errno) ? 0 : -errno;
	fclose(file);
	return populated;
}

/* The same for the child @name of @dir. */
static int is_child_populated(int dir, const char *name)
{
	int fd = open_below(dir, name), populated;

	if (fd < 0)
		return means_gone(fd) ? 0 : fd;
	populated = is_populated(fd);
	close(fd);
	return populated;
}

/* A stream of its own on the cgroup's folder, so that @cgroup_fd keeps its position; or NULL. */
static DIR *open_children(int cgroup_fd)
{
	int fd = open_below(cgroup_fd, ".");
	DIR *dir;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* The next child cgroup in @dir. NULL with errno 0: there are no more. */
static const char *next_child(DIR *dir)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry && (entry->d_type != DT_DIR || entry->d_name[0] == '.'));
	return entry ? entry->d_name : NULL;
}

/* Somebody to show cgroups to. */
struct visitor {
	const char *folder; /* where they are */
	session_visit *scope;
	session_user_visit *user;
	void *data;
	struct reason *why;
};

/* Called for each child of a cgroup; not 0 ends the walk with that. */
typedef int visit_child(int dir, const char *name, const struct visitor *visitor);

/* Whoever goes meanwhile is left out. Returns 0, what @visit did, or a negative errno with why. */
static int each_child(const struct visitor *visitor, visit_child *visit)
{
	int fd, ret = open_cgroup(visitor->folder, &fd, visitor->why), err;
	const char *name = NULL;
	DIR *dir;

	if (ret <= 0)
		return ret;
	dir = open_children(fd);
	ret = 0;
	while (dir && ret == 0 && (name = next_child(dir)))
		ret = visit(dirfd(dir), name, visitor);
	/* A visit leaves its own errno behind; only the end of the folder is asked about. */
	err = name ? 0 : -errno;
	if (dir)
		closedir(dir);
	close(fd);
	if (!err || means_gone(err))
		return ret;
	reason_set(visitor->why, "%s: %s", visitor->folder, strerror(-err));
	return err;
}

static int visit_scope(int slice_fd, const char *name, const struct visitor *visitor)
{
	const char *id;
	int fd, result;

	if (!session_scope_id(name, &id))
		return 0;
	fd = open_below(slice_fd, name);
	if (fd < 0)
		result = means_gone(fd) ? 0 : fd;
	else
		result = is_populated(fd);
	if (result < 0)
		reason_set(visitor->why, "%s: %s", name, strerror(-result));
	else if (result > 0)
		result = visitor->scope(fd, name, visitor->data);
	if (fd >= 0)
		close(fd);
	return result;
}

int session_each_scope(const struct session *user, session_visit *visit, void *data,
		       struct reason *why)
{
	struct visitor visitor = {
		.folder = user->slice, .scope = visit, .data = data, .why = why
	};

	return each_child(&visitor, visit_scope);
}

static int visit_slice(int folder_fd, const char *name, const struct visitor *visitor)
{
	struct session user = { .place = SESSION_NONE };
	int ret;

	(void)folder_fd;
	if (!session_parse_slice(name, &user.uid))
		return 0;
	if (asprintf(&user.slice, "%s/%s", visitor->folder, name) < 0) {
		reason_set(visitor->why, "out of memory");
		return -ENOMEM;
	}
	ret = visitor->user(&user, visitor->data);
	session_free(&user);
	return ret;
}

int session_each_user(const char *root, session_user_visit *visit, void *data, struct reason *why)
{
	struct visitor visitor = { .user = visit, .data = data, .why = why };
	char *folder;
	int ret;

	if (asprintf(&folder, "%s/user.slice", root) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	visitor.folder = folder;
	ret = each_child(&visitor, visit_slice);
	free(folder);
	return ret;
}

/*
 * Whether no process but this one is in the cgroup itself: 1, 0 or a negative errno. Processes of
 * other pid namespaces read as 0; those of a threaded cgroup cannot be read (EOPNOTSUPP).
 */
static int is_ours_alone(int cgroup_fd)
{
	FILE *file = open_file(cgroup_fd, "cgroup.procs");
	char line[32];
	int alone = 1;

	if (!file)
		return -errno;
	errno = 0;
	while (alone && fgets(line, sizeof(line), file))
		alone = strtol(line, NULL, 10) == getpid();
	if (ferror(file))
		alone = errno == EOPNOTSUPP ? 0 : -errno;
	fclose(file);
	return alone;
}

/* Whether nobody is below the cgroup, but perhaps in its child @except. */
static int are_children_empty(int cgroup_fd, const char *except)
{
	DIR *dir = open_children(cgroup_fd);
	const char *name;
	int populated = 0;

	if (!dir)
		return -errno;
	while (populated == 0 && (name = next_child(dir)))
		if (!except || strcmp(name, except) != 0)
			populated = is_child_populated(dirfd(dir), name);
	if (populated == 0 && errno)
		populated = -errno;
	closedir(dir);
	return populated < 0 ? populated : !populated;
}

/*
 * Goes down from the unit's cgroup along @path, which leads to this process. For a child that is
 * not on it the kernel counts the processes of all that is below, so no tree has to be walked.
 */
static int is_last_along(int unit_fd, char *path)
{
	int fd = unit_fd;

	strsep(&path, "/"); /* nothing stands before the first slash */
	for (;;) {
		const char *child = strsep(&path, "/");
		int last = is_ours_alone(fd), next;

		if (last == 1)
			last = are_children_empty(fd, child);
		next = last == 1 && child ? open_below(fd, child) : -ENOENT;
		if (fd != unit_fd)
			close(fd);
		if (next < 0)
			return last == 1 && !means_gone(next) ? next : last;
		fd = next;
	}
}

int session_is_last(const struct session *session, int unit_fd, struct reason *why)
{
	struct session_path parsed;
	char *path = NULL;
	int last;

	if (session_parse_path(session->cgroup, &parsed))
		path = strdup(session->cgroup + parsed.unit_end);
	if (!path) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	last = is_last_along(unit_fd, path);
	free(path);
	if (last < 0)
		reason_set(why, "%s: who is left: %s", session->unit, strerror(-last));
	return last;
}
