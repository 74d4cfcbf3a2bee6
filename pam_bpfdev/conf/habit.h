/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What people write in a line by habit, of other programs and of plain English: how it is written here. */
#ifndef HABIT_H
#define HABIT_H

#include <stdbool.h>

#include "base/reason.h"

/* "block": "deny". NULL: no verb that is known. */
const char *habit_verb(const char *word);

/* Of a line's first word: why such a line is none. NULL: nothing is known. */
const char *habit_line(const char *first);

/* "RW", "read", "r,w", "all": the access that is meant. @out: 4 bytes. Returns whether there is any. */
bool habit_access(const char *word, char *out);

/* Whether the word is a device, where none may stand. */
bool habit_is_device(const char *word);

/*
 * In the place of a condition: what is meant, or why there is no such thing, as the end of a sentence.
 * Returns whether anything is known.
 */
bool habit_condition(const char *word, struct reason *meant);

#endif
