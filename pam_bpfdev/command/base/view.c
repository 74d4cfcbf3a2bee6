// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A table for people to read: its three parts become rows in one order, printed or as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/base/view.h"

/* In the place of a line, for what an exception has lent: no file has that number. */
#define SOURCE_EXCEPTION 0xfffffffeu

#define LINE_SIZE 512

struct rows {
	const struct table *table;
	struct table_view_row *items;
	size_t count, capacity;
	size_t section; /* where those begin that a new row may be joined with */
};

/* The flags only say which entries are to be looked up. */
bool table_view_is_same(const struct bpfdev_entry *a, const struct bpfdev_entry *b)
{
	if (!a || !b)
		return a == b;
	return a->allow == b->allow && a->audit == b->audit && a->lent == b->lent &&
	       memcmp(a->source, b->source, sizeof(a->source)) == 0;
}

/* Whether @high of one row is right before @low of the next, all else being equal. */
static bool continues(uint32_t high, uint32_t low)
{
	return high != BPFDEV_ANY && low != BPFDEV_ANY && high + 1 == low;
}

/* Makes the last row end where @row does, if they are neighbours that say the same. */
static bool join(const struct rows *rows, const struct table_view_row *row)
{
	struct table_view_row *last = &rows->items[rows->count - 1];

	if (rows->count == rows->section || last->type != row->type ||
	    !table_view_is_same(last->entry, row->entry))
		return false;
	if (last->minor_low == BPFDEV_ANY && continues(last->major_high, row->major_low)) {
		last->major_high = row->major_high;
		return true;
	}
	if (last->major_low == row->major_low && continues(last->minor_high, row->minor_low)) {
		last->minor_high = row->minor_high;
		return true;
	}
	return false;
}

static void add(struct rows *rows, uint32_t type, uint32_t major, uint32_t minor,
		const struct bpfdev_entry *entry)
{
	struct table_view_row row = { type, major, major, minor, minor, entry, false };

	if (!rows->count || !join(rows, &row))
		*xappend(rows) = row;
}

/* Adds the rules whose major, and whose minor, is (or is not) given. */
static void add_rules(struct rows *rows, bool major, bool minor)
{
	rows->section = rows->count;
	for (uint32_t i = 0; i < rows->table->rule_count; i++) {
		const struct table_entry *rule = &rows->table->rules[i];

		if ((rule->key.major != BPFDEV_ANY) == major &&
		    (rule->key.minor != BPFDEV_ANY) == minor)
			add(rows, rule->key.type, rule->key.major, rule->key.minor, &rule->entry);
	}
}

static const struct bpfdev_entry *default_entry(const struct table *table, uint32_t type)
{
	return &table->slots[BPFDEV_DEFAULT_SLOT(type)];
}

/*
 * A major has an entry of its own as soon as one of its minors has, and it mostly says what is said
 * of all majors. Where "*:m" has a say it does say more: that those do not count for this major.
 */
static bool is_idle(const struct table *table, uint32_t type, const struct bpfdev_entry *entry)
{
	const struct bpfdev_entry *general = default_entry(table, type);

	return !(general->flags & BPFDEV_MINORS_OF_ANY) && table_view_is_same(entry, general);
}

/* Majors with a slot, then (they are higher) those with a rule. */
static void add_majors(struct rows *rows, uint32_t type)
{
	const struct table *table = rows->table;

	for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS; major++) {
		uint32_t slot = table->index.slot[type][major];

		if (slot != BPFDEV_DEFAULT_SLOT(type) && !is_idle(table, type, &table->slots[slot]))
			add(rows, type, major, BPFDEV_ANY, &table->slots[slot]);
	}
	for (uint32_t i = 0; i < table->rule_count; i++) {
		const struct table_entry *rule = &table->rules[i];

		if (rule->key.type == type && rule->key.major != BPFDEV_ANY &&
		    rule->key.minor == BPFDEV_ANY && !is_idle(table, type, &rule->entry))
			add(rows, type, rule->key.major, BPFDEV_ANY, &rule->entry);
	}
}

struct table_view_row *table_view_rows(const struct table *table, size_t *count)
{
	struct rows rows = { .table = table };

	add_rules(&rows, true, true);
	rows.section = rows.count;
	for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
		add_majors(&rows, type);
	add_rules(&rows, false, true);
	rows.section = rows.count;
	for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
		add(&rows, type, BPFDEV_ANY, BPFDEV_ANY, default_entry(table, type));
	*count = rows.count;
	return rows.items;
}

typedef bool majors[BPFDEV_INDEXED_MAJORS];

/* Whether all that the row is about are majors, whole ones, that no driver has. Sets *@size: how many. */
static bool is_free(const struct table_view_row *row, const majors *free_majors, uint32_t *size)
{
	if (row->minor_low != BPFDEV_ANY || row->major_high >= BPFDEV_INDEXED_MAJORS)
		return false;
	for (uint32_t major = row->major_low; major <= row->major_high; major++)
		if (!free_majors[row->type][major])
			return false;
	*size = row->major_high - row->major_low + 1;
	return true;
}

static bool is_one_of(const struct table_view_row *row, const struct table_view_row *first,
		      const majors *free_majors, uint32_t *size)
{
	return row->type == first->type && table_view_is_same(row->entry, first->entry) &&
	       is_free(row, free_majors, size);
}

/*
 * Whether the first of the rows stands for majors that a line denies since nobody has them: then it is
 * most of those, and not a few that are named by number.
 */
static bool begins_free(const struct table_view_row *rows, size_t count, const majors *free_majors)
{
	uint32_t all = 0, these = 0, size;

	if (!is_free(&rows[0], free_majors, &size))
		return false;
	for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS; major++)
		all += free_majors[rows[0].type][major];
	for (size_t i = 0; i < count; i++)
		if (is_one_of(&rows[i], &rows[0], free_majors, &size))
			these += size;
	return these > all / 2;
}

/* Makes one row of those that begins_free() speaks of. Returns how many rows there are then. */
static size_t gather_free(struct table_view_row *rows, size_t count)
{
	majors free_majors[BPFDEV_TYPES];
	uint32_t size;

	if (xcheck(device_free_majors(&device_source_system, free_majors, NULL)) < 0)
		return count;
	for (size_t i = 0; i < count; i++) {
		size_t kept = i + 1;

		if (!begins_free(&rows[i], count - i, free_majors))
			continue;
		rows[i].free = true;
		for (size_t j = i + 1; j < count; j++)
			if (!is_one_of(&rows[j], &rows[i], free_majors, &size))
				rows[kept++] = rows[j];
		count = kept;
	}
	return count;
}

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

	if (row->free) {
		snprintf(text + at, size - at, "?:*");
		return text;
	}
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

static json_t *json_range(uint32_t low, uint32_t high)
{
	json_t *range = json_array();

	row_append(range, json_integer(low));
	row_append(range, json_integer(high));
	return range;
}

static json_t *json_lines(const struct table_view *view, const struct bpfdev_entry *entry)
{
	json_t *lines = json_array();
	uint32_t left = BPFDEV_ACCESS;

	while (left) {
		char access[4], line[LINE_SIZE];
		uint32_t bits = take_line(view, entry, &left, line, sizeof(line));
		json_t *object = json_object();

		row_put(object, "access", json_string(output_access(bits, access)));
		row_put(object, "line", *line ? output_string(line) : json_null());
		row_append(lines, object);
	}
	return lines;
}

void table_view_tell_device(struct row *told, const struct table_view_row *row)
{
	char device[64];

	if (row_field(told, "device", "DEVICE", 0))
		row_text(told, "%s", table_view_device(row, device));
	if (row_field(told, "type", NULL, 0))
		row_text(told, "%s", row->type == BPFDEV_BLOCK ? "block" : "char");
	if (row_field(told, "major", NULL, 0) && row->major_low != BPFDEV_ANY)
		row_json(told, json_range(row->major_low, row->major_high));
	if (row_field(told, "minor", NULL, 0) && row->minor_low != BPFDEV_ANY)
		row_json(told, json_range(row->minor_low, row->minor_high));
}

static void describe_name(struct row *told, const struct table_view *view,
			  const struct table_view_row *row)
{
	char name[512] = "";

	if (row->major_low == BPFDEV_ANY && row->minor_low == BPFDEV_ANY)
		snprintf(name, sizeof(name), "all others");
	else if (row->free)
		snprintf(name, sizeof(name), "majors without a driver");
	else if (view->name)
		view->name(row, view->data, name, sizeof(name));
	row_text_or_null(told, name);
}

static void describe(struct row *told, const struct table_view *view,
		     const struct table_view_row *row)
{
	const struct bpfdev_entry *entry = row->entry;
	char access[4], lines[2048];

	table_view_tell_device(told, row);
	if (view->name && row_field(told, NULL, "NAME", 0))
		describe_name(told, view, row);
	if (row_field(told, "allowed", "ALLOWED", 0))
		row_text(told, "%s", output_access(entry->allow, access));
	row_tone(told, tone_of(entry));
	if (row_field(told, "audit", "AUDIT", 0))
		row_text(told, "%s", output_access(entry->audit, access));
	if (row_field(told, "lines", NULL, 0))
		row_json(told, json_lines(view, entry));
	if (row_field(told, NULL, "LINE", SCOLS_FL_WRAP)) {
		describe_lines(view, entry, lines, sizeof(lines));
		row_text(told, "%s", lines);
	}
	if (view->name && row_field(told, "name", NULL, 0))
		describe_name(told, view, row);
}

int table_view_print(const struct table *table, const struct table_view *view)
{
	struct row_table printed = row_table(view->output);
	size_t count;
	struct table_view_row *rows = table_view_rows(table, &count);
	uint32_t audit = 0;

	count = gather_free(rows, count);
	for (size_t i = 0; i < count; i++) {
		struct row line = row_line(&printed);

		audit |= rows[i].entry->audit;
		describe(&line, view, &rows[i]);
	}
	free(rows);
	if (!audit)
		row_table_hide(&printed, "AUDIT");
	row_table_print(&printed);
	return 0;
}

json_t *table_view_json(const struct table *table, const struct table_view *view)
{
	size_t count;
	struct table_view_row *rows = table_view_rows(table, &count);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		struct row object = row_object();

		describe(&object, view, &rows[i]);
		row_append(array, object.object);
	}
	free(rows);
	return array;
}
