// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "reason.h"

/*
 * What no log line may hold: the control characters of ASCII and of Latin-1 (0x9b starts a terminal
 * sequence), and what breaks a line or turns its direction in a viewer that knows Unicode.
 */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* The length of the sequence that @first starts, and the least character that may need it. */
static size_t utf8_length(unsigned char first, uint32_t *least)
{
	if (first < 0x80) {
		*least = 0;
		return 1;
	}
	if ((first & 0xe0) == 0xc0) {
		*least = 0x80;
		return 2;
	}
	if ((first & 0xf0) == 0xe0) {
		*least = 0x800;
		return 3;
	}
	*least = 0x10000;
	return (first & 0xf8) == 0xf0 ? 4 : 0;
}

/* The length in bytes of the printable character that @text begins with; 0: none. */
static size_t printable_length(const unsigned char *text, size_t length)
{
	uint32_t least, c;
	size_t count = utf8_length(text[0], &least);

	if (count == 0 || count > length)
		return 0;
	c = count == 1 ? text[0] : text[0] & (0xffu >> (count + 1));
	for (size_t i = 1; i < count; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || is_control(c))
		return 0;
	return count;
}

char *reason_quote(char *out, size_t size, const char *text, size_t length)
{
	const unsigned char *next = (const unsigned char *)text, *end = next + length;
	size_t used = 0, cut = 0; /* cut: the last place where "..." still fits */

	if (size == 0)
		return out;
	while (next < end) {
		size_t taken = printable_length(next, end - next), given = taken ? taken : 4;

		if (used + 3 < size)
			cut = used;
		if (used + given >= size) {
			snprintf(out + cut, size - cut, "...");
			return out;
		}
		if (taken)
			memcpy(out + used, next, taken);
		else
			snprintf(out + used, size - used, "\\x%02x", *next);
		used += given;
		next += taken ? taken : 1;
	}
	out[used] = '\0';
	return out;
}

void reason_set(struct reason *why, const char *format, ...)
{
	/* Formatted aside, so that an argument may be @why's own text; no escape makes it shorter.
	 */
	char raw[2 * sizeof(why->text)] = "";
	va_list args;

	if (!why)
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	reason_quote(why->text, sizeof(why->text), raw, strlen(raw));
}
