// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "pam_root.h"
#include "world.h"

char pam_root[PATH_MAX];

int pam_root_setup(void **state)
{
	(void)state;
	world_make_folder(pam_root);
	return 0;
}

int pam_root_teardown(void **state)
{
	(void)state;
	world_remove_folder(pam_root);
	return 0;
}

void pam_put(const char *path, const char *text)
{
	char full[2 * PATH_MAX];
	size_t root = strlen(pam_root);

	snprintf(full, sizeof(full), "%s%s", pam_root, path);
	for (char *slash = strchr(full + root + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			err(1, "%s", full);
		*slash = '/';
	}
	world_write(full, text, strlen(text));
}
