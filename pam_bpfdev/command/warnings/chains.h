/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The items of an array, numbered from 0 on, that share a key: found from the last one to the first,
 * also those of several keys. A key is a digest, so whoever asks sees whether an item is the one meant.
 */
#ifndef CHAINS_H
#define CHAINS_H

#include <stdbool.h>

#include "base/lookup.h"

/* All zero to begin with. Free: chains_free(). */
struct chains {
	struct lookup keys; /* places in last */
	struct chains_numbers {
		size_t *items;
		size_t count, capacity;
	} last;			      /* of each key: its last item */
	struct chains_numbers before; /* of each item: the one before it with its key */
	struct chains_numbers heads;  /* of a walk: the next one of each of its keys */
};

/* Adds the next item. */
void chains_add(struct chains *chains, uint64_t key);

/* Begins a walk, and adds a key to it. */
void chains_walk(struct chains *chains);
void chains_walk_key(struct chains *chains, uint64_t key);

/* Takes the last item that is left of the walk. Returns false: none is. */
bool chains_take(struct chains *chains, size_t *item);

void chains_free(struct chains *chains);

#endif
