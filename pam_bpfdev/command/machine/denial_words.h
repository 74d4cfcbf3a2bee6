/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is told of a denial, in words that fit a column. */
#ifndef DENIAL_WORDS_H
#define DENIAL_WORDS_H

#include "filter/filter.h"
#include "command/machine/denial.h"

/* Sizes of the texts below, with the final NUL. */
#define DENIAL_WORDS_DEVICE_SIZE (NAMES_BEST_SIZE + NAMES_NUMBERS_SIZE + 4)
#define DENIAL_WORDS_BY_SIZE (DENIAL_PROCESS_SIZE + 64)
#define DENIAL_WORDS_RESULT_SIZE 16

/*
 * "/dev/fuse (c 10:229)", or the numbers alone; @name: as names_best() has it.
 * @text: DENIAL_WORDS_DEVICE_SIZE bytes. Returns @text.
 */
char *denial_words_device(const struct filter_denial *denial, const char *name, char *text);

/*
 * "cheese[1234]", with " by root" if it did not run as @uid, whose session it is: what sudo(8)
 * started, say. @text: DENIAL_WORDS_BY_SIZE bytes. Returns @text.
 */
char *denial_words_by(const struct filter_denial *denial, uid_t uid, char *text);

/*
 * "refused", "audit"; and of which bits, if not of all that were asked for: "refused w".
 * @text: DENIAL_WORDS_RESULT_SIZE bytes. Returns @text.
 */
char *denial_words_result(const struct filter_denial *denial, char *text);

#endif
