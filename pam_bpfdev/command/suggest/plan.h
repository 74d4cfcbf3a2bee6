/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that find the lines to suggest. */
#ifndef SUGGEST_PLAN_H
#define SUGGEST_PLAN_H

#include "command/base/names.h"
#include "command/suggest/suggest.h"

/* Understands @text as one device. Returns whether it is one that can stand in a policy's line. */
bool suggest_parse_device(char *text, struct device_spec *spec);

/*
 * Sets *@place to that of the target; one that is there already stays the same. Returns false: a
 * policy cannot name a device so.
 */
bool suggest_target_add(struct suggest *suggest, enum suggest_kind kind, const char *text,
			size_t *place);

/* A class or driver, and what it stands for on this machine. */
struct suggest_set {
	enum suggest_kind kind;
	size_t target;
	struct device_patterns *members; /* of a class; a driver has one */
	size_t *sizes;			 /* for each member: of how many devices it is */
	size_t count;
};

struct suggest_sets {
	struct suggest_set *items;
	size_t count, capacity;
};

/* Finds all classes of the policy and the drivers of what is wished for. Returns as
 * suggest_make(); suggest_sets_free() in any case. */
int suggest_sets_find(struct suggest *suggest, const struct names_nodes *nodes,
		      struct suggest_sets *sets, struct reason *why);
void suggest_sets_free(struct suggest_sets *sets);

/*
 * How many of the @count wishes (of one user) are about devices of the set; 0 also if it is no fit
 * name for them, as it stands for many more devices or for what has nothing to do with them.
 */
size_t suggest_set_fits(const struct suggest_set *set, const struct suggest_wish *wishes,
			size_t count);

bool suggest_set_has(const struct suggest_set *set, const struct bpfdev_key *device);

/* Fills in the wishes' ladders. Returns as suggest_make(). */
int suggest_ladders_build(struct suggest *suggest, struct reason *why);

/*
 * What is dangerous about the device, in words; NULL: nothing. Sets *@hidden: a name that stands
 * for more devices, such as a class, would hide it.
 */
const char *suggest_risk(struct names *names, const struct bpfdev_key *device, bool *hidden);

/* Adds whom lines can be for: each user, or only request->who. Returns as suggest_make(). */
int suggest_whos_add(struct suggest *suggest, struct reason *why);

void suggest_whos_free(struct suggest *suggest);

#endif
