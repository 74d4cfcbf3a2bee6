// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Texts of reasons: harmless wherever they are printed, and cut to fit. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/reason.h"
#include "base/utf8.h"

/*
 * What no log line may hold: the control characters of ASCII and of Latin-1 (0x9b starts a terminal
 * sequence), and what breaks a line or turns its direction in a viewer that knows Unicode.
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* The length in bytes of the printable character that @text begins with; 0: none. */
static size_t printable_length(const char *text, size_t length)
{
	uint32_t c;
	size_t count = utf8_character(text, length, &c);

	return count && !is_control(c) ? count : 0;
}

char *reason_quote(char *out, size_t size, const char *text, size_t length)
{
	const char *next = text, *end = next + length;
	size_t used = 0, cut = 0; /* cut: the last place where "..." still fits */

	if (size == 0)
		return out;
	while (next < end) {
		size_t taken = printable_length(next, (size_t)(end - next)),
		       given = taken ? taken : 4;

		if (used + 3 < size)
			cut = used;
		if (used + given >= size) {
			snprintf(out + cut, size - cut, "...");
			return out;
		}
		if (taken)
			memcpy(out + used, next, taken);
		else
			snprintf(out + used, size - used, "\\x%02x", (unsigned char)*next);
		used += given;
		next += taken ? taken : 1;
	}
	out[used] = '\0';
	return out;
}

void reason_set(struct reason *why, const char *format, ...)
{
	/* Formatted aside, so that an argument may be @why's own text; no escape makes it shorter. */
	char raw[2 * sizeof(why->text)] = "";
	va_list args;

	if (!why)
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	reason_quote(why->text, sizeof(why->text), raw, strlen(raw));
}
