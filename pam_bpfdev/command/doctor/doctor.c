// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev doctor: what on this machine lets users out of their rules. Says it, changes nothing. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "command/doctor/doctor.h"

static void (*const checks[])(struct doctor *doctor) = {
	doctor_check_kernel,	doctor_check_pam,      doctor_check_sshd,    doctor_check_daemons,
	doctor_check_policy,	doctor_check_sockets,  doctor_check_groups,  doctor_check_pam_group,
	doctor_check_processes, doctor_check_sessions, doctor_check_linger,  doctor_check_log,
	doctor_check_udev,	doctor_check_brokers,  doctor_check_selinux, doctor_check_apparmor,
};

static const struct command_option doctor_options[] = {
	{ "quiet", 'q', NULL, "leave out what is well", offsetof(struct doctor, quiet), NULL },
	{ 0 },
};

static const struct command_set doctor_set = { doctor_options, 0, NULL };

/* What is certain says more than what could not be looked at. */
static int exit_status(const struct doctor *doctor)
{
	if (doctor_has(doctor, DOCTOR_MISTAKE))
		return COMMAND_MISTAKES;
	if (doctor_has(doctor, DOCTOR_BAD))
		return COMMAND_NO;
	return doctor_has(doctor, DOCTOR_BLIND) ? COMMAND_FAILED : COMMAND_YES;
}

static int run(void *request)
{
	struct doctor *doctor = request;
	int status = COMMAND_FAILED;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](doctor);
	if (doctor_print(doctor) == 0)
		status = exit_status(doctor);
	doctor_findings_free(&doctor->findings);
	doctor_users_free(doctor);
	conf_free(doctor->conf);
	free(doctor->left_alone);
	free(doctor->conf_path);
	machine_close(&doctor->machine);
	return status;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "look for ways around the rules",
	.doc = "Look at this machine and say, line by line, what is well and what to do."
	       "\vKernel, PAM services, sshd, the policy, processes and devices of users with rules, and "
	       "services that open devices for others. Changes nothing. Without --conf the policy is "
	       "that of the PAM lines, if all of them name the same one.\n\n"
	       "Exit status: 0 nothing lets a user out of the rules; 1 something does, or nothing is "
	       "enforced; 2 the policy has mistakes; 3 not root, or something could not be looked at.",
	.root = "it looks at all users' processes and sessions",
	.sets = { { &doctor_set, 0 }, { &command_output_set, 0 }, { &command_conf_set, 0 } },
	.size = sizeof(struct doctor),
	.run = run,
};
