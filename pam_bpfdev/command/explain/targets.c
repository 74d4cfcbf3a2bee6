// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What tables say of the devices that were asked about. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/explain/explain.h"

/* Devices to ask the tables about, on the way to targets. */
struct points {
	struct bpfdev_key *items;
	size_t count, capacity;
};

struct finding {
	const struct explain *explain;
	const struct table *table, *other;
	struct targets *targets;
	struct points points; /* of one pattern */
};

static int add_point(struct points *points, uint32_t type, uint32_t major, uint32_t minor)
{
	struct bpfdev_key *grown =
		array_grow(points->items, points->count, &points->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	points->items = grown;
	grown[points->count++] = (struct bpfdev_key) { type, major, minor };
	return 0;
}

/* What a wildcard and a number have in common; they may also be the same. */
static bool meet(uint32_t a, uint32_t b, uint32_t *common)
{
	*common = a == BPFDEV_ANY ? b : a;
	return a == BPFDEV_ANY || b == BPFDEV_ANY || a == b;
}

/* The devices that both @key and the pattern have. */
static int add_meeting(struct points *points, const struct device_pattern *pattern, uint32_t type,
		       uint32_t key_major, uint32_t key_minor)
{
	uint32_t major, minor;

	if (type != pattern->type || !meet(pattern->major, key_major, &major) ||
	    !meet(pattern->minor, key_minor, &minor))
		return 0;
	return add_point(points, type, major, minor);
}

/* Wherever the table may begin to say something else. */
static int add_points(struct points *points, const struct device_pattern *pattern,
		      const struct table *table)
{
	uint32_t type = pattern->type;
	int ret = 0;

	for (uint32_t i = 0; table && i < table->rule_count && ret == 0; i++) {
		const struct bpfdev_key *key = &table->rules[i].key;

		ret = add_meeting(points, pattern, key->type, key->major, key->minor);
	}
	for (uint32_t major = 0; table && major < BPFDEV_INDEXED_MAJORS && ret == 0; major++)
		if (table->index.slot[type][major] != BPFDEV_DEFAULT_SLOT(type))
			ret = add_meeting(points, pattern, type, major, BPFDEV_ANY);
	return ret;
}

static int compare_points(const void *a, const void *b)
{
	return table_compare_keys(a, b);
}

static void sort_points(struct points *points)
{
	size_t kept = 0;

	qsort(points->items, points->count, sizeof(*points->items), compare_points);
	for (size_t i = 0; i < points->count; i++)
		if (!i || compare_points(&points->items[kept - 1], &points->items[i]) != 0)
			points->items[kept++] = points->items[i];
	points->count = kept;
}

static const struct bpfdev_entry *find(const struct table *table, const struct bpfdev_key *key)
{
	return table ? table_find(table, key->type, key->major, key->minor) : NULL;
}

static bool is_same_entry(const struct bpfdev_entry *a, const struct bpfdev_entry *b)
{
	if (!a || !b)
		return a == b;
	return a->allow == b->allow && a->audit == b->audit && a->lent == b->lent &&
	       memcmp(a->source, b->source, sizeof(a->source)) == 0;
}

static bool is_same(const struct target *a, const struct target *b)
{
	return is_same_entry(a->row.entry, b->row.entry) && is_same_entry(a->other, b->other);
}

/* Makes the last target end where @next does, if that goes on with it. */
static bool join(const struct targets *targets, const struct target *next)
{
	struct table_view_row *last = &targets->items[targets->count - 1].row;
	const struct table_view_row *row = &next->row;

	if (last->type != row->type || !is_same(&targets->items[targets->count - 1], next))
		return false;
	if (last->major_low == last->major_high && last->major_low == row->major_low &&
	    last->minor_high + 1 == row->minor_low && row->minor_low != BPFDEV_ANY) {
		last->minor_high = row->minor_high;
		return true;
	}
	if (last->minor_low == last->minor_high && last->minor_low == row->minor_low &&
	    last->major_high + 1 == row->major_low && row->major_low != BPFDEV_ANY) {
		last->major_high = row->major_high;
		return true;
	}
	return false;
}

static struct target make_target(const struct finding *finding, const struct bpfdev_key *key)
{
	return (struct target) {
		.row = {
			.type = key->type,
			.major_low = key->major,
			.major_high = key->major,
			.minor_low = key->minor,
			.minor_high = key->minor,
			.entry = find(finding->table, key),
		},
		.other = find(finding->other, key),
	};
}

/*
 * Whether the point, of a pattern for all majors, is a major that says nothing else than all of
 * them: most have a place in the table only for the sake of some minor. Where "*:m" has a say, it
 * does say that those do not count for this major.
 */
static bool is_idle(const struct finding *finding, const struct device_pattern *pattern,
		    const struct bpfdev_key *key)
{
	const struct bpfdev_key all = { key->type, BPFDEV_ANY, pattern->minor };
	struct target target = make_target(finding, key), general = make_target(finding, &all);

	if (pattern->major != BPFDEV_ANY || key->major == BPFDEV_ANY ||
	    key->minor != pattern->minor || !is_same(&target, &general))
		return false;
	return key->minor != BPFDEV_ANY || !general.row.entry ||
	       !(general.row.entry->flags & BPFDEV_MINORS_OF_ANY);
}

static int add_target(struct finding *finding, const struct bpfdev_key *key, bool may_join)
{
	struct targets *targets = finding->targets;
	struct target target = make_target(finding, key), *grown;

	if (may_join && targets->count && join(targets, &target))
		return 0;
	grown = array_grow(targets->items, targets->count, &targets->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	targets->items = grown;
	grown[targets->count++] = target;
	return 0;
}

static int add_pattern(struct finding *finding, const struct device_pattern *pattern)
{
	struct points *points = &finding->points;
	size_t before = finding->targets->count;
	int ret = 0;

	points->count = 0;
	if (pattern->major == BPFDEV_ANY || pattern->minor == BPFDEV_ANY) {
		ret = add_points(points, pattern, finding->table);
		if (ret == 0)
			ret = add_points(points, pattern, finding->other);
	}
	if (ret == 0)
		ret = add_point(points, pattern->type, pattern->major, pattern->minor);
	if (ret < 0)
		return ret;
	sort_points(points);
	for (size_t i = 0; i < points->count && ret == 0; i++)
		if (!is_idle(finding, pattern, &points->items[i]))
			ret = add_target(finding, &points->items[i],
					 finding->explain->join ||
						 finding->targets->count > before);
	return ret;
}

int explain_targets(const struct explain *explain, const struct table *table,
		    const struct table *other, struct targets *targets)
{
	struct finding finding = { explain, table, other, targets, { 0 } };
	int ret = 0;

	*targets = (struct targets) { 0 };
	for (size_t i = 0; i < explain->patterns.count && ret == 0; i++)
		ret = add_pattern(&finding, &explain->patterns.items[i]);
	free(finding.points.items);
	return ret;
}

uint32_t explain_refused(const struct bpfdev_entry *entry, uint32_t access)
{
	return entry ? access & ~(uint32_t)entry->allow : 0;
}

bool explain_any_refused(const struct targets *targets, uint32_t access)
{
	for (size_t i = 0; i < targets->count; i++)
		if (explain_refused(targets->items[i].row.entry, access))
			return true;
	return false;
}

static enum outcome outcome_of(const struct bpfdev_entry *entry, uint32_t bit)
{
	if (!entry)
		return OUTCOME_ALLOWED;
	if (!(entry->allow & bit))
		return OUTCOME_DENIED;
	if (entry->lent & bit)
		return OUTCOME_LENT;
	return entry->audit & bit ? OUTCOME_AUDITED : OUTCOME_ALLOWED;
}

const char *explain_outcome(enum outcome outcome)
{
	static const char *const names[] = { "allowed", "lent", "audited", "denied" };

	return names[outcome];
}

size_t explain_verdicts(const struct bpfdev_entry *entry, uint32_t access,
			struct verdict verdicts[BPFDEV_BITS])
{
	/* As people say it: r, w, m. */
	static const int order[BPFDEV_BITS] = { 1, 2, 0 };
	size_t count = 0, same;

	for (int i = 0; i < BPFDEV_BITS; i++) {
		uint32_t bit = 1u << order[i];
		struct verdict verdict = { bit, outcome_of(entry, bit),
					   entry ? entry->source[order[i]] : 0 };

		if (!(access & bit))
			continue;
		for (same = 0; same < count; same++)
			if (verdicts[same].outcome == verdict.outcome &&
			    verdicts[same].source == verdict.source)
				break;
		if (same < count)
			verdicts[same].bits |= bit;
		else
			verdicts[count++] = verdict;
	}
	return count;
}
