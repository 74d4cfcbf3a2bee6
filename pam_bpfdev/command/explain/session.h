/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The cgroups of a user that have, or could have, a filter of ours, for explain --session. */
#ifndef EXPLAIN_SESSION_H
#define EXPLAIN_SESSION_H

#include "command/explain/explain.h"
#include "command/machine/machine.h"
#include "command/machine/programs.h"

/* A session or the manager, and what there is to say of it. */
struct place {
	const struct machine_unit *unit;
	struct table *table;	 /* of its filter; NULL: there is none, or it cannot be read */
	struct reason unread;	 /* why it cannot be read; "": it can */
	struct reason unlike;	 /* why it cannot be compared with the files: conf is NULL then */
	const struct conf *conf; /* what the files say now */
	struct policy_survey survey; /* of that */
	struct table *files;	     /* of what the place would get; NULL: no filter */
	bool changed;		     /* the policy is another one than that of the filter */
	bool named;		     /* its lines are those that the filter's sources name */
	bool united; /* of a manager: it gets what the open sessions have, whatever the files say */
	struct targets targets;		/* row: of the filter; other: of the files */
	struct other_programs programs; /* what the kernel asks besides */
};

/* Whether the place is the user's manager. */
static inline bool place_is_manager(const struct place *place)
{
	return place->unit->unit.role == BPFDEV_MANAGER;
}

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
