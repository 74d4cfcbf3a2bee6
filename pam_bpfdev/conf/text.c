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

/* What word processors make of "-", and of quotes; or NULL. */
static const char *typographic(uint32_t c)
{
	if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe58 || c == 0xfe63 ||
	    c == 0xff0d)
		return "a dash; write \"-\", as on the keyboard";
	if ((c >= 0x2018 && c <= 0x201f) || c == 0x00ab || c == 0x00bb)
		return "a quotation mark; names with blanks stand in plain ones, as on the keyboard";
	return NULL;
}

/* Checks one word's bytes from @i on. Returns how many are one character, 0: a mistake was added. */
static size_t check_character(struct conf_parser *parser, const char *line, size_t i, size_t length,
			      bool quoted)
{
	unsigned char c = (unsigned char)line[i];
	uint32_t character = 0;
	size_t n = utf8_character(line + i, length - i, &character);

	if (c == '#' && !quoted)
		conf_mistake(parser, i + 1, "\"#\" inside a word; put a blank before a comment");
	else if (c < 0x20 || c == 0x7f)
		conf_mistake(parser, i + 1,
			     "control character 0x%02x; only text, blanks and tabs may stand here",
			     c);
	else if (parser->line == 1 && i == 0 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		conf_mistake(parser, 1,
			     "the file begins with a byte order mark; save it as UTF-8 "
			     "without BOM");
	else if (!n)
		conf_mistake(parser, i + 1,
			     "byte 0x%02x is not valid UTF-8; save the file as UTF-8", c);
	else if (looks_like_nothing(character))
		conf_mistake(
			parser, i + 1,
			"U+%04X, which looks like a blank or like nothing; only blanks and tabs "
			"separate words",
			character);
	else if (!quoted && typographic(character))
		conf_mistake(parser, i + 1, "U+%04X, %s", character, typographic(character));
	else
		return n;
	return 0;
}

/* In the first field of a line, a name may stand in quotes, and blanks in that. */
static bool is_quote(const struct conf_parser *parser, const char *line, size_t start, size_t i)
{
	return !parser->count && line[i] == '"' &&
	       (i == start || (i == start + 1 && line[start] == '@'));
}

/* Takes the word that begins at *@i. Returns 1, 0: a mistake was added, or -ENOMEM. */
static int take_word(struct conf_parser *parser, char *line, size_t length, size_t *i)
{
	size_t start = *i, opened = 0, n;
	bool quoted = false, closed = false;
	struct conf_word *words;

	for (; *i < length && (quoted || !is_blank(line[*i])); *i += n) {
		n = check_character(parser, line, *i, length, quoted);
		if (!n)
			return 0;
		if (closed) {
			conf_mistake(parser, *i + 1,
				     "a blank is missing behind the closing quotation mark");
			return 0;
		}
		closed = quoted && line[*i] == '"';
		if (closed) {
			quoted = false;
		} else if (is_quote(parser, line, start, *i)) {
			quoted = true;
			opened = *i;
		}
	}
	if (quoted) {
		conf_mistake(parser, opened + 1,
			     "the quotation mark has no second one; the name does not end");
		return 0;
	}
	words = array_grow(parser->words, parser->count, &parser->capacity, sizeof(*words));
	if (!words)
		return -ENOMEM;
	parser->words = words;
	words[parser->count++] = (struct conf_word) { line + start, *i - start, start + 1 };
	parser->end = *i + 1;
	return 1;
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
	int ret = 1;

	parser->count = 0;
	if (has_nul(parser, line, length))
		return 0;
	length = without_cr(parser, line, length);
	while (ret > 0 && i < length && line[i] != '#') {
		if (is_blank(line[i]))
			i++;
		else
			ret = take_word(parser, line, length, &i);
	}
	/* Only now: the blanks that the ends overwrite were needed to find the next word. */
	for (size_t w = 0; w < parser->count; w++)
		parser->words[w].text[parser->words[w].length] = '\0';
	return ret;
}
