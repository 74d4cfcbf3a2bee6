// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Folding rules into a table.
 *
 * Rules on the same numbers or wildcards come together in an atom, which keeps the best rule for
 * each access bit. Four atoms at most bear on a device (M:m, M:*, *:m, *:*); per bit, the best of
 * them decides. So the whole order of precedence is one number, see precedence().
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "table/build.h"

struct best {
	uint64_t precedence; /* 0: no rule */
	uint32_t source;
	uint32_t allow;
};

struct atom {
	struct bpfdev_key key;
	struct best best[BPFDEV_BITS];
};

struct fold {
	struct atom *atoms; /* sorted by key, one of each */
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

static void better(struct best best[BPFDEV_BITS], const struct best other[BPFDEV_BITS])
{
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (other[bit].precedence > best[bit].precedence)
			best[bit] = other[bit];
}

static struct atom make_atom(const struct table_rule *rule, size_t place)
{
	struct atom atom = { .key = { rule->device.type, rule->device.major, rule->device.minor } };

	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (rule->access & (1u << bit))
			atom.best[bit] = (struct best) { precedence(rule, place), rule->source,
							 rule->allow };
	return atom;
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

/* Fills fold->atoms. Returns 0 or -ENOMEM. */
static int make_atoms(struct fold *fold, const struct table_rule *rules, size_t count)
{
	struct atom *atoms = calloc(count + 1, sizeof(*atoms));
	size_t last = 0;

	if (!atoms)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		atoms[i] = make_atom(&rules[i], i);
	if (!is_sorted(atoms, count))
		qsort(atoms, count, sizeof(*atoms), compare_atoms);
	for (size_t i = 1; i < count; i++) {
		if (compare_atoms(&atoms[last], &atoms[i]) == 0)
			better(atoms[last].best, atoms[i].best);
		else
			atoms[++last] = atoms[i];
	}
	fold->atoms = atoms;
	fold->count = count ? last + 1 : 0;
	return 0;
}

static const struct best no_rule[BPFDEV_BITS];

static const struct best *best_at(const struct fold *fold, uint32_t type, uint32_t major,
				  uint32_t minor)
{
	const struct atom wanted = { .key = { type, major, minor } };
	const struct atom *found =
		bsearch(&wanted, fold->atoms, fold->count, sizeof(wanted), compare_atoms);

	return found ? found->best : no_rule;
}

/* The four atoms that bear on a device: the best rules of each, no_rule where there is none. */
struct bearing {
	const struct best *exact, *major, *minor, *all;
};

/* The final verdict on a device, or on those that no other key names. */
static struct bpfdev_entry decide(const struct fold *fold, const struct bearing *bearing)
{
	struct bpfdev_entry entry = { .flags = 0 };
	struct best best[BPFDEV_BITS];

	memcpy(best, bearing->exact, sizeof(best));
	better(best, bearing->major);
	better(best, bearing->minor);
	better(best, bearing->all);
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

/* The minor of the first atom; BPFDEV_ANY: there is none, or it is the general one, which is last. */
static uint32_t first_minor(const struct atoms *atoms)
{
	return atoms->begin < atoms->end ? atoms->begin->key.minor : BPFDEV_ANY;
}

/* Takes the first atom if it is of @minor. Returns its best rules, or no_rule. */
static const struct best *take(struct atoms *atoms, uint32_t minor)
{
	if (first_minor(atoms) != minor)
		return no_rule;
	return atoms->begin++->best;
}

/*
 * Adds one major: @own are its atoms (the general one last, if there is any), @any those of all
 * majors. Their minors are merged, as both are sorted.
 */
static int add_major(struct fold *fold, uint32_t type, uint32_t major, struct atoms own,
		     struct atoms any)
{
	struct bearing bearing = {
		.exact = no_rule,
		.major = best_at(fold, type, major, BPFDEV_ANY),
		.minor = no_rule,
		.all = best_at(fold, type, BPFDEV_ANY, BPFDEV_ANY),
	};
	struct bpfdev_entry general = decide(fold, &bearing), entry;
	uint32_t first, second, minor;
	int ret = 0;

	fold->minors.count = 0;
	while (ret == 0) {
		first = first_minor(&own);
		second = first_minor(&any);
		minor = first < second ? first : second;
		if (minor == BPFDEV_ANY)
			return table_build_major(&fold->build, type, major, &general,
						 &fold->minors);
		bearing.exact = take(&own, minor);
		bearing.minor = take(&any, minor);
		entry = decide(fold, &bearing);
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
	struct fold fold = { .audit = audit };
	int ret = table_build_begin(&fold.build, why);

	if (ret < 0)
		return ret;
	ret = make_atoms(&fold, rules, count);
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
