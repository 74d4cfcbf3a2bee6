// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "command/monitor/kinds.h"

int monitor_kinds_add(struct monitor_kinds *seen, const struct monitor_kind *kind)
{
	struct monitor_kind *grown =
		array_grow(seen->items, seen->count, &seen->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	seen->items = grown;
	grown[seen->count++] = *kind;
	return 0;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_devices(const struct filter_denial *a, const struct filter_denial *b)
{
	int order = compare(a->type, b->type);

	if (order == 0)
		order = compare(a->major, b->major);
	return order ? order : compare(a->minor, b->minor);
}

static int compare_answers(const struct filter_denial *a, const struct filter_denial *b)
{
	int order = compare(a->access, b->access);

	if (order == 0)
		order = compare(a->refused, b->refused);
	return order ? order : compare(a->audited, b->audited);
}

static int compare_kinds(const void *left, const void *right)
{
	const struct monitor_kind *a = left, *b = right;
	int order = compare(a->cgroup, b->cgroup);

	if (order == 0)
		order = compare(a->lost, b->lost);
	if (order == 0)
		order = compare_devices(&a->denial, &b->denial);
	return order ? order : compare_answers(&a->denial, &b->denial);
}

/* How often the kind was denied since @before. */
static uint64_t grown(const struct monitor_kind *before, const struct monitor_kind *now)
{
	bool same = now->denial.first <= before->denial.first &&
		    now->denial.count >= before->denial.count;

	return same ? now->denial.count - before->denial.count : now->denial.count;
}

/* What is known of it goes on with it. */
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

/* @merged has room for all. */
static void merge(const struct monitor_kinds *before, const struct monitor_kinds *now, bool known,
		  struct monitor_kinds *merged)
{
	size_t i = 0, j = 0;

	while (i < before->count || j < now->count) {
		int order = i == before->count ? 1
			    : j == now->count  ? -1
					       : compare_kinds(&before->items[i], &now->items[j]);

		if (order < 0)
			miss(merged, &before->items[i++]);
		else if (order > 0)
			merged->items[merged->count++] = begin(&now->items[j++], known);
		else
			merged->items[merged->count++] =
				go_on(&before->items[i++], &now->items[j++]);
	}
}

int monitor_kinds_update(struct monitor_kinds *kinds, struct monitor_kinds *seen, bool known)
{
	struct monitor_kinds merged = { .capacity = kinds->count + seen->count + 1 };

	merged.items = calloc(merged.capacity, sizeof(*merged.items));
	if (!merged.items)
		return -ENOMEM;
	if (seen->count)
		qsort(seen->items, seen->count, sizeof(*seen->items), compare_kinds);
	merge(kinds, seen, known, &merged);
	free(kinds->items);
	free(seen->items);
	*kinds = merged;
	*seen = (struct monitor_kinds) { 0 };
	return 0;
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
