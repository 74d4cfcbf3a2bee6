/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Cgroups by pattern: those in which somebody else filters, a batch system for one.
 *
 * A pattern is a path as /proc/PID/cgroup has it behind "0::", from the slash on. Each of its parts is
 * a glob for one part of the path. It fits a cgroup and all that is below it, as device programs hold
 * for all that is below. There may be several, separated by commas.
 */
#ifndef CGROUPS_H
#define CGROUPS_H

#include <stdbool.h>

#include "base/reason.h"

/* Whether all patterns are as they should be; if not, @why says which is not. */
bool cgroups_check(const char *patterns, struct reason *why);

/*
 * Whether one of the patterns, which are as they should be, fits the path @cgroup. None fits what is
 * in user.slice, where this module filters, and users' managers make cgroups of any name.
 */
bool cgroups_fit(const char *patterns, const char *cgroup);

#endif
