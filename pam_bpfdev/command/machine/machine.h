/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What is in force on this machine: the sessions and user managers that there are, the filters that
 * they have or lack, what these have denied (denial.h), and how they compare with the policy. It is
 * read in one walk, by machine_look(), and an argument USER|SESSION selects from it in one way, by
 * machine_want(). Whatever subcommand tells of sessions begins here.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/reason.h"
#include "enforce/decide.h"
#include "enforce/live.h"
#include "filter/filter.h"
#include "command/base/names.h"

/* Which session or manager it is, and whose; the strings are another's. */
struct unit {
	enum bpfdev_role role;
	uid_t uid;	  /* whose it is */
	const char *user; /* as the login knew the user; else as NSS does; else ":UID" */
	const char *name; /* session-3.scope, user@1000.service */
};

#define UNIT_ID_SIZE 256

/*
 * "3" of session-3.scope, "manager"; the name of what is neither. @text: UNIT_ID_SIZE bytes.
 * Returns @text.
 */
char *unit_id(const struct unit *unit, char *text);

/*
 * The order in which units are shown, as strcmp(3): by user, then sessions by number, then the
 * manager.
 */
int unit_compare(const struct unit *a, const struct unit *b);

/*
 * How a session's filter compares with its policy as it is now: with the text, and with what names
 * in it stand for by now.
 */
enum machine_policy {
	MACHINE_POLICY_UNKNOWN, /* it cannot be known */
	MACHINE_POLICY_CURRENT, /* the text is the same, and the session would get the same rules */
	MACHINE_POLICY_CHANGED, /* one of these is not so */
	MACHINE_POLICY_BROKEN,	/* the files have mistakes now */
};

/* Beside a session's own filter: a copy of what whoever has become its user had (su, sudo). */
struct machine_copy {
	struct bpfdev_info info;       /* of the filter that it is a copy of: info.user is whose */
	struct filter_denial *denials; /* after a look with MACHINE_DENIALS */
	size_t denial_count;
	uint64_t lost;
};

/* A session that has processes (a closed one may have, too), or a manager. */
struct machine_unit {
	struct unit unit;
	char *user, *name; /* what unit points to */
	char *slice;	   /* path of the user's */
	uint64_t cgroup;   /* its cgroup's number: no other has had it since boot */
	bool wanted;	   /* see machine_want() */
	int filters;	   /* how many of ours it has; 0: it is not filtered */
	bool known;	   /* the filter is of this version, so that info is set */
	struct bpfdev_info info;
	struct machine_copy *copies;
	size_t copy_count;

	/* After a look with MACHINE_DENIALS: */
	bool counted; /* the filter is of a version that counts, so that what follows is set */
	struct filter_denial *denials; /* newest first */
	size_t denial_count;
	uint64_t lost; /* questions that the filter had no room to tell apart */

	/* After machine_judge(): */
	struct conf *conf;	/* what its filter was made from, as it is now; NULL: not known */
	struct reason mistakes; /* of that; "": it has none */
	enum machine_policy policy; /* of a session */
	/*
	 * Of a session, why it is unknown, or changed with the same text; of a manager with its own
	 * rules, why it is not known whether they are still those of the policy; "": else.
	 */
	struct reason doubt;
	bool lends_other; /* what exceptions lend is not what names in them stand for now */
	int manager;	  /* of a manager: an enum enforce_live_manager, or a negative errno */
	bool judged;	  /* ... and what the policy says of the manager itself is known */
};

/* Whom an argument USER|SESSION names. All zero: everybody. */
struct wanted {
	const char *text; /* the argument */
	char *one;	  /* unit's name, if it names one session or manager; otherwise a user: */
	bool known;	  /* uid is set */
	uid_t uid;
};

/* One kind of what was denied in one unit: denial.h tells of it. */
struct denial {
	const struct machine_unit *unit;
	const struct filter_denial *denial;
	uint64_t first, last; /* nanoseconds since the epoch, by the clock as it is set now */
	const struct machine_copy *copy; /* of the unit, that has denied it; NULL: its own filter */
};

struct machine {
	char *root;	     /* what user.slice is in: see session_find_root() */
	struct names *names; /* of the devices, as they are at this look */
	struct wanted wanted;
	struct machine_unit *units; /* sorted as by unit_compare() */
	size_t unit_count, unit_capacity;
	struct denial *denials; /* of all units that are wanted; newest first */
	size_t denial_count;
	uint64_t lost;	     /* of the units that are wanted, together */
	uint64_t since_boot; /* nanoseconds to add to a time since boot to make it a time of day */
	struct machine_watched {
		int fd; /* see filter_watch() */
		uint64_t count;
	} * watched;
	size_t watched_count, watched_capacity;
	bool overlooks;		/* not all could be opened to be watched */
	struct decider decider; /* with the policies and users that were needed so far */
};

/*
 * Finds what to look at; needs root. Returns 0, or a negative errno with @why. machine_close() in
 * any case, of one that is all zero, too.
 */
int machine_open(struct machine *machine, struct reason *why);

void machine_close(struct machine *machine);

/* What a look reads besides: */
#define MACHINE_DENIALS 1u /* what the filters have denied */
#define MACHINE_WATCH 2u   /* with that: machine_has_moved() can be asked */

/*
 * Reads what is there, in the place of what was there at the last look: pointers to units, and into
 * them, are no longer good. Marks what machine_want() has selected before; to begin with, all. May
 * be called again and again: what it costs does not depend on how often something was denied.
 * @of: only this user's; NULL: everybody's. Returns 0, or a negative errno with @why.
 */
int machine_look(struct machine *machine, const uid_t *of, unsigned int what, struct reason *why);

/*
 * Whether any of the filters that were there at the last look, with MACHINE_WATCH, has denied anything
 * since. What cannot be seen has.
 */
bool machine_has_moved(const struct machine *machine);

/*
 * Marks, now and at later looks, what @text names: a session (3, session-3.scope,
 * user@1000.service) that is there, or else all of a user (a name, uid or :uid). NULL: all units.
 * Returns whether there is any; or, with @later, whether there is such a user, who may log in yet.
 * Having said so if not.
 */
bool machine_want(struct machine *machine, const char *text, bool later);

/* Whether a unit, which need not be there, is among what machine_want() has selected. */
bool machine_wants(const struct machine *machine, const struct unit *unit);

#define MACHINE_OTHER_VERSION 2

/*
 * Reads the filter of @unit anew: @unit->info, and *@table, to be freed, which says what the
 * kernel answers now: what an exception lent that is over is not in it. Returns 1; 0: the unit or
 * its filter has gone; MACHINE_OTHER_VERSION: of this program made it; or a negative errno; with
 * @why.
 */
int machine_read_table(struct machine_unit *unit, struct table **table, struct reason *why);

/*
 * Compares @unit with what it should have: a session with its policy; a manager with the sessions
 * that are open, or what the policy says of it. Returns 0, or a negative errno with @why, which is
 * unit->manager then, too.
 */
int machine_judge(struct machine *machine, struct machine_unit *unit, struct reason *why);

/* Whether the manager may do what this session of its user may: it is filtered, and not closed. */
bool machine_counts(const struct machine_unit *manager, const struct machine_unit *session);

/* How many sessions there are with a filter, or without. */
size_t machine_count_sessions(const struct machine *machine, bool filtered);

#endif
