// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Where the cgroup2 hierarchy is mounted, as this process sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/mount.h"
#include "session/path.h"

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
	return session_below(cgroup, line.root) ? take(&line, mount) : 0;
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
