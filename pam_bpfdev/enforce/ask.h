/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the rules say of a device that a service is about to open on behalf of a process. */
#ifndef ENFORCE_ASK_H
#define ENFORCE_ASK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "enforce/enforce.h"

/* The name of a service, with the final NUL: as long as what a process calls itself. */
#define ENFORCE_BY_SIZE 16

struct enforce_question {
	pid_t pid;
	uint64_t start;		  /* of that process, as session_process has it; 0: not known */
	uid_t uid;		  /* who asks; that process must be theirs. (uid_t)-1: not known */
	char by[ENFORCE_BY_SIZE]; /* the service that would open it */
	uint32_t access;	  /* BPFDEV_READ ... */
	bool mount;	   /* a file system: what the kernel holds read-only is not written to */
	bool drive;	   /* and all partitions of the drive */
	char device[1024]; /* see DEVICE_ASKED_FORMS */
};

enum enforce_verdict {
	ENFORCE_NO_OPINION, /* no rules stand for the user */
	ENFORCE_ALLOW,
	ENFORCE_DENY,
};

struct enforce_answer {
	enum enforce_verdict verdict;
	bool audit;	    /* ENFORCE_ALLOW: but for audit it would be denied */
	char numbers[32];   /* the device that decided: "b 8:1", or "" */
	char line[512];	    /* that decided: "FILE:LINE", or why there is none, or "" */
	struct reason note; /* what the log should say, as no filter counts it; often empty */
};

/*
 * Answers for the filters that the kernel asks when the process opens a device, and counts there what
 * they deny; where there are none, for what the user's manager would get. Root's processes are nobody's
 * with rules. A process that is not the one that asked gets nothing, if the user has rules at all.
 * Returns 0 with *@answer; or a negative errno with @why: then there is no answer.
 */
int enforce_ask(const struct enforce_options *options, const struct enforce_question *question,
		struct enforce_answer *answer, struct reason *why);

/*
 * The same question where nobody can look at filters, as they are root's: whether no rules can stand for
 * who asks (@question->uid, which must be known). So it is if their process is in nobody else's session,
 * and no line of the policy names them. Where that cannot be told, as the policy may not be read for one,
 * they are no stranger. Returns false with @why.
 */
bool enforce_is_stranger(const struct enforce_options *options,
			 const struct enforce_question *question, struct reason *why);

#endif
