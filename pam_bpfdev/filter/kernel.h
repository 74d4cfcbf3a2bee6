/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the files of this folder share, for nobody else. */
#ifndef FILTER_KERNEL_H
#define FILTER_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "bpfdev.h"
#include "base/reason.h"
#include "filter/filter.h"
#include "table/table.h"

/* Names of the maps. Those of read-only data have something in front of them, see load.c. */
#define FILTER_INFO_MAP ".rodata"
#define FILTER_TABLE_MAP ".table"
#define FILTER_TABLE_NAME "bpfdev" FILTER_TABLE_MAP
#define FILTER_DENIALS_MAP "denials"
#define FILTER_ORIGIN_MAP "origin"

/* Map entries that one system call copies: few enough for the stack of a login process. */
#define FILTER_BATCH 256

/*
 * Opens the map of a filter whose name ends in @name. Returns its descriptor, with its description
 * in @info; -ENOENT: it has none; or another negative errno.
 */
int filter_open_map(const struct filter *filter, const char *name, struct bpf_map_info *info);

/*
 * Sets number and maps of the program whose descriptor @filter has; @prog: all that the kernel says of
 * it. Returns 0 or a negative errno.
 */
int filter_list_maps(struct filter *filter, struct bpf_prog_info *prog);

/*
 * Fills @filter in with what the program @prog_fd is, which stays the caller's.
 * Returns 1: one of ours, of whatever version; 0: it is not; or a negative errno.
 */
int filter_identify(int prog_fd, struct filter *filter);

/* A table as the map for it holds it, in one value. Free table. */
struct filter_image {
	struct bpfdev_table *table;
	size_t size; /* bytes */
};

/* Packs @table. Returns 0 or -ENOMEM. */
int filter_pack(const struct table *table, struct filter_image *image);

/*
 * Sets @table, all zero, from what a map holds. Returns 0; -EPROTO: this version packs no such thing;
 * or -ENOMEM. Free it in any case: table_free().
 */
int filter_unpack(const struct filter_image *image, struct table *table);

/* Bytes of a value from which on finding its like takes less than making one more. */
#define FILTER_SHARED_MIN 8192

/*
 * Looks for a frozen map that holds just @image, whose table has @digest. Returns a descriptor, or -1:
 * none is known, or it is too small to be looked for.
 */
int filter_find_shared(const struct filter_image *image, uint64_t digest);

/* Has others find the map @map_fd, which holds @image and is frozen. If that fails, they do not. */
void filter_share(const struct filter_image *image, uint64_t digest, int map_fd);

/*
 * How many entries the map of denials of a new program may have. @new_kernel: it is known to be one
 * that counts a map's memory by use.
 */
__u32 filter_denials_max(bool new_kernel);

/*
 * Opens the map of denials of a filter. Returns its descriptor; -EPROTO: another version made the
 * program, or one that did not count yet; or another negative errno.
 */
int filter_open_denials(const struct filter *filter);

/*
 * Loads a program with the frozen @table, whose digest @info has, as all that it says of itself. It counts what it denies in the map @denials_fd; -1: in a
 * new one. Returns a descriptor, or a negative errno with @why. The process is left as it was,
 * RLIMIT_MEMLOCK too.
 */
int filter_load(const struct bpfdev_info *info, const struct table *table, int denials_fd,
		struct reason *why);

/* Sets @why to what it means that bpf(2) failed with @err while @doing. Returns @err. */
int filter_failed(int err, const char *doing, struct reason *why);

static inline void filter_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define FILTER_CLOSE __attribute__((cleanup(filter_close_fd)))

#endif
