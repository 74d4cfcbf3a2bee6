/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What is told of a thing, described once and printed as a line of a table or as a JSON object: a
 * function goes through the fields of a row and says what each has, wherever it goes.
 *
 *	static void describe(struct row *row, const struct denial *denial)
 *	{
 *		if (row_field(row, "access", "ACCESS", 0))
 *			row_text(row, "%s", output_access(denial->access, access));
 *		if (row_field(row, "count", "COUNT", SCOLS_FL_RIGHT))
 *			row_number(row, denial->count);
 *	}
 *
 * It is called with row_object(), or with row_line() of a table.
 */
#ifndef ROW_H
#define ROW_H

#include <stdint.h>

#include "command/base/output.h"

struct row_column {
	const char *heading;
	int flags; /* SCOLS_FL_RIGHT, SCOLS_FL_TRUNC ... */
};

struct row_cell {
	size_t line, column;
	char *text; /* NULL: empty */
	enum output_tone tone;
};

/* Lines that have the same columns. */
struct row_table {
	const struct output *output;
	struct {
		struct row_column *items;
		size_t count, capacity;
	} columns;
	struct {
		struct row_cell *items; /* by lines */
		size_t count, capacity;
	} cells;
	size_t count; /* of lines */
	bool no_headings;
};

/* Where the fields of one thing go. */
struct row {
	json_t *object; /* NULL: to the last line of the table */
	struct row_table *table;
	const char *key; /* of the field that is being described */
};

/* A row that becomes a JSON object, @object in the end, or that adds to one that is there. */
struct row row_object(void);
struct row row_more(json_t *object);

/* A row that becomes a new line of the table. */
struct row row_line(struct row_table *table);

/* Beside the flags of columns of libsmartcols: without a value, JSON has no such key. */
#define ROW_OPTIONAL (1 << 30)

/*
 * Begins a field: its key in JSON, its heading in a table (both are kept), NULL where it is not told; @flags of the
 * column: SCOLS_FL_RIGHT, SCOLS_FL_TRUNC ... A table has its columns in the order in which they
 * come up first. Returns whether the row wants the value: say it, by the functions below, as often as need
 * be: the last word counts. Nothing said is null, or an empty cell.
 */
bool row_field(struct row *row, const char *key, const char *heading, int flags);

/* A text. Bytes that are not UTF-8, and in a table control characters, become \xNN. */
void row_text(struct row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, where "" and NULL stand for none: null, or an empty cell. */
void row_text_or_null(struct row *row, const char *text);

void row_number(struct row *row, uint64_t number);

/* Seconds since the epoch: a number in JSON, "2026-11-22 03:50" in a table. */
void row_time(struct row *row, uint64_t seconds);

/* For JSON only: a table shows nothing of them. row_json() takes over what it is given. */
void row_bool(struct row *row, bool is);
void row_json(struct row *row, json_t *json);

/* For a table only: what is shown where JSON has something else. */
void row_cell(struct row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The cell's tone; JSON has none. */
void row_tone(struct row *row, enum output_tone tone);

/* Put @value, which they take over, into JSON that is no row. */
void row_put(json_t *object, const char *key, json_t *value);
void row_append(json_t *array, json_t *value);

/*
 * An empty table; @output must outlive it. On a terminal it is fitted to the width; elsewhere
 * nothing is cut. End with row_table_print() or row_table_text().
 */
struct row_table row_table(const struct output *output);

/* Takes a column out, if there is one. */
void row_table_hide(struct row_table *table, const char *heading);

/* Prints it on standard output, nothing if it has no lines, and frees it. */
void row_table_print(struct row_table *table);

/* As it is printed on a terminal of @width columns, "" without lines: free it. Frees the table. */
char *row_table_text(struct row_table *table, size_t width);

#endif
