/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A filter in the kernel: loaded, attached, found again, replaced, detached. */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpfdev.h"
#include "base/reason.h"
#include "table/table.h"

#define FILTER_NAME "pam_bpfdev" /* of the program: what bpftool shows */

/*
 * Asks the kernel to list the device programs of the cgroup that @cgroup_fd is open on.
 * Returns 0; -EOPNOTSUPP: this kernel has no such programs; -EPERM: not allowed to ask, -ENOSYS: no
 * bpf(2) at all; each with @why.
 */
int filter_probe(int cgroup_fd, struct reason *why);

/*
 * Loads a program with @table, as filter_attach() would, and lets it go again: nothing is attached.
 * Returns 0; or a negative errno with @why.
 */
int filter_try(const struct table *table, struct reason *why);

/* A device program of the kernel, ours or another's. */
struct filter_program {
	uint32_t id;
	bool ours;	 /* made by this program, of whatever version */
	char name[17];	 /* what its maker called it; often "" */
	uint64_t loaded; /* nanoseconds since boot, suspend time counted */
};

/*
 * Lists the device programs of the cgroup, in the order of attaching; @effective: all that the
 * kernel asks for a process in it, so those of the cgroups above too, also of those that this
 * cgroup namespace does not show; in no order that means anything.
 * Returns their number (no more than @size are written) or a negative errno with @why.
 */
int filter_list(int cgroup_fd, bool effective, struct filter_program *programs, size_t size,
		struct reason *why);

#define FILTER_MAPS_MAX 16

/* A program of ours, as it was found. */
struct filter {
	int fd;
	uint32_t id;
	bool readable;		 /* false: another version of this program made it, and */
	struct bpfdev_info info; /* only magic, version, role, uid and flags are known */
	uint32_t maps[FILTER_MAPS_MAX], map_count; /* ids */
};

/*
 * Looks for our programs on the cgroup, in the order of attaching: in @filters, each with a new
 * descriptor. @copies: also for what whoever became this session's user has brought along
 * (BPFDEV_CALLER). @known: a readable one that need not be read again, if it is there; or NULL.
 * Returns how many there are, up to @size; or a negative errno with @why.
 */
int filter_look(int cgroup_fd, bool copies, const struct filter *known, struct filter *filters,
		size_t size, struct reason *why);

/* A copy of a readable filter's table, without the rules that it carries. 0 or a negative errno with @why. */
int filter_take_table(const struct filter *filter, struct table **table, struct reason *why);

/*
 * Looks for our program on the cgroup. Sets *@prog_fd to a new descriptor of it. Should there be
 * several, the one that was attached first: the kernel asks all of them, so that any one tells that
 * there is a filter; detaching it uncovers the next.
 * Returns 1: found; 0: there is none; or a negative errno with @why.
 */
int filter_find(int cgroup_fd, int *prog_fd, struct reason *why);

#define FILTER_ALL_MAX 8

/*
 * Looks for all of ours, also for what the others leave out: copies of the filter that somebody had
 * before they became this session's user (BPFDEV_CALLER). Sets @prog_fds to new descriptors.
 * Returns how many there are, up to @size; or a negative errno with @why.
 */
int filter_find_all(int cgroup_fd, int *prog_fds, size_t size, struct reason *why);

/* A filter of ours that cannot be read, as another version of this program made it. */
#define FILTER_OTHER_VERSION 1

/*
 * Reads what a filter is for, and, if @table is not NULL, a copy of its tables.
 * Returns 0; FILTER_OTHER_VERSION or a negative errno with @why.
 */
int filter_read(int prog_fd, struct bpfdev_info *info, struct table **table, struct reason *why);

/*
 * Reads what a filter is for, and *@origin, the rules that it carries: info->origin_size bytes, to be
 * freed; NULL: it carries none. Less to read than its tables. Returns as filter_read().
 */
int filter_read_origin(int prog_fd, struct bpfdev_info *info, void **origin, struct reason *why);

/*
 * What a filter was asked and answered with no, or would have but for audit. There is one of these
 * for each device, access and answer.
 *
 * Counted are the kernel's questions. An open(2) is one, and so are access(2) with R_OK or W_OK,
 * mknod(2), and mounting a block device. Opening a block device is two, but the second is asked
 * only if the first was answered with yes: what is refused counts once, what passes for audit
 * twice. access(2) with F_OK asks for no bits, which is never denied. An open that fails for the
 * node's mode does not get as far as this; what another device program refuses is not counted here.
 */
struct filter_denial {
	enum bpfdev_type type;
	uint32_t major, minor;
	uint32_t access;  /* the bits that were asked for: BPFDEV_READ ... */
	uint32_t refused; /* those that the rules refuse; 0: the answer was yes */
	uint32_t audited; /* those that passed for audit only; there may be both */
	uint64_t count;
	uint64_t first, last; /* nanoseconds of CLOCK_BOOTTIME */

	/* Of the last time: */
	uint64_t digest; /* policy_digest of the filter: the policy that the source is a line of */
	uint32_t source; /* that decided on the lowest bit of refused, or if 0, of audited */
	uint32_t uid;	 /* the real one, in the initial user namespace */
	uint32_t pid;	 /* in the initial PID namespace; 0: not known */
	char comm[16];	 /* as the process calls itself, which may be any bytes; "": not known */
	bool door;	 /* a service asked, whose name comm is, on behalf of the process pid */
};

/*
 * Reads what the filter has denied, and those before it whose place it took; the newest first. An
 * entry is as it was at one moment, but for the count and last time, which may be newer by what one
 * process is denied in 65 microseconds; what is denied meanwhile may be there or not. pid and comm are
 * known from Linux 6.1 on.
 *
 * There are at most BPFDEV_DENIALS_MAX - 1 entries (before Linux 5.11 BPFDEV_DENIALS_MAX_LOCKED -
 * 1), or, if several processors make the last ones at once, a few more. *@lost is how often
 * something else was denied, or something new while the kernel was short of memory. All counts and
 * *@lost are together exactly how often the filter has denied, unless memory was short at the very
 * first of them.
 *
 * An entry takes 128 bytes once there is something to count in it; before there is any, the table
 * takes 4 KiB. From Linux 6.1 on the kernel keeps a stock of free ones for each processor: less
 * than 1 KiB, and up to 10 KiB where entries have been made.
 *
 * Returns 0 with *@denials, to be freed, and *@count; FILTER_OTHER_VERSION, which may not have
 * counted at all, or a negative errno; with @why.
 */
int filter_read_denials(int prog_fd, struct filter_denial **denials, size_t *count, uint64_t *lost,
			struct reason *why);

/* The same of a filter that was looked at. */
int filter_take_denials(const struct filter *filter, struct filter_denial **denials, size_t *count,
			uint64_t *lost, struct reason *why);

/*
 * To see whether there is anything new to read, for less than it takes to read it. filter_watch() opens
 * what a filter counts in, and those that take its place; close(2) it. filter_moved() sets *@count to
 * the sum of all counts and lost ones. Return a descriptor, or 0; or a negative errno.
 */
int filter_watch(int prog_fd);
int filter_moved(int watch_fd, uint64_t *count);

/*
 * The highest number of a BPF program that there is, from *@id on, which is 0 or what this found before.
 * Every filter that is made is such a program, and gets a higher one. Returns 0 or a negative errno.
 */
int filter_newest(uint32_t *id);

/*
 * Counts in the filter what it has denied a service that asked on behalf of a process below it: what
 * @denial says of device, access, bits, digest, source, uid, pid and comm. One process of the system
 * at a time may do so. Returns 0; FILTER_OTHER_VERSION, -E2BIG (there is no room) or another negative
 * errno; with @why.
 */
int filter_count_door(int prog_fd, const struct filter_denial *denial, struct reason *why);

/*
 * Loads a program with @table, frozen, and attaches it to the cgroup: beside what else is attached
 * there, or, if @old_prog_fd is not -1, in the place of that program in one step. Reads back from
 * the kernel that it is there. What the old program has denied is the new one's from then on, with
 * nothing lost in between; what one of another version has denied goes with it. It carries
 * table->origin. @info: magic, version, digests and sizes are filled in here.
 * Returns a descriptor of the new program, to be closed: with it, detaching needs no memory. Or a
 * negative errno with @why; then the cgroup is as it was.
 */
int filter_attach(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		  int old_prog_fd, struct reason *why);

/*
 * The same, in the place of a filter that was looked at; NULL: beside what else is there. Returns 0 with
 * @made, as filter_look() would find it.
 */
int filter_replace(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		   const struct filter *old, struct filter *made, struct reason *why);

/* Detaches our program @prog_fd. Returns 0, also if it is no longer there; a negative errno. */
int filter_detach(int cgroup_fd, int prog_fd, struct reason *why);

#endif
