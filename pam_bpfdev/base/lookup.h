/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Where in an array something is, found without going through it: a hash table of the places by the
 * digests of the keys (base/digest.h). It knows no keys: whoever asks compares them.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#define LOOKUP_NONE SIZE_MAX

/* All zero to begin with. Free: lookup_free(). */
struct lookup {
	struct lookup_slot {
		uint64_t digest;
		size_t place; /* plus one; 0: nothing is here */
	} * slots;
	size_t count, room; /* room: a power of two, or 0 */
};

/*
 * The places that were added with @digest, one after another: *@at is 0 at first, and is moved on.
 * Different keys may share a digest. Returns LOOKUP_NONE: there are no more.
 */
size_t lookup_next(const struct lookup *lookup, uint64_t digest, size_t *at);

/* Adds a place. Returns 0 or -ENOMEM: all is as it was. */
int lookup_add(struct lookup *lookup, uint64_t digest, size_t place);

void lookup_free(struct lookup *lookup);

#endif
