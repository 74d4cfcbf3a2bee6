// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Rules between a table, where they are sorted, and their map, where they are hashed. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "filter/kernel.h"

/* So many moves for one rule mean that there is a circle; chains that end are far shorter. */
#define MOVES_MAX 500

/* Cuckoo hashing with two places works out, nearly always, if at most half of them are used. */
static __u32 least_buckets(__u32 rule_count)
{
	__u32 count = BPFDEV_ROW;

	while (count < 2 * rule_count)
		count *= 2;
	return count;
}

/* Puts @bucket into the place @at and what was there into @bucket: true if that was nothing. */
static bool swap(struct filter_buckets *buckets, __u32 at, struct bpfdev_bucket *bucket)
{
	struct bpfdev_bucket other = buckets->items[at];

	buckets->items[at] = *bucket;
	*bucket = other;
	return other.key == 0;
}

/* What has to give way moves to its other place, and may drive out the next one there. */
static bool place(struct filter_buckets *buckets, const struct table_entry *rule)
{
	struct bpfdev_bucket bucket = { .key = bpfdev_pack(&rule->key), .entry = rule->entry };
	__u32 mask = buckets->count - 1, at = BPFDEV_FIRST_PLACE(bpfdev_hash(bucket.key), mask);

	for (int moves = 0; moves < MOVES_MAX; moves++) {
		__u32 first, second;

		if (swap(buckets, at, &bucket))
			return true;
		first = BPFDEV_FIRST_PLACE(bpfdev_hash(bucket.key), mask);
		second = BPFDEV_SECOND_PLACE(bpfdev_hash(bucket.key), mask);
		at = at == first ? second : first;
	}
	return false;
}

static bool place_all(struct filter_buckets *buckets, const struct table *table)
{
	for (__u32 i = 0; i < table->rule_count; i++)
		if (!place(buckets, &table->rules[i]))
			return false;
	return true;
}

int filter_place_rules(const struct table *table, struct filter_buckets *buckets)
{
	__u32 count = least_buckets(table->rule_count);

	for (; count <= BPFDEV_BUCKETS_MAX; count *= 2) {
		buckets->count = count;
		buckets->items = calloc(count, sizeof(*buckets->items));
		if (!buckets->items)
			return -ENOMEM;
		if (place_all(buckets, table))
			return 0;
		free(buckets->items);
		buckets->items = NULL;
	}
	return -ENOMEM;
}

static int compare_rules(const void *a, const void *b)
{
	const struct table_entry *left = a, *right = b;

	return table_compare_keys(&left->key, &right->key);
}

int filter_collect_rules(const struct filter_buckets *buckets, struct table *table)
{
	__u32 used = 0;

	for (__u32 i = 0; i < buckets->count; i++)
		used += buckets->items[i].key != 0;
	table->rules = calloc(used ? used : 1, sizeof(*table->rules));
	if (!table->rules)
		return -ENOMEM;
	for (__u32 i = 0; i < buckets->count; i++) {
		const struct bpfdev_bucket *bucket = &buckets->items[i];

		if (bucket->key)
			table->rules[table->rule_count++] = (struct table_entry) {
				.key = bpfdev_unpack(bucket->key),
				.entry = bucket->entry,
			};
	}
	/* The packed keys have the order of the table's: BPFDEV_ANY stays the last one. */
	qsort(table->rules, table->rule_count, sizeof(*table->rules), compare_rules);
	return 0;
}
