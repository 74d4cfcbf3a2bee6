// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Users whose managers run while they are not logged in, and conditions that nothing fulfils then. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "command/doctor/doctor.h"

#define TOPIC "linger"
#define FOLDER "/var/lib/systemd/linger" /* an empty file of each user's name: loginctl(1) */

static bool has_conditions(const struct conf_when *when)
{
	return when->origin != CONF_ORIGIN_ANY || when->service || when->tty;
}

/* How many lines with conditions are about the user; those that an exempt line covers are not. */
static size_t count_conditions(struct doctor *doctor, const struct doctor_user *user)
{
	struct policy_survey survey;
	struct reason why;
	size_t count = 0;

	if (policy_survey(doctor->conf, &user->subject, &policy_manager_session, &survey, &why) <
	    0) {
		doctor->error = -ENOMEM;
		return 0;
	}
	for (size_t i = 0; i < doctor->conf->statement_count; i++)
		count += has_conditions(&doctor->conf->statements[i].when) &&
			 survey.lines[i].standing != POLICY_OTHERS &&
			 survey.lines[i].standing != POLICY_EXEMPTED;
	policy_survey_free(&survey);
	return count;
}

static void check_user(struct doctor *doctor, const char *name)
{
	const struct doctor_user *user = doctor_user_of_name(doctor, name);

	if (!doctor_has_rules(user) || !count_conditions(doctor, user))
		return;
	doctor_find(
		doctor, DOCTOR_NOTE, TOPIC, name,
		"lingers and has rules with conditions: while no session is open, conditional deny "
		"lines apply to the user manager, and conditional allow lines do not");
	doctor_advise(doctor,
		      "if a service of theirs needs such a line, add service=systemd-user to it");
}

void doctor_check_linger(struct doctor *doctor)
{
	DIR *dir = doctor->conf ? opendir(FOLDER) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			check_user(doctor, entry->d_name);
	if (dir)
		closedir(dir);
}
