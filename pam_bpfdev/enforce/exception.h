/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Devices that a session may use for a time: kept in its filter, and nowhere else. */
#ifndef ENFORCE_EXCEPTION_H
#define ENFORCE_EXCEPTION_H

#include "enforce/again.h"
#include "enforce/change.h"

/*
 * Updates the exceptions in @info: those whose time is over go, and those that @change ends; the
 * one that it grants comes. Returns 0; or with @why -ENOSPC: there are too many; -ETIME: the one
 * that is granted is over already.
 */
int exception_change(struct bpfdev_info *info, const struct enforce_change *change,
		     struct reason *why);

/* Whether @info has an exception. */
bool exception_any(const struct bpfdev_info *info);

/*
 * A new table: @rules, and what the exceptions in @info grant besides. One that can no longer be
 * understood (its class is gone, say, or the policy unreadable) ends; if it is the one that @change
 * grants, the call fails. Returns 0 or a negative errno with @why.
 */
int exception_lend(struct again *again, struct bpfdev_info *info,
		   const struct enforce_change *change, const struct table *rules,
		   struct table **table, struct reason *why);

#endif
