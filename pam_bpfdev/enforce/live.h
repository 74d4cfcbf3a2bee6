/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is in force now: all sessions and managers, and the filters that they have or lack. */
#ifndef ENFORCE_LIVE_H
#define ENFORCE_LIVE_H

#include <stdbool.h>

#include "enforce/enforce.h"
#include "session/session.h"

/* A session's scope or a user's manager, good while it is visited. */
struct enforce_live {
	const struct session *user; /* uid and slice: see session_each_user() */
	enum bpfdev_role role;
	const char *unit; /* session-3.scope, user@1000.service */
	int cgroup_fd;
	int prog_fd; /* of our filter, the first one should there be several; -1: there is none */
	int filters; /* how many are ours: the kernel asks all of them */
	bool known;  /* the filter is of this version, and says what it is for: */
	struct bpfdev_info info;
	/* Programs beside it: copies of the filters of whoever has become the user (su, sudo). */
	const int *copies;
	int copy_count;
};

/* Not 0 ends the walk with that. */
typedef int enforce_live_visit(const struct enforce_live *live, void *data);

/*
 * Visits all sessions that have processes and all managers below user.slice in @root (see
 * session_find_root()), a user's manager after the sessions, otherwise in no order; those without a
 * filter, too. What goes while it is looked at is left out, whatever @visit says of it.
 * Returns 0, what else @visit returned, or a negative errno with @why.
 */
int enforce_live_each(const char *root, enforce_live_visit *visit, void *data, struct reason *why);

/* The same for one user. */
int enforce_live_of(const struct session *user, enforce_live_visit *visit, void *data,
		    struct reason *why);

/*
 * The union of what the filtered sessions of @user (see session_each_user()) may do that are open:
 * what the user's manager should have while there are any. It depends on which sessions there are,
 * not on their order. Each table that differs is read once.
 * Returns 1 with *@table, to be freed; 0: no filtered session is open, also if the user's slice is
 * gone; or a negative errno with @why.
 */
int enforce_manager_union(const struct session *user, struct table **table, struct reason *why);

/* How a user's manager compares with what it should be. */
enum enforce_live_manager {
	ENFORCE_LIVE_ABSENT,  /* no manager runs */
	ENFORCE_LIVE_FREE,    /* it has no filter, and needs none */
	ENFORCE_LIVE_UNION,   /* its filter is the union of the sessions that are open */
	ENFORCE_LIVE_BASE,    /* no session is open: it has what the policy says of itself */
	ENFORCE_LIVE_STALE,   /* it has another filter than that */
	ENFORCE_LIVE_MISSING, /* it has no filter, and should have one */
};

/* What it takes to know a manager's own rules. */
struct enforce_live_base {
	const struct enforce_options *options;
	const struct policy_subject *subject; /* NULL: no such user */
	struct conf *conf; /* the policy; NULL: it is unusable. A mistake that shows is added. */
};

/*
 * Compares the manager of @user with the sessions that are open, or, if there are none, with @base;
 * if that cannot be known, whatever filter it has is taken for it. Nothing is changed. A login that
 * is under way is waited for, if only for a moment, before a difference is believed.
 * Returns an enum enforce_live_manager, or a negative errno with @why.
 */
int enforce_live_compare(const struct session *user, const struct enforce_live_base *base,
			 struct reason *why);

#endif
