/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Processes of which the same is to be said: one finding, with one of them as the example. */
#ifndef DOCTOR_TALLY_H
#define DOCTOR_TALLY_H

#include "command/doctor/doctor.h"

struct doctor_tally {
	enum doctor_level level;
	const char *topic, *advice; /* static */
	char *subject, *message;    /* ours */
	size_t count;
	pid_t pid; /* the first one's */
	char comm[64];
};

struct doctor_tallies {
	struct doctor_tally *items;
	size_t count, capacity;
};

/*
 * Counts a process for the tally of that subject and message, which are copied. If it is the first,
 * the tally is like @like, of which level, topic, advice, pid and comm are set.
 */
void doctor_tally_add(struct doctor *doctor, struct doctor_tallies *tallies,
		      const struct doctor_tally *like, const char *subject, const char *message);

/* Adds the findings, and frees the tallies. */
void doctor_tally_tell(struct doctor *doctor, struct doctor_tallies *tallies);

#endif
