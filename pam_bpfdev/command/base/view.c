// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/view.h"

/* In the place of a line, for what an exception has lent: no file has that number. */
#define SOURCE_EXCEPTION 0xfffffffeu

#define LINE_SIZE 512

enum { COLUMN_DEVICE, COLUMN_NAME, COLUMN_ALLOWED, COLUMN_AUDIT, COLUMN_LINE, COLUMNS };

static const struct output_column columns[COLUMNS] = {
	[COLUMN_DEVICE] = { "DEVICE", 0, 0 },	      [COLUMN_NAME] = { "NAME", 0, 0 },
	[COLUMN_ALLOWED] = { "ALLOWED", 0, 0 },	      [COLUMN_AUDIT] = { "AUDIT", 0, 0 },
	[COLUMN_LINE] = { "LINE", 0, SCOLS_FL_WRAP },
};

static int write_range(char *text, size_t size, uint32_t low, uint32_t high)
{
	if (low == BPFDEV_ANY)
		return snprintf(text, size, "*");
	if (low == high)
		return snprintf(text, size, "%u", low);
	return snprintf(text, size, "%u-%u", low, high);
}

char *table_view_device(const struct table_view_row *row, char *text)
{
	const size_t size = 64;
	int at = snprintf(text, size, "%c ", row->type == BPFDEV_BLOCK ? 'b' : 'c');

	at += write_range(text + at, size - at, row->major_low, row->major_high);
	at += snprintf(text + at, size - at, ":");
	write_range(text + at, size - at, row->minor_low, row->minor_high);
	return text;
}

void table_view_name(struct names *names, const struct table_view_row *row, char *text, size_t size)
{
	uint32_t minor = row->minor_low == row->minor_high ? row->minor_low : BPFDEV_ANY;
	char name[NAMES_BEST_SIZE];

	if (row->major_low == row->major_high)
		snprintf(text, size, "%s",
			 names_best(names, row->type, row->major_low, minor, name));
}

/* The name of a row's devices, or "". */
static void name_of(const struct table_view *view, const struct table_view_row *row, char *text,
		    size_t size)
{
	text[0] = '\0';
	if (row->major_low == BPFDEV_ANY && row->minor_low == BPFDEV_ANY)
		snprintf(text, size, "all others");
	else if (view->name)
		view->name(row, view->data, text, size);
}

/* Where a line stands; "" for no line. */
static void source_of(const struct table_view *view, uint32_t source, char *text, size_t size)
{
	text[0] = '\0';
	if (source == BPFDEV_SOURCE_BASELINE)
		snprintf(text, size, "baseline");
	else if (source == SOURCE_EXCEPTION)
		snprintf(text, size, "exception");
	else if (source)
		view->source(source, view->data, text, size);
}

/* Where the line stands that decided a bit, as source_of(). */
static void line_of(const struct table_view *view, const struct bpfdev_entry *entry, int bit,
		    char *text, size_t size)
{
	bool lent = entry->lent & (1u << bit);

	source_of(view, lent ? SOURCE_EXCEPTION : entry->source[bit], text, size);
}

/*
 * The line of the first of @left in the order in which people say them, and all bits of it. By the
 * text: of lines that are no longer known, it does not matter that there were several.
 */
static uint32_t take_line(const struct table_view *view, const struct bpfdev_entry *entry,
			  uint32_t *left, char *text, size_t size)
{
	static const int order[BPFDEV_BITS] = { 1, 2, 0 }; /* r, w, m */
	char line[LINE_SIZE];
	uint32_t bits = 0;

	for (size_t i = 0; i < BPFDEV_BITS; i++) {
		uint32_t mask = 1u << order[i];

		if (!(*left & mask))
			continue;
		line_of(view, entry, order[i], line, sizeof(line));
		if (!bits)
			snprintf(text, size, "%s", line);
		if (strcmp(text, line) == 0)
			bits |= mask;
	}
	*left &= ~bits;
	return bits;
}

/* "FILE:LINE", or for bits that several lines decided "rw: FILE:LINE, m: no line". */
static void describe_lines(const struct table_view *view, const struct bpfdev_entry *entry,
			   char *text, size_t size)
{
	uint32_t left = BPFDEV_ACCESS;
	int at = 0;

	while (left && (size_t)at < size) {
		const char *separator = left == BPFDEV_ACCESS ? "" : ", ";
		char access[4], line[LINE_SIZE];
		uint32_t bits = take_line(view, entry, &left, line, sizeof(line));

		at += snprintf(text + at, size - at, "%s%s%s%s", separator,
			       bits == BPFDEV_ACCESS ? "" : output_letters(bits, access),
			       bits == BPFDEV_ACCESS ? "" : ": ", *line ? line : "no line");
	}
}

static enum output_tone tone_of(const struct bpfdev_entry *entry)
{
	if (entry->audit)
		return OUTPUT_WARNING;
	if (entry->allow == BPFDEV_ACCESS)
		return OUTPUT_GOOD;
	return entry->allow ? OUTPUT_PLAIN : OUTPUT_BAD;
}

static int print_row(struct libscols_table *printed, const struct table_view *view,
		     const struct table_view_row *row)
{
	struct libscols_line *line = output_row(printed);
	char device[64], name[512], access[4], lines[2048];
	int ret;

	name_of(view, row, name, sizeof(name));
	describe_lines(view, row->entry, lines, sizeof(lines));
	ret = output_cell(line, COLUMN_DEVICE, "%s", table_view_device(row, device));
	if (ret == 0)
		ret = output_cell(line, COLUMN_NAME, "%s", name);
	if (ret == 0)
		ret = output_cell(line, COLUMN_ALLOWED, "%s",
				  output_access(row->entry->allow, access));
	if (ret == 0)
		ret = output_cell(line, COLUMN_AUDIT, "%s",
				  output_access(row->entry->audit, access));
	if (ret == 0)
		ret = output_cell(line, COLUMN_LINE, "%s", lines);
	output_cell_tone(view->output, line, COLUMN_ALLOWED, tone_of(row->entry));
	return ret;
}

/* Hidden columns keep their numbers. */
static void hide(struct libscols_table *printed, size_t column)
{
	struct libscols_column *hidden = printed ? scols_table_get_column(printed, column) : NULL;

	if (hidden)
		scols_column_set_flags(hidden, SCOLS_FL_HIDDEN);
}

int table_view_print(const struct table *table, const struct table_view *view)
{
	struct libscols_table *printed = output_table(view->output, columns, COLUMNS);
	struct table_view_row *rows = NULL;
	size_t count = 0;
	uint32_t audit = 0;
	int ret = printed ? table_view_rows(table, &rows, &count) : -ENOMEM;

	for (size_t i = 0; i < count && ret == 0; i++) {
		audit |= rows[i].entry->audit;
		ret = print_row(printed, view, &rows[i]);
	}
	free(rows);
	if (!view->name)
		hide(printed, COLUMN_NAME);
	if (!audit)
		hide(printed, COLUMN_AUDIT);
	if (ret == 0)
		return output_print_table(printed);
	output_error("printing a table: %s", strerror(-ret));
	scols_unref_table(printed);
	return ret;
}

static json_t *json_range(uint32_t low, uint32_t high)
{
	return low == BPFDEV_ANY ? json_null()
				 : json_pack("[II]", (json_int_t)low, (json_int_t)high);
}

static json_t *json_text(const char *text)
{
	return *text ? output_string(text) : json_null();
}

static json_t *json_lines(const struct table_view *view, const struct bpfdev_entry *entry)
{
	json_t *lines = json_array();
	uint32_t left = BPFDEV_ACCESS;

	while (lines && left) {
		char access[4], line[LINE_SIZE];
		uint32_t bits = take_line(view, entry, &left, line, sizeof(line));
		int ret;

		ret = json_array_append_new(lines, json_pack("{ssso}", "access",
							     output_access(bits, access), "line",
							     json_text(line)));
		if (ret == 0)
			continue;
		json_decref(lines);
		return NULL;
	}
	return lines;
}

static json_t *json_row(const struct table_view *view, const struct table_view_row *row)
{
	char device[64], name[512], allow[4], audit[4];
	json_t *object;

	name_of(view, row, name, sizeof(name));
	object = json_pack("{ss ss so so ss ss so}", "device", table_view_device(row, device),
			   "type", row->type == BPFDEV_BLOCK ? "block" : "char", "major",
			   json_range(row->major_low, row->major_high), "minor",
			   json_range(row->minor_low, row->minor_high), "allowed",
			   output_access(row->entry->allow, allow), "audit",
			   output_access(row->entry->audit, audit), "lines",
			   json_lines(view, row->entry));
	if (object && view->name && json_object_set_new(object, "name", json_text(name)) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

json_t *table_view_json(const struct table *table, const struct table_view *view)
{
	struct table_view_row *rows = NULL;
	size_t count = 0;
	json_t *array = json_array();
	int ret = table_view_rows(table, &rows, &count);

	for (size_t i = 0; i < count && array && ret == 0; i++)
		ret = json_array_append_new(array, json_row(view, &rows[i]));
	free(rows);
	if (ret == 0)
		return array;
	json_decref(array);
	return NULL;
}
