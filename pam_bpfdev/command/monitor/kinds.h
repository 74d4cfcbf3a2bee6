/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What bpfdev monitor remembers from one look at the filters to the next. */
#ifndef MONITOR_KINDS_H
#define MONITOR_KINDS_H

#include "command/machine/denial.h"

/* What is told of a kind with its last line, for when its filter is gone. */
struct monitor_words {
	struct unit unit;
	char *user, *unit_name;	     /* what unit points to */
	char *service, *tty, *rhost; /* as PAM knew the login by */
	char *name;		     /* of the device; "" */
	enum denial_cause cause;
	char *place; /* see struct denial_why */
};

/* Denials that differ in nothing but time and process. */
struct monitor_kind {
	uint64_t cgroup; /* of the filter */
	bool lost; /* those that the filter could not tell apart: denial has their count alone */
	struct filter_denial denial;	 /* as the filter had it last */
	uint64_t first, last;		 /* nanoseconds since the epoch; of lost: 0 */
	const struct machine_unit *unit; /* in this look; NULL: it has gone */
	uint64_t more;			 /* how often since the look before */
	uint64_t pending;		 /* and not told yet */
	uint64_t told;			 /* when a line told of it; as monitor_clock(); 0: never */
	unsigned int missed;		 /* in so many looks, up to this one, it was not there */
	struct monitor_words *words;	 /* NULL: it was never told */
};

/*
 * Sorted: by cgroup, device, access, result. There are as many as the filters in force have, and
 * those of filters that went a moment ago; so what this takes is bounded by what the kernel takes.
 */
struct monitor_kinds {
	struct monitor_kind *items;
	size_t count, capacity;
};

/* Adds one that was seen, in no order. Returns 0 or -ENOMEM. */
int monitor_kinds_add(struct monitor_kinds *seen, const struct monitor_kind *kind);

/*
 * So many looks may miss a kind before it is forgotten: a filter is not found while it is replaced,
 * and what it had counted would be news again.
 */
#define MONITOR_KINDS_GRACE 3

/*
 * Takes over what was @seen, which is empty then, and finds out what is new in it. A kind that was
 * not there before is new with its whole count, unless @known: then nothing is.
 * A count that has gone down, or begins later, is of a new filter, and all of it is new.
 * Returns 0, or -ENOMEM: both are as they were.
 */
int monitor_kinds_update(struct monitor_kinds *kinds, struct monitor_kinds *seen, bool known);

/*
 * Whether it is time to tell of the kind, @now (as monitor_clock()), for who tells of it at once,
 * but from then on only once in @pause milliseconds, and when it has gone.
 */
bool monitor_kinds_is_due(const struct monitor_kind *kind, uint64_t now, uint64_t pause);

void monitor_kinds_free(struct monitor_kinds *kinds);

/* NULL is fine. */
void monitor_words_free(struct monitor_words *words);

#endif
