/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "dice.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* splitmix64 */
static uint64_t dice_next(struct dice *dice)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

struct dice dice_from_seed(uint64_t seed)
{
	struct dice dice = { .state = seed };

	dice.state = dice_next(&dice);
	return dice;
}

uint32_t dice_below(struct dice *dice, uint32_t count)
{
	return (uint32_t)((dice_next(dice) >> 32) % count);
}

bool dice_percent(struct dice *dice, uint32_t percent)
{
	return dice_below(dice, 100) < percent;
}

uint64_t dice_environment(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

uint64_t dice_run_seed(void)
{
	uint64_t seed = (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();

	seed = dice_environment("PAM_BPFDEV_SEED", seed);
	printf("PAM_BPFDEV_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}
