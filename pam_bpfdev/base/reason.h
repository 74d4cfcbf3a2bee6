/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Why a call failed, in words for the administrator's log. */
#ifndef REASON_H
#define REASON_H

#include <stddef.h>

/* One line, without a newline and without control characters; cut to fit. */
struct reason {
	char text[512];
};

/*
 * Sets the text of @why (NULL: nothing happens) from the printf-style @format. Control characters
 * and bytes that are not UTF-8 become \xNN, so that no name can forge or break a log line.
 */
void reason_set(struct reason *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Copies @length bytes of @text to @out (@size bytes with the final NUL), escaped as reason_set()
 * does; what does not fit is replaced by "...". Returns @out.
 */
char *reason_quote(char *out, size_t size, const char *text, size_t length);

#endif
