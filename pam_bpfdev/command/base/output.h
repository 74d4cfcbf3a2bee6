/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the command prints: tables, colour, JSON, errors. Names of others print harmlessly. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output {
	bool json;
	bool color;
};

/* What a text is, not how it looks. */
enum output_tone {
	OUTPUT_PLAIN,
	OUTPUT_GOOD,
	OUTPUT_BAD,
	OUTPUT_WARNING,
	OUTPUT_FAINT,
	OUTPUT_STRONG
};

/* The escape sequence that begins @tone (OUTPUT_PLAIN: that ends any), or "" without colour. */
const char *output_tone(const struct output *output, enum output_tone tone);

/* Whether standard output gets colour by itself: a terminal, NO_COLOR not set, TERM not "dumb". */
bool output_wants_color(void);

/*
 * "bpfdev: TEXT" and a newline on standard error. Control characters and bytes that are not UTF-8
 * become \xNN.
 */
void output_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same on standard output, without "bpfdev: ". */
void output_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* @text, escaped as in a reason but not cut: free it. */
char *output_quote(const char *text);

/*
 * How to dump JSON: also on a terminal, where the control characters of Latin-1 (0x9b begins a
 * sequence) and changes of direction would work, which JSON itself does not have escaped.
 */
#define OUTPUT_JSON_HARMLESS JSON_ENSURE_ASCII

/* A JSON string of @text; escaped as in a reason if it is not UTF-8. */
json_t *output_string(const char *text);

/* Access bits as "rwm", "r-m" ... in JSON and tables alike. @text: 4 bytes. Returns @text. */
char *output_access(uint32_t access, char *text);

/* The same without dashes: "rw". @text: 4 bytes. Returns @text. */
char *output_letters(uint32_t access, char *text);

/* A time (seconds since the epoch) as "2026-11-22 03:50" in local time. @text: 32 bytes. */
char *output_time(uint64_t seconds, char *text);

/*
 * Prints @value on standard output and drops it. Returns 0: whether it could be written,
 * output_end() says.
 */
int output_json(json_t *value);

/* Flushes standard output. Returns 0, or a negative errno having said so (a full disk, say). */
int output_end(void);

#endif
