// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* All users that have a slice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/session.h"
#include "session/children.h"
#include "session/path.h"

static int visit_slice(const char *folder, const char *name, session_user_visit *visit, void *data,
		       struct reason *why)
{
	struct session user = { .place = SESSION_NONE };
	int ret;

	if (!session_parse_slice(name, &user.uid))
		return 0;
	if (asprintf(&user.slice, "%s/%s", folder, name) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	ret = visit(&user, data);
	session_free(&user);
	return ret;
}

static int visit_slices(DIR *dir, const char *folder, session_user_visit *visit, void *data,
			struct reason *why)
{
	const char *name;
	int ret = 0;

	while (ret == 0 && (name = session_next_child(dir)))
		ret = visit_slice(folder, name, visit, data, why);
	/* A visit leaves its own errno behind; only the end of the folder is asked about. */
	if (ret == 0 && errno) {
		ret = -errno;
		reason_set(why, "%s: %s", folder, strerror(-ret));
	}
	return ret;
}

static int visit_folder(const char *folder, session_user_visit *visit, void *data,
			struct reason *why)
{
	int fd = session_open_cgroup(folder, why), ret;
	DIR *dir;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	dir = session_open_children(fd);
	ret = dir ? visit_slices(dir, folder, visit, data, why) : -errno;
	if (dir)
		closedir(dir);
	else
		reason_set(why, "%s: %s", folder, strerror(-ret));
	close(fd);
	return ret;
}

int session_each_user(const char *root, session_user_visit *visit, void *data, struct reason *why)
{
	char *folder;
	int ret;

	if (asprintf(&folder, "%s/user.slice", root) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	ret = visit_folder(folder, visit, data, why);
	free(folder);
	return ret;
}
