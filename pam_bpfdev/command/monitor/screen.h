/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The terminal, while it shows a screen that refreshes. */
#ifndef MONITOR_SCREEN_H
#define MONITOR_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct monitor_screen {
	struct termios before; /* as the terminal was */
	bool has_before;       /* standard input is a terminal, so there is something to restore */
	bool on;
};

/* Whether there is a terminal that can do it. */
bool monitor_screen_is_possible(void);

/* Shows another screen than that which the shell uses, without a cursor; keys come one by one. */
void monitor_screen_begin(struct monitor_screen *screen);

/* All is as it was before. May be called again. */
void monitor_screen_end(struct monitor_screen *screen);

/* Of the terminal as it is now; if it does not say, as COLUMNS and LINES do, or else 80 by 24. */
void monitor_screen_size(size_t *columns, size_t *lines);

/*
 * Prints @text in the place of what is on the screen, as many lines of it as there are on the
 * terminal; the terminal cuts those that are longer.
 */
void monitor_screen_show(const char *text);

#endif
