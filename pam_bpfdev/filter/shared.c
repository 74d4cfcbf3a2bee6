// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * One map for equal tables, whosever they are: a file says which map a table of that digest was last
 * put in. It is a hint, no more: the map is compared with the table, and if the file is lost, or says
 * something else, there is one more map.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/run.h"
#include "filter/call.h"
#include "filter/kernel.h"

#define FILE_NAME RUN_FOLDER "/tables"

/* Records of the file: where two digests have one place, the newer one has it. */
#define RECORDS 1024

/* Whoever writes does so at once, without a lock: half a record would be a map that is compared. */
struct record {
	uint64_t digest;
	uint32_t map_id;
	uint32_t unused;
};

static off_t place_of(uint64_t digest)
{
	return (off_t)(digest % RECORDS * sizeof(struct record));
}

/* Where root alone may write; the folder is there from the first login on that takes a lock. */
static int open_file(int flags)
{
	return open(FILE_NAME, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

static bool is_equal(int fd, const struct filter_image *image)
{
	struct bpf_map_info map = { 0 };
	void *value;
	__u32 first = 0;
	bool equal;

	if (call_info(fd, &map, sizeof(map)) < 0 || map.type != BPF_MAP_TYPE_ARRAY ||
	    map.max_entries != 1 || map.value_size != image->size ||
	    !(map.map_flags & BPF_F_RDONLY_PROG) || strcmp(map.name, FILTER_TABLE_NAME) != 0)
		return false;
	/* It cannot be frozen once more; of what could, nobody knows what will be in it. */
	if (call_freeze(fd) == 0)
		return false;
	value = malloc(image->size);
	equal = value && call_lookup(fd, &first, value) == 0 &&
		memcmp(value, image->table, image->size) == 0;
	free(value);
	return equal;
}

int filter_find_shared(const struct filter_image *image, uint64_t digest)
{
	FILTER_CLOSE int file = image->size < FILTER_SHARED_MIN ? -1 : open_file(O_RDONLY);
	struct record record;
	int fd;

	if (file < 0 || pread(file, &record, sizeof(record), place_of(digest)) != sizeof(record) ||
	    record.digest != digest)
		return -1;
	fd = call_open_map(record.map_id);
	if (fd >= 0 && !is_equal(fd, image)) {
		close(fd);
		fd = -1;
	}
	return fd < 0 ? -1 : fd;
}

void filter_share(const struct filter_image *image, uint64_t digest, int map_fd)
{
	FILTER_CLOSE int file =
		image->size < FILTER_SHARED_MIN ? -1 : open_file(O_WRONLY | O_CREAT);
	struct bpf_map_info map = { 0 };
	struct record record = { .digest = digest };

	if (file < 0 || call_info(map_fd, &map, sizeof(map)) < 0)
		return;
	record.map_id = map.id;
	/* If this fails, nobody finds it. */
	if (pwrite(file, &record, sizeof(record), place_of(digest)) < 0)
		return;
}
