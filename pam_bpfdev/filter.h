/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A filter in the kernel: loaded, attached, found again, replaced, detached. */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/bpfdev.h"
#include "reason.h"
#include "table.h"

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

/*
 * Looks for our program on the cgroup. Sets *@prog_fd to a new descriptor of it. Should there be
 * several, the one that was attached first: the kernel asks all of them, so that any one tells that
 * there is a filter; detaching it uncovers the next.
 * Returns 1: found; 0: there is none; or a negative errno with @why.
 */
int filter_find(int cgroup_fd, int *prog_fd, struct reason *why);

/*
 * Reads what a filter is for, and, if @table is not NULL, a copy of its tables.
 * Returns 0; -EPROTO: made by another version of this program; or a negative errno; with @why.
 */
int filter_read(int prog_fd, struct bpfdev_info *info, struct table **table, struct reason *why);

/*
 * Loads a program with @table, frozen, and attaches it to the cgroup: beside what else is attached
 * there, or, if @old_prog_fd is not -1, in the place of that program in one step. Reads back from
 * the kernel that it is there. @info: magic, version and table_digest are filled in here.
 * Returns a descriptor of the new program, to be closed: with it, detaching needs no memory. Or a
 * negative errno with @why; then the cgroup is as it was.
 */
int filter_attach(int cgroup_fd, const struct bpfdev_info *info, const struct table *table,
		  int old_prog_fd, struct reason *why);

/* Detaches our program @prog_fd. Returns 0, also if it is no longer there; a negative errno. */
int filter_detach(int cgroup_fd, int prog_fd, struct reason *why);

#endif
