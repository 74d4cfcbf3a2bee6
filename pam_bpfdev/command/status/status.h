/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev status: what was found, and what is to be shown of it. */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "command/base/output.h"
#include "command/base/view.h"
#include "command/machine/machine.h"

struct status {
	struct output output;
	const char *wanted;	/* the argument, or NULL */
	bool all;		/* --all: those without a filter, too */
	bool rules;		/* --rules */
	bool prometheus;	/* --prometheus */
	struct machine machine; /* its units that are wanted are shown */
};

/* Whether the exception is over, and only still there; *@until: its end, seconds since the epoch. */
bool status_is_over(const struct bpfdev_exception *exception, uint64_t *until);

/* What a view of a unit's table needs. */
struct status_lines {
	struct names *names;
	const struct conf *conf; /* whose lines they are; NULL: that of files which have changed */
};

/* Sets @view and @lines, which it points to. */
void status_view(const struct status *status, const struct machine_unit *unit,
		 struct status_lines *lines, struct table_view *view);

/*
 * Reads the table of the unit's filter. Returns 1 with *@table, to be freed; 0: the unit or its
 * filter has gone, or is another version's; or a negative errno having said so.
 */
int status_read_table(struct machine_unit *unit, struct table **table);

/* Each prints what was selected. Returns 0, or a negative errno having said so. */
int status_print(struct status *status);
int status_print_json(struct status *status);
int status_print_metrics(const struct status *status);

#endif
