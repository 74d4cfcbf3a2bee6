// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From the file system to text: which files a policy is made of, and which of them to trust. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "conf/parser.h"

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

/*
 * Opens @path below @dir_fd without following a last symbolic link and without blocking on a FIFO,
 * and checks through the descriptor what was opened: the name may point elsewhere by now.
 * Returns the descriptor, or a negative errno with @why.
 */
static int open_trusted(int dir_fd, const char *path, int flags, uid_t owner, struct reason *why)
{
	mode_t type = flags & O_DIRECTORY ? S_IFDIR : S_IFREG;
	const char *objection;
	struct stat st;
	int fd = openat(dir_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | flags);

	if (fd < 0) {
		int error = errno;

		if (error == ELOOP)
			reason_set(why, "is a symbolic link; expected a regular file in its place");
		else
			reason_set(why, "cannot be opened: %s", strerror(error));
		return -error;
	}
	objection = fstat(fd, &st) < 0 ? strerror(errno) : distrust(&st, type, owner);
	if (!objection)
		return fd;
	reason_set(why, "%s", objection);
	close(fd);
	return -EPERM;
}

/* Reads up to one byte more than a file may have. Returns the length or a negative errno. */
static ssize_t read_text(int fd, char *text)
{
	size_t length = 0;

	while (length <= CONF_FILE_MAX) {
		ssize_t n = read(fd, text + length, CONF_FILE_MAX + 1 - length);

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

/* The size is known before reading only for files that nobody writes to: so shrink afterwards. */
static int add_open_file(struct conf_parser *parser, const char *path, int fd)
{
	char *text = malloc(CONF_FILE_MAX + 2), *shrunk;
	struct reason why;
	ssize_t length;

	if (!text)
		return -ENOMEM;
	length = read_text(fd, text);
	if (length < 0) {
		free(text);
		reason_set(&why, "cannot be read: %s", strerror((int)-length));
		return add_unusable(parser, path, &why);
	}
	shrunk = realloc(text, (size_t)length + 1);
	if (shrunk)
		text = shrunk;
	return conf_add_file(parser, path, text, (size_t)length);
}

/* @path is for people; @name below @dir_fd is what is opened. */
static int add_file_at(struct conf_parser *parser, int dir_fd, const char *name, const char *path,
		       const struct conf_paths *paths)
{
	struct reason why;
	int ret, fd = open_trusted(dir_fd, name, O_NOFOLLOW, paths->owner, &why);

	if (fd < 0)
		return add_unusable(parser, path, &why);
	ret = add_open_file(parser, path, fd);
	close(fd);
	return ret;
}

static int add_main(struct conf_parser *parser, const struct conf_paths *paths)
{
	if (!paths->main_required &&
	    faccessat(AT_FDCWD, paths->main, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	return add_file_at(parser, AT_FDCWD, paths->main, paths->main, paths);
}

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
	if (names->count)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	return ret;
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
	DIR *dir;
	int ret, fd = open_trusted(AT_FDCWD, folder, O_DIRECTORY, paths->owner, &why);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return add_unusable(parser, folder, &why);
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	ret = list_folder(dir, &names);
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

int conf_read_files(const struct conf_paths *paths, struct conf_parser *parser)
{
	int ret = 0;

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
