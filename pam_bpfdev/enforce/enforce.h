/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Opening and closing a session's filter: the one place where session, policy and filter meet. */
#ifndef ENFORCE_H
#define ENFORCE_H

#include <stdbool.h>

#include "bpfdev.h"
#include "conf/conf.h"
#include "device/device.h"
#include "policy/policy.h"
#include "base/reason.h"

struct session;

/* What was done, for the caller to log and to answer with. */
enum enforce_outcome {
	ENFORCE_FILTERED,     /* the session, or the manager, has its filter */
	ENFORCE_NO_RULES,     /* no line names the user */
	ENFORCE_UNRESTRICTED, /* no session to filter, and nothing to filter either */
	ENFORCE_INNER,	      /* within a filtered session of the user: its filter stays */
	ENFORCE_FOREIGN,      /* within another user's session: that one's filter stays */
	ENFORCE_NO_SESSION,   /* rules apply, and the caller is in no session's cgroup */
	ENFORCE_LEFT_ALONE, /* the same, but it is one that somebody else filters: see left_alone */
	ENFORCE_KEPT,	    /* close: processes are left, so the filter stays */
	ENFORCE_REMOVED,    /* close: the filter is gone */
};

struct enforce_options {
	const struct conf_paths *conf;
	const struct device_source *devices;
	const char *lock_folder; /* where the locks are */
	/* Opening: cgroups that are no session's and left alone, see cgroups_fit(). NULL: none. */
	const char *left_alone;
	/*
	 * Told, with no lock held, what the log must say although nothing has failed: who was killed
	 * for having kept a lock. NULL: nobody is.
	 */
	void (*tell)(const struct reason *what, void *data);
	void *data;
};

/* A device that a session was denied. */
struct enforce_denied_device {
	uint32_t type, major, minor;
	uint32_t access; /* the bits that were denied: BPFDEV_READ ... */
	bool audit;	 /* they passed, for audit only */
	uint64_t count;
	char name[DEVICE_NAME_SIZE]; /* "/dev/video0", "char-video4linux" or "" */
	char line[256]; /* that decided the last time: "FILE:LINE", or why there is none */
	char door[16];	/* the service that asked for it on the user's behalf; "": none did */
};

#define ENFORCE_DENIED_DEVICES 5

/* What a session, or a manager, was denied. */
struct enforce_denied {
	uint64_t refused, audited; /* how often; audited: it passed, for audit only */
	uint64_t lost;		   /* how often besides, of which the filter does not know more */
	size_t device_count; /* what was refused of a device, and what was audited, count as two */
	struct enforce_denied_device devices[ENFORCE_DENIED_DEVICES]; /* the first ones: refused
									 most often, then audited */
	struct reason why; /* it cannot be known; "": it is */
};

struct enforce_report {
	enum enforce_outcome outcome;
	bool manager;	 /* the caller is the user's manager, not a session */
	bool leader;	 /* the session began with this: its close is the session's end */
	bool unfiltered; /* ENFORCE_FOREIGN, and that session has no filter, but @subject has rules */
	bool unrestricted; /* lines name the user and none counts: everything is allowed */
	bool audit;	   /* audit lines count */
	bool unguarded; /* ENFORCE_NO_SESSION, in a cgroup to be left alone, where nobody filters */
	bool spared;	/* ENFORCE_NO_RULES, although the policy has mistakes, as @note says */
	uint32_t rule_count;
	/* Whose filter stands beside, as they have become @subject; "": nobody's. */
	char caller[sizeof(((struct bpfdev_info *)0)->user)];
	char unit[128];
	struct reason note;		      /* what the log should say beside it; often empty */
	struct enforce_denied denied;	      /* close: if this was the session's end */
	struct enforce_denied caller_denied;  /* and by what stood beside: see caller */
	struct enforce_denied manager_denied; /* and the last one's: so far */
};

/* What pam_systemd(8) has put into the environment of this PAM handle. NULL and "": nothing. */
struct enforce_systemd {
	const char *session; /* XDG_SESSION_ID */
	const char *seat;    /* XDG_SEAT */
};

/*
 * Filters the session that the calling process is in, for @subject, and brings the user's manager
 * in line. Returns 0 with *@report, or a negative errno with @why: then a policy applies (or could)
 * and is not in place, and the cgroups are as they were.
 */
int enforce_open(const struct enforce_options *options, const struct policy_subject *subject,
		 const struct policy_session *session, const struct enforce_systemd *systemd,
		 struct enforce_report *report, struct reason *why);

/*
 * Ends the filter of the session that the calling process is in, if nobody else is left there, and
 * brings the user's manager in line. @ours: this very process opened the session, as its leader.
 * Returns 0 with *@report, or a negative errno with @why; then the filter stays, or the manager's
 * does, until their cgroups end.
 */
int enforce_close(const struct enforce_options *options, const struct policy_subject *subject,
		  bool ours, struct enforce_report *report, struct reason *why);

/*
 * Whether a cgroup, in which is no session, is to be left alone and is limited by somebody else: whether
 * it, or one above it that the @patterns (see cgroups_fit()) fit, has a device program of its own.
 * Returns their number, 0: none, or not to be left alone; or a negative errno with @why.
 */
int enforce_is_limited(const char *patterns, const struct session *place, struct reason *why);

#endif
