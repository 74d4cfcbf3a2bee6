/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The transient timer of systemd that ends an exception. */
#ifndef TIMER_H
#define TIMER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct timer {
	char unit[96]; /* without ".timer" */
};

/*
 * Has "bpfdev revoke :UID --expired" run through systemd-run(1), when an exception of @seconds that
 * begins now is surely over. The machine's clock ends it too, should it pass that time first: the
 * timer's own clock stands still in suspend.
 * Returns 0, or a negative errno having said why.
 */
int timer_start(uid_t uid, uint64_t seconds, struct timer *timer);

/* Takes it back. */
void timer_stop(const struct timer *timer);

#endif
