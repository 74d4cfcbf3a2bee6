// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Where PAM's files and modules are, and the text of their lines, which is read to the letter as
 * libpam's pam_handlers.c reads it.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/pam/stack.h"

#define BLANKS " \t\n"

static const char *const return_names[PAM_STACK_RETURNS + 1] = {
	"success",
	"open_err",
	"symbol_err",
	"service_err",
	"system_err",
	"buf_err",
	"perm_denied",
	"auth_err",
	"cred_insufficient",
	"authinfo_unavail",
	"user_unknown",
	"maxtries",
	"new_authtok_reqd",
	"acct_expired",
	"session_err",
	"cred_unavail",
	"cred_expired",
	"cred_err",
	"no_module_data",
	"conv_err",
	"authtok_err",
	"authtok_recover_err",
	"authtok_lock_busy",
	"authtok_disable_aging",
	"try_again",
	"ignore",
	"abort",
	"authtok_expired",
	"module_unknown",
	"bad_item",
	"conv_again",
	"incomplete",
	"default",
};

/* The place of each is its action's number, without the sign. */
static const char *const action_names[] = { "ignore", "ok", "done", "bad", "die", "reset" };

/* Cuts off the backslash that continues a line. Returns whether there is one. */
static bool cut_continuation(char *line)
{
	size_t length = strlen(line);

	while (length && strchr(BLANKS, line[length - 1]))
		length--;
	if (!length || line[length - 1] != '\\')
		return false;
	line[length - 1] = ' ';
	line[length] = '\0';
	return true;
}

/* Appends one line of the file to *@whole. Returns whether it goes on in the next. */
static bool take(struct pam_text *text, char *line, char **whole)
{
	bool commented = strchr(line, '#'), more;
	char *longer;

	if (!*whole)
		text->first = text->read;
	/* A backslash in a comment continues nothing. */
	more = cut_continuation(line) && !commented;
	line[strcspn(line, "#\n")] = '\0';
	longer = xasprintf("%s%s", *whole ? *whole : "", line + strspn(line, BLANKS));
	free(*whole);
	*whole = longer;
	return more;
}

int pam_text_next(struct pam_text *text, char **line)
{
	char *chunk = NULL, *whole = NULL;
	bool more = false;
	size_t size = 0;
	int error;

	errno = 0;
	while (getline(&chunk, &size, text->file) >= 0) {
		text->read++;
		more = take(text, chunk, &whole);
		if (!more && whole[strspn(whole, BLANKS)])
			break;
		if (!more) {
			free(whole);
			whole = NULL;
		}
	}
	free(chunk);
	if (!more && whole) {
		*line = whole;
		return 1;
	}
	error = errno;
	free(whole);
	if (more)
		return -EPROTO;
	if (feof(text->file))
		return 0;
	return error > 0 ? -error : -EIO;
}

/* A word in brackets; "\]" is a bracket in it. */
static char *bracketed(char **rest)
{
	char *word = *rest + 1, *from = word, *to = word;

	while (*from && *from != ']') {
		if (from[0] == '\\' && from[1] == ']')
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

char *pam_text_word(char **rest)
{
	char *word;

	*rest += strspn(*rest, BLANKS);
	if (!**rest)
		return NULL;
	if (**rest == '[')
		return bracketed(rest);
	word = *rest;
	*rest += strcspn(word, BLANKS);
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

static void set_unset(int *actions, int action)
{
	for (int i = 0; i < PAM_STACK_RETURNS; i++)
		if (actions[i] == PAM_STACK_DO_UNSET)
			actions[i] = action;
}

/* The index of the name that *@text begins with, which is skipped; @count: none. */
static size_t skip_name(const char **text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);

		if (strncmp(*text, names[i], length) == 0) {
			*text += length;
			return i;
		}
	}
	return count;
}

static void skip_blanks(const char **text)
{
	while (isspace((unsigned char)**text))
		++*text;
}

/* How many lines to jump over. Returns false if that is no number above 0. */
static bool read_jump(const char **text, int *action)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)**text))
		return false;
	value = strtol(*text, &end, 10);
	*text = end;
	*action = (int)value;
	return value > 0 && value <= INT_MAX;
}

/* Reads "RETURN=ACTION". Returns false if it is something else. */
static bool read_pair(const char **text, int *actions)
{
	size_t value = skip_name(text, return_names, PAM_STACK_RETURNS + 1), name;
	size_t names = sizeof(action_names) / sizeof(action_names[0]);
	int action;

	skip_blanks(text);
	if (value > PAM_STACK_RETURNS || *(*text)++ != '=')
		return false;
	skip_blanks(text);
	name = skip_name(text, action_names, names);
	action = -(int)name;
	if (name == names && !read_jump(text, &action))
		return false;
	if (value < PAM_STACK_RETURNS)
		actions[value] = action;
	else
		set_unset(actions, action);
	return true;
}

static void read_pairs(const char *text, int *actions)
{
	for (skip_blanks(&text); *text; skip_blanks(&text)) {
		if (read_pair(&text, actions))
			continue;
		for (int i = 0; i < PAM_STACK_RETURNS; i++)
			actions[i] = PAM_STACK_DO_BAD;
		return;
	}
	set_unset(actions, PAM_STACK_DO_BAD);
}

/* pam.conf(5) defines the four words by these. */
static const struct {
	const char *word, *meaning;
} words[] = {
	{ "required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad" },
	{ "requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die" },
	{ "sufficient", "success=done new_authtok_reqd=done default=ignore" },
	{ "optional", "success=ok new_authtok_reqd=ok default=ignore" },
};

void pam_text_control(const char *control, int *actions)
{
	for (int i = 0; i < PAM_STACK_RETURNS; i++)
		actions[i] = PAM_STACK_DO_UNSET;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(control, words[i].word) == 0)
			control = words[i].meaning;
	read_pairs(control, actions);
}

/* The administrator's come first; distributions ship theirs in one of the others. */
static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

struct pam_files pam_files_below(const char *root)
{
	struct pam_files files = { .root = root, .single = true };

	for (size_t i = 0; i < FOLDERS; i++) {
		char *path = xasprintf("%s%s", root, folders[i]);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			files.single = false;
		free(path);
	}
	return files;
}

/* Not one that blocks, such as a FIFO. */
static FILE *open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		file = fdopen(fd, "r");
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

FILE *pam_files_open(const struct pam_files *files, const char *name, char **path)
{
	bool is_path = name[0] == '/';
	FILE *file = NULL;

	for (size_t i = 0; i < (is_path ? 1 : FOLDERS) && !file; i++) {
		char *full;

		*path = is_path ? xstrdup(name) : xasprintf("%s/%s", folders[i], name);
		full = xasprintf("%s%s", files->root, *path);
		file = open_regular(full);
		free(full);
		if (!file)
			free(*path);
	}
	return file;
}

void pam_stack_names_add(struct pam_stack_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return;
	names->items = xgrow(names->items, names->count, &names->capacity, sizeof(*names->items));
	names->items[names->count++] = xstrdup(name);
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
	char *path = xasprintf("%s%s", root, folder);
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	free(path);
	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while ((errno = 0, entry = readdir(dir)))
		if (entry->d_type != DT_DIR && !is_leftover(entry->d_name))
			pam_stack_names_add(names, entry->d_name);
	ret = -errno;
	closedir(dir);
	return ret;
}

/* The first words of the lines of pam.conf; names of services know no case. */
static int list_single(const struct pam_files *files, struct pam_stack_names *names)
{
	struct pam_text text = { 0 };
	char *line = NULL, *rest, *word, *path;
	int ret;

	text.file = pam_files_open(files, "/etc/pam.conf", &path);
	if (!text.file)
		return 0;
	while ((ret = pam_text_next(&text, &line)) > 0 && line) {
		rest = line;
		word = pam_text_word(&rest);
		for (char *c = word; c && *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c += 'a' - 'A';
		if (word)
			pam_stack_names_add(names, word);
		free(line);
		line = NULL;
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
	const struct pam_files files = pam_files_below(root);
	int ret = 0;

	*names = (struct pam_stack_names) { 0 };
	if (files.single)
		ret = list_single(&files, names);
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
	permit = xasprintf("%.*s/pam_permit.so", (int)(strrchr(path, '/') - path), path);
	is = access(permit, F_OK) == 0;
	free(permit);
	return is;
}

bool pam_files_has_module(const char *root, const char *module)
{
	static const char *const places[] = { "/lib*/security", "/lib*/*/security",
					      "/usr/lib*/security", "/usr/lib*/*/security" };
	bool found = false;

	if (module[0] == '/') {
		char *path = xasprintf("%s%s", root, module);

		found = access(path, R_OK) == 0;
		free(path);
		return found;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
		char *pattern = xasprintf("%s%s/%s", root, places[i], module);
		glob_t paths = { 0 };

		if (glob(pattern, GLOB_NOSORT, NULL, &paths) == 0)
			for (size_t j = 0; j < paths.gl_pathc && !found; j++)
				found = is_beside_modules(paths.gl_pathv[j]);
		globfree(&paths);
		free(pattern);
	}
	return found;
}
