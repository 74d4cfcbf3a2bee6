/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev denials. */
#ifndef DENIALS_H
#define DENIALS_H

#include "denial.h"
#include "output.h"

/* What was collected, for programs. Returns 0, or a negative errno having said so. */
int denials_print_json(struct denials *denials);

#endif
