/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The cgroups of a user that have, or could have, a filter of ours, for explain --session. */
#ifndef EXPLAIN_SESSION_H
#define EXPLAIN_SESSION_H

#include "filter/filter.h"
#include "command/explain/explain.h"
#include "command/machine/programs.h"

/* A session or the manager. */
struct place {
	char unit[128]; /* session-3.scope, user@1000.service */
	bool manager;
	int error;		 /* the filter cannot be read: why */
	struct reason why;	 /* ... or it cannot be compared with the files; "": it can */
	struct bpfdev_info info; /* of the filter */
	struct table *table;	 /* of the filter; NULL: there is none */
	/* What the files say now: */
	const struct conf *conf;     /* NULL: nothing, why says the reason */
	struct policy_survey survey; /* of that */
	struct table *files;	     /* of what the place would get; NULL: no filter */
	bool changed;		     /* the policy is another one than that of the filter */
	bool named;		     /* its lines are those that the filter's sources name */
	bool united; /* of a manager: it gets what the open sessions have, whatever the files say */
	struct targets targets;		/* row: of the filter; other: of the files */
	struct other_programs programs; /* what the kernel asks besides */
};

/* "3" of "session-3.scope", or NULL for the manager. @out: 128 bytes. */
const char *place_id(const struct place *place, char *out);

/* Whether filter and files say the same of the target; exceptions are not asked about. */
bool place_agrees(const struct explain *explain, const struct target *target);

/* The same for all targets. Only where the place could be compared. */
bool place_agrees_on_all(const struct explain *explain, const struct place *place);

/* What the sources of the filter's entries (of the files': @files) lead to. */
struct sources place_sources(const struct explain *explain, const struct place *place,
			     const struct target *target, bool files);

/* Prints the place. */
void place_print(const struct explain *explain, const struct place *place);

/* An object for the place: see bpfdev(8). */
json_t *place_json(const struct explain *explain, const struct place *place);

#endif
