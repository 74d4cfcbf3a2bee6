/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that make tables: a table in the making, and looking into a finished one. */
#ifndef TABLE_BUILD_H
#define TABLE_BUILD_H

#include "table/table.h"

/* The minors of one major that may differ from the others, rising. */
struct table_minors {
	struct table_minor {
		uint32_t minor;
		struct bpfdev_entry entry;
	} * items;
	size_t count, capacity;
};

struct table_build {
	struct table *table;
	struct reason *why;
	size_t slot_capacity, rule_capacity;
};

/*
 * Each returns 0, or -ENOMEM or -E2BIG with the reason set; end what was begun in any case.
 *
 * A major's entries are added at once, majors rising within a type, types rising. BPFDEV_ANY, which
 * is last, stands for the majors that were not added. @general: the entry of all other minors.
 */
int table_build_begin(struct table_build *build, struct reason *why);
int table_build_major(struct table_build *build, uint32_t type, uint32_t major,
		      const struct bpfdev_entry *general, const struct table_minors *minors);

/* Hands the table over if @ret is 0; otherwise frees it, and says why. Returns @ret. */
int table_build_end(struct table_build *build, int ret, struct table **table);

/* Appends to @minors. Returns 0 or -ENOMEM. */
int table_minors_add(struct table_minors *minors, uint32_t minor, const struct bpfdev_entry *entry);

/* The rule with a key, or NULL. */
const struct table_entry *table_rule_at(const struct table *table, const struct bpfdev_key *key);

#endif
