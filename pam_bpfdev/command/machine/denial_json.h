/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev denials. */
#ifndef DENIALS_H
#define DENIALS_H

#include "command/machine/denial.h"
#include "command/base/output.h"

/* "session", "unit", "user" and "uid" of @unit. NULL: no memory. */
json_t *denials_unit_json(const struct unit *unit);

/* All that there is to tell of @row. NULL: no memory. */
json_t *denials_row_json(struct denials *denials, const struct denial *row);

/* What was collected, for programs. Returns 0, or a negative errno having said so. */
int denials_print_json(struct denials *denials);

#endif
