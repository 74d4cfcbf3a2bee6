/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_MS 1000000ULL
#define CLOCK_NS_PER_S 1000000000ULL

/* What a clock of clock_gettime(2) says, in nanoseconds. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Of a clock that nobody sets, in milliseconds: to measure what goes by. */
static inline int64_t clock_ms(void)
{
	return (int64_t)(clock_ns(CLOCK_MONOTONIC) / CLOCK_NS_PER_MS);
}

#endif
