// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Who lives in a cgroup: the sessions of a user, the processes of a session. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/session.h"
#include "session/children.h"
#include "session/path.h"

/* A cgroup that goes while it is looked at: its name is gone first, then its files. */
static bool is_gone(int err)
{
	return err == -ENOENT || err == -ENODEV;
}

int session_open_below(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static FILE *open_file(int cgroup_fd, const char *name)
{
	int fd = openat(cgroup_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

/* Whether the cgroup or one below it has processes: 1, 0 or a negative errno. */
static int is_populated(int cgroup_fd)
{
	FILE *file = open_file(cgroup_fd, "cgroup.events");
	char line[64];
	int populated = -EPROTO, value;

	if (!file)
		return -errno;
	errno = 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "populated %d", &value) == 1)
			populated = value != 0;
	if (ferror(file) && errno)
		populated = -errno;
	fclose(file);
	return populated;
}

const char *session_next_child(DIR *dir)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry && (entry->d_type != DT_DIR || entry->d_name[0] == '.'));
	return entry ? entry->d_name : NULL;
}

DIR *session_open_children(int cgroup_fd)
{
	int fd = session_open_below(cgroup_fd, ".");
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

static int visit_scope(int slice_fd, const char *name, session_visit *visit, void *data,
		       struct reason *why)
{
	int fd = session_open_below(slice_fd, name), result;

	if (fd < 0)
		result = fd;
	else
		result = is_populated(fd);
	if (result < 0 && !is_gone(result))
		reason_set(why, "%s: %s", name, strerror(-result));
	else if (result > 0)
		result = visit(fd, name, data);
	else
		result = 0;
	if (fd >= 0)
		close(fd);
	return result;
}

static int visit_scopes(DIR *dir, session_visit *visit, void *data, struct reason *why)
{
	const char *name;
	int result = 0;

	while (result == 0 && (name = session_next_child(dir)))
		if (session_is_scope(name, strlen(name)))
			result = visit_scope(dirfd(dir), name, visit, data, why);
	if (result == 0 && errno) {
		result = -errno;
		reason_set(why, "listing sessions: %s", strerror(-result));
	}
	return result;
}

int session_each_scope(const struct session *session, session_visit *visit, void *data,
		       struct reason *why)
{
	int slice_fd = session_open_cgroup(session->slice, why), result;
	DIR *dir;

	if (slice_fd < 0)
		return slice_fd;
	dir = session_open_children(slice_fd);
	if (dir) {
		result = visit_scopes(dir, visit, data, why);
		closedir(dir);
	} else {
		result = -errno;
		reason_set(why, "%s: %s", session->slice, strerror(-result));
	}
	close(slice_fd);
	return result;
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

/* Whether nobody is in the child cgroup @name of @dir, nor in any below that. */
static int is_empty_child(int dir, const char *name)
{
	int fd = session_open_below(dir, name), populated;

	if (fd < 0)
		return is_gone(fd) ? 1 : fd;
	populated = is_populated(fd);
	close(fd);
	if (populated < 0)
		return is_gone(populated) ? 1 : populated;
	return !populated;
}

/* Whether nobody is below the cgroup, but perhaps in its child @except. */
static int are_children_empty(int cgroup_fd, const char *except)
{
	DIR *dir = session_open_children(cgroup_fd);
	const char *name;
	int empty = 1;

	if (!dir)
		return -errno;
	while (empty == 1 && (name = session_next_child(dir)))
		if (!except || strcmp(name, except) != 0)
			empty = is_empty_child(dirfd(dir), name);
	if (empty == 1 && errno)
		empty = -errno;
	closedir(dir);
	return empty;
}

/*
 * Goes down from the unit's cgroup along @path, which leads to this process. For a child that is
 * not on it the kernel counts the processes of all that is below, so no tree has to be walked.
 * Closes @fd.
 */
static int is_last_along(int fd, char *path)
{
	strsep(&path, "/"); /* nothing stands before the first slash */
	for (;;) {
		const char *child = strsep(&path, "/");
		int last = is_ours_alone(fd), next;

		if (last == 1)
			last = are_children_empty(fd, child);
		next = last == 1 && child ? session_open_below(fd, child) : -ENOENT;
		close(fd);
		if (next < 0)
			return last == 1 && !is_gone(next) ? next : last;
		fd = next;
	}
}

int session_is_last(const struct session *session, struct reason *why)
{
	struct session_path parsed;
	char *path = NULL;
	int fd, last;

	fd = session_open_cgroup(session->unit, why);
	if (fd < 0)
		return fd;
	if (session_parse_path(session->cgroup, &parsed))
		path = strdup(session->cgroup + parsed.unit_end);
	if (!path) {
		close(fd);
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	last = is_last_along(fd, path);
	free(path);
	if (last < 0)
		reason_set(why, "%s: who is left: %s", session->unit, strerror(-last));
	return last;
}
