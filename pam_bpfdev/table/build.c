// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "table/build.h"

static int out_of_memory(struct reason *why)
{
	reason_set(why, "out of memory");
	return -ENOMEM;
}

/* Returns the new slot's number, or that of the last one if it says the same; or -ENOMEM. */
static int add_slot(struct table_build *build, const struct bpfdev_entry *entry)
{
	struct table *table = build->table;
	struct bpfdev_entry *grown;
	uint32_t last = table->slot_count - 1;

	if (last >= BPFDEV_TYPES && memcmp(&table->slots[last], entry, sizeof(*entry)) == 0)
		return (int)last;
	grown = array_grow(table->slots, table->slot_count, &build->slot_capacity, sizeof(*grown));
	if (!grown)
		return out_of_memory(build->why);
	table->slots = grown;
	grown[table->slot_count] = *entry;
	return (int)table->slot_count++;
}

static int add_rule(struct table_build *build, const struct bpfdev_key *key,
		    const struct bpfdev_entry *entry)
{
	struct table *table = build->table;
	struct table_entry *grown;

	if (table->rule_count >= TABLE_RULES_MAX) {
		reason_set(
			build->why,
			"the rules come to more than %u devices; expected fewer, or \"M:*\" in the "
			"place of many minors",
			TABLE_RULES_MAX);
		return -E2BIG;
	}
	grown = array_grow(table->rules, table->rule_count, &build->rule_capacity, sizeof(*grown));
	if (!grown)
		return out_of_memory(build->why);
	table->rules = grown;
	grown[table->rule_count++] = (struct table_entry) { *key, *entry };
	return 0;
}

int table_build_begin(struct table_build *build, struct reason *why)
{
	*build = (struct table_build) { .table = calloc(1, sizeof(struct table)), .why = why };
	if (!build->table)
		return out_of_memory(why);
	build->table->slots = calloc(BPFDEV_TYPES, sizeof(*build->table->slots));
	if (!build->table->slots) {
		free(build->table);
		return out_of_memory(why);
	}
	build->table->slot_count = build->slot_capacity = BPFDEV_TYPES;
	for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
		for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS; major++)
			build->table->index.slot[type][major] = BPFDEV_DEFAULT_SLOT(type);
	return 0;
}

/* Adds the minors whose entry differs from @general. Returns how many, or a negative errno. */
static int add_minors(struct table_build *build, uint32_t type, uint32_t major,
		      const struct bpfdev_entry *general, const struct table_minors *minors)
{
	int added = 0, ret;

	for (size_t i = 0; i < minors->count; i++) {
		struct bpfdev_key key = { type, major, minors->items[i].minor };

		if (memcmp(&minors->items[i].entry, general, sizeof(*general)) == 0)
			continue;
		ret = add_rule(build, &key, &minors->items[i].entry);
		if (ret < 0)
			return ret;
		added++;
	}
	return added;
}

int table_build_major(struct table_build *build, uint32_t type, uint32_t major,
		      const struct bpfdev_entry *general, const struct table_minors *minors)
{
	struct bpfdev_key key = { type, major, BPFDEV_ANY };
	struct bpfdev_entry entry = *general;
	int ret = add_minors(build, type, major, general, minors);

	if (ret < 0)
		return ret;
	if (ret > 0)
		entry.flags = major == BPFDEV_ANY ? BPFDEV_MINORS_OF_ANY : BPFDEV_MINORS_OF_MAJOR;
	if (major == BPFDEV_ANY) {
		build->table->slots[BPFDEV_DEFAULT_SLOT(type)] = entry;
		return 0;
	}
	if (major >= BPFDEV_INDEXED_MAJORS)
		return add_rule(build, &key, &entry);
	ret = add_slot(build, &entry);
	if (ret < 0)
		return ret;
	build->table->index.slot[type][major] = (uint16_t)ret;
	return 0;
}

int table_build_end(struct table_build *build, int ret, struct table **table)
{
	if (ret == -ENOMEM)
		reason_set(build->why, "out of memory");
	if (ret < 0)
		table_free(build->table);
	else
		*table = build->table;
	return ret;
}

int table_minors_add(struct table_minors *minors, uint32_t minor, const struct bpfdev_entry *entry)
{
	struct table_minor *grown =
		array_grow(minors->items, minors->count, &minors->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	minors->items = grown;
	grown[minors->count++] = (struct table_minor) { minor, *entry };
	return 0;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	free(table->slots);
	free(table->rules);
	free(table);
}
