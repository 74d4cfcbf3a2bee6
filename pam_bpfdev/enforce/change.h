/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Changing the filters of sessions that are open: one step of the kernel's for each. */
#ifndef ENFORCE_CHANGE_H
#define ENFORCE_CHANGE_H

#include "bpfdev.h"
#include "enforce/decide.h"
#include "enforce/enforce.h"
#include "session/session.h"

enum enforce_change_kind {
	ENFORCE_RELOAD,	 /* the policy as it is now; exceptions that have not ended stay */
	ENFORCE_LEND,	 /* one exception more; the same device's former one is replaced */
	ENFORCE_RECLAIM, /* exceptions end, the rules stay as they are */
	ENFORCE_SETTLE,	 /* the rules as the filter carries them; what they name is looked up */
};

struct enforce_change {
	enum enforce_change_kind kind;
	const struct bpfdev_exception *exception; /* ENFORCE_LEND */
	const char *device; /* ENFORCE_RECLAIM: only the exception for this; NULL: all */
	bool expired;	    /* ENFORCE_RECLAIM: only those whose time is over */
	const struct device_event *event; /* ENFORCE_SETTLE: what has happened; NULL: all anew */
};

enum enforce_changed {
	ENFORCE_CHANGED,    /* the kernel has a new filter in the place of the old one */
	ENFORCE_SAME,	    /* the rules are the same, whatever else of the policy has changed */
	ENFORCE_UNFILTERED, /* a session, or a manager, without a filter of ours */
	ENFORCE_FAILED,	    /* the filter is as it was; why says the reason */
};

/* Why a change failed, where that makes a difference. */
enum enforce_cause {
	ENFORCE_BY_ERROR,
	ENFORCE_BY_MISTAKES,	  /* the policy has mistakes */
	ENFORCE_BY_NOBODY,	  /* its user is not known any more */
	ENFORCE_BY_OTHER_VERSION, /* of this program made the filter */
};

/* What came of it for one session, or for the user's manager. */
struct enforce_change_report {
	enum enforce_changed outcome;
	enum bpfdev_role role;
	char unit[128];
	struct bpfdev_info before, after; /* before: not for ENFORCE_UNFILTERED */
	/* ENFORCE_FAILED: */
	int error; /* a negative errno */
	enum enforce_cause cause;
	struct reason why; /* if it did not fail: what else is to be said, or "" */
};

/*
 * Called for each session of the user, and last for the manager: if anything changed or failed, if
 * the policy is read anew, or if the manager has what an exception lent that ends.
 */
typedef void enforce_tell(const struct enforce_change_report *report, void *data);

/*
 * Makes @change to each filtered session of @user (see session_each_user()), each as one step: no open
 * of a device that old and new rules allow fails, none that both deny passes. Then the manager is
 * brought in line. What is decided before the lock that logins take is held is checked under it. The
 * policy of each is that of its filter: @options' is asked where a filter does not name one.
 * Returns 0 (what failed was told), or a negative errno with @why: nothing was changed since.
 */
int enforce_change(const struct enforce_options *options, const struct session *user,
		   const struct enforce_change *change, enforce_tell *tell, void *data,
		   struct reason *why);

/*
 * Brings the filters of all users below the hierarchy @root in line with what devices there are: after
 * @event, or if that is NULL, anew from the beginning. Neither policy files nor the user database are
 * asked, and what names nothing of the event is left alone. @tell: as above, only of what changed or
 * failed; the others go on.
 * Returns 0 (what failed was told), or a negative errno with @why: some were not looked at.
 */
int enforce_settle(const struct enforce_options *options, const char *root,
		   const struct device_event *event, enforce_tell *tell, void *data,
		   struct reason *why);

/* A session that was opened when no line named its user, or before there was the module. */
struct enforce_stray {
	const char *unit;		      /* session-3.scope */
	const struct policy_subject *subject; /* whose it is */
	struct policy_session session;
};

/*
 * Gives a session of @user that has no filter the one that it would have got at its open, and
 * brings the manager in line. A user whom no line names stays without: ENFORCE_SAME.
 * Returns 0 with *@report, or a negative errno with @why.
 */
int enforce_adopt(const struct enforce_options *options, const struct session *user,
		  const struct enforce_stray *stray, struct enforce_change_report *report,
		  struct reason *why);

/*
 * The same for the manager of @subject, whose slice is @user, if there is one: it may have begun
 * when no line named them. ENFORCE_SAME: it has a filter already, or there is no manager;
 * ENFORCE_UNFILTERED: none is needed. @report->after: what its filter says now; @why may be the
 * report's own.
 */
int enforce_adopt_manager(const struct enforce_options *options, const struct session *user,
			  const struct policy_subject *subject,
			  struct enforce_change_report *report, struct reason *why);

/*
 * A new table: @base, and what the exceptions of @info would lend besides if they were made now. One
 * that can no longer be understood is taken out of @info, which @why says then.
 * Returns DECIDED, DECIDED_MISTAKES or a negative errno with @why.
 */
int enforce_lend_again(struct decider *decider, struct bpfdev_info *info, const struct table *base,
		       struct table **table, struct reason *why);

/* Seconds of CLOCK_BOOTTIME: the time of an exception's end. */
uint64_t enforce_boottime(void);

#endif
