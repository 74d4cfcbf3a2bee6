/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The lines of a policy, in words. */
#ifndef LINES_H
#define LINES_H

#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "command/base/output.h"

/* Sizes of the texts below, with the final NUL; longer ones are cut. */
#define LINES_PLACE_SIZE 512
#define LINES_TEXT_SIZE 256
#define LINES_CONDITIONS_SIZE 640

/*
 * The statement of @conf that @source (of a table that was made from that very policy) is of; NULL:
 * of none, it is 0 or BPFDEV_SOURCE_BASELINE.
 */
const struct conf_statement *lines_find(const struct conf *conf, uint32_t source);

/* "FILE:LINE". @out: LINES_PLACE_SIZE bytes. Returns @out. */
char *lines_place(const struct conf *conf, const struct conf_statement *statement, char *out);

/* "user", "group", "anyone", "baseline": for JSON. */
const char *lines_rank(enum table_rank rank);

/* Whom lines of the rank are for: "the user", "a group or range", "everyone", "every shell". */
const char *lines_rank_words(enum table_rank rank);

/*
 * The conditions of @statement that @unmet (POLICY_UNMET_ORIGIN ...) names, as they are written:
 * "remote, service=sshd". @out: LINES_CONDITIONS_SIZE bytes. Returns @out.
 */
char *lines_conditions(const struct conf_statement *statement, unsigned int unmet, char *out);

/*
 * A JSON object of the line: "line" ("FILE:LINE"), "text" (of the statement, with single blanks)
 * and "rank".
 */
json_t *lines_json(const struct conf *conf, const struct conf_statement *statement,
		   enum table_rank rank);

#endif
