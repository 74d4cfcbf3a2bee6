/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The cgroups of a user that have, or could have, a filter of ours, as the kernel has them. */
#ifndef EXPLAIN_PLACES_H
#define EXPLAIN_PLACES_H

#include "enforce/again.h"
#include "enforce/live.h"
#include "filter/filter.h"
#include "command/explain/explain.h"

struct place {
	char unit[128]; /* session-3.scope, user@1000.service */
	bool manager;
	int error;		 /* the filter cannot be read: why */
	struct reason why;	 /* ... or it cannot be compared with the files; "": it can */
	struct bpfdev_info info; /* of the filter */
	struct table *table;	 /* of the filter; NULL: there is none */
	/* What the files say now, set by place_compare(): */
	const struct conf *conf;     /* NULL: nothing, why says the reason */
	struct policy_survey survey; /* of that */
	struct table *files;	     /* of what the place would get; NULL: no filter */
	bool changed;		     /* the policy is another one than that of the filter */
	bool named;		     /* its lines are those that the filter's sources name */
	bool united; /* of a manager: it gets what the open sessions have, whatever the files say */
};

struct places {
	char *root;	     /* where user.slice is */
	struct session user; /* uid and slice */
	struct place *items; /* oldest first, the manager last */
	size_t count, capacity;
};

/*
 * Looks at the open sessions of @uid, and at the manager; @id: only at the session with that id.
 * Returns 0, or a negative errno with @why. Free: places_free().
 */
int places_find(uid_t uid, const char *id, struct places *places, struct reason *why);

void places_free(struct places *places);

/* "3" of "session-3.scope", or NULL for the manager. @out: 128 bytes. */
const char *place_id(const struct place *place, char *out);

/*
 * Decides again what the place would get. The policy that place->conf points to is @again's, and
 * good until the next call. Returns 0, or -ENOMEM.
 */
int place_compare(const struct places *places, struct place *place,
		  const struct policy_subject *subject, struct again *again);

#endif
