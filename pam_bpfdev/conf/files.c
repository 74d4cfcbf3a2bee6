// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * From the file system to text: which files a policy is made of, which of them to trust, and whether
 * they stand still.
 *
 * Editors, cp and tee empty a file and then write it, or move it away and make a new one. So what
 * has been written just now is not taken for whole: a file, and a folder for what may be missing in
 * it at the moment. A file that is renamed into place was written before.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "conf/parser.h"

/* See -D_FILE_OFFSET_BITS in the Makefile: stat(2) refuses what does not fit into a smaller type. */
_Static_assert(sizeof(off_t) == 8 && sizeof(time_t) == 8, "large files, and times after 2038");

/* Why a file that is open cannot be trusted, or NULL. */
static const char *distrust(const struct stat *st, mode_t type, uid_t owner)
{
	if ((st->st_mode & S_IFMT) != type)
		return type == S_IFDIR	       ? "is not a folder"
		       : S_ISFIFO(st->st_mode) ? "is a FIFO; expected a regular file"
		       : S_ISDIR(st->st_mode)  ? "is a folder; expected a regular file"
					       : "is not a regular file";
	if (st->st_uid != 0 && st->st_uid != owner)
		return "is not owned by root; expected owner root (chown root)";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "can be written to by others than its owner (chmod go-w)";
	return NULL;
}

/* How long nothing must have changed. */
#define STILL_NS 1000000000LL

/* Notes that @path, with @st, has changed just now, or @torn: while it was read. */
static void note_change(struct conf_parser *parser, const char *path, const struct stat *st,
			bool torn)
{
	struct timespec now;
	long long age, wait = 0;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (now.tv_sec - st->st_mtim.tv_sec) * 1000000000LL + now.tv_nsec - st->st_mtim.tv_nsec;
	/* A change in the future is one from before the clock was set back. */
	if (age > -STILL_NS && age < STILL_NS)
		wait = STILL_NS - age;
	parser->torn = parser->torn || torn;
	if (wait <= parser->still_in && !torn)
		return;
	if (wait > parser->still_in)
		parser->still_in = wait;
	snprintf(parser->restless, sizeof(parser->restless), "%s", path);
}

/*
 * Opens @path below @dir_fd without following a last symbolic link and without blocking on a FIFO,
 * and checks through the descriptor what was opened: the name may point elsewhere by now.
 * Returns the descriptor, with @st; MISSING; or a negative errno with @why.
 */
#define MISSING INT_MAX
static int open_trusted(int dir_fd, const char *path, int flags, uid_t owner, struct stat *st,
			struct reason *why)
{
	mode_t type = flags & O_DIRECTORY ? S_IFDIR : S_IFREG;
	const char *objection;
	int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);

	*st = (struct stat) { 0 };
	if (fd < 0) {
		int error = errno;

		if (error == ENOENT)
			return MISSING;
		if (error == ELOOP)
			reason_set(why, "is a symbolic link; expected a regular file in its place");
		else
			reason_set(why, "cannot be opened: %s", strerror(error));
		return -error;
	}
	objection = fstat(fd, st) < 0 ? strerror(errno) : distrust(st, type, owner);
	if (!objection)
		return fd;
	reason_set(why, "%s", objection);
	close(fd);
	return -EPERM;
}

/* Reads up to @size bytes. Returns the length or a negative errno. */
static ssize_t read_text(int fd, char *text, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = read(fd, text + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	text[length] = '\0';
	return (ssize_t)length;
}

/* Adds a file, or a folder, that could not be used. Returns 0 or -ENOMEM. */
static int add_unusable(struct conf_parser *parser, const char *path, const struct reason *why)
{
	int ret = conf_add_file(parser, path, NULL, 0);

	if (ret == 0)
		conf_mistake(parser, 0, "%s", why->text);
	return ret;
}

static bool is_changed(const struct stat *a, const struct stat *b)
{
	return a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	       a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

/* One byte more than the file had, or may have, is asked for: there is one if it grows. */
static int add_open_file(struct conf_parser *parser, const char *path, int fd,
			 const struct stat *before)
{
	size_t size = before->st_size < CONF_FILE_MAX ? (size_t)before->st_size : CONF_FILE_MAX;
	char *text = malloc(size + 2);
	struct stat after;
	struct reason why;
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = read_text(fd, text, size + 1);
	if (length < 0 || fstat(fd, &after) < 0) {
		reason_set(&why, "cannot be read: %s", strerror(length < 0 ? (int)-length : errno));
		free(text);
		return add_unusable(parser, path, &why);
	}
	note_change(parser, path, &after, is_changed(before, &after));
	return conf_add_file(parser, path, text, (size_t)length);
}

/* Whether another file's text is to be read in the place of this one's. */
static bool is_replaced(const struct conf_paths *paths, const char *path)
{
	return paths->instead && strcmp(path, paths->instead_of) == 0;
}

/* @path is for people; @name below @dir_fd is what is opened. */
static int add_file_at(struct conf_parser *parser, int dir_fd, const char *name, const char *path,
		       const struct conf_paths *paths)
{
	struct reason why;
	bool instead = is_replaced(paths, path);
	struct stat st;
	int ret, fd = open_trusted(instead ? AT_FDCWD : dir_fd, instead ? paths->instead : name,
				   O_NOFOLLOW, paths->owner, &st, &why);

	if (fd == MISSING)
		reason_set(&why, "cannot be opened: %s", strerror(ENOENT));
	if (fd < 0 || fd == MISSING)
		return add_unusable(parser, path, &why);
	ret = add_open_file(parser, path, fd, &st);
	close(fd);
	return ret;
}

/* Some editors move the old file away before they write the new one: that changes the folder. */
static void note_missing(struct conf_parser *parser, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct stat st;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if (stat(folder, &st) == 0)
		note_change(parser, path, &st, false);
}

static int add_main(struct conf_parser *parser, const struct conf_paths *paths)
{
	uint32_t file = (uint32_t)parser->conf->file_count;
	struct stat st;
	int ret;

	if (!is_replaced(paths, paths->main) && lstat(paths->main, &st) < 0 && errno == ENOENT) {
		note_missing(parser, paths->main);
		if (!paths->main_required)
			return 0;
	}
	ret = add_file_at(parser, AT_FDCWD, paths->main, paths->main, paths);
	if (ret == 0 && file < parser->conf->file_count && parser->conf->files[file].text &&
	    !parser->conf->files[file].length)
		conf_mistake(parser, 0,
			     "the file is empty, as one is that is just being written; a policy "
			     "without rules has a comment in it, or no file");
	return ret;
}

/* A 32-bit build without it cannot open what has a large inode number or a late date. */
_Static_assert(sizeof(off_t) == 8, "expected -D_FILE_OFFSET_BITS=64");

struct names {
	char **items;
	size_t count, capacity;
};

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

/* By bytes, whatever the locale of the login process is. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_conf_name(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > 5 && strcmp(name + length - 5, ".conf") == 0;
}

static int keep_name(struct names *names, const char *name)
{
	char **grown;

	if (!is_conf_name(name))
		return 0;
	grown = array_grow(names->items, names->count, &names->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	names->items = grown;
	grown[names->count] = strdup(name);
	if (!grown[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

/* Returns 0, -ENOMEM, or what reading the folder gave. */
static int list_folder(DIR *dir, struct names *names)
{
	const struct dirent *entry;
	int ret = 0;

	while (ret == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			break;
		ret = keep_name(names, entry->d_name);
	}
	if (ret == 0 && errno)
		return -errno;
	return ret;
}

/* A file whose text is another's need not be there. */
static int list_replaced(const struct conf_paths *paths, const char *folder, struct names *names)
{
	size_t length = strlen(folder);
	const char *name;

	if (!paths->instead || strncmp(paths->instead_of, folder, length) != 0 ||
	    paths->instead_of[length] != '/')
		return 0;
	name = paths->instead_of + length + 1;
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return 0;
	return keep_name(names, name);
}

static int add_listed(struct conf_parser *parser, int dir_fd, const char *folder,
		      const struct names *names, const struct conf_paths *paths)
{
	char path[PATH_MAX];
	int ret = 0;

	for (size_t i = 0; i < names->count && ret == 0; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names->items[i]);
		ret = add_file_at(parser, dir_fd, names->items[i], path, paths);
	}
	return ret;
}

/* Adds the *.conf files of a folder. A folder that does not exist has none. */
static int add_folder(struct conf_parser *parser, const char *folder,
		      const struct conf_paths *paths)
{
	struct names names = { 0 };
	struct reason why;
	struct stat st;
	DIR *dir;
	int ret, fd = open_trusted(AT_FDCWD, folder, O_DIRECTORY, paths->owner, &st, &why);

	if (fd == MISSING)
		return 0;
	if (fd < 0)
		return add_unusable(parser, folder, &why);
	note_change(parser, folder, &st, false);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	ret = list_folder(dir, &names);
	if (ret == 0)
		ret = list_replaced(paths, folder, &names);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	if (ret == 0) {
		ret = add_listed(parser, fd, folder, &names, paths);
	} else if (ret != -ENOMEM) {
		reason_set(&why, "cannot be listed: %s", strerror(-ret));
		ret = add_unusable(parser, folder, &why);
	}
	closedir(dir);
	free_names(&names);
	return ret;
}

/* Reads all files of @paths once. Returns 0 or -ENOMEM. */
static int read_files(const struct conf_paths *paths, struct conf_parser *parser)
{
	int ret = 0;

	parser->still_in = 0;
	parser->torn = false;
	parser->classes_only = true;
	if (paths->vendor)
		ret = add_folder(parser, paths->vendor, paths);
	parser->classes_only = false;
	if (ret == 0)
		ret = add_main(parser, paths);
	if (ret == 0 && paths->dropins)
		ret = add_folder(parser, paths->dropins, paths);
	return ret;
}

/* Half of the patience of those who log in; a file of 1 MiB is written in a fraction of it. */
#define PATIENCE_NS 5000000000LL
/* Before what changed while it was read is read again. */
#define PAUSE_NS 20000000LL

int conf_read_files(const struct conf_paths *paths, struct conf_parser *parser)
{
	long long deadline = (long long)clock_ns(CLOCK_MONOTONIC) + PATIENCE_NS, wait;
	struct reason why;
	int ret;

	while ((ret = read_files(paths, parser)) == 0) {
		wait = paths->patient ? parser->still_in : 0;
		if (!wait && !parser->torn)
			return 0;
		if (wait < PAUSE_NS)
			wait = PAUSE_NS;
		if ((long long)clock_ns(CLOCK_MONOTONIC) + wait > deadline) {
			reason_set(&why,
				   "has been changing for %lld seconds while it was read; "
				   "expected a file that stands still: write another one and "
				   "rename it into place (mv)",
				   PATIENCE_NS / 1000000000);
			return add_unusable(parser, parser->restless, &why);
		}
		nanosleep(&(struct timespec) { wait / 1000000000, wait % 1000000000 }, NULL);
		ret = conf_start_again(parser);
		if (ret < 0)
			return ret;
	}
	return ret;
}
