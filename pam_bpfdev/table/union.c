// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Tables put together: their union, which allows what any of them allows, their intersection, which
 * allows what all of them do, and a table that lends.
 *
 * A table's verdict can only change from one device to the next at a key that it holds. So it is
 * enough to ask all tables at all keys that any of them holds.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "table/build.h"

struct unite {
	const struct table *const *tables;
	size_t count;
	/*
	 * The first table lends these, and what it has lent before is dropped; they are the tables
	 * behind it. NULL: this is a union, or
	 */
	const struct table_loan *loans;
	bool intersect;
	struct bpfdev_key *keys; /* of all tables' rules, sorted, one of each */
	size_t key_count;
	struct table_build build;
	struct table_minors minors; /* of the major that is being added */
};

/* How well an entry grants bit @mask: plainly, for audit, for a time, not at all. */
static int grant(const struct bpfdev_entry *entry, __u8 mask)
{
	if (!(entry->allow & mask))
		return 0;
	if (entry->lent & mask)
		return 1;
	return entry->audit & mask ? 2 : 3;
}

/* What tables say together at a key, and for the bits that are lent, until when. */
struct verdict {
	struct bpfdev_entry entry;
	struct bpfdev_loan loan;
};

static __u8 take_bit(__u8 into, __u8 other, __u8 mask)
{
	return (__u8)((into & ~mask) | (other & mask));
}

/*
 * Adds to @into what another table has at the same key: for each bit what grants it better in a
 * union, less well in an intersection.
 */
static void merge(struct verdict *into, const struct verdict *other, bool intersect)
{
	for (int bit = 0; bit < BPFDEV_BITS; bit++) {
		__u8 mask = (__u8)(1u << bit);
		int better = grant(&other->entry, mask) - grant(&into->entry, mask);

		if (better == 0 && other->entry.lent & mask)
			better = (other->loan.until[bit] > into->loan.until[bit]) -
				 (other->loan.until[bit] < into->loan.until[bit]);
		if (intersect ? better >= 0 : better <= 0)
			continue;
		into->entry.source[bit] = other->entry.source[bit];
		into->entry.allow = take_bit(into->entry.allow, other->entry.allow, mask);
		into->entry.audit = take_bit(into->entry.audit, other->entry.audit, mask);
		into->entry.lent = take_bit(into->entry.lent, other->entry.lent, mask);
		into->loan.until[bit] = other->loan.until[bit];
	}
}

/* Adds to @into the bits @allow until the second @until. */
static void lend(struct verdict *into, __u8 allow, uint64_t until)
{
	__u32 end = until < UINT32_MAX ? (__u32)until : UINT32_MAX;
	__u8 lent = allow & (__u8) ~(into->entry.allow & ~into->entry.lent);

	into->entry.lent |= lent;
	into->entry.allow |= lent;
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (lent & (1u << bit) && end > into->loan.until[bit])
			into->loan.until[bit] = end;
}

/* Of the bits that @verdict lends: those that @loan lends as well, and no longer. */
static __u8 covered(const struct verdict *verdict, const struct bpfdev_loan *loan)
{
	__u8 bits = 0;

	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (loan->until[bit] && loan->until[bit] <= verdict->loan.until[bit])
			bits |= (__u8)(1u << bit);
	return bits & verdict->entry.lent;
}

/*
 * Gives @verdict a loan of the table: its own, or where there is no room, the best one for it. Bits
 * that are not lent get the time of the others, so that most tables have one loan for each time.
 */
static void number_loan(struct table *table, struct verdict *verdict)
{
	struct bpfdev_entry *entry = &verdict->entry;
	struct bpfdev_loan nothing = { { 0 } };
	__u32 last = 0;
	int best = 0;

	if (!entry->lent)
		return;
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (entry->lent & (1u << bit) && verdict->loan.until[bit] > last)
			last = verdict->loan.until[bit];
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (!(entry->lent & (1u << bit)))
			verdict->loan.until[bit] = last;
	for (int i = 1; i < BPFDEV_LOANS; i++) {
		struct bpfdev_loan *loan = &table->loans[i];

		if (memcmp(loan, &nothing, sizeof(*loan)) == 0)
			*loan = verdict->loan;
		if (memcmp(loan, &verdict->loan, sizeof(*loan)) == 0) {
			entry->loan = (__u8)(i & (BPFDEV_LOANS - 1));
			return;
		}
		if (!best || __builtin_popcount(covered(verdict, loan)) >
				     __builtin_popcount(covered(verdict, &table->loans[best])))
			best = i;
	}
	entry->allow &= (__u8) ~(entry->lent & ~covered(verdict, &table->loans[best]));
	entry->lent &= covered(verdict, &table->loans[best]);
	entry->loan = (__u8)(entry->lent ? best & (BPFDEV_LOANS - 1) : 0);
}

/*
 * What one table says at a key; BPFDEV_ANY: of the majors, or minors, that none of its keys names.
 * That a key of another table may name them does not matter: it is asked for at that key.
 */
static struct verdict ask(const struct table *table, uint32_t type, uint32_t major, uint32_t minor)
{
	struct bpfdev_key key = { type, major, minor };
	const struct bpfdev_entry *found = &table->slots[BPFDEV_DEFAULT_SLOT(type)];
	const struct table_entry *rule = NULL;
	struct verdict verdict;

	if (major != BPFDEV_ANY)
		found = table_find(table, type, major, minor);
	else if (minor != BPFDEV_ANY)
		rule = table_rule_at(table, &key);
	if (rule)
		found = &rule->entry;
	verdict = (struct verdict) { *found, table->loans[found->loan] };
	verdict.entry.flags = 0;
	verdict.entry.loan = 0;
	return verdict;
}

static struct bpfdev_entry ask_all(const struct unite *unite, uint32_t type, uint32_t major,
				   uint32_t minor)
{
	struct verdict verdict = ask(unite->tables[0], type, major, minor);

	if (unite->loans) {
		verdict.entry.allow &= (__u8)~verdict.entry.lent;
		verdict.entry.lent = 0;
		verdict.loan = (struct bpfdev_loan) { { 0 } };
	}
	for (size_t i = 1; i < unite->count; i++) {
		struct verdict other = ask(unite->tables[i], type, major, minor);

		if (unite->loans)
			lend(&verdict, other.entry.allow, unite->loans[i - 1].until);
		else
			merge(&verdict, &other, unite->intersect);
	}
	number_loan(unite->build.table, &verdict);
	return verdict.entry;
}

static int compare_keys(const void *a, const void *b)
{
	return table_compare_keys(a, b);
}

static int collect_keys(struct unite *unite)
{
	size_t total = 0, kept = 0;

	for (size_t i = 0; i < unite->count; i++)
		total += unite->tables[i]->rule_count;
	unite->keys = calloc(total + 1, sizeof(*unite->keys));
	if (!unite->keys)
		return -ENOMEM;
	for (size_t i = 0; i < unite->count; i++)
		for (uint32_t j = 0; j < unite->tables[i]->rule_count; j++)
			unite->keys[unite->key_count++] = unite->tables[i]->rules[j].key;
	qsort(unite->keys, unite->key_count, sizeof(*unite->keys), compare_keys);
	for (size_t i = 0; i < unite->key_count; i++)
		if (!i || compare_keys(&unite->keys[kept - 1], &unite->keys[i]) != 0)
			unite->keys[kept++] = unite->keys[i];
	unite->key_count = kept;
	return 0;
}

/* The first key at or behind @type, @major. */
static size_t first_key(const struct unite *unite, uint32_t type, uint32_t major)
{
	const struct bpfdev_key wanted = { type, major, 0 };
	size_t low = 0, high = unite->key_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table_compare_keys(&unite->keys[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The minor of key number @i if it is one of @type and @major, else BPFDEV_ANY. */
static uint32_t minor_at(const struct unite *unite, size_t i, uint32_t type, uint32_t major)
{
	const struct bpfdev_key *key = &unite->keys[i];

	if (i >= unite->key_count || key->type != type || key->major != major)
		return BPFDEV_ANY;
	return key->minor;
}

/* Adds one major, at the minors of its own keys and of those that stand for all majors. */
static int add_major(struct unite *unite, uint32_t type, uint32_t major)
{
	struct bpfdev_entry general = ask_all(unite, type, major, BPFDEV_ANY), entry;
	size_t own = first_key(unite, type, major), any = first_key(unite, type, BPFDEV_ANY);
	int ret = 0;

	unite->minors.count = 0;
	while (ret == 0) {
		uint32_t first = minor_at(unite, own, type, major);
		uint32_t second = minor_at(unite, any, type, BPFDEV_ANY);
		uint32_t minor = first < second ? first : second;

		if (minor == BPFDEV_ANY)
			return table_build_major(&unite->build, type, major, &general,
						 &unite->minors);
		own += first == minor;
		any += second == minor;
		entry = ask_all(unite, type, major, minor);
		ret = table_minors_add(&unite->minors, minor, &entry);
	}
	return ret;
}

/* Whether any table has entries of its own for the major. */
static bool is_own(const struct unite *unite, uint32_t type, uint32_t major)
{
	size_t key = first_key(unite, type, major);

	if (key < unite->key_count && unite->keys[key].type == type &&
	    unite->keys[key].major == major)
		return true;
	for (size_t i = 0; i < unite->count && major < BPFDEV_INDEXED_MAJORS; i++)
		if (unite->tables[i]->index.slot[type][major] != BPFDEV_DEFAULT_SLOT(type))
			return true;
	return false;
}

static int add_type(struct unite *unite, uint32_t type)
{
	int ret = 0;

	for (uint32_t major = 0; major < BPFDEV_MAJORS && ret == 0; major++)
		if (is_own(unite, type, major))
			ret = add_major(unite, type, major);
	return ret < 0 ? ret : add_major(unite, type, BPFDEV_ANY);
}

static int put_together(struct unite *unite, struct table **table, struct reason *why)
{
	int ret = table_build_begin(&unite->build, why);

	if (ret < 0)
		return ret;
	ret = collect_keys(unite);
	for (uint32_t type = 0; type < BPFDEV_TYPES && ret == 0; type++)
		ret = add_type(unite, type);
	free(unite->keys);
	free(unite->minors.items);
	return table_build_end(&unite->build, ret, table);
}

int table_union(const struct table *const *tables, size_t count, struct table **table,
		struct reason *why)
{
	struct unite unite = { .tables = tables, .count = count };

	return put_together(&unite, table, why);
}

int table_intersection(const struct table *const *tables, size_t count, struct table **table,
		       struct reason *why)
{
	struct unite unite = { .tables = tables, .count = count, .intersect = true };

	return put_together(&unite, table, why);
}

int table_lend(const struct table *table, const struct table_loan *loans, size_t count,
	       struct table **lending, struct reason *why)
{
	const struct table *tables[1 + BPFDEV_EXCEPTIONS] = { table };
	const struct table_loan nothing = { NULL, 0 };
	struct unite unite = { .tables = tables, .loans = count ? loans : &nothing };

	while (unite.count < count && unite.count < BPFDEV_EXCEPTIONS) {
		tables[unite.count + 1] = loans[unite.count].table;
		unite.count++;
	}
	unite.count++;
	return put_together(&unite, lending, why);
}
