// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/warnings/ranges.h"

void ranges_add(struct ranges *ranges, const struct range *range)
{
	*xappend(ranges) = *range;
}

void ranges_ready(struct ranges *ranges)
{
	for (ranges->room = 1; ranges->room < ranges->count; ranges->room *= 2)
		;
	ranges->highest = xcalloc(2 * ranges->room, sizeof(*ranges->highest));
	for (size_t i = 0; i < ranges->count; i++)
		ranges->highest[ranges->room + i] = ranges->items[i].high;
	for (size_t i = ranges->room - 1; i > 0; i--) {
		const uint32_t *below = &ranges->highest[2 * i];

		ranges->highest[i] = below[0] > below[1] ? below[0] : below[1];
	}
}

/* How many ranges begin at @low or before. */
static size_t count_begun(const struct ranges *ranges, uint32_t low)
{
	size_t begin = 0, end = ranges->count;

	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;

		if (ranges->items[middle].low <= low)
			begin = middle + 1;
		else
			end = middle;
	}
	return begin;
}

size_t ranges_next(const struct ranges *ranges, size_t from, uint32_t low, uint32_t high)
{
	size_t end = count_begun(ranges, low), node = ranges->room + from;

	if (from >= end)
		return RANGES_NONE;
	/* Up, and to the right, until something below ends late enough; then down to the first such. */
	while (ranges->highest[node] < high) {
		while (node & 1)
			node /= 2;
		if (!node)
			return RANGES_NONE;
		node++;
	}
	while (node < ranges->room) {
		node *= 2;
		node += ranges->highest[node] < high;
	}
	return node - ranges->room < end ? node - ranges->room : RANGES_NONE;
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->items);
	free(ranges->highest);
	*ranges = (struct ranges) { 0 };
}
