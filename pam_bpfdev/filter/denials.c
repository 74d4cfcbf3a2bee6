// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter has denied: the map that the program counts in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "filter/call.h"
#include "filter/filter.h"
#include "filter/kernel.h"

/* Processors that insert at the same time can make a few entries more than there may be. */
#define MARGIN 16

/* Whether the kernel lets device programs call the helper with this number. */
static bool has_helper(__s32 number)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = number },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = sizeof(code) / sizeof(code[0]);
	attr.license = (uintptr_t) "Dual BSD/GPL";
	fd = call_load_program(&attr);
	filter_close_fd(&fd);
	return fd >= 0;
}

__u32 filter_denials_max(bool new_kernel)
{
	/* It came with the kernel's new way of counting memory, in Linux 5.11. */
	bool by_use = new_kernel || has_helper(BPF_FUNC_ktime_get_coarse_ns);

	return by_use ? BPFDEV_DENIALS_MAX : BPFDEV_DENIALS_MAX_LOCKED;
}

static bool is_ours(const struct bpf_map_info *map)
{
	return map->type == BPF_MAP_TYPE_HASH && map->map_flags == BPF_F_NO_PREALLOC &&
	       map->key_size == sizeof(__u64) && map->value_size == sizeof(struct bpfdev_denial);
}

/* As filter_open_denials(), with the map's description. */
static int open_map(const struct filter *filter, struct bpf_map_info *map)
{
	int fd = filter->readable ? filter_open_map(filter, FILTER_DENIALS_MAP, map) : -EPROTO;

	if (fd < 0)
		return fd == -ENOENT ? -EPROTO : fd;
	if (is_ours(map))
		return fd;
	close(fd);
	return -EPROTO;
}

static int open_map_of(int prog_fd, struct bpf_map_info *map)
{
	struct filter filter;
	int ret = filter_identify(prog_fd, &filter);

	if (ret == 0)
		ret = -ENOENT; /* no filter */
	return ret < 0 ? ret : open_map(&filter, map);
}

int filter_open_denials(const struct filter *filter)
{
	struct bpf_map_info map;

	return open_map(filter, &map);
}

/* Copies of a map's entries. */
struct entries {
	__u64 *keys;
	struct bpfdev_denial *values;
	__u32 count, capacity;
};

static void entries_free(struct entries *entries)
{
	free(entries->keys);
	free(entries->values);
}

static int entries_grow(struct entries *entries, __u32 more)
{
	__u32 capacity = entries->capacity + more;
	struct bpfdev_denial *values;
	__u64 *keys = reallocarray(entries->keys, capacity, sizeof(*keys));

	if (!keys)
		return -ENOMEM;
	entries->keys = keys;
	values = reallocarray(entries->values, capacity, sizeof(*values));
	if (!values)
		return -ENOMEM;
	entries->values = values;
	entries->capacity = capacity;
	return 0;
}

/*
 * Copies all entries. The kernel goes from one bucket of its table to the next, and copies a bucket
 * whole; as no entry ever goes, one that is there when this begins is copied, once. ENOSPC: the
 * next bucket takes more room than there is; ENOENT: that was the last one.
 */
static int copy_entries(int fd, struct entries *entries)
{
	__u32 next, *from = NULL;
	int err = 0;

	while (err != -ENOENT) {
		__u32 room = entries->capacity - entries->count;

		err = room ? call_lookup_batch(fd, from, &next, entries->keys + entries->count,
					       entries->values + entries->count, &room, BPF_F_LOCK)
			   : -ENOSPC;
		if (err == -ENOSPC) {
			err = entries_grow(entries, entries->capacity);
			if (err)
				return err;
			continue;
		}
		if (err && err != -ENOENT)
			return err;
		entries->count += room;
		from = &next;
	}
	return 0;
}

static uint32_t bits_of(__u64 key, int shift)
{
	return key >> shift & BPFDEV_DENIAL_BITS;
}

static struct filter_denial describe(__u64 key, const struct bpfdev_denial *value)
{
	struct filter_denial denial = {
		.type = bits_of(key, BPFDEV_DENIAL_TYPE) - BPF_DEVCG_DEV_BLOCK,
		.major = (__u32)key >> BPFDEV_DENIAL_MAJOR,
		.minor = key & (BPFDEV_MINORS - 1),
		.access = bits_of(key, BPFDEV_DENIAL_ACCESS),
		.refused = bits_of(key, BPFDEV_DENIAL_REFUSED),
		.audited = bits_of(key, BPFDEV_DENIAL_AUDITED),
		.count = value->count,
		.first = value->first,
		.last = value->last,
		.digest = value->policy_digest,
		.source = value->source,
		.uid = value->uid,
		.pid = value->pid,
		.door = key & BPFDEV_DENIAL_DOOR,
	};

	memcpy(denial.comm, value->comm, sizeof(value->comm));
	denial.comm[sizeof(denial.comm) - 1] = '\0';
	return denial;
}

static int compare_times(const void *a, const void *b)
{
	const struct filter_denial *left = a, *right = b;

	return (left->last < right->last) - (left->last > right->last);
}

/* Sets *@denials and the rest from @entries. */
static int describe_all(const struct entries *entries, struct filter_denial **denials,
			size_t *count, uint64_t *lost)
{
	struct filter_denial *list = calloc(entries->count + 1, sizeof(*list));
	size_t used = 0;

	if (!list)
		return -ENOMEM;
	*lost = 0;
	for (__u32 i = 0; i < entries->count; i++) {
		if (entries->keys[i] == BPFDEV_DENIAL_LOST)
			*lost = entries->values[i].count;
		else
			list[used++] = describe(entries->keys[i], &entries->values[i]);
	}
	qsort(list, used, sizeof(*list), compare_times);
	*denials = list;
	*count = used;
	return 0;
}

static int read_map(int fd, __u32 max, struct filter_denial **denials, size_t *count,
		    uint64_t *lost)
{
	struct entries entries = { 0 };
	int err = entries_grow(&entries, max + MARGIN);

	if (!err)
		err = copy_entries(fd, &entries);
	if (!err)
		err = describe_all(&entries, denials, count, lost);
	entries_free(&entries);
	return err;
}

static int failed(int err, const char *doing, struct reason *why)
{
	if (err != -EPROTO)
		return err ? filter_failed(err, doing, why) : 0;
	reason_set(why, "the filter was made by another version of this program, which counts what "
			"it denies in another way, or not at all");
	return FILTER_OTHER_VERSION;
}

int filter_take_denials(const struct filter *filter, struct filter_denial **denials, size_t *count,
			uint64_t *lost, struct reason *why)
{
	struct bpf_map_info map = { 0 };
	FILTER_CLOSE int fd = open_map(filter, &map);
	int err = fd < 0 ? fd : read_map(fd, map.max_entries, denials, count, lost);

	return failed(err, "reading what the filter has denied", why);
}

int filter_watch(int prog_fd)
{
	struct filter filter;
	int ret = filter_identify(prog_fd, &filter);

	return ret > 0 ? filter_open_denials(&filter) : ret ? ret : -ENOENT;
}

int filter_moved(int watch_fd, uint64_t *count)
{
	struct entries entries = { 0 };
	int err = entries_grow(&entries, BPFDEV_DENIALS_MAX + MARGIN);

	*count = 0;
	if (!err)
		err = copy_entries(watch_fd, &entries);
	for (__u32 i = 0; !err && i < entries.count; i++)
		*count += entries.values[i].count;
	entries_free(&entries);
	return err;
}

int filter_newest(uint32_t *id)
{
	int err = 0;

	while (!err)
		err = call_next_program(id);
	return err == -ENOENT ? 0 : err;
}

int filter_read_denials(int prog_fd, struct filter_denial **denials, size_t *count, uint64_t *lost,
			struct reason *why)
{
	struct filter filter;
	int ret = filter_identify(prog_fd, &filter);

	if (ret <= 0)
		return failed(ret ? ret : -ENOENT, "reading what the filter has denied", why);
	return filter_take_denials(&filter, denials, count, lost, why);
}

static __u64 nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (__u64)now.tv_sec * 1000000000ull + (__u64)now.tv_nsec;
}

/* The program would make the entry for what there is no room for beside its first one. */
static void make_lost(int fd)
{
	const __u64 lost = BPFDEV_DENIAL_LOST;
	struct bpfdev_denial none = { .first = nanoseconds() };

	none.last = none.first;
	call_update(fd, &lost, &none, BPF_NOEXIST);
}

/* Nobody else writes entries of doors, so that nothing can come between reading and writing one. */
static int count_door(int fd, __u64 key, struct bpfdev_denial *once)
{
	struct bpfdev_denial before = { 0 };
	int err = call_lookup(fd, &key, &before);

	if (err == -ENOENT) {
		make_lost(fd);
		return call_update(fd, &key, once, BPF_NOEXIST);
	}
	once->count += before.count;
	once->first = before.first;
	return err ? err : call_update(fd, &key, once, BPF_EXIST);
}

int filter_count_door(int prog_fd, const struct filter_denial *denial, struct reason *why)
{
	__u32 access_type = denial->access << 16 | (denial->type + BPF_DEVCG_DEV_BLOCK);
	__u64 key =
		BPFDEV_DENIAL_DOOR | bpfdev_denial_key(access_type, denial->major, denial->minor,
						       denial->refused, denial->audited);
	struct bpfdev_denial once = {
		.count = 1,
		.first = nanoseconds(),
		.policy_digest = denial->digest,
		.source = denial->source,
		.uid = denial->uid,
		.pid = denial->pid,
	};
	struct bpf_map_info map;
	FILTER_CLOSE int fd = open_map_of(prog_fd, &map);

	once.last = once.first;
	memcpy(once.comm, denial->comm, sizeof(once.comm) - 1);
	return failed(fd < 0 ? fd : count_door(fd, key, &once), "counting a denial", why);
}
