/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * FNV-1a with 64 bits: tells a changed policy from an unchanged one. Who could craft a collision
 * owns the policy files anyway, so no cryptographic hash is dragged into login processes.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGEST_START 0xcbf29ce484222325ull

static inline uint64_t digest_add(uint64_t digest, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++)
		digest = (digest ^ bytes[i]) * 0x100000001b3ull;
	return digest;
}

/* As digest_add(), but eight bytes at a time, for much of it: another digest of the same data. */
static inline uint64_t digest_add_much(uint64_t digest, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (; length >= sizeof(uint64_t); length -= sizeof(uint64_t), bytes += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, bytes, sizeof(word));
		digest = (digest ^ word) * 0x100000001b3ull;
		/* What is in the high bits would stay there. */
		digest ^= digest >> 32;
	}
	return digest_add(digest, bytes, length);
}

#endif
