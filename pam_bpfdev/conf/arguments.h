/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The arguments that stand behind the module's name in a PAM service's file. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>

/* All zero: the defaults. */
struct arguments {
	const char *conf; /* NULL: the system's files */
	bool onerr_succeed;
	bool nosession_ignore;
	bool debug;
	bool quiet;
};

/* Takes one argument, which must outlive @arguments. Returns whether it is known. */
bool arguments_parse(const char *text, struct arguments *arguments);

#endif
