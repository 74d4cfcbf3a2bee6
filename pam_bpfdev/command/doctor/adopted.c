// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Whether who logs in to a node where they have a job stays in it. Slurm's module moves the login into
 * the job's cgroup, in PAM's account phase; pam_systemd, later, moves it on into a session's.
 */
#include <string.h>

#include "conf/arguments.h"
#include "command/doctor/doctor.h"

#define TOPIC "pam"
#define ADOPTER "pam_slurm_adopt.so"
#define SYSTEMD "pam_systemd.so"
#define MODULE "pam_bpfdev.so"

/* Whether a line of the module has cgroups that are left alone, or leaves all alone. */
static bool leaves_jobs_alone(const struct pam_stack *sessions)
{
	for (size_t i = 0; i < sessions->count; i++) {
		const struct pam_stack_line *line = &sessions->lines[i];
		struct arguments arguments = { 0 };

		if (strcmp(pam_stack_module(line), MODULE) != 0)
			continue;
		for (size_t j = 0; j < line->argument_count; j++)
			arguments_parse(line->arguments[j], &arguments, NULL);
		if (arguments.left_alone || arguments.nosession_ignore)
			return true;
	}
	return false;
}

static void judge(struct doctor *doctor, const char *service, const struct pam_stack *sessions,
		  const struct pam_stack_line *adopter)
{
	size_t systemd = pam_stack_find(sessions, SYSTEMD, 0);

	if (systemd < sessions->count && !pam_stack_walk(sessions, SYSTEMD).around) {
		const struct pam_stack_line *line = &sessions->lines[systemd];

		doctor_find(doctor, DOCTOR_BAD, TOPIC, service,
			    ADOPTER " (%s:%u) puts who has a job here into it, and " SYSTEMD
				    " (%s:%u) takes them out again: the job's limits are lost, of "
				    "devices, memory and processors",
			    adopter->file, adopter->number, line->file, line->number);
		doctor_advise(doctor, "have a line skip " SYSTEMD " for them: pam_bpfdev(8), under "
				      "\"Batch systems\", has it");
	} else if (pam_stack_find(sessions, MODULE, 0) < sessions->count &&
		   !leaves_jobs_alone(sessions)) {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, service,
			    MODULE " refuses users with rules whom " ADOPTER
				   " (%s:%u) has put into their jobs: these are no sessions",
			    adopter->file, adopter->number);
		doctor_advise(doctor, "give it nosession=ignore:PATTERN, with the cgroups of jobs: "
				      "pam_bpfdev(8), under \"Batch systems\", has the line");
	}
}

void doctor_check_adopted(struct doctor *doctor, const char *root, const char *service,
			  const struct pam_stack *sessions)
{
	static const char *const types[] = { "account", "session" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct pam_stack stack;
		/* What cannot be followed is said of the session lines. */
		int ret = pam_stack_load(root, service, types[i], &stack);
		size_t at = ret == 0 ? pam_stack_find(&stack, ADOPTER, 0) : stack.count;

		if (at < stack.count)
			judge(doctor, service, sessions, &stack.lines[at]);
		pam_stack_free(&stack);
	}
}
