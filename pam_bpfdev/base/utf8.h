/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* UTF-8, strictly: RFC 3629. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The length in bytes of a sequence that starts with @first, or 0; *@least: what may need it. */
static inline size_t utf8_sequence(unsigned char first, uint32_t *least)
{
	static const uint32_t leasts[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = first < 0x80   ? 1
			: first < 0xc0 ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf8 ? 4
				       : 0;

	*least = leasts[length];
	return length;
}

/*
 * The length in bytes of the character that @text (@left bytes, at least 1) begins with, and in *@c
 * its number. 0: that is no UTF-8, or too long a form, a surrogate or beyond Unicode.
 */
static inline size_t utf8_character(const char *text, size_t left, uint32_t *c)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t least;
	size_t length = utf8_sequence(bytes[0], &least);

	if (!length || length > left)
		return 0;
	*c = length == 1 ? bytes[0] : bytes[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (bytes[i] & 0x3f);
	}
	if (*c < least || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return length;
}

#endif
