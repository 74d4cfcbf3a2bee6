/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The arguments that stand behind the module's name in a PAM service's file. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>

#include "base/reason.h"

/* All zero: the defaults. */
struct arguments {
	const char *conf; /* NULL: the system's files */
	bool onerr_succeed;
	/* Of what is in no session: */
	bool nosession_ignore;	/* all may run without rules */
	const char *left_alone; /* or what is in these cgroups, see cgroups_fit(); NULL: none */
	bool debug;
	bool quiet;
};

/*
 * Takes one argument, which must outlive @arguments. Returns whether it is as it should be; if not,
 * @why says what is wrong, and what it is taken for.
 */
bool arguments_parse(const char *text, struct arguments *arguments, struct reason *why);

#endif
