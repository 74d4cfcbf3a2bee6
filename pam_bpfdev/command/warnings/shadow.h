/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Whether lines leave another line anything to decide.
 *
 * Certain is only what does not depend on the devices of the moment: numbers, every driver of a
 * type, and majors that are assigned for good. Other drivers and paths are covered by their likes
 * only, since what they stand for changes.
 */
#ifndef WARNINGS_SHADOW_H
#define WARNINGS_SHADOW_H

#include "command/warnings/internal.h"

struct shadow_rule {
	struct device_pattern pattern;
	uint32_t statement;
};

/* A driver or path, whose rules depend on the moment. */
struct shadow_name {
	const struct device_spec *device;
	uint32_t statement;
	bool literal; /* no glob */
};

/* The allow and deny lines about some users, and perhaps others, at one rank. */
struct shadow {
	struct warnings_run *run;
	struct shadow_rule *rules; /* by pattern, then in the order of reading */
	size_t rule_count, rule_capacity;
	struct shadow_name *names; /* in the order of reading */
	size_t name_count, name_capacity;
	const struct device_spec **leaves; /* of the line at hand: no classes any more */
	size_t leaf_count, leaf_capacity;
	bool *seen; /* per class: it is among the leaves already */
};

/* The line that is held against the others. */
struct suspect {
	const struct conf_statement *line;
	uint32_t statement;
	uint32_t open;		    /* access bits of the device at hand that it may still decide */
	uint32_t first_by, last_by; /* the lines that cover it */
	bool covered;		    /* by any, at least in part */
};

/*
 * Adds the lines of @count @whos. Returns 0; -E2BIG: they are too many to look at; or a negative
 * errno. Free with shadow_free(), also after a failure.
 */
int shadow_build(struct shadow *shadow, const struct warnings_who *const *whos, size_t count);

void shadow_free(struct shadow *shadow);

/* 1: the suspect never decides, see its first_by and last_by; 0: it may; or a negative errno. */
int shadow_is_covered(struct shadow *shadow, struct suspect *suspect);

#endif
