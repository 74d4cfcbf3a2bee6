/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that make up conf: one file's text on its way to statements. */
#ifndef CONF_PARSER_H
#define CONF_PARSER_H

#include <limits.h>

#include "conf/conf.h"

struct conf_word {
	char *text;
	size_t length;
	uint32_t column;
};

/* The words of one line, and where it stands. */
struct conf_parser {
	struct conf *conf;
	uint32_t file;
	uint32_t line;
	struct conf_word *words;
	size_t count, capacity;
	uint32_t end; /* column behind the last word: where a missing one would stand */
	size_t statement_capacity, class_capacity, mistaken_capacity,
		name_capacity; /* of the conf's arrays */
	bool classes_only;
	bool silent;	/* mistakes are not added: they have been said */
	bool said_crlf; /* once a file is enough */
	/* Of all files together, while they are read: */
	bool torn;	    /* one changed meanwhile */
	long long still_in; /* nanoseconds until all of them may be taken for whole; 0: they are */
	char restless[PATH_MAX]; /* the path of the one for which the two are said */
};

/* Reads a file's text, which is cut into words in place. Returns 0 or -ENOMEM. */
int conf_parse_text(struct conf_parser *parser, char *text, size_t length);

/*
 * Cuts one line (without its newline) into words, after checking its bytes.
 * Returns 1; 0: a mistake was added, and the words before it are there; or -ENOMEM.
 */
int conf_split_line(struct conf_parser *parser, char *line, size_t length);

/* The class that whoever wrote @word for a device or class has in mind, as far as it can be guessed. */
const struct conf_class *conf_class_meant(const struct conf *conf, const char *word);

/* Adds a mistake in the parser's line. Returns 0, so that a field's parser can end with it. */
int conf_mistake(struct conf_parser *parser, uint32_t column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Reads all files of @paths into parser->conf, again and again until they stand still: as
 * conf_load() says. Returns 0 or -ENOMEM.
 */
int conf_read_files(const struct conf_paths *paths, struct conf_parser *parser);

/* Adds a file whose text is @length bytes at @text (malloc'ed, with a NUL behind; taken over). */
int conf_add_file(struct conf_parser *parser, const char *path, char *text, size_t length);

/* Forgets all that was read. Returns 0 or -ENOMEM. */
int conf_start_again(struct conf_parser *parser);

#endif
