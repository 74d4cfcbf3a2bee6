/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a filter should be, from what is known of its session: at its open, and again later. */
#ifndef ENFORCE_DECIDE_H
#define ENFORCE_DECIDE_H

#include "bpfdev.h"
#include "conf/store.h"
#include "enforce/enforce.h"

/* What has been read of policies and the user database. Free: decider_free(). */
struct decider {
	const struct enforce_options *options;
	struct conf_store policies;
	struct policy_subject subject; /* whoever was looked up last */
};

/* All results but these are negative: an errno, with @why. */
enum decided {
	DECIDED,
	DECIDED_MISTAKES, /* the policy has mistakes, which @why says */
	DECIDED_NOBODY,	  /* no user has the name and uid any more; @why says what there is */
};

struct decider decider_new(const struct enforce_options *options);

void decider_free(struct decider *decider);

/*
 * The policy that a filter with @info was made from (NULL: that of the options), as it is now;
 * *@conf stays the decider's. Returns DECIDED or DECIDED_MISTAKES.
 */
int decider_policy(struct decider *decider, const struct bpfdev_info *info, struct conf **conf,
		   struct reason *why);

/* Looks up the user of @info. Returns DECIDED with decider->subject, or DECIDED_NOBODY. */
int decider_find_subject(struct decider *decider, const struct bpfdev_info *info,
			 struct reason *why);

/*
 * Decides for @subject in @session by the policy that a filter with @made_from was made from (NULL:
 * that of the options). Sets what depends on it in @info, and *@table; NULL: no line names the
 * user. Returns DECIDED or DECIDED_MISTAKES.
 */
int decide(struct decider *decider, const struct bpfdev_info *made_from,
	   const struct policy_subject *subject, const struct policy_session *session,
	   struct bpfdev_info *info, struct table **table, struct reason *why);

/*
 * The table that the session of @info would get if it were opened now, and what changes in @info
 * with it. A user whom no line names any more may do everything, but keeps a filter: it knows what
 * PAM said of the session, should a line name the user again. Returns an enum decided.
 */
int decide_again(struct decider *decider, struct bpfdev_info *info, struct table **table,
		 struct reason *why);

#endif
