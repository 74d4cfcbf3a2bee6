// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Rows as JSON objects and as lines of tables. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/base/row.h"

struct row row_more(json_t *object)
{
	return (struct row) { .object = object };
}

struct row row_object(void)
{
	return row_more(json_object());
}

struct row row_line(struct row_table *table)
{
	table->count++;
	return (struct row) { .table = table };
}

/* The place of the column of that heading, or the count of columns. */
static size_t find(const struct row_table *table, const char *heading)
{
	size_t i = 0;

	while (i < table->columns.count && strcmp(table->columns.items[i].heading, heading) != 0)
		i++;
	return i;
}

bool row_field(struct row *row, const char *key, const char *heading, int flags)
{
	struct row_table *table = row->table;
	size_t column;

	row->key = key;
	if (row->object) {
		if (key && !(flags & ROW_OPTIONAL))
			row_put(row->object, key, json_null());
		return key;
	}
	if (!heading)
		return false;
	column = find(table, heading);
	if (column == table->columns.count)
		*xappend(&table->columns) = (struct row_column) { heading, flags & ~ROW_OPTIONAL };
	*xappend(&table->cells) = (struct row_cell) { .line = table->count, .column = column };
	return true;
}

/* The cell of the field that is being described. */
static struct row_cell *cell_of(const struct row *row)
{
	return &row->table->cells.items[row->table->cells.count - 1];
}

void row_json(struct row *row, json_t *json)
{
	if (row->object)
		row_put(row->object, row->key, json);
	else
		json_decref(json);
}

/* @text is taken over. */
static void set_text(struct row *row, char *text)
{
	if (row->object) {
		row_json(row, output_string(text));
	} else {
		free(cell_of(row)->text);
		cell_of(row)->text = output_quote(text);
	}
	free(text);
}

void row_text(struct row *row, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_text(row, xvasprintf(format, args));
	va_end(args);
}

void row_text_or_null(struct row *row, const char *text)
{
	if (text && *text)
		set_text(row, xstrdup(text));
}

void row_number(struct row *row, uint64_t number)
{
	if (row->object)
		row_json(row, json_integer((json_int_t)number));
	else
		row_text(row, "%" PRIu64, number);
}

void row_time(struct row *row, uint64_t seconds)
{
	char text[32];

	if (row->object)
		row_number(row, seconds);
	else
		row_text(row, "%s", output_time(seconds, text));
}

void row_bool(struct row *row, bool is)
{
	row_json(row, json_boolean(is));
}

void row_cell(struct row *row, const char *format, ...)
{
	va_list args;

	if (row->object)
		return;
	va_start(args, format);
	set_text(row, xvasprintf(format, args));
	va_end(args);
}

void row_tone(struct row *row, enum output_tone tone)
{
	if (!row->object)
		cell_of(row)->tone = tone;
}

void row_put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, xneed(value));
}

void row_append(json_t *array, json_t *value)
{
	json_array_append_new(array, xneed(value));
}

struct row_table row_table(const struct output *output)
{
	return (struct row_table) { .output = output };
}

void row_table_hide(struct row_table *table, const char *heading)
{
	size_t column = find(table, heading);

	if (column < table->columns.count)
		table->columns.items[column].flags |= SCOLS_FL_HIDDEN;
}

static void fill(struct libscols_line *line, struct row_cell *cell, const struct output *output)
{
	if (cell->text)
		xcheck(scols_line_refer_data(line, cell->column, cell->text));
	if (output->color && cell->tone != OUTPUT_PLAIN)
		xcheck(scols_cell_set_color(scols_line_get_cell(line, cell->column),
					    output_tone(output, cell->tone)));
}

/* Frees @table, whose cells are now the other's. */
static struct libscols_table *make(struct row_table *table)
{
	struct libscols_table *made = xneed(scols_new_table());
	struct libscols_line *line = NULL;
	size_t lines = 0;

	scols_table_enable_colors(made, table->output->color);
	scols_table_enable_noheadings(made, table->no_headings);
	/* Cells are escaped already: its own escapes let changes of direction pass. */
	scols_table_enable_noencoding(made, 1);
	for (size_t i = 0; i < table->columns.count; i++)
		xneed(scols_table_new_column(made, table->columns.items[i].heading, 0,
					     table->columns.items[i].flags));
	for (size_t i = 0; i < table->cells.count; i++) {
		for (; lines < table->cells.items[i].line; lines++)
			line = xneed(scols_table_new_line(made, NULL));
		fill(line, &table->cells.items[i], table->output);
	}
	free(table->columns.items);
	free(table->cells.items);
	return made;
}

void row_table_print(struct row_table *table)
{
	struct libscols_table *made = make(table);

	if (table->count)
		xcheck(scols_print_table(made));
	scols_unref_table(made);
}

char *row_table_text(struct row_table *table, size_t width)
{
	struct libscols_table *made = make(table);
	char *text;

	scols_table_set_termforce(made, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(made, width);
	/* Without columns it cannot be printed. */
	if (!table->count)
		text = xstrdup("");
	else if (scols_print_table_to_string(made, &text) != 0)
		memory_exhausted();
	scols_unref_table(made);
	return text;
}
