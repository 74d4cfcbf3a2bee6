/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A table for people to read: rows, most specific first, each with the line that made it. */
#ifndef TABLE_VIEW_H
#define TABLE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "table/table.h"
#include "command/base/names.h"
#include "command/base/output.h"
#include "command/base/row.h"

/*
 * One verdict on some devices. Ranges are inclusive; BPFDEV_ANY at both ends: all that no row
 * before this one has. The first row that has a device is the one that decides on it.
 */
struct table_view_row {
	enum bpfdev_type type;
	uint32_t major_low, major_high;
	uint32_t minor_low, minor_high;
	const struct bpfdev_entry *entry; /* the table's */
	bool free; /* printed: for all such rows of majors that no driver has */
};

/*
 * Makes the rows of @table: exact devices, then "M:*", then "*:m", then "*:*"; within these by type
 * and number. Neighbours with the same verdict from the same lines are joined; majors on which all
 * is as for "*:*" are left out.
 * Returns *@count rows, to be freed; they point into @table.
 */
struct table_view_row *table_view_rows(const struct table *table, size_t *count);

/* Whether two entries (NULL: there is none) say the same, from the same lines. */
bool table_view_is_same(const struct bpfdev_entry *a, const struct bpfdev_entry *b);

/* The device of a row as a policy names it, "c 1:3-5": 64 bytes. Returns @text. */
char *table_view_device(const struct table_view_row *row, char *text);

/*
 * Describes a row's device: "device", and in JSON "type" ("block" or "char"), "major" and "minor"
 * (an array of lowest and highest, or null for "*").
 */
void table_view_tell_device(struct row *told, const struct table_view_row *row);

/* What @names knows of a row's devices, for a view's name(): a path, a driver, or nothing. */
void table_view_name(struct names *names, const struct table_view_row *row, char *text,
		     size_t size);

struct table_view {
	const struct output *output;
	/*
	 * Writes what the devices of a row are called (a path, a driver) to @text; it is "" before.
	 * NULL: there is no such column.
	 */
	void (*name)(const struct table_view_row *row, void *data, char *text, size_t size);
	/* Writes where a line stands; neither called for 0 nor for BPFDEV_SOURCE_BASELINE. */
	void (*source)(uint32_t source, void *data, char *text, size_t size);
	void *data; /* for both */
};

/*
 * Prints the rows: DEVICE, NAME, ALLOWED, AUDIT (allowed, and recorded because a line or the lack
 * of one would deny it; left out if no row has any) and LINE. A line that denies a driver which is not
 * there denies all majors that no driver has: these are one row. Returns 0.
 */
int table_view_print(const struct table *table, const struct table_view *view);

/*
 * The same as an array of objects: what table_view_tell_device() says, "name" (string or null; only if
 * there is such a column), "allowed" and "audit" ("rwm", "r--"), "lines" (array of objects:
 * "access", the bits, and "line", the one that decided them, "baseline", "exception", or null for
 * none).
 */
json_t *table_view_json(const struct table *table, const struct table_view *view);

#endif
