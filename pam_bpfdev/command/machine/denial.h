/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the filters in force have denied: for all subcommands that tell of it. */
#ifndef DENIAL_H
#define DENIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter/filter.h"
#include "command/base/lines.h"
#include "command/base/names.h"
#include "command/machine/unit.h"

/* A session, closed ones that have processes too, or a manager. */
struct denial_unit {
	struct unit unit; /* whose and which */
	uint64_t cgroup;  /* its cgroup's number: no other has had it since boot */
	bool wanted;	  /* it is among what was asked for */
	bool filtered;	  /* it has a filter of ours */
	bool known;	  /* of a version that counts, so that what follows is set */
	struct bpfdev_info info;
	struct filter_denial *denials; /* newest first */
	size_t count;
	uint64_t lost;	   /* questions that the filter had no room to tell apart */
	char *user, *name; /* what unit points to */
};

/* One line of a table of denials. */
struct denial {
	const struct denial_unit *unit;
	const struct filter_denial *denial;
	uint64_t first, last; /* nanoseconds since the epoch, by the clock as it is set now */
};

/* What was collected last. All zero but for root, devices and names to begin with. */
struct denials {
	const char *root; /* see session_find_root() */
	struct names *names;
	struct denial_unit *units; /* sorted as by unit_compare() */
	size_t unit_count, unit_capacity;
	struct denial *rows; /* of all units that are wanted; newest first */
	size_t count;
	uint64_t lost;	     /* of the units that are wanted, together */
	uint64_t since_boot; /* what was added to times since boot to make them times of day */
	struct denial_policy *policies; /* that were read: see denial_explain() */
	size_t policy_count, policy_capacity;
	unsigned int collections; /* how often there was one */
};

/*
 * Reads what all filters in force have denied, in the place of what was collected before: pointers
 * into that are no longer good. @wanted: of a USER or SESSION only (see unit_choose(); a user, or
 * session, without a filter is there all the same); NULL: of all.
 * May be called again and again: what it costs does not depend on how often something was denied.
 * Returns 0; -ENOENT: @wanted is not there, which was said; another negative errno, having said so.
 */
int denials_collect(struct denials *denials, const char *wanted);

/* Frees all that was collected, and the policies, but neither root nor names. */
void denials_free(struct denials *denials);

/* Why something was denied. */
enum denial_cause {
	DENIAL_NO_RULE, /* no line says anything of it, so it is not allowed */
	DENIAL_LINE,	/* a line says so */
	DENIAL_CHANGED, /* a line of a policy that has changed since: which one, nobody knows */
};

struct denial_why {
	enum denial_cause cause;
	char place[LINES_PLACE_SIZE]; /* "FILE:LINE"; else "no rule", "changed since" */
	char text[LINES_TEXT_SIZE];   /* of the line, with single blanks; else "" */
};

/*
 * Finds the line that decided, in the policy files as they are. They are read when they are first
 * needed; again once in each collection, should a denial be of another policy than was read.
 */
void denial_explain(struct denials *denials, const struct denial *row, struct denial_why *why);

/* A part of denials_free(), for nobody else. */
void denial_policies_free(struct denials *denials);

/* Whether it passed, for audit only. */
static inline bool denial_is_audit(const struct filter_denial *denial)
{
	return !denial->refused;
}

/* The bits that were refused, or, if it passed, would have been but for audit. */
static inline uint32_t denial_bits(const struct filter_denial *denial)
{
	return denial->refused ? denial->refused : denial->audited;
}

#define DENIAL_PROCESS_SIZE 32

/*
 * "cheese[1234]"; "-" where the kernel does not say. A process may call itself by any bytes, so
 * print it by output.h. @text: DENIAL_PROCESS_SIZE bytes. Returns @text.
 */
char *denial_process(const struct filter_denial *denial, char *text);

/*
 * Whether this program counts processes as the filters do: in a container, it sees them under other
 * numbers, which cannot be translated.
 */
bool denial_pids_are_ours(void);

#endif
