/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Deciding again what a filter should be, from what it says of itself. */
#ifndef ENFORCE_AGAIN_H
#define ENFORCE_AGAIN_H

#include "conf/store.h"
#include "enforce/enforce.h"
#include "session/session.h"

/* All zero but for options and uid to begin with; sessions of a user share user and policy. */
struct again {
	const struct enforce_options *options;
	uid_t uid;
	struct policy_subject subject; /* whoever was looked up last */
	struct conf_store policies;
};

void again_free(struct again *again);

/* The functions below return 0 or a negative errno with @why. */

/*
 * Reads the policy that a filter was made from, as it is now: *@conf stays ours. -EINVAL: it
 * has mistakes.
 */
int again_policy(struct again *again, const struct bpfdev_info *info, struct conf **conf,
		 struct reason *why);

/*
 * The table that the session of @info would get if it were opened now, and what changes in @info
 * with it. A user whom no line names any more may do everything, but keeps a filter: it knows what
 * PAM said of the session, should a line name the user again.
 */
int again_decide(struct again *again, struct bpfdev_info *info, struct table **table,
		 struct reason *why);

/*
 * Brings the user's manager in line, see enforce_manager(). @info: what its filter says of itself;
 * NULL: it has none.
 */
int again_manager(struct again *again, const struct session *user, const struct bpfdev_info *info,
		  struct reason *note, struct reason *why);

/* The name of the manager's unit. */
void again_manager_unit(const struct session *user, char *unit, size_t size);

#endif
