// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a table's three parts to rows in one order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/base/view.h"

struct rows {
	const struct table *table;
	struct table_view_row *items;
	size_t count, capacity;
	size_t section; /* where those begin that a new row may be joined with */
};

/* The flags only say which entries are to be looked up. */
static bool is_same_verdict(const struct bpfdev_entry *a, const struct bpfdev_entry *b)
{
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
	    !is_same_verdict(last->entry, row->entry))
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

static int add(struct rows *rows, uint32_t type, uint32_t major, uint32_t minor,
	       const struct bpfdev_entry *entry)
{
	struct table_view_row row = { type, major, major, minor, minor, entry }, *grown;

	if (rows->count && join(rows, &row))
		return 0;
	grown = array_grow(rows->items, rows->count, &rows->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rows->items = grown;
	grown[rows->count++] = row;
	return 0;
}

/* Adds the rules whose major, and whose minor, is (or is not) given. */
static int add_rules(struct rows *rows, bool major, bool minor)
{
	int ret = 0;

	rows->section = rows->count;
	for (uint32_t i = 0; i < rows->table->rule_count && ret == 0; i++) {
		const struct table_entry *rule = &rows->table->rules[i];

		if ((rule->key.major != BPFDEV_ANY) == major &&
		    (rule->key.minor != BPFDEV_ANY) == minor)
			ret = add(rows, rule->key.type, rule->key.major, rule->key.minor,
				  &rule->entry);
	}
	return ret;
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

	return !(general->flags & BPFDEV_MINORS_OF_ANY) && is_same_verdict(entry, general);
}

/* Majors with a slot, then (they are higher) those with a rule. */
static int add_majors(struct rows *rows, uint32_t type)
{
	const struct table *table = rows->table;
	int ret = 0;

	for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS && ret == 0; major++) {
		uint32_t slot = table->index.slot[type][major];

		if (slot != BPFDEV_DEFAULT_SLOT(type) && !is_idle(table, type, &table->slots[slot]))
			ret = add(rows, type, major, BPFDEV_ANY, &table->slots[slot]);
	}
	for (uint32_t i = 0; i < table->rule_count && ret == 0; i++) {
		const struct table_entry *rule = &table->rules[i];

		if (rule->key.type == type && rule->key.major != BPFDEV_ANY &&
		    rule->key.minor == BPFDEV_ANY && !is_idle(table, type, &rule->entry))
			ret = add(rows, type, rule->key.major, BPFDEV_ANY, &rule->entry);
	}
	return ret;
}

static int add_all(struct rows *rows)
{
	int ret = add_rules(rows, true, true);

	rows->section = rows->count;
	for (uint32_t type = 0; type < BPFDEV_TYPES && ret == 0; type++)
		ret = add_majors(rows, type);
	if (ret == 0)
		ret = add_rules(rows, false, true);
	rows->section = rows->count;
	for (uint32_t type = 0; type < BPFDEV_TYPES && ret == 0; type++)
		ret = add(rows, type, BPFDEV_ANY, BPFDEV_ANY, default_entry(rows->table, type));
	return ret;
}

int table_view_rows(const struct table *table, struct table_view_row **rows, size_t *count)
{
	struct rows all = { .table = table };
	int ret = add_all(&all);

	if (ret < 0) {
		free(all.items);
		return ret;
	}
	*rows = all.items;
	*count = all.count;
	return 0;
}
