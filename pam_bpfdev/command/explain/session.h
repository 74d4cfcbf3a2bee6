/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev explain --session. */
#ifndef EXPLAIN_SESSION_H
#define EXPLAIN_SESSION_H

#include "command/explain/places.h"
#include "command/explain/print.h"
#include "command/explain/programs.h"

/* All that is to be said of one place. */
struct view {
	const struct explain *explain;
	const struct place *place;
	struct targets targets; /* row: of the filter; other: of the files */
	struct other_programs programs;
};

/* Whether filter and files say the same of the target; exceptions are not asked about. */
bool view_agrees(const struct view *view, const struct target *target);

/* The same for all targets. Only where the place could be compared. */
bool view_agrees_on_all(const struct view *view);

/* What the sources of the filter's entries (of the files': @files) lead to. */
struct sources view_sources(const struct view *view, const struct target *target, bool files);

/* Prints one place. */
void view_print(const struct view *view, const char *user);

/* An object for one place: see bpfdev(8). NULL: no memory. */
json_t *view_json(const struct view *view);

#endif
