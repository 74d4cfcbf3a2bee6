// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "base/lookup.h"

#define ROOM_FIRST 32

/* The lowest bits of FNV-1a are the weakest. */
static size_t home_of(uint64_t digest, size_t room)
{
	return (size_t)((digest ^ digest >> 32) & (room - 1));
}

size_t lookup_next(const struct lookup *lookup, uint64_t digest, size_t *at)
{
	while (*at < lookup->room) {
		size_t slot = (home_of(digest, lookup->room) + *at) & (lookup->room - 1);
		const struct lookup_slot *found = &lookup->slots[slot];

		if (!found->place)
			break;
		++*at;
		if (found->digest == digest)
			return found->place - 1;
	}
	return LOOKUP_NONE;
}

static void put(struct lookup_slot *slots, size_t room, struct lookup_slot slot)
{
	size_t at = home_of(slot.digest, room);

	while (slots[at].place)
		at = (at + 1) & (room - 1);
	slots[at] = slot;
}

/* It is at most half full, so that what is looked for is near. */
static int grow(struct lookup *lookup)
{
	size_t room = lookup->room ? lookup->room * 2 : ROOM_FIRST;
	struct lookup_slot *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < lookup->room; i++)
		if (lookup->slots[i].place)
			put(slots, room, lookup->slots[i]);
	free(lookup->slots);
	lookup->slots = slots;
	lookup->room = room;
	return 0;
}

int lookup_add(struct lookup *lookup, uint64_t digest, size_t place)
{
	if (lookup->count * 2 >= lookup->room && grow(lookup) < 0)
		return -ENOMEM;
	put(lookup->slots, lookup->room, (struct lookup_slot) { digest, place + 1 });
	lookup->count++;
	return 0;
}

void lookup_free(struct lookup *lookup)
{
	free(lookup->slots);
	*lookup = (struct lookup) { 0 };
}
