/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Filters on their way through a change, one by one: for reload, exceptions and settling. */
#ifndef ENFORCE_TARGET_H
#define ENFORCE_TARGET_H

#include "enforce/change.h"
#include "enforce/internal.h"

/* The sessions of one user, on their way through a change. */
struct changing {
	const struct session *user;
	const struct enforce_change *change;
	enforce_tell *tell;
	void *data;
	struct reason *why;
	struct decider decider;
	bool touched;	      /* some session has changed, or should have */
	bool settled_manager; /* settling: it has rules of its own, and not the sessions' */
	int failed; /* settling: a user whose filters could not be looked at; a negative errno */
};

/* One filter on its way, and what it is to get. */
struct target {
	struct changing *changing;
	const struct enforce_change *change;
	int cgroup_fd;
	int which; /* of our filters there, copies of callers' among them; -1: the session's own */
	struct enforce_change_report report;
	struct table *table; /* NULL: nothing is to be changed */
	int result;	     /* 1: replaced; 0: it says the same; or a negative errno */
	bool replaced;	     /* also if what it says is the same */
	int *found; /* NULL, or a descriptor of it, of just now: becomes -1 as it is used */
	const struct known
		*known; /* NULL, or what it is: becomes NULL if it turns out to be no more */
	int *prog_fd;	/* NULL, or becomes a descriptor of the filter that is put in place */
};

/*
 * Makes target->change to the filter, in one step of the kernel's. What came of it is in @target: if
 * its filter is not there, report.outcome is ENFORCE_UNFILTERED. Returns 0, or a negative errno with
 * report.why: the lock cannot be had.
 */
int target_run(struct target *target);

/*
 * Makes the change of @target, whose names may be another's by the time that it is in place, and tells
 * of it. @told: whatever came of it. Returns 0, or a negative errno with changing->why.
 */
int target_change(struct target *target, bool told);

/* Brings the user's manager in line with the sessions, and tells of it. */
void target_change_manager(struct changing *changing);

/* What a decision (enum decided, or a negative errno) comes to. Sets the report's cause. */
int target_fail(struct enforce_change_report *report, int decided);

#endif
