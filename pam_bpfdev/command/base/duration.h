/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lengths of time as systemd.time(7) writes them: 90, 15min, 1h30m. */
#ifndef DURATION_H
#define DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* An exception is no policy: whoever needs longer writes a line. */
#define DURATION_MAX (7u * 24 * 3600) /* seconds */

/*
 * Reads @text: numbers with a unit (s, sec, m, min, h, hour, d, day; a number alone: seconds), one
 * after another. Sets *@seconds, from 1 to DURATION_MAX. Returns whether it is such a length.
 */
bool duration_parse(const char *text, uint64_t *seconds);

#endif
