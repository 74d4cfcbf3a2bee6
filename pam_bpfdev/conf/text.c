// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From bytes to words: lines, blanks, comments, and bytes that have no place in a policy. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "conf/parser.h"
#include "base/utf8.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Unicode's blanks, invisible characters and changes of direction. */
static bool looks_like_nothing(uint32_t c)
{
	return (c >= 0x80 && c <= 0xa0) || c == 0xad || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	       (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0xfeff;
}

/* Checks one word's bytes from @i on. Returns how many are one character, 0: a mistake was added. */
static size_t check_character(struct conf_parser *parser, const char *line, size_t i, size_t length)
{
	unsigned char c = (unsigned char)line[i];
	uint32_t character;
	size_t n;

	if (c == '#') {
		conf_mistake(parser, i + 1, "\"#\" inside a word; put a blank before a comment");
		return 0;
	}
	if (c < 0x20 || c == 0x7f) {
		conf_mistake(parser, i + 1,
			     "control character 0x%02x; only text, blanks and tabs may stand here",
			     c);
		return 0;
	}
	if (parser->line == 1 && i == 0 && strncmp(line, "\xef\xbb\xbf", 3) == 0) {
		conf_mistake(parser, 1,
			     "the file begins with a byte order mark; save it as UTF-8 "
			     "without BOM");
		return 0;
	}
	n = utf8_character(line + i, length - i, &character);
	if (n && looks_like_nothing(character)) {
		conf_mistake(
			parser, i + 1,
			"U+%04X, which looks like a blank or like nothing; only blanks and tabs "
			"separate words",
			character);
		return 0;
	}
	if (!n)
		conf_mistake(parser, i + 1,
			     "byte 0x%02x is not valid UTF-8; save the file as UTF-8", c);
	return n;
}

static int add_word(struct conf_parser *parser, char *text, uint32_t column)
{
	struct conf_word *words =
		array_grow(parser->words, parser->count, &parser->capacity, sizeof(*words));

	if (!words)
		return -ENOMEM;
	parser->words = words;
	words[parser->count++] = (struct conf_word) { text, column };
	return 1;
}

/* Takes the word that begins at *@i. Returns 1, 0: a mistake was added, or -ENOMEM. */
static int take_word(struct conf_parser *parser, char *line, size_t length, size_t *i)
{
	size_t start = *i, n;

	for (; *i < length && !is_blank(line[*i]); *i += n) {
		n = check_character(parser, line, *i, length);
		if (!n)
			return 0;
	}
	parser->end = *i + 1;
	return add_word(parser, line + start, start + 1);
}

/* A file that holds NUL bytes is no text file, wherever in it they are. */
static bool has_nul(struct conf_parser *parser, const char *line, size_t length)
{
	const char *nul = memchr(line, '\0', length);

	if (nul)
		conf_mistake(parser, nul - line + 1,
			     "NUL byte; the file is damaged or was not saved as plain text");
	return nul != NULL;
}

/* Lines that end in CR LF: said once, and read as if they did not, to find the other mistakes. */
static size_t without_cr(struct conf_parser *parser, const char *line, size_t length)
{
	if (!length || line[length - 1] != '\r')
		return length;
	if (!parser->said_crlf)
		conf_mistake(parser, length,
			     "the line ends in CR LF, as on Windows; save the file with Unix line "
			     "ends (sed -i 's/\\r$//' FILE)");
	parser->said_crlf = true;
	return length - 1;
}

int conf_split_line(struct conf_parser *parser, char *line, size_t length)
{
	size_t i = 0;
	int ret;

	parser->count = 0;
	if (has_nul(parser, line, length))
		return 0;
	length = without_cr(parser, line, length);
	while (i < length && line[i] != '#') {
		if (is_blank(line[i])) {
			i++;
			continue;
		}
		ret = take_word(parser, line, length, &i);
		if (ret <= 0)
			return ret;
	}
	/* Only now: the blanks that the ends overwrite were needed to find the next word. */
	for (size_t w = 0; w < parser->count; w++) {
		char *end = parser->words[w].text;

		while (end < line + length && !is_blank(*end))
			end++;
		*end = '\0';
	}
	return 1;
}
