/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev monitor: what is followed, and how it is told. */
#ifndef MONITOR_H
#define MONITOR_H

#include "command/base/command.h"
#include "command/machine/denial.h"
#include "command/monitor/events.h"
#include "command/monitor/kinds.h"

struct monitor;

/* A way to tell what was seen. Each returns 0, or a negative errno: then it cannot go on. */
struct monitor_view {
	int (*begin)(struct monitor *monitor); /* once, after the first look; or NULL */
	int (*show)(struct monitor *monitor);  /* after each look, and when the screen changes */
	int (*last)(struct monitor *monitor);  /* once, when it is to end; or NULL */
	void (*end)(struct monitor *monitor);  /* once, whatever happened before; or NULL */
	void (*stop)(struct monitor *monitor); /* Ctrl-Z; or NULL */
	enum monitor_keep keep;
};

extern const struct monitor_view monitor_lines;	  /* a line for each kind that is new */
extern const struct monitor_view monitor_json;	  /* the same as JSON */
extern const struct monitor_view monitor_top;	  /* a screen of all kinds */
extern const struct monitor_view monitor_journal; /* entries of the journal */

struct monitor {
	struct output output;
	const struct monitor_view *view;
	const char *argument; /* USER or SESSION, or NULL */
	uint64_t interval;    /* milliseconds */
	uint64_t looks;	      /* how many to take after the first; 0: until a signal comes */
	bool all;	      /* begin with what was denied before */

	struct machine machine; /* at this look */
	struct monitor_kinds kinds;
	struct monitor_events events;
	uint64_t looked;     /* when; as monitor_clock() */
	uint64_t elapsed;    /* milliseconds since the look before; 0: there was none */
	uint64_t total;	     /* what was denied since the first look */
	unsigned int missed; /* in so many looks the one session that is wanted was not there */
	bool over;	     /* it has gone */
	void *own;	     /* the view's */
};

/*
 * Looks at the filters in force, and compares them with the look before. Returns 0; -ENOENT: what
 * is wanted is not there, which was said; or another negative errno, having said so.
 */
int monitor_look(struct monitor *monitor);

/* Whether the one session that is wanted has not been there for some looks. Ask after each. */
bool monitor_is_over(struct monitor *monitor);

/*
 * Finds out what is told of the kind and sets kind->words. If it has gone, those that are there
 * stay. Returns 0; -ENOENT: it has gone, and nothing was ever told of it; or -ENOMEM.
 */
int monitor_describe(struct monitor *monitor, struct monitor_kind *kind);

/*
 * Has @print, which returns 0 or a negative errno, tell of each kind in force with something to
 * tell, oldest first, and marks it as told. Returns what @print did, or -ENOMEM, which is said.
 */
int monitor_tell_each(struct monitor *monitor,
		      int (*print)(struct monitor *monitor, struct monitor_kind *kind));

/* Marks all of it as told. */
void monitor_told(const struct monitor *monitor, struct monitor_kind *kind);

/*
 * Has what was printed reach whoever reads: after each line, as a later look at the error may no
 * longer tell that of a reader who has gone. Returns 0, or a negative errno, having said so unless
 * it is EPIPE.
 */
int monitor_flush(void);

/* Tells whoever started this, if it asked to be told (sd_notify(3)), that it is at work. */
void monitor_ready(void);

#endif
