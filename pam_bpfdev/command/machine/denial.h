/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is told of a denial: why it was, by whom, in words that fit a column, and as JSON. */
#ifndef DENIAL_H
#define DENIAL_H

#include "command/base/lines.h"
#include "command/base/output.h"
#include "command/base/row.h"
#include "command/machine/machine.h"

/* Whether it passed, for audit only. */
static inline bool denial_is_audit(const struct filter_denial *denial)
{
	return !denial->refused;
}

/* The bits that were refused, or, if it passed, would have been but for audit. */
static inline uint32_t denial_bits(const struct filter_denial *denial)
{
	return denial->refused ? denial->refused : denial->audited;
}

/* Why something was denied. */
enum denial_cause {
	DENIAL_NO_RULE, /* no line says anything of it, so it is not allowed */
	DENIAL_LINE,	/* a line says so */
	DENIAL_CHANGED, /* a line of a policy that has changed since: which one, nobody knows */
};

struct denial_why {
	enum denial_cause cause;
	char place[LINES_PLACE_SIZE]; /* "FILE:LINE"; else "no rule", "changed since" */
	char text[LINES_TEXT_SIZE];   /* of the line, with single blanks; else "" */
};

/* Finds the line that decided, in the policy files as they are: see conf_store_find(). */
void denial_explain(struct machine *machine, const struct denial *row, struct denial_why *why);

/* Sizes of the texts below, with the final NUL. */
#define DENIAL_PROCESS_SIZE 32
#define DENIAL_DEVICE_SIZE (NAMES_BEST_SIZE + NAMES_NUMBERS_SIZE + 4)
#define DENIAL_BY_SIZE (DENIAL_PROCESS_SIZE + 64)
#define DENIAL_RESULT_SIZE 16

/*
 * "cheese[1234]"; "udisks2 for 1234" if that service asked on the process' behalf; "-" where the
 * kernel does not say. A process may call itself by any bytes, so
 * print it by output.h. @text: DENIAL_PROCESS_SIZE bytes. Returns @text.
 */
char *denial_process(const struct filter_denial *denial, char *text);

/*
 * The one name to show beside the numbers, of the device that it was at the time: names_gone(), or
 * names_best() of what is there now. @out: NAMES_BEST_SIZE bytes. Returns @out.
 */
char *denial_name(const struct filter_denial *denial, struct names *names, char *out);

/*
 * "/dev/fuse (c 10:229)", or the numbers alone; @name: as denial_name() has it.
 * @text: DENIAL_DEVICE_SIZE bytes. Returns @text.
 */
char *denial_device(const struct filter_denial *denial, const char *name, char *text);

/*
 * "cheese[1234]", with " by root" if it did not run as @uid, whose session it is: what sudo(8)
 * started, say. @text: DENIAL_BY_SIZE bytes. Returns @text.
 */
char *denial_by(const struct filter_denial *denial, uid_t uid, char *text);

/*
 * "refused", "audit"; and of which bits, if not of all that were asked for: "refused w".
 * @text: DENIAL_RESULT_SIZE bytes. Returns @text.
 */
char *denial_result(const struct filter_denial *denial, char *text);

/*
 * Whether this program counts processes as the filters do: in a container, it sees them under other
 * numbers, which cannot be translated.
 */
bool denial_pids_are_ours(void);

/* All that there is to tell of @denial, as a line of a table or as JSON. */
void denial_describe(struct row *row, struct machine *machine, const struct denial *denial);
json_t *denial_json(struct machine *machine, const struct denial *denial);

/* "session", "unit", "user" and "uid" of @unit. */
json_t *denial_unit_json(const struct unit *unit);

#endif
