/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Device programs of others that the kernel asks, too. */
#ifndef MACHINE_PROGRAMS_H
#define MACHINE_PROGRAMS_H

#include <stddef.h>

#include "filter/filter.h"

struct other_program {
	struct filter_program program;
	char *cgroup; /* where it is attached, from the root on; NULL: out of sight, further up */
};

struct other_programs {
	struct other_program *items;
	size_t count, capacity;
};

/*
 * Lists the programs that are not ours on the cgroup at @path and on those above it, as far as the
 * cgroup2 mount shows them and beyond. @root: the part of @path that is not shown.
 * Returns 0, or a negative errno with @why. Free: other_programs_free().
 */
int other_programs_find(const char *path, const char *root, struct other_programs *programs,
			struct reason *why);

void other_programs_free(struct other_programs *programs);

#endif
