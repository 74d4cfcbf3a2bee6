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

/* What was denied before the policy was changed may be what it was changed for. */
static void count(struct doctor_denials *denials, char *text, bool newest_first)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		const char *denial = strstr(line, denials->begin);

		if (denials->is_change(line)) {
			if (newest_first)
				return;
			denials->count = 0;
		} else if (denial && denials->is_ours(line)) {
			if (!newest_first || !denials->count)
				snprintf(denials->last, sizeof(denials->last), "%s", denial);
			denials->count++;
		}
	}
}

/* @argv: a program that lists them. False: the newest could not be looked at, which a finding says. */
static bool look(struct doctor *doctor, char *const *argv, struct doctor_denials *denials,
		 bool newest_first)
{
	char *text = xmalloc(DOCTOR_OUTPUT_MAX);
	int ret = access(argv[0], X_OK) < 0 ? 1 : doctor_run(argv, text);

	if (ret == 0 || ret == -ECANCELED)
		count(denials, text, newest_first);
	free(text);
	if (ret == -ETIMEDOUT) {
		doctor_find(doctor, DOCTOR_BLIND, denials->topic, "",
			    "what was denied could not be looked at: %s does not answer", argv[0]);
		doctor_advise(doctor, "look again once the machine has less to do");
		return false;
	}
	if (ret == -ECANCELED && !newest_first) {
		doctor_find(
			doctor, DOCTOR_BLIND, denials->topic, "",
			"so much was denied since boot that the newest of it was not looked at");
		doctor_advise(doctor, "\"ausearch -m %s -ts recent\" lists that", denials->types);
		return false;
	}
	return true;
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
