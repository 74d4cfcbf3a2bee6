// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter's frozen maps hold, read back. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter/call.h"
#include "filter/filter.h"
#include "filter/kernel.h"

_Static_assert(offsetof(struct bpfdev_data, info) == 0, "another version could not find magic");

/* As filter_read() returns it. */
static int identify(int prog_fd, struct filter *filter, struct reason *why)
{
	int ret = filter_identify(prog_fd, filter);

	if (ret <= 0)
		return filter_failed(ret ? ret : -ENOENT, "reading what the filter is for", why);
	if (filter->readable)
		return 0;
	reason_set(why, "the filter was made by another version of this program: %u, not %u",
		   filter->info.version, BPFDEV_INFO_VERSION);
	return FILTER_OTHER_VERSION;
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

static int read_table(const struct filter *filter, struct table *table)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = filter_open_map(filter, FILTER_TABLE_MAP, &map);
	struct filter_image image = { .size = map.value_size };
	__u32 first = 0;
	int err;

	if (fd < 0)
		return fd == -ENOENT ? -EPROTO : fd;
	if (map.type != BPF_MAP_TYPE_ARRAY || image.size < sizeof(*image.table))
		return -EPROTO;
	image.table = malloc(image.size);
	if (!image.table)
		return -ENOMEM;
	err = call_lookup(fd, &first, image.table);
	if (!err)
		err = filter_unpack(&image, table);
	free(image.table);
	return err;
}

#define ORIGIN_CHUNKS_MAX (1u << 16)

/* Sets *@origin to what the filter carries; to be freed. */
static int read_origin(const struct filter *filter, void **origin)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = filter_open_map(filter, FILTER_ORIGIN_MAP, &map);
	int err;

	if (fd < 0)
		return fd == -ENOENT ? -EPROTO : fd;
	if (map.type != BPF_MAP_TYPE_ARRAY || map.max_entries > ORIGIN_CHUNKS_MAX ||
	    filter->info.origin_size > (__u64)map.max_entries * map.value_size)
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
	struct filter filter;
	int err = identify(prog_fd, &filter, why);

	*origin = NULL;
	*info = filter.info;
	if (err || !info->origin_size)
		return err;
	err = read_origin(&filter, origin);
	return err ? filter_failed(err, "reading the rules that the filter carries", why) : 0;
}

static int take(const struct filter *filter, bool origin, struct table **table, struct reason *why)
{
	struct table *copy = calloc(1, sizeof(*copy));
	int err = copy ? read_table(filter, copy) : -ENOMEM;

	if (!err && origin && filter->info.origin_size) {
		copy->origin_size = filter->info.origin_size;
		err = read_origin(filter, &copy->origin);
	}
	if (err) {
		table_free(copy);
		return filter_failed(err, "reading the filter's tables", why);
	}
	*table = copy;
	return 0;
}

int filter_take_table(const struct filter *filter, struct table **table, struct reason *why)
{
	return take(filter, false, table, why);
}

int filter_read(int prog_fd, struct bpfdev_info *info, struct table **table, struct reason *why)
{
	struct filter filter;
	int err = identify(prog_fd, &filter, why);

	if (err)
		return err;
	*info = filter.info;
	return table ? take(&filter, true, table, why) : 0;
}
