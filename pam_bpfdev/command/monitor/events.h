/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What bpfdev monitor waits for: its next look, signals, keys, a reader who has gone. */
#ifndef MONITOR_EVENTS_H
#define MONITOR_EVENTS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum monitor_event {
	MONITOR_LOOK, /* it is time */
	MONITOR_END,  /* SIGINT, SIGTERM and the like; q; nobody reads standard output any more */
	MONITOR_SHOW, /* the terminal has another size */
	MONITOR_STOP, /* Ctrl-Z */
};

/* What else than SIGINT, SIGTERM, SIGHUP and SIGQUIT matters. */
enum monitor_keep {
	MONITOR_KEEP_NOTHING,
	MONITOR_KEEP_READER, /* the end of standard output */
	MONITOR_KEEP_SCREEN, /* that, and keys, SIGTSTP and SIGWINCH */
};

struct monitor_events {
	enum monitor_keep keep;
	bool keys;   /* standard input is a terminal */
	int signals; /* a signalfd */
	sigset_t set, before;
};

/*
 * From now on these signals end nothing by themselves; those that are ignored stay so. Returns 0 or
 * a negative errno.
 */
int monitor_events_begin(struct monitor_events *events, enum monitor_keep keep);

/* They do again. */
void monitor_events_end(struct monitor_events *events);

/* Waits for whatever comes first, no longer than until @next, as monitor_clock(). */
enum monitor_event monitor_events_wait(const struct monitor_events *events, uint64_t next);

/* Stops this process, as SIGTSTP would have, until it is told to go on. */
void monitor_events_stop(const struct monitor_events *events);

/* Milliseconds of a clock that nobody sets; never 0. */
uint64_t monitor_clock(void);

#endif
