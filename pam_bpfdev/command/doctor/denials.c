// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What security modules have denied: in the kernel's log until auditd runs, and then in auditd's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define AUSEARCH "/usr/sbin/ausearch"
#define JOURNALCTL "/usr/bin/journalctl"

/*
 * What was denied before the policy was changed may be what it was changed for. Returns whether it was:
 * what is older does not matter.
 */
static bool count(struct doctor_denials *denials, char *text, bool newest_first)
{
	bool changed = false;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		const char *denial = strstr(line, denials->begin);

		if (denials->is_change(line)) {
			changed = true;
			if (newest_first)
				break;
			denials->count = 0;
		} else if (denial && denials->is_ours(line)) {
			if (!newest_first || !denials->count)
				snprintf(denials->last, sizeof(denials->last), "%s", denial);
			denials->count++;
		}
	}
	return changed;
}

static void be_blind(struct doctor *doctor, const struct doctor_denials *denials,
		     const char *program, int ret)
{
	if (ret == -ETIMEDOUT) {
		doctor_find(doctor, DOCTOR_BLIND, denials->topic, "",
			    "what was denied could not be looked at: %s does not answer", program);
		doctor_advise(doctor, "look again once the machine has less to do");
	} else if (ret < 0 && ret != -ECANCELED) {
		doctor_find(doctor, DOCTOR_BLIND, denials->topic, "",
			    "what was denied could not be looked at: %s: %s", program,
			    strerror(-ret));
		doctor_advise(doctor, "mend that, and look again");
	} else {
		doctor_find(doctor, DOCTOR_BLIND, denials->topic, "",
			    "%s tells of so much since boot that not all of it was looked at",
			    program);
		doctor_advise(doctor,
			      "\"ausearch -m %s -ts recent\", or \"journalctl -k\", lists it",
			      denials->types);
	}
}

/*
 * @argv: a program that lists them; whoever does not have it has none to list. False: not all that
 * matters could be looked at, which a finding says.
 */
static bool look(struct doctor *doctor, char *const *argv, struct doctor_denials *denials,
		 bool newest_first)
{
	char *text = xmalloc(DOCTOR_OUTPUT_MAX);
	int ret = access(argv[0], X_OK) < 0 ? 1 : doctor_run(argv, text);
	bool seen = ret >= 0;

	if (ret == 0 || ret == -ECANCELED) {
		bool whole = strlen(text) < DOCTOR_OUTPUT_MAX - 1;
		bool changed = count(denials, text, newest_first);

		seen = whole || (newest_first && changed);
	}
	free(text);
	if (!seen)
		be_blind(doctor, denials, argv[0], ret);
	return seen;
}

bool doctor_look_for_denials(struct doctor *doctor, struct doctor_denials *denials)
{
	/* The C library's const is execve's: it changes none of these. */
	char *journal[] = { JOURNALCTL, "-qkr", "--no-pager", "-ocat", (char *)denials->pattern,
			    NULL };
	char *audit[] = { AUSEARCH, "--input-logs", "--raw", "-m", (char *)denials->types,
			  "-ts",    "boot",	    NULL };
	bool seen;

	denials->count = 0;
	seen = look(doctor, journal, denials, true);
	return look(doctor, audit, denials, false) && seen;
}
