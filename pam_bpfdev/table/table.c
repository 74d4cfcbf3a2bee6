// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Finished tables: asking them. */
#include <stdlib.h>

#define BPFDEV_DECIDE
#include "bpfdev.h"
#include "base/digest.h"
#include "table/build.h"

int table_compare_keys(const struct bpfdev_key *a, const struct bpfdev_key *b)
{
	__u64 left = bpfdev_pack(a), right = bpfdev_pack(b);

	return (left > right) - (left < right);
}

static int compare_to_rule(const void *key, const void *rule)
{
	return table_compare_keys(key, &((const struct table_entry *)rule)->key);
}

const struct bpfdev_entry *table_rule_at(const struct table *table, const struct bpfdev_key *key)
{
	const struct table_entry *found = NULL;

	if (table->rule_count)
		found = bsearch(key, table->rules, table->rule_count, sizeof(*table->rules),
				compare_to_rule);
	return found ? &found->entry : NULL;
}

/* What bpfdev.h asks of its includer: here the tables are a struct table. */

BPFDEV_INLINE __u32 bpfdev_index(const void *tables, __u32 type, __u32 major)
{
	return ((const struct table *)tables)->index.slot[type][major];
}

BPFDEV_INLINE const struct bpfdev_entry *bpfdev_slot(const void *tables, __u32 slot)
{
	return &((const struct table *)tables)->slots[slot];
}

BPFDEV_INLINE const struct bpfdev_entry *bpfdev_rule(const void *tables,
						     const struct bpfdev_key *key)
{
	return table_rule_at(tables, key);
}

const struct bpfdev_entry *table_find(const struct table *table, enum bpfdev_type type,
				      uint32_t major, uint32_t minor)
{
	return bpfdev_find(table, type, major, minor);
}

uint32_t table_refused(const struct table *table, enum bpfdev_type type, uint32_t major,
		       uint32_t minor, uint32_t access)
{
	return bpfdev_refused(table, type, major, minor, access);
}

uint64_t table_digest(const struct table *table)
{
	uint64_t digest = digest_add(DIGEST_START, &table->index, sizeof(table->index));

	digest = digest_add(digest, table->slots, table->slot_count * sizeof(*table->slots));
	if (table->rule_count)
		digest =
			digest_add(digest, table->rules, table->rule_count * sizeof(*table->rules));
	return digest;
}
