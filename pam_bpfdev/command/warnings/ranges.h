/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Many ranges of ids, and which of them hold or meet another one, without going through all. */
#ifndef RANGES_H
#define RANGES_H

#include <stddef.h>
#include <stdint.h>

#define RANGES_NONE SIZE_MAX

struct warnings_who;

/* All zero to begin with. Free: ranges_free(). */
struct ranges {
	struct range {
		uint32_t low, high;
		const struct warnings_who *who;
	} * items;
	size_t count, capacity;
	/* A tree: the highest end below each node. Its leaves are items. */
	uint32_t *highest;
	size_t room;
};

/* Adds a range; none is lower than the one before. */
void ranges_add(struct ranges *ranges, const struct range *range);

/* To be called when all have been added. */
void ranges_ready(struct ranges *ranges);

/*
 * The first range from the place @from on that begins at @low or before and ends at @high or behind:
 * so of a range those that hold it are found, and with its ends swapped those that meet it. Returns
 * RANGES_NONE: there is none.
 */
size_t ranges_next(const struct ranges *ranges, size_t from, uint32_t low, uint32_t high);

void ranges_free(struct ranges *ranges);

#endif
