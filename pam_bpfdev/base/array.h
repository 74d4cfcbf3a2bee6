/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Growing arrays. */
#ifndef ARRAY_H
#define ARRAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Makes room for one more item of @size bytes in @items, which has @count of them and room for
 * *@capacity. Returns the array, perhaps moved, or NULL: no memory, @items is as it was.
 */
static inline void *array_grow(void *items, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : 1;
	void *grown;

	if (count < *capacity)
		return items;
	grown = reallocarray(items, wanted, size);
	if (grown)
		*capacity = wanted;
	return grown;
}

#endif
