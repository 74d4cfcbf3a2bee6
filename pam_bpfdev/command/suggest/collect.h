/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* From what the filters have denied to what bpfdev suggest asks the policy. */
#ifndef SUGGEST_COLLECT_H
#define SUGGEST_COLLECT_H

#include "command/suggest/print.h"

/*
 * Fills in what suggestion->request needs from suggestion->denials. What is left out, as its user
 * is gone or its rules are of another policy, is said on standard error. Returns COMMAND_YES;
 * COMMAND_MISTAKES or COMMAND_FAILED, having said why. suggest_drop() in any case.
 */
int suggest_collect(struct suggestion *suggestion);

void suggest_drop(struct suggestion *suggestion);

#endif
