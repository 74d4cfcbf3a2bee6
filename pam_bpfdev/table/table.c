// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Tables: rules folded to one, a table put together entry by entry, and what a finished one says. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BPFDEV_DECIDE
#include "bpfdev.h"
#include "base/array.h"
#include "base/digest.h"
#include "table/build.h"

int table_compare_keys(const struct bpfdev_key *a, const struct bpfdev_key *b)
{
	__u64 left = bpfdev_pack(a), right = bpfdev_pack(b);

	return (left > right) - (left < right);
}

static int compare_to_rule(const void *key, const void *rule)
{
	return table_compare_keys(key, &((const struct table_entry *)rule)->key);
}

const struct table_entry *table_rule_at(const struct table *table, const struct bpfdev_key *key)
{
	if (!table->rule_count)
		return NULL;
	return bsearch(key, table->rules, table->rule_count, sizeof(*table->rules),
		       compare_to_rule);
}

/* What bpfdev.h asks of its includer: here the tables are a struct table. */

/* Rules are numbered from the last slot on. */
BPFDEV_INLINE void bpfdev_device(const void *tables, __u64 packed, __u32 *verdict)
{
	const struct table *table = tables;
	const struct bpfdev_key key = bpfdev_unpack(packed);
	const struct table_entry *found = table_rule_at(table, &key);

	if (found)
		*verdict = bpfdev_verdict(&found->entry,
					  table->slot_count + (__u32)(found - table->rules));
}

BPFDEV_INLINE __u32 bpfdev_major(const void *tables, __u32 type, __u32 major)
{
	const struct table *table = tables;
	const struct bpfdev_key all = { type, major, BPFDEV_ANY };
	__u32 slot = BPFDEV_DEFAULT_SLOT(type), verdict;

	if (major < BPFDEV_INDEXED_MAJORS)
		slot = table->index.slot[type][major];
	verdict = bpfdev_verdict(&table->slots[slot], slot);
	if (major >= BPFDEV_INDEXED_MAJORS)
		bpfdev_device(table, bpfdev_pack(&all), &verdict);
	return verdict;
}

static __u64 nanoseconds(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (__u64)now.tv_sec * 1000000000ull + (__u64)now.tv_nsec;
}

/* Otherwise than in the kernel, either may be BPFDEV_ANY. */
static __u32 find(const struct table *table, enum bpfdev_type type, uint32_t major, uint32_t minor)
{
	return bpfdev_find(table, type, major & BPFDEV_PACKED_ANY_MAJOR,
			   minor & BPFDEV_PACKED_ANY_MINOR);
}

static const struct bpfdev_entry *entry_of(const struct table *table, __u32 verdict)
{
	__u32 number = verdict >> BPFDEV_VERDICT_ENTRY;

	return number < table->slot_count ? &table->slots[number]
					  : &table->rules[number - table->slot_count].entry;
}

const struct bpfdev_entry *table_find(const struct table *table, enum bpfdev_type type,
				      uint32_t major, uint32_t minor)
{
	return entry_of(table, find(table, type, major, minor));
}

uint32_t table_refused(const struct table *table, enum bpfdev_type type, uint32_t major,
		       uint32_t minor, uint32_t access)
{
	__u32 verdict = find(table, type, major, minor);

	/* As in the kernel: most questions need no look at the entry, or at the clock. */
	if (bpfdev_is_plain(verdict, access))
		return 0;
	return bpfdev_refused_by(entry_of(table, verdict), table->loans, access, nanoseconds());
}

uint64_t table_digest(const struct table *table)
{
	uint64_t digest = digest_add_much(DIGEST_START, &table->index, sizeof(table->index));

	digest = digest_add_much(digest, table->slots, table->slot_count * sizeof(*table->slots));
	if (table->rule_count)
		digest = digest_add_much(digest, table->rules,
					 table->rule_count * sizeof(*table->rules));
	return digest_add_much(digest, table->loans, sizeof(table->loans));
}

uint64_t table_origin_digest(const struct table *table)
{
	return table->origin ? digest_add_much(DIGEST_START, table->origin, table->origin_size) : 0;
}

static void end_loan(const struct table *table, __u64 now, struct bpfdev_entry *entry)
{
	__u8 ended = (__u8)(entry->lent & bpfdev_ended(&table->loans[entry->loan], now));

	entry->allow &= (__u8)~ended;
	entry->lent &= (__u8)~ended;
}

void table_end_loans(struct table *table)
{
	const __u64 now = nanoseconds();

	for (uint32_t i = 0; i < table->slot_count; i++)
		end_loan(table, now, &table->slots[i]);
	for (uint32_t i = 0; i < table->rule_count; i++)
		end_loan(table, now, &table->rules[i].entry);
}

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

/* Of @count items, not NULL even of none; or NULL: no memory. */
static void *copy_of(const void *items, size_t count, size_t size)
{
	void *copy = malloc(count ? count * size : 1);

	return copy && count ? memcpy(copy, items, count * size) : copy;
}

int table_copy(const struct table *table, struct table **copy)
{
	struct table *new = malloc(sizeof(*new));

	*copy = new;
	if (!new)
		return -ENOMEM;
	*new = *table;
	new->origin = NULL;
	new->origin_size = 0;
	new->slots = copy_of(table->slots, table->slot_count, sizeof(*table->slots));
	new->rules = copy_of(table->rules, table->rule_count, sizeof(*table->rules));
	if (new->slots &&new->rules)
		return 0;
	table_free(new);
	*copy = NULL;
	return -ENOMEM;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	free(table->slots);
	free(table->rules);
	free(table->origin);
	free(table);
}

/*
 * Folding. Rules on the same numbers or wildcards come together in an atom, which keeps the best
 * rule for each access bit. Four atoms at most bear on a device (M:m, M:*, *:m, *:*); per bit, the
 * best of them decides. So the whole order of precedence is one number, see precedence().
 */

struct best {
	uint64_t precedence; /* 0: no rule */
	uint32_t source;
	uint32_t allow;
};

/* A rule where its numbers sort it: those of one atom stand together. */
struct atom {
	struct bpfdev_key key;
	uint32_t place; /* index into fold->rules */
};

struct fold {
	const struct table_rule *rules;
	struct atom *atoms; /* sorted by key */
	size_t count;
	enum table_rank audit;
	struct table_build build;
	struct table_minors minors; /* of the major that is being added */
};

unsigned int table_specificity(const struct device_pattern *device)
{
	if (device->major != BPFDEV_ANY)
		return device->minor != BPFDEV_ANY ? 3 : 2;
	if (device->each_major)
		return 2;
	return device->minor != BPFDEV_ANY ? 1 : 0;
}

#define PRECEDENCE_PLACE ((1ull << 40) - 1) /* plus one */

/* The rank first, then how specific the device is, then the place in the order of reading. */
static uint64_t precedence(const struct table_rule *rule, size_t place)
{
	return (uint64_t)rule->rank << 48 | (uint64_t)table_specificity(&rule->device) << 40 |
	       (place + 1);
}

int table_compare_rules(const struct table_rule *rule, size_t place, const struct table_rule *other,
			size_t other_place, enum table_advantage *by)
{
	uint64_t ours = precedence(rule, place), theirs = precedence(other, other_place);
	uint64_t difference = ours ^ theirs;

	if (difference >> 48)
		*by = TABLE_BY_RANK;
	else
		*by = difference >> 40 ? TABLE_BY_DEVICE : TABLE_BY_ORDER;
	return (ours > theirs) - (ours < theirs);
}

static enum table_rank rank_of(const struct best *best)
{
	return (enum table_rank)(best->precedence >> 48);
}

/* Makes @best better by the rule that stands at @place. */
static void better(const struct fold *fold, uint32_t place, struct best best[BPFDEV_BITS])
{
	const struct table_rule *rule = &fold->rules[place];
	const struct best other = { precedence(rule, place), rule->source, rule->allow };

	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (rule->access & (1u << bit) && other.precedence > best[bit].precedence)
			best[bit] = other;
}

static int compare_atoms(const void *a, const void *b)
{
	return table_compare_keys(&((const struct atom *)a)->key, &((const struct atom *)b)->key);
}

/* Long policies are made by programs, which tend to write them in order. */
static bool is_sorted(const struct atom *atoms, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_atoms(&atoms[i - 1], &atoms[i]) > 0)
			return false;
	return true;
}

static bool wins(const struct best best[BPFDEV_BITS], uint32_t place)
{
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if ((best[bit].precedence & PRECEDENCE_PLACE) == place + 1u)
			return true;
	return false;
}

/* Of the sorted atoms only those stay that are the best of their numbers for some bit: three at most. */
static void keep_winners(struct fold *fold)
{
	struct atom *atoms = fold->atoms;
	size_t kept = 0, next;

	for (size_t first = 0; first < fold->count; first = next) {
		struct best best[BPFDEV_BITS] = { { 0 } };

		for (next = first; next < fold->count; next++) {
			if (compare_atoms(&atoms[first], &atoms[next]) != 0)
				break;
			better(fold, atoms[next].place, best);
		}
		for (size_t i = first; i < next; i++)
			if (wins(best, atoms[i].place))
				atoms[kept++] = atoms[i];
	}
	fold->count = kept;
}

/* Fills fold->atoms. Returns 0 or -ENOMEM. */
static int make_atoms(struct fold *fold)
{
	struct atom *atoms = reallocarray(NULL, fold->count + 1, sizeof(*atoms));

	if (!atoms)
		return -ENOMEM;
	for (uint32_t i = 0; i < fold->count; i++) {
		const struct device_pattern *device = &fold->rules[i].device;

		atoms[i] = (struct atom) { { device->type, device->major, device->minor }, i };
	}
	if (!is_sorted(atoms, fold->count))
		qsort(atoms, fold->count, sizeof(*atoms), compare_atoms);
	fold->atoms = atoms;
	keep_winners(fold);
	return 0;
}

/* The verdict on a device, or on those that no other key names, by the best rules that bear on it. */
static struct bpfdev_entry decide(const struct fold *fold, const struct best best[BPFDEV_BITS])
{
	struct bpfdev_entry entry = { .flags = 0 };

	for (int bit = 0; bit < BPFDEV_BITS; bit++) {
		__u8 mask = (__u8)(1u << bit);

		entry.source[bit] = best[bit].source;
		if (best[bit].allow)
			entry.allow |= mask;
		else if (fold->audit != TABLE_BASELINE && rank_of(&best[bit]) <= fold->audit)
			entry.audit |= mask;
	}
	entry.allow |= entry.audit;
	return entry;
}

/* A range of fold->atoms. */
struct atoms {
	const struct atom *begin, *end;
};

/* The minor of the first atom; BPFDEV_ANY: there is none, or it is a general one, which are last. */
static uint32_t first_minor(const struct atoms *atoms)
{
	return atoms->begin < atoms->end ? atoms->begin->key.minor : BPFDEV_ANY;
}

/* Takes the first atoms as long as they are of @minor; their rules make @best better. */
static void take(const struct fold *fold, struct atoms *atoms, uint32_t minor,
		 struct best best[BPFDEV_BITS])
{
	while (first_minor(atoms) == minor)
		better(fold, atoms->begin++->place, best);
}

/* The general ones make @best better. */
static void take_general(const struct fold *fold, const struct atoms *atoms,
			 struct best best[BPFDEV_BITS])
{
	const struct atom *at = atoms->end;

	while (at > atoms->begin && at[-1].key.minor == BPFDEV_ANY)
		better(fold, (--at)->place, best);
}

/*
 * Adds one major: @own are its atoms (the general ones last, if there are any), @any those of all
 * majors. Their minors are merged, as both are sorted.
 */
static int add_major(struct fold *fold, uint32_t type, uint32_t major, struct atoms own,
		     struct atoms any)
{
	struct best around[BPFDEV_BITS] = { { 0 } }, best[BPFDEV_BITS];
	struct bpfdev_entry general, entry;
	int ret = 0;

	take_general(fold, &own, around);
	take_general(fold, &any, around);
	general = decide(fold, around);
	fold->minors.count = 0;
	while (ret == 0) {
		uint32_t first = first_minor(&own), second = first_minor(&any);
		uint32_t minor = first < second ? first : second;

		if (minor == BPFDEV_ANY)
			return table_build_major(&fold->build, type, major, &general,
						 &fold->minors);
		memcpy(best, around, sizeof(best));
		take(fold, &own, minor, best);
		take(fold, &any, minor, best);
		entry = decide(fold, best);
		ret = table_minors_add(&fold->minors, minor, &entry);
	}
	return ret;
}

/* The atoms of the major that @begin is of. */
static struct atoms same_major(const struct atom *begin, const struct atom *end)
{
	struct atoms atoms = { begin, begin };

	while (atoms.end < end && atoms.end->key.type == begin->key.type &&
	       atoms.end->key.major == begin->key.major)
		atoms.end++;
	return atoms;
}

static int add_type(struct fold *fold, uint32_t type)
{
	const struct atom *at = fold->atoms, *end = fold->atoms + fold->count;
	struct atoms any = { end, end }, own;
	int ret = 0;

	for (const struct atom *a = at; a < end; a = same_major(a, end).end)
		if (a->key.type == type && a->key.major == BPFDEV_ANY)
			any = same_major(a, end);
	for (; at < end && ret == 0; at = own.end) {
		own = same_major(at, end);
		if (at->key.type == type && at->key.major != BPFDEV_ANY)
			ret = add_major(fold, type, at->key.major, own, any);
	}
	own = (struct atoms) { end, end };
	return ret < 0 ? ret : add_major(fold, type, BPFDEV_ANY, own, any);
}

int table_fold(const struct table_rule *rules, size_t count, enum table_rank audit,
	       struct table **table, struct reason *why)
{
	struct fold fold = { .rules = rules, .count = count, .audit = audit };
	int ret = table_build_begin(&fold.build, why);

	if (ret < 0)
		return ret;
	ret = make_atoms(&fold);
	for (uint32_t type = 0; type < BPFDEV_TYPES && ret == 0; type++)
		ret = add_type(&fold, type);
	free(fold.atoms);
	free(fold.minors.items);
	return table_build_end(&fold.build, ret, table);
}

int table_allow_all(struct table **table)
{
	struct table_rule rules[BPFDEV_TYPES];

	for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
		rules[type] = (struct table_rule) {
			.device = { type, BPFDEV_ANY, BPFDEV_ANY, false },
			.access = BPFDEV_ACCESS,
			.rank = TABLE_USER,
			.allow = 1,
		};
	return table_fold(rules, BPFDEV_TYPES, TABLE_BASELINE, table, NULL);
}
