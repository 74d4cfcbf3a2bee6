/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev status: what was found, and how it is to be shown. */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>

#include "command/base/output.h"
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

/* Each prints what was found. Returns 0, or a negative errno having said so. */
int status_print_text(struct status *status);
int status_print_json(struct status *status);
int status_print_metrics(struct status *status);

#endif
