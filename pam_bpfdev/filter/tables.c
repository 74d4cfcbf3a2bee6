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

static int read_data(int prog_fd, struct bpfdev_info *info, struct reason *why)
{
	const struct bpfdev_data *data;
	void *copy;
	__u32 size;
	int err = filter_read_data(prog_fd, &copy, &size);

	if (err)
		return filter_failed(err, "reading what the filter is for", why);
	data = copy;
	if (size < sizeof(data->info) || data->info.version != BPFDEV_INFO_VERSION) {
		reason_set(why,
			   "the filter was made by another version of this program: %u, not %u",
			   data->info.version, BPFDEV_INFO_VERSION);
		err = FILTER_OTHER_VERSION;
	} else {
		*info = data->info;
		terminate(info);
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

static int read_table(int prog_fd, struct table *table)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = filter_open_map(prog_fd, FILTER_TABLE_MAP, &map);
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
	int err = read_data(prog_fd, info, why);

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
		return read_data(prog_fd, info, why);
	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return filter_failed(-ENOMEM, "reading the filter", why);
	err = read_data(prog_fd, info, why);
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
