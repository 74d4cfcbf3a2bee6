// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "command/doctor/pam/files.h"
#include "command/doctor/pam/line.h"

/* The administrator's come first; distributions ship theirs in one of the others. */
static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

static bool is_folder(const char *root, const char *path)
{
	struct stat st;
	char *full;
	bool is;

	if (asprintf(&full, "%s%s", root, path) < 0)
		return false;
	is = stat(full, &st) == 0 && S_ISDIR(st.st_mode);
	free(full);
	return is;
}

bool pam_files_is_single(const char *root)
{
	for (size_t i = 0; i < FOLDERS; i++)
		if (is_folder(root, folders[i]))
			return false;
	return true;
}

/* Not one that blocks, such as a FIFO. Returns 0, -ENOENT or another negative errno. */
static int open_regular(const char *path, FILE **file)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOMEM ? -ENOMEM : -ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	*file = fdopen(fd, "r");
	if (*file)
		return 0;
	close(fd);
	return -ENOMEM;
}

/* Opens @folder/@name; an empty @folder: @name is a path. Returns as pam_files_open(). */
static int open_in(const char *root, const char *folder, const char *name, FILE **file, char **path)
{
	char *full;
	int ret;

	if (asprintf(&full, "%s%s%s%s", root, folder, *folder ? "/" : "", name) < 0)
		return -ENOMEM;
	ret = open_regular(full, file);
	*path = ret == 0 ? strdup(full + strlen(root)) : NULL;
	free(full);
	if (ret < 0 || *path)
		return ret;
	fclose(*file);
	*file = NULL;
	return -ENOMEM;
}

int pam_files_open(const struct pam_files *files, const char *name, FILE **file, char **path)
{
	int ret = -ENOENT;

	*file = NULL;
	if (name[0] == '/')
		return open_in(files->root, "", name, file, path);
	for (size_t i = 0; i < FOLDERS && ret == -ENOENT; i++)
		ret = open_in(files->root, folders[i], name, file, path);
	return ret;
}

static int add_name(struct pam_stack_names *names, const char *name)
{
	char **grown, *copy;

	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return 0;
	grown = array_grow(names->items, names->count, &names->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	names->items = grown;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	names->items[names->count++] = copy;
	return 0;
}

/* What dpkg, rpm and editors leave beside a file, and what no service is called. */
static bool is_leftover(const char *name)
{
	static const char *const ends[] = { "~",       ".bak",	   ".orig",    ".old",
					    ".save",   ".rpmsave", ".rpmnew",  ".rpmorig",
					    ".pacnew", ".pacsave", ".pam-old", ".swp" };
	size_t length = strlen(name);

	if (name[0] == '.' || strstr(name, ".dpkg-") || strstr(name, ".ucf-"))
		return true;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t tail = strlen(ends[i]);

		if (length > tail && strcmp(name + length - tail, ends[i]) == 0)
			return true;
	}
	return false;
}

static int list_folder(const char *root, const char *folder, struct pam_stack_names *names)
{
	struct dirent *entry;
	char *path;
	DIR *dir;
	int ret = 0;

	if (asprintf(&path, "%s%s", root, folder) < 0)
		return -ENOMEM;
	dir = opendir(path);
	free(path);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (ret == 0 && (errno = 0, entry = readdir(dir)))
		if (entry->d_type != DT_DIR && !is_leftover(entry->d_name))
			ret = add_name(names, entry->d_name);
	if (ret == 0 && errno)
		ret = -errno;
	closedir(dir);
	return ret;
}

/* The first words of the lines of pam.conf; names of services know no case. */
static int list_single(const char *root, struct pam_stack_names *names)
{
	const struct pam_files files = { root, true };
	struct pam_text text = { 0 };
	char *line, *rest, *word, *path;
	int ret = pam_files_open(&files, "/etc/pam.conf", &text.file, &path);

	if (ret < 0)
		return ret == -ENOENT ? 0 : ret;
	while (ret == 0 && (ret = pam_text_next(&text, &line)) > 0) {
		rest = line;
		word = pam_text_word(&rest);
		for (char *c = word; c && *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c += 'a' - 'A';
		ret = word ? add_name(names, word) : 0;
		free(line);
	}
	fclose(text.file);
	free(path);
	return ret == -EPROTO ? 0 : ret;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int pam_stack_services(const char *root, struct pam_stack_names *names)
{
	int ret = 0;

	*names = (struct pam_stack_names) { 0 };
	if (pam_files_is_single(root))
		ret = list_single(root, names);
	for (size_t i = 0; i < FOLDERS && ret == 0; i++)
		ret = list_folder(root, folders[i], names);
	if (names->count)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	return ret;
}

void pam_stack_names_free(struct pam_stack_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct pam_stack_names) { 0 };
}

/*
 * Where Linux-PAM looks was decided when it was built. A folder that has modules of its own is one
 * of those; Debian's also looks into /lib/security.
 */
static bool is_beside_modules(const char *path)
{
	char *permit;
	bool is;

	if (strstr(path, "/lib/security/"))
		return true;
	if (asprintf(&permit, "%.*s/pam_permit.so", (int)(strrchr(path, '/') - path), path) < 0)
		return false;
	is = access(permit, F_OK) == 0;
	free(permit);
	return is;
}

static int glob_module(const char *root, const char *module)
{
	static const char *const places[] = { "/lib*/security", "/lib*/*/security",
					      "/usr/lib*/security", "/usr/lib*/*/security" };
	int found = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
		glob_t paths = { 0 };
		char *pattern;

		if (asprintf(&pattern, "%s%s/%s", root, places[i], module) < 0)
			return -ENOMEM;
		if (glob(pattern, GLOB_NOSORT, NULL, &paths) == 0)
			for (size_t j = 0; j < paths.gl_pathc && !found; j++)
				found = is_beside_modules(paths.gl_pathv[j]);
		globfree(&paths);
		free(pattern);
	}
	return found;
}

int pam_files_has_module(const char *root, const char *module)
{
	char *path;
	int found;

	if (module[0] != '/')
		return glob_module(root, module);
	if (asprintf(&path, "%s%s", root, module) < 0)
		return -ENOMEM;
	found = access(path, R_OK) == 0;
	free(path);
	return found;
}
