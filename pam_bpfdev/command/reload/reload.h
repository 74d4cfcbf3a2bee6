/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What bpfdev reload does, apart from what it prints. */
#ifndef RELOAD_H
#define RELOAD_H

#include "command/machine/change.h"
#include "command/base/command.h"

/* What came of one session, or manager. */
struct reload_result {
	uid_t uid;
	char user[256];
	struct enforce_change_report report;
	/* Of a session that has no filter, without --all: */
	uint32_t due;	     /* so many rules the policy has for it now */
	struct reason doubt; /* why that is not known; "": it is */
};

struct reload {
	struct command_options options;
	bool all; /* also sessions without a filter */
	bool one; /* of this user only: */
	struct change_user user;
	struct reload_result *results;
	size_t count, capacity;
};

/*
 * Goes through the users that have sessions. Fills @reload->results. Returns 0, also if single
 * sessions failed, or a negative errno with @why: the results are those up to there.
 */
int reload_run(struct reload *reload, struct reason *why);

void reload_free(struct reload *reload);

#endif
