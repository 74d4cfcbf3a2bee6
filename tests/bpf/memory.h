/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a filter takes of the kernel's memory. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>

/* A table of 20 exact rules, of as many majors as a policy of that size is likely to name. */
struct table *make_usual_table(void);

/*
 * The bytes that the kernel counts for a program and its maps, as /proc/self/fdinfo has them;
 * @show: they are also printed. Before Linux 5.11 they count as locked memory; what the kernel says
 * from then on is its own reckoning of it.
 */
long memory_of(int prog_fd, bool show);

#endif
