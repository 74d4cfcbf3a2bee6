/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev status: what was found, and what is to be shown of it. */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "enforce/live.h"
#include "command/base/names.h"
#include "command/base/output.h"
#include "command/base/view.h"
#include "command/machine/unit.h"

/* How the policy that a filter was made from compares with its files as they are now. */
enum status_policy_state {
	STATUS_UNKNOWN, /* another version's filter; a path too long to be told; no memory */
	STATUS_CURRENT,
	STATUS_CHANGED,
	STATUS_BROKEN, /* the files have mistakes now */
};

/* Policy files as they are now. */
struct status_policy {
	char path[sizeof(((struct bpfdev_info *)0)->policy)]; /* of the main file */
	bool by_conf; /* it was named by conf=, so it has no drop-ins */
	bool shown;   /* a unit that is shown is filtered by it */
	struct conf *conf;
};

/* A session's scope or a user's manager. */
struct status_unit {
	struct session user; /* uid and slice */
	char *name;	     /* the user's, or the uid in digits */
	char *unit;	     /* session-3.scope */
	enum bpfdev_role role;
	int filters; /* of ours; 0: not filtered */
	bool known;  /* info is set */
	struct bpfdev_info info;
	struct status_policy *policy;	       /* that the filter was made from; or NULL */
	enum status_policy_state policy_state; /* of sessions */
	int manager;			       /* enum enforce_live_manager, or a negative errno */
	bool judged; /* what the policy says of the manager itself is known */
	bool shown;
};

struct status {
	struct output output;
	const char *wanted; /* the argument, or NULL */
	bool all;	    /* --all: those without a filter, too */
	bool rules;	    /* --rules */
	bool prometheus;    /* --prometheus */
	char *root;	    /* what user.slice is in */
	struct status_unit *units;
	size_t count, capacity;
	struct status_policy **policies;
	size_t policy_count, policy_capacity;
	struct names *names;
};

/*
 * Finds all units, sorted by user, then sessions by number, then the manager. Returns 0, or a
 * negative errno having said so.
 */
int status_collect(struct status *status);

/*
 * Marks what is to be shown, and looks closer at that. Returns 0; -ENOENT: status->wanted names
 * nothing, which was said; or another negative errno having said so.
 */
int status_select(struct status *status);

/* Sets the policies of all sessions; for --prometheus, also reads the system's. 0 or -ENOMEM. */
int status_find_policies(struct status *status);

/* Compares the managers that are shown with what they should have. Returns 0 or -ENOMEM. */
int status_compare_managers(struct status *status);

void status_free(struct status *status);

/* The same without what status alone has: good for as long as @unit is. */
struct unit status_as_unit(const struct status_unit *unit);

/* unit_id() of it. */
char *status_id(const struct status_unit *unit, char *text);

/* Whether the manager may do what this session of its user may: it is filtered, and not closed. */
bool status_counts(const struct status_unit *manager, const struct status_unit *session);

/* How many sessions there are with a filter, or without. */
size_t status_count_sessions(const struct status *status, bool filtered);

/* Whether the exception is over, and only still there; *@until: its end, seconds since the epoch. */
bool status_is_over(const struct bpfdev_exception *exception, uint64_t *until);

/*
 * Reads the table of the unit's filter. Returns 1 with *@table, to be freed; 0: the unit or its
 * filter has gone, or is another version's; or a negative errno having said so.
 */
int status_read_table(const struct status_unit *unit, struct table **table);

/* What a view of a unit's table needs. */
struct status_lines {
	struct names *names;
	const struct conf *conf; /* whose lines they are; NULL: that of files which have changed */
};

/* Sets @view and @lines, which it points to. */
void status_view(const struct status *status, const struct status_unit *unit,
		 struct status_lines *lines, struct table_view *view);

/* Each prints what was selected. Returns 0, or a negative errno having said so. */
int status_print(const struct status *status);
int status_print_json(const struct status *status);
int status_print_metrics(const struct status *status);

#endif
