/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The policies that filters were made from, as their files are now: each is read once. */
#ifndef CONF_STORE_H
#define CONF_STORE_H

#include <stdbool.h>

#include "bpfdev.h"
#include "conf/conf.h"

struct conf_stored;

/* All zero but for @system to begin with. Free: conf_store_free(). */
struct conf_store {
	/* Of filters that do not name a policy of their own. If patient, so are the others. */
	const struct conf_paths *system;
	struct conf_stored *items;
	size_t count, capacity;
};

/*
 * The policy that a filter with @info was made from; NULL: the system's. *@conf stays the store's,
 * and is good until it is asked for again after conf_store_renew().
 * Returns 0; 1: it has mistakes, which @why says; -ENAMETOOLONG: its path did not fit into @info,
 * -ENOMEM; both with @why, and *@conf is NULL.
 */
int conf_store_get(struct conf_store *store, const struct bpfdev_info *info, struct conf **conf,
		   struct reason *why);

/*
 * The same if its text is the one with @digest, so that it tells what the sources of a filter are.
 * NULL: it is not, or cannot be read; or @digest is 0, as that of a union of several policies is.
 */
const struct conf *conf_store_find(struct conf_store *store, const struct bpfdev_info *info,
				   uint64_t digest);

/*
 * Whether the files of all policies that were read and are not to be read again are as they were;
 * it costs a stat(2) for each.
 */
bool conf_store_is_current(const struct conf_store *store);

/* From now on the files may have changed: what is asked for is read again, once. */
void conf_store_renew(struct conf_store *store);

void conf_store_free(struct conf_store *store);

#endif
