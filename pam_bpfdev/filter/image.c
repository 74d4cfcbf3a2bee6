// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A table as the kernel's map holds it: packed into one value, and taken out of it again. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/kernel.h"

_Static_assert(sizeof(struct bpfdev_entry) % sizeof(__u64) == 0, "entries follow the buckets");
_Static_assert(TABLE_SLOTS_MAX + TABLE_RULES_MAX <=
		       1u << (BPFDEV_VERDICT_SIZE - BPFDEV_VERDICT_ENTRY),
	       "a verdict has no room for the number of an entry");

#define PACKED ((1ull << BPFDEV_PACKED_SIZE) - 1)

/* So many moves for one rule mean that there is a circle; chains that end are far shorter. */
#define MOVES_MAX 500

/* Cuckoo hashing with two places works out, nearly always, if at most half of them are used. */
static __u32 least_buckets(__u32 rule_count)
{
	__u32 count = BPFDEV_BUCKETS_MIN;

	while (count < 2 * rule_count)
		count *= 2;
	return count;
}

/* The place of a bucket that is not the one @at, unless its two are the same. */
static __u32 other_place(__u64 bucket, __u32 mask, __u32 at)
{
	__u64 hash = bpfdev_hash(bucket & PACKED);
	__u32 first = (__u32)bpfdev_first_place(hash, mask);

	return at == first ? (__u32)bpfdev_second_place(hash, mask) : first;
}

/* What has to give way moves to its other place, and may drive out the next one there. */
static bool place(__u64 *buckets, __u32 mask, __u64 bucket)
{
	__u32 at = (__u32)bpfdev_first_place(bpfdev_hash(bucket & PACKED), mask);

	for (int moves = 0; moves < MOVES_MAX; moves++) {
		__u64 driven_out = buckets[at];

		buckets[at] = bucket;
		if (!driven_out)
			return true;
		bucket = driven_out;
		at = other_place(bucket, mask, at);
	}
	return false;
}

static struct bpfdev_entry *entries_of(struct bpfdev_table *packed)
{
	return (struct bpfdev_entry *)&packed->buckets[(size_t)packed->mask + 1];
}

static __u32 *high_of(struct bpfdev_table *packed, __u32 type)
{
	__u32 *high = (__u32 *)&entries_of(packed)[packed->entry_count];

	return high + (size_t)type * packed->high_count;
}

/* Of a whole major, which is then no indexed one. */
static bool is_high(const struct table_entry *rule)
{
	return rule->key.minor == BPFDEV_ANY;
}

/* Counts for the header. Rules in a row of the same line have one entry. */
static struct bpfdev_table measure(const struct table *table)
{
	struct bpfdev_table size = { .slot_count = table->slot_count,
				     .entry_count = table->slot_count };

	for (__u32 i = 0; i < table->rule_count; i++) {
		const struct table_entry *rule = &table->rules[i];

		if (is_high(rule))
			size.high_count = BPFDEV_MAJORS;
		size.entry_count +=
			i == 0 || memcmp(&rule->entry, &rule[-1].entry, sizeof(rule->entry)) != 0;
	}
	return size;
}

/* Fills in what rules say; false: one has no place among so few buckets. */
static bool place_rules(const struct table *table, struct bpfdev_table *packed)
{
	struct bpfdev_entry *entries = entries_of(packed);
	__u32 last = table->slot_count - 1;

	for (__u32 i = 0; i < table->rule_count; i++) {
		const struct table_entry *rule = &table->rules[i];
		__u32 verdict;

		if (i == 0 || memcmp(&rule->entry, &rule[-1].entry, sizeof(rule->entry)) != 0)
			entries[++last] = rule->entry;
		verdict = bpfdev_verdict(&rule->entry, last);
		if (is_high(rule))
			high_of(packed, rule->key.type)[rule->key.major] = verdict;
		else if (!place(packed->buckets, packed->mask,
				(__u64)verdict << BPFDEV_PACKED_SIZE | bpfdev_pack(&rule->key)))
			return false;
	}
	return true;
}

static void fill_majors(const struct table *table, struct bpfdev_table *packed)
{
	for (__u32 type = 0; type < BPFDEV_TYPES; type++) {
		__u32 other = BPFDEV_DEFAULT_SLOT(type);

		packed->others[type] = bpfdev_verdict(&table->slots[other], other);
		for (__u32 i = 0; i < packed->high_count; i++)
			high_of(packed, type)[i] = packed->others[type];
		for (__u32 major = 0; major < BPFDEV_INDEXED_MAJORS; major++) {
			__u32 slot = table->index.slot[type][major];

			packed->majors[type][major] = bpfdev_verdict(&table->slots[slot], slot);
		}
	}
}

int filter_pack(const struct table *table, struct filter_image *image)
{
	struct bpfdev_table size = measure(table), *packed;

	for (__u32 count = least_buckets(table->rule_count); count <= BPFDEV_BUCKETS_MAX;
	     count *= 2) {
		image->size = BPFDEV_TABLE_SIZE(count, size.entry_count, size.high_count);
		image->table = packed = calloc(1, image->size);
		if (!packed)
			return -ENOMEM;
		packed->mask = count - 1;
		packed->slot_count = size.slot_count;
		packed->entry_count = size.entry_count;
		packed->high_count = size.high_count;
		memcpy(packed->loans, table->loans, sizeof(packed->loans));
		memcpy(entries_of(packed), table->slots, table->slot_count * sizeof(*table->slots));
		fill_majors(table, packed);
		if (place_rules(table, packed))
			return 0;
		free(packed);
	}
	image->table = NULL;
	return -ENOMEM;
}

/* Whether the counts that a packed table tells of itself are those of a value of @size bytes. */
static bool is_whole(const struct bpfdev_table *packed, size_t size)
{
	return size >= sizeof(*packed) && packed->mask < BPFDEV_BUCKETS_MAX &&
	       packed->slot_count >= BPFDEV_TYPES && packed->slot_count <= TABLE_SLOTS_MAX &&
	       packed->entry_count >= packed->slot_count &&
	       packed->entry_count <= TABLE_SLOTS_MAX + TABLE_RULES_MAX &&
	       (packed->high_count == 0 || packed->high_count == BPFDEV_MAJORS) &&
	       size == BPFDEV_TABLE_SIZE((size_t)packed->mask + 1, packed->entry_count,
					 packed->high_count);
}

/* Appends a rule; there is room. Returns 0 or -EPROTO: only entries that exist may be asked. */
static int take_rule(struct bpfdev_table *packed, struct table *table, struct bpfdev_key key,
		     __u32 verdict)
{
	__u32 number = verdict >> BPFDEV_VERDICT_ENTRY;

	if (number >= packed->entry_count || table->rule_count >= TABLE_RULES_MAX)
		return -EPROTO;
	table->rules[table->rule_count++] =
		(struct table_entry) { key, entries_of(packed)[number] };
	return 0;
}

static int take_majors(struct bpfdev_table *packed, struct table *table, __u32 type)
{
	int err = 0;

	for (__u32 major = 0; major < BPFDEV_INDEXED_MAJORS; major++) {
		__u32 slot = packed->majors[type][major] >> BPFDEV_VERDICT_ENTRY;

		if (slot >= packed->slot_count)
			return -EPROTO;
		table->index.slot[type][major] = (uint16_t)slot;
	}
	for (__u32 i = 0; i < packed->high_count && !err; i++) {
		__u32 verdict = high_of(packed, type)[i];
		struct bpfdev_key key = { type, i, BPFDEV_ANY };

		if (verdict >> BPFDEV_VERDICT_ENTRY != BPFDEV_DEFAULT_SLOT(type))
			err = take_rule(packed, table, key, verdict);
	}
	return err;
}

static int take_devices(struct bpfdev_table *packed, struct table *table)
{
	int err = 0;

	for (size_t i = 0; i <= packed->mask && !err; i++) {
		__u64 bucket = packed->buckets[i];
		struct bpfdev_key key = bpfdev_unpack(bucket & PACKED);

		if (bucket && (key.type >= BPFDEV_TYPES || key.minor == BPFDEV_ANY))
			err = -EPROTO;
		else if (bucket)
			err = take_rule(packed, table, key, (__u32)(bucket >> BPFDEV_PACKED_SIZE));
	}
	return err;
}

/* The most rules that there can be. */
static size_t room(const struct bpfdev_table *packed)
{
	size_t used = 0;

	for (size_t i = 0; i <= packed->mask; i++)
		used += packed->buckets[i] != 0;
	return used + (size_t)BPFDEV_TYPES * packed->high_count;
}

static int compare_rules(const void *a, const void *b)
{
	const struct table_entry *left = a, *right = b;

	return table_compare_keys(&left->key, &right->key);
}

int filter_unpack(const struct filter_image *image, struct table *table)
{
	struct bpfdev_table *packed = image->table;
	int err = 0;

	if (!is_whole(packed, image->size))
		return -EPROTO;
	table->slots = calloc(packed->slot_count, sizeof(*table->slots));
	table->rules = calloc(room(packed) + 1, sizeof(*table->rules));
	if (!table->slots || !table->rules)
		return -ENOMEM;
	memcpy(table->slots, entries_of(packed), packed->slot_count * sizeof(*table->slots));
	table->slot_count = packed->slot_count;
	memcpy(table->loans, packed->loans, sizeof(table->loans));
	for (__u32 type = 0; type < BPFDEV_TYPES && !err; type++)
		err = take_majors(packed, table, type);
	if (!err)
		err = take_devices(packed, table);
	if (!err)
		qsort(table->rules, table->rule_count, sizeof(*table->rules), compare_rules);
	return err;
}
