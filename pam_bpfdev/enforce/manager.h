/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Bringing a user's manager in line with the user's sessions. */
#ifndef ENFORCE_MANAGER_H
#define ENFORCE_MANAGER_H

#include "enforce/enforce.h"
#include "session/session.h"

/*
 * Gives the manager of @subject, below @session's slice, the filter that follows from the filtered
 * sessions that are open now: the union of what they may do; with none open, what the policy says
 * of the manager itself. What is already right is left alone. A policy that cannot be used leaves
 * the manager what every shell needs, and @note says so. The caller holds the lock.
 * Returns 0, also if there is no manager; or a negative errno with @why.
 */
int enforce_manager(const struct enforce_options *options, const struct policy_subject *subject,
		    const struct session *session, struct reason *note, struct reason *why);

/*
 * The union of what the filtered sessions of @user (see session_each_user()) may do that are open:
 * what the user's manager should have while there are any. It depends on which sessions there are,
 * not on their order. Each table that differs is read once.
 * Returns 1 with *@table, to be freed; 0: no filtered session is open; or a negative errno with
 * @why: -ENOENT and -ENODEV mean that the user's slice is gone.
 */
int enforce_manager_union(const struct session *user, struct table **table, struct reason *why);

/* What every filter of ours says of itself; strings of @session may be "". */
void enforce_describe(struct bpfdev_info *info, enum bpfdev_role role,
		      const struct policy_subject *subject, const struct policy_session *session,
		      const char *unit, const char *policy);

#endif
