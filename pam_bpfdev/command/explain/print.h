/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Verdicts as text and as JSON: what a login that could be and an open session have in common. */
#ifndef EXPLAIN_PRINT_H
#define EXPLAIN_PRINT_H

#include "command/explain/explain.h"
#include "command/base/json.h"

/* Where the sources of an entry lead to. */
struct sources {
	const struct conf *conf;	    /* NULL: they cannot be named: unnamed says so */
	const struct policy_survey *survey; /* of that conf: for the ranks */
	const char *restricts;		    /* what no line does: "restricts this login" */
	const char *unnamed;
	uint64_t until; /* when what is lent ends: seconds since the epoch; 0: not known */
};

/* The path of the row's one device: DEVICE itself, or one that is found; or "". Perhaps @path,
 * which has NAMES_PATH_SIZE bytes. */
const char *explain_path(const struct explain *explain, const struct table_view_row *row,
			 char *path);

/* As names_drivers(), for the row's one major. */
bool explain_drivers(const struct explain *explain, const struct table_view_row *row,
		     char *drivers);

/* "c 10:229 /dev/fuse (char-misc)" on a line of its own, behind @indent. */
void explain_print_title(const struct explain *explain, const struct target *target,
			 const char *indent);

/* A line for each verdict on explain->access: "rw-  denied by FILE:LINE, ...", behind @begin. */
void explain_print_verdicts(const struct explain *explain, const struct bpfdev_entry *entry,
			    const struct sources *sources, const char *begin);

/*
 * An object with "device", "type", "major", "minor" (as table_view_json() has them), "path" (string
 * or null), "drivers" (array of names), "allowed" (boolean) and "verdicts". NULL: no memory.
 */
json_t *explain_json_target(const struct explain *explain, const struct target *target,
			    const struct sources *sources);

/*
 * An array of objects: "access" (bits), "verdict" (explain_outcome()), "line" ("FILE:LINE",
 * "baseline" or null), "text" and "rank" (strings or null); for what is lent "until". NULL: no
 * memory.
 */
json_t *explain_json_verdicts(const struct explain *explain, const struct bpfdev_entry *entry,
			      const struct sources *sources);

/* "user", "uid", "device", "access" and "allowed": what both kinds begin with. */
json_t *explain_json_begin(const struct explain *explain, bool allowed);

#endif
