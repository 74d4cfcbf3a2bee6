/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What bpfdev suggest shows. */
#ifndef SUGGEST_PRINT_H
#define SUGGEST_PRINT_H

#include "command/machine/denial.h"
#include "command/suggest/suggest.h"

#define SUGGEST_FILE_SIZE 512

/* What was asked for, and what came of it. */
struct suggestion {
	struct command_options options;
	const char *wanted, *who; /* USER|SESSION, --who; or NULL */
	struct conf_paths paths;  /* of the policy that the lines are for */
	struct machine machine;
	const struct machine_unit **units; /* where something was denied, each once */
	size_t unit_count;
	struct suggest_request request;
	struct suggest suggest;
};

/* The file to put the lines into. @out: SUGGEST_FILE_SIZE bytes. Returns @out. */
char *suggest_file(const struct suggestion *suggestion, char *out);

/* Whether the line is one for audit that is about somebody who was denied something. */
bool suggest_is_audit(const struct suggestion *suggestion, size_t statement);

/* Prints where something was denied, the commands to put the lines in force, and what to mind. */
void suggest_print_head(const struct suggestion *suggestion);

/* Each returns 0 or a negative errno, having said so. */
int suggest_print(const struct suggestion *suggestion);
int suggest_print_json(const struct suggestion *suggestion);

/*
 * Who asked for the devices of @wishes, and how often: "alice 3 times and bob once, last 2026-11-22
 * 05:10: cheese". Free it; NULL: no memory.
 */
char *suggest_asked(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		    size_t count);

/* The devices of @wishes: "/dev/video0, /dev/video1 and 3 more". Free it; NULL: no memory. */
char *suggest_names(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		    size_t count);

/*
 * For each statement of the policy, whether it denies what @wishes are about, or would but for
 * audit. Free it; NULL: no memory.
 */
bool *suggest_denying(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		      size_t count);

/* How many devices @wishes are about, each counted once. */
size_t suggest_count_devices(const struct suggest_wish *const *wishes, size_t count);

/* Collects the wishes that @line grants in @wishes, which has room for all. Returns their number. */
size_t suggest_wishes_of(const struct suggestion *suggestion, const struct suggest_line *line,
			 const struct suggest_wish **wishes);

#endif
