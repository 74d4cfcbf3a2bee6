/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Random numbers that a seed repeats. */
#ifndef DICE_H
#define DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

/* Equal seeds, equal numbers; neighbouring seeds have nothing in common. */
struct dice dice_from_seed(uint64_t seed);

/* From 0 to @count - 1. */
uint32_t dice_below(struct dice *dice, uint32_t count);

/* True in @percent of 100 throws. */
bool dice_percent(struct dice *dice, uint32_t percent);

#define DICE_PICK(dice, array) ((array)[dice_below((dice), sizeof(array) / sizeof((array)[0]))])

/* The seed of this run: from the environment variable PAM_BPFDEV_SEED, or the clock. Printed. */
uint64_t dice_run_seed(void);

/* A number from the environment variable @name, or @otherwise. */
uint64_t dice_environment(const char *name, uint64_t otherwise);

#endif
