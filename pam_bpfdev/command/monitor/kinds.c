// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Kinds of denials, and what is new in them since the look before. */
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/monitor/monitor.h"

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_kinds(const void *left, const void *right)
{
	const struct monitor_kind *a = left, *b = right;
	const int orders[] = {
		compare(a->cgroup, b->cgroup),
		compare(a->copy, b->copy),
		compare(a->lost, b->lost),
		compare(a->denial.type, b->denial.type),
		compare(a->denial.major, b->denial.major),
		compare(a->denial.minor, b->denial.minor),
		compare(a->denial.access, b->denial.access),
		compare(a->denial.refused, b->denial.refused),
		compare(a->denial.audited, b->denial.audited),
		compare(a->denial.door, b->denial.door),
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (orders[i])
			return orders[i];
	return 0;
}

/* How often the kind was denied since @before. */
static uint64_t grown(const struct monitor_kind *before, const struct monitor_kind *now)
{
	bool same = now->denial.first <= before->denial.first &&
		    now->denial.count >= before->denial.count;

	return same ? now->denial.count - before->denial.count : now->denial.count;
}

/* The kind is there @now as well: what is known of it stays known. */
static struct monitor_kind go_on(const struct monitor_kind *before, const struct monitor_kind *now)
{
	struct monitor_kind kind = *now;

	kind.more = grown(before, now);
	kind.pending = before->pending + kind.more;
	kind.told = before->told;
	kind.words = before->words;
	return kind;
}

static struct monitor_kind begin(const struct monitor_kind *now, bool known)
{
	struct monitor_kind kind = *now;

	kind.more = kind.pending = known ? 0 : now->denial.count;
	return kind;
}

static void miss(struct monitor_kinds *kinds, const struct monitor_kind *before)
{
	struct monitor_kind kind = *before;

	kind.unit = NULL;
	kind.more = 0;
	if (++kind.missed > MONITOR_KINDS_GRACE)
		monitor_words_free(kind.words);
	else
		kinds->items[kinds->count++] = kind;
}

void monitor_kinds_update(struct monitor_kinds *kinds, struct monitor_kinds *seen, bool known)
{
	const struct monitor_kind *before = kinds->items, *now = seen->items;
	const struct monitor_kind *before_end = before + kinds->count;
	const struct monitor_kind *now_end = now + seen->count;
	struct monitor_kinds merged = { .capacity = kinds->count + seen->count + 1 };

	if (seen->count)
		qsort(seen->items, seen->count, sizeof(*seen->items), compare_kinds);
	merged.items = xcalloc(merged.capacity, sizeof(*merged.items));
	while (before < before_end || now < now_end) {
		int order = before == before_end ? 1
			    : now == now_end	 ? -1
						 : compare_kinds(before, now);

		if (order < 0)
			miss(&merged, before++);
		else if (order > 0)
			merged.items[merged.count++] = begin(now++, known);
		else
			merged.items[merged.count++] = go_on(before++, now++);
	}
	free(kinds->items);
	free(seen->items);
	*kinds = merged;
	*seen = (struct monitor_kinds) { 0 };
}

bool monitor_kinds_is_due(const struct monitor_kind *kind, uint64_t now, uint64_t pause)
{
	return kind->pending && (!kind->told || !kind->unit || now - kind->told >= pause);
}

void monitor_kinds_free(struct monitor_kinds *kinds)
{
	for (size_t i = 0; i < kinds->count; i++)
		monitor_words_free(kinds->items[i].words);
	free(kinds->items);
	*kinds = (struct monitor_kinds) { 0 };
}

void monitor_words_free(struct monitor_words *words)
{
	if (!words)
		return;
	free(words->user);
	free(words->unit_name);
	free(words->service);
	free(words->tty);
	free(words->rhost);
	free(words->name);
	free(words->place);
	free(words);
}
