// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The file that is edited. The copy is in a folder of its own beside the file, so that it can be
 * renamed into its place and what editors leave behind is not taken for a part of the policy.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/edit/edit.h"

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the folder at @path is the one that is open. */
static bool is_folder(const struct place *place, const char *path)
{
	struct stat here, there;

	return fstat(place->dir_fd, &here) == 0 && stat(path, &there) == 0 &&
	       is_same(&here, &there);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* What policy the file is a part of: the system's, or, as with conf=PATH, its own. */
static bool find_policy(struct place *place)
{
	const struct conf_paths *system = &conf_paths_system;
	char *main_folder = folder_of(system->main);
	const char *main_name = strrchr(system->main, '/') + 1, *end;
	char *real;

	if (is_folder(place, main_folder) && strcmp(place->name, main_name) == 0) {
		place->path = xstrdup(system->main);
		place->paths = *system;
	} else if (is_folder(place, system->dropins)) {
		place->path = xasprintf("%s/%s", system->dropins, place->name);
		place->paths = *system;
		end = strrchr(place->name, '.');
		if (*place->name == '.' || !end || strcmp(end, ".conf") != 0) {
			output_error("%s would not be read: expected a name that ends in .conf",
				     place->path);
			free(main_folder);
			return false;
		}
	} else {
		real = realpath(place->folder, NULL);
		place->path =
			xasprintf("%s/%s", real && strcmp(real, "/") != 0 ? real : "", place->name);
		free(real);
		place->paths = conf_paths_of(place->path);
	}
	free(main_folder);
	return true;
}

/* Nobody but root may be able to put another file there. */
static bool open_folder(struct place *place)
{
	struct stat st;

	place->dir_fd = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->dir_fd < 0 || fstat(place->dir_fd, &st) < 0) {
		output_error("%s: %s", place->folder, strerror(errno));
		return false;
	}
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH)) {
		output_error("%s: others than root can write to this folder; a policy is not safe "
			     "there",
			     place->folder);
		return false;
	}
	/* It ends with the descriptor, however this program ends. */
	if (flock(place->dir_fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK)
		output_error("%s: somebody else edits the policy there just now: try again later",
			     place->folder);
	else
		output_error("%s cannot be locked: %s", place->folder, strerror(errno));
	return false;
}

/* Reads to the end. Returns NULL, having said why, if it is too long or cannot be read. */
static char *read_all(int fd, const char *path, size_t *length)
{
	char *text = xmalloc(CONF_FILE_MAX + 2);
	ssize_t n = 1;

	*length = 0;
	while (*length <= CONF_FILE_MAX && n != 0) {
		n = read(fd, text + *length, CONF_FILE_MAX + 1 - *length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			output_error("%s: %s", path, strerror(errno));
			free(text);
			return NULL;
		}
		*length += (size_t)n;
	}
	text[*length] = '\0';
	if (*length <= CONF_FILE_MAX)
		return text;
	output_error("%s: expected at most %d bytes", path, CONF_FILE_MAX);
	free(text);
	return NULL;
}

static bool read_file(struct place *place)
{
	int fd = openat(place->dir_fd, place->name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		place->text = xstrdup("");
		return true;
	}
	if (fd < 0) {
		output_error("%s: %s", place->path,
			     errno == ELOOP
				     ? "is a symbolic link; expected a regular file in its place"
				     : strerror(errno));
		return false;
	}
	place->exists = true;
	if (fstat(fd, &place->before) < 0 || !S_ISREG(place->before.st_mode))
		output_error("%s: expected a regular file", place->path);
	else
		place->text = read_all(fd, place->path, &place->length);
	close(fd);
	return place->text;
}

/* What an edit has left that was killed, or whose copy was to be kept. */
static void tell_of_old_copies(const struct place *place)
{
	DIR *dir = opendir(place->folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, PLACE_FOLDER, strlen(PLACE_FOLDER)) == 0)
			output_error("a copy of an earlier edit is in %s/%s", place->folder,
				     entry->d_name);
	if (dir)
		closedir(dir);
}

bool place_open(struct place *place, const char *path)
{
	const char *slash;

	*place = (struct place) { .dir_fd = -1 };
	if (!path)
		path = conf_paths_system.main;
	slash = strrchr(path, '/');
	place->folder = folder_of(path);
	place->name = xstrdup(slash ? slash + 1 : path);
	if (!*place->name || strcmp(place->name, ".") == 0 || strcmp(place->name, "..") == 0) {
		output_error("\"%s\": expected the path of a file", path);
		return false;
	}
	if (!open_folder(place) || !find_policy(place) || !read_file(place))
		return false;
	tell_of_old_copies(place);
	return true;
}

void place_close(struct place *place)
{
	if (place->dir_fd >= 0)
		close(place->dir_fd);
	free(place->path);
	free(place->folder);
	free(place->name);
	free(place->text);
	free(place->staging);
	free(place->copy);
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text += n;
		length -= (size_t)n;
	}
	return fsync(fd) == 0;
}

bool place_make_copy(struct place *place, const char *text, size_t length)
{
	char *template = xasprintf("%s/" PLACE_FOLDER "XXXXXX", place->folder);
	bool written = false;
	int fd;

	if (!mkdtemp(template)) {
		output_error("%s: %s", template, strerror(errno));
		free(template);
		return false;
	}
	place->staging = template;
	place->copy = xasprintf("%s/%s", template, place->name);
	fd = open(place->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		written = write_all(fd, text, length);
		if (!written)
			output_error("%s: %s", place->copy, strerror(errno));
		close(fd);
	} else {
		output_error("%s: %s", place->copy, strerror(errno));
	}
	/* Nothing of anybody's is in it yet. */
	if (!written)
		place_drop_copy(place);
	return written;
}

static int open_copy(const struct place *place)
{
	int fd = open(place->copy, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		output_error("%s: %s", place->copy, strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0)
		return fd;
	output_error("%s: expected a regular file of root's", place->copy);
	close(fd);
	return -1;
}

bool place_read_copy(const struct place *place, char **text, size_t *length)
{
	int fd = open_copy(place);

	*text = fd < 0 ? NULL : read_all(fd, place->copy, length);
	if (fd >= 0)
		close(fd);
	return *text;
}

/* Whether the file is what it was when it was read. */
static bool is_as_it_was(const struct place *place)
{
	struct stat now;
	bool exists = fstatat(place->dir_fd, place->name, &now, AT_SYMLINK_NOFOLLOW) == 0;
	const struct stat *before = &place->before;

	if (!exists || !place->exists)
		return exists == place->exists && (exists || errno == ENOENT);
	return is_same(&now, before) && now.st_size == before->st_size &&
	       now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Root's alone, but for a group that could read what was there: polkitd's (bpfdev(8), "ask"), say. */
static int set_mode(const struct place *place, int fd)
{
	const struct stat *before = &place->before;
	bool shared = place->exists && before->st_gid && before->st_mode & S_IRGRP;

	return fchown(fd, 0, shared ? before->st_gid : 0) < 0 ? -1
							      : fchmod(fd, shared ? 0640 : 0600);
}

bool place_install(struct place *place, const char *text, size_t length)
{
	int fd = open_copy(place);
	bool done = false;
	size_t now_length;
	char *now;

	if (fd < 0)
		return false;
	now = read_all(fd, place->copy, &now_length);
	if (!now)
		goto out;
	if (now_length != length || memcmp(now, text, length) != 0)
		output_error("%s has changed since it was checked: is the editor still open?",
			     place->copy);
	else if (!is_as_it_was(place))
		output_error("%s was changed by somebody else meanwhile", place->path);
	else if (set_mode(place, fd) < 0 || fsync(fd) < 0)
		output_error("%s: %s", place->copy, strerror(errno));
	else if (renameat(AT_FDCWD, place->copy, place->dir_fd, place->name) < 0)
		output_error("%s cannot be put in the place of %s: %s", place->copy, place->path,
			     strerror(errno));
	else
		done = true;
	/* It is in place already: that a power failure could undo it is to be said, no more. */
	if (done && fsync(place->dir_fd) < 0)
		output_error("%s: %s", place->folder, strerror(errno));
out:
	free(now);
	close(fd);
	return done;
}

void place_drop_copy(struct place *place)
{
	DIR *dir = place->staging ? opendir(place->staging) : NULL;
	const struct dirent *entry;

	/* The copy, and what the editor left beside it. */
	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (place->staging && rmdir(place->staging) < 0)
		output_error("%s: %s", place->staging, strerror(errno));
	free(place->staging);
	free(place->copy);
	place->staging = place->copy = NULL;
}

struct conf *place_load(const struct place *place, bool with_copy)
{
	struct conf_paths paths = place->paths;
	struct conf *conf;

	/* Nobody logs in by it yet. */
	paths.patient = false;
	if (with_copy) {
		paths.instead_of = place->path;
		paths.instead = place->copy;
	}
	if (xcheck(conf_load(&paths, &conf)) < 0)
		memory_exhausted();
	return conf;
}
