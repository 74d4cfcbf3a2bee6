// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A table as the kernel's maps hold it: rules hashed into buckets, and all of it read back. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/call.h"
#include "filter/filter.h"
#include "filter/kernel.h"

_Static_assert(offsetof(struct bpfdev_data, info) == 0, "another version could not find magic");

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

int filter_place_rules(const struct table *table, struct filter_buckets *buckets)
{
	__u32 count = least_buckets(table->rule_count);

	for (; count <= BPFDEV_BUCKETS_MAX; count *= 2) {
		__u32 placed = 0;

		buckets->count = count;
		buckets->items = calloc(count, sizeof(*buckets->items));
		if (!buckets->items)
			return -ENOMEM;
		while (placed < table->rule_count && place(buckets, &table->rules[placed]))
			placed++;
		if (placed == table->rule_count)
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

static void terminate(struct bpfdev_info *info)
{
	info->user[sizeof(info->user) - 1] = '\0';
	info->service[sizeof(info->service) - 1] = '\0';
	info->tty[sizeof(info->tty) - 1] = '\0';
	info->rhost[sizeof(info->rhost) - 1] = '\0';
	info->unit[sizeof(info->unit) - 1] = '\0';
	info->policy[sizeof(info->policy) - 1] = '\0';
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		info->exceptions[i].device[sizeof(info->exceptions[i].device) - 1] = '\0';
}

/* @table: NULL, or gets what of it is in the program's data. */
static int read_data(int prog_fd, struct bpfdev_info *info, struct table *table, struct reason *why)
{
	const struct bpfdev_data *data;
	void *copy;
	__u32 size;
	int err = filter_read_data(prog_fd, &copy, &size);

	if (err)
		return filter_failed(err, "reading what the filter is for", why);
	data = copy;
	if (size < offsetof(struct bpfdev_data, rules_mask) ||
	    data->info.version != BPFDEV_INFO_VERSION) {
		reason_set(why,
			   "the filter was made by another version of this program: %u, not %u",
			   data->info.version, BPFDEV_INFO_VERSION);
		err = FILTER_OTHER_VERSION;
	} else {
		*info = data->info;
		terminate(info);
		if (table) {
			table->index = data->majors;
			memcpy(table->loans, data->loans, sizeof(table->loans));
		}
	}
	free(copy);
	return err;
}

/* The whole of an array with @count values of @size bytes, in the order of their numbers. */
static int read_array(int fd, __u32 count, size_t size, void *values)
{
	__u32 keys[FILTER_BATCH], last = 0, done = 0;

	while (done < count) {
		__u32 now = count - done < FILTER_BATCH ? count - done : FILTER_BATCH;
		int err = call_lookup_batch(fd, done ? &last : NULL, &last, keys,
					    (char *)values + done * size, &now, 0);

		if (err)
			return err;
		done += now;
	}
	return 0;
}

/* Copies the array map whose name is @name. Returns 0 or a negative errno. Free *@values. */
static int copy_array(int prog_fd, const char *name, __u32 most, size_t size, void **values,
		      __u32 *count)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = filter_open_map(prog_fd, name, &map);
	int err;

	if (fd < 0)
		return fd;
	if (map.type != BPF_MAP_TYPE_ARRAY || map.value_size != size || map.max_entries > most)
		return -EPROTO;
	*count = map.max_entries;
	*values = calloc(*count, size);
	if (!*values)
		return -ENOMEM;
	err = read_array(fd, *count, size, *values);
	if (err) {
		free(*values);
		*values = NULL;
	}
	return err;
}

/* Only what leads to a slot that exists may be asked. */
static int check_index(const struct table *table)
{
	if (table->slot_count < BPFDEV_TYPES)
		return -EPROTO;
	for (int type = 0; type < BPFDEV_TYPES; type++)
		for (__u32 major = 0; major < BPFDEV_INDEXED_MAJORS; major++)
			if (table->index.slot[type][major] >= table->slot_count)
				return -EPROTO;
	return 0;
}

static int read_table(int prog_fd, struct table *table)
{
	struct filter_buckets buckets;
	void *values;
	int err;

	err = copy_array(prog_fd, FILTER_SLOTS_MAP, TABLE_SLOTS_MAX, sizeof(*table->slots), &values,
			 &table->slot_count);
	if (err)
		return err;
	table->slots = values;
	err = check_index(table);
	if (err)
		return err;
	err = copy_array(prog_fd, FILTER_RULES_MAP, BPFDEV_BUCKETS_MAX / BPFDEV_ROW,
			 sizeof(struct bpfdev_row), &values, &buckets.count);
	if (err)
		return err;
	buckets.items = values;
	buckets.count *= BPFDEV_ROW;
	err = filter_collect_rules(&buckets, table);
	free(buckets.items);
	return err;
}

#define ORIGIN_CHUNKS_MAX (1u << 16)

/* Sets *@origin to the @size bytes that the filter carries; to be freed. */
static int read_origin(int prog_fd, __u64 size, void **origin)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = filter_open_map(prog_fd, FILTER_ORIGIN_MAP, &map);
	int err;

	if (fd < 0)
		return fd == -ENOENT ? -EPROTO : fd;
	if (map.type != BPF_MAP_TYPE_ARRAY || map.max_entries > ORIGIN_CHUNKS_MAX ||
	    size > (__u64)map.max_entries * map.value_size)
		return -EPROTO;
	*origin = calloc(map.max_entries, map.value_size);
	if (!*origin)
		return -ENOMEM;
	err = read_array(fd, map.max_entries, map.value_size, *origin);
	if (err) {
		free(*origin);
		*origin = NULL;
	}
	return err;
}

int filter_read_origin(int prog_fd, struct bpfdev_info *info, void **origin, struct reason *why)
{
	int err = read_data(prog_fd, info, NULL, why);

	*origin = NULL;
	if (err || !info->origin_size)
		return err;
	err = read_origin(prog_fd, info->origin_size, origin);
	return err ? filter_failed(err, "reading the rules that the filter carries", why) : 0;
}

int filter_read(int prog_fd, struct bpfdev_info *info, struct table **table, struct reason *why)
{
	struct table *copy;
	int err;

	if (!table)
		return read_data(prog_fd, info, NULL, why);
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return filter_failed(-ENOMEM, "reading the filter", why);
	err = read_data(prog_fd, info, copy, why);
	if (!err) {
		err = read_table(prog_fd, copy);
		if (!err && info->origin_size) {
			copy->origin_size = info->origin_size;
			err = read_origin(prog_fd, info->origin_size, &copy->origin);
		}
		if (err)
			filter_failed(err, "reading the filter's tables", why);
	}
	if (err)
		table_free(copy);
	else
		*table = copy;
	return err;
}
