// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/warnings/chains.h"

void chains_add(struct chains *chains, uint64_t key)
{
	size_t at = 0, place = lookup_next(&chains->keys, key, &at), item = chains->before.count;

	*xappend(&chains->before) = place == LOOKUP_NONE ? LOOKUP_NONE : chains->last.items[place];
	if (place == LOOKUP_NONE) {
		place = chains->last.count;
		xcheck(lookup_add(&chains->keys, key, place));
		*xappend(&chains->last) = item;
	}
	chains->last.items[place] = item;
}

void chains_walk(struct chains *chains)
{
	chains->heads.count = 0;
}

void chains_walk_key(struct chains *chains, uint64_t key)
{
	size_t at = 0, place = lookup_next(&chains->keys, key, &at);

	if (place != LOOKUP_NONE)
		*xappend(&chains->heads) = chains->last.items[place];
}

bool chains_take(struct chains *chains, size_t *item)
{
	struct chains_numbers *heads = &chains->heads;
	size_t last = 0;

	if (!heads->count)
		return false;
	for (size_t i = 1; i < heads->count; i++)
		if (heads->items[i] > heads->items[last])
			last = i;
	*item = heads->items[last];
	if (chains->before.items[*item] != LOOKUP_NONE)
		heads->items[last] = chains->before.items[*item];
	else
		heads->items[last] = heads->items[--heads->count];
	return true;
}

void chains_free(struct chains *chains)
{
	lookup_free(&chains->keys);
	free(chains->last.items);
	free(chains->before.items);
	free(chains->heads.items);
	*chains = (struct chains) { 0 };
}
