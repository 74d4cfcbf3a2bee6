/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev monitor: what is followed and remembered, and how it is told. */
#ifndef MONITOR_H
#define MONITOR_H

#include <signal.h>

#include "command/base/command.h"
#include "command/machine/denial.h"

/* --- kinds.c: what is remembered from one look at the filters to the next --- */

/* What is told of a kind with its last line, for when its filter is gone. */
struct monitor_words {
	struct unit unit;
	char *user, *unit_name;	     /* what unit points to */
	char *service, *tty, *rhost; /* as PAM knew the login by */
	char *name;		     /* of the device; "" */
	enum denial_cause cause;
	char *place; /* see struct denial_why */
};

/* Denials that differ in nothing but time and process. */
struct monitor_kind {
	uint64_t cgroup; /* of the filter */
	size_t copy;	 /* 0: the unit's own filter; else which of the unit's copies, from 1 on */
	bool lost; /* those that the filter could not tell apart: denial has their count alone */
	struct filter_denial denial;	 /* as the filter had it last */
	uint64_t first, last;		 /* nanoseconds since the epoch; of lost: 0 */
	const struct machine_unit *unit; /* in this look; NULL: it has gone */
	uint64_t more;			 /* how often since the look before */
	uint64_t pending;		 /* and not told yet */
	uint64_t told;			 /* when a line told of it; as monitor_clock(); 0: never */
	unsigned int missed;		 /* in so many looks, up to this one, it was not there */
	struct monitor_words *words;	 /* NULL: it was never told */
};

/*
 * Sorted: by cgroup, device, access, result. There are as many as the filters in force have, and
 * those of filters that went a moment ago; so what this takes is bounded by what the kernel takes.
 */
struct monitor_kinds {
	struct monitor_kind *items;
	size_t count, capacity;
};

/*
 * So many looks may miss a kind before it is forgotten: a filter is not found while it is replaced,
 * and what it had counted would be news again.
 */
#define MONITOR_KINDS_GRACE 3

/*
 * Takes over what was @seen (in any order; it is empty then), and finds out what is new in it. A
 * kind that was not there before is new with its whole count, unless @known: then nothing is.
 * A count that has gone down, or begins later, is of a new filter, and all of it is new.
 */
void monitor_kinds_update(struct monitor_kinds *kinds, struct monitor_kinds *seen, bool known);

/*
 * Whether it is time to tell of the kind, @now (as monitor_clock()), for who tells of it at once,
 * but from then on only once in @pause milliseconds, and when it has gone.
 */
bool monitor_kinds_is_due(const struct monitor_kind *kind, uint64_t now, uint64_t pause);

void monitor_kinds_free(struct monitor_kinds *kinds);

/* NULL is fine. */
void monitor_words_free(struct monitor_words *words);

/* --- events.c: what it waits for, and who waits for it --- */

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
 * a negative errno; monitor_events_end() in any case.
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

/* Tells whoever started this, if it asked to be told (sd_notify(3)), that it is at work. */
void monitor_ready(void);

/* --- watch.c: whether there may be anything new --- */

/*
 * To look at all sessions takes long where there are thousands. So it is done again no sooner than after
 * WATCH_PAUSE times as long, unless there is something to see: a filter has denied something, or one has
 * been made.
 */
#define WATCH_PAUSE 50

struct monitor_watch {
	uint32_t newest; /* program, before the last look */
	bool again;	/* one was made since the look before that; it may not have been attached */
	uint64_t began; /* the last look */
	uint64_t next;	/* look, in any case */
};

/* Begins to watch: opens as many files as it may. */
void monitor_watch_begin(void);

/* To be called before and after each look. */
void monitor_watch_look(struct monitor_watch *watch);
void monitor_watch_looked(struct monitor_watch *watch);

/* Whether there is nothing to see in @machine that was not there at the last look. */
bool monitor_watch_is_quiet(const struct monitor_watch *watch, const struct machine *machine);

/* --- What there is of all this while it runs --- */

struct monitor;

/* A way to tell what was seen. Each returns 0, or a negative errno: then it cannot go on. */
struct monitor_view {
	int (*begin)(struct monitor *monitor); /* once, after the first look; or NULL */
	int (*show)(struct monitor *monitor);  /* after each look, and when the screen changes */
	int (*last)(struct monitor *monitor);  /* once, when it is to end; or NULL */
	void (*end)(struct monitor *monitor);  /* once after begin, if that was; or NULL */
	void (*stop)(struct monitor *monitor); /* Ctrl-Z; or NULL */
	enum monitor_keep keep;
};

extern const struct monitor_view monitor_lines;	  /* tell.c: a line for each kind that is new */
extern const struct monitor_view monitor_json;	  /* tell.c: the same as JSON */
extern const struct monitor_view monitor_top;	  /* top.c: a screen of all kinds */
extern const struct monitor_view monitor_journal; /* journal.c: entries of the journal */

/* Whether --top can be shown: there is a terminal that can do it. */
bool monitor_top_is_possible(void);

struct monitor {
	struct output output;
	const struct monitor_view *view;
	const char *argument; /* USER or SESSION, or NULL */
	uint64_t interval;    /* milliseconds */
	uint64_t looks;	      /* how many to take after the first; 0: until a signal comes */
	bool all;	      /* begin with what was denied before */

	struct machine machine; /* of this look */
	struct monitor_kinds kinds;
	struct monitor_events events;
	struct monitor_watch watch;
	uint64_t looked;     /* when; as monitor_clock() */
	uint64_t elapsed;    /* milliseconds since the look before; 0: there was none */
	uint64_t total;	     /* what was denied since the first look */
	unsigned int missed; /* in so many looks the one session that is wanted was not there */
	void *own;	     /* the view's */
};

/*
 * Looks at the filters in force, and compares them with the look before. Returns 0; 1: what is
 * wanted is not there, which was said; or a negative errno, having said so.
 */
int monitor_look(struct monitor *monitor);

/* --- tell.c: what the ways of telling share --- */

/*
 * Finds out what is told of the kind and sets kind->words. If its filter has gone, those that are
 * there stay. Returns false: it has gone, and nothing was ever told of it.
 */
bool monitor_describe(struct monitor *monitor, struct monitor_kind *kind);

/* Marks all of it as told. */
void monitor_told(const struct monitor *monitor, struct monitor_kind *kind);

/*
 * Has what was printed reach whoever reads: after each line, as a later look at the error may no
 * longer tell that of a reader who has gone. Returns 0, or a negative errno, having said so unless
 * it is EPIPE.
 */
int monitor_flush(void);

#endif
