// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What doas(1) lets users with rules do: OpenBSD's, and opendoas. */
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define DOAS "/usr/bin/doas"
#define CONF "/etc/doas.conf"
#define BLANKS " \t"

/* "permit [OPTION...] IDENTITY [as TARGET] [cmd COMMAND ...]" */
struct permission {
	const char *identity, *target; /* target NULL: anybody, root first of all */
	bool command;
};

static bool is_option(const char *word)
{
	return strcmp(word, "nopass") == 0 || strcmp(word, "persist") == 0 ||
	       strcmp(word, "nolog") == 0 || strcmp(word, "keepenv") == 0;
}

/* Takes @line apart. Returns whether it permits anything. */
static bool parse(char *line, struct permission *permission)
{
	char *rest = line, *word;
	bool in_setenv = false, began = false;

	*permission = (struct permission) { 0 };
	while (!permission->command && (word = strsep(&rest, BLANKS))) {
		if (!*word)
			continue;
		if (!began && strcmp(word, "permit") != 0)
			return false;
		if (!began) {
			began = true;
		} else if (in_setenv || strcmp(word, "setenv") == 0) {
			in_setenv = !strchr(word, '}');
		} else if (!permission->identity) {
			if (!is_option(word))
				permission->identity = word;
		} else if (strcmp(word, "cmd") == 0) {
			permission->command = true;
		} else if (strcmp(word, "as") != 0) {
			permission->target = word;
		}
	}
	return permission->identity;
}

static bool names(const struct permission *permission, const struct policy_subject *subject)
{
	const char *identity = permission->identity;
	gid_t gid;

	if (*identity != ':')
		return strcmp(identity, subject->name) == 0;
	if (policy_group_id(identity + 1, &gid, NULL) <= 0)
		return false;
	for (int i = 0; i < subject->group_count; i++)
		if (subject->groups[i] == gid)
			return true;
	return false;
}

static void tell(struct doctor *doctor, const char *name, const struct permission *permission)
{
	bool root = !permission->target || strcmp(permission->target, "root") == 0;

	if (root && !permission->command) {
		doctor_find(doctor, DOCTOR_BAD, "doas", name,
			    "has rules, and may run anything as root: root can leave the session "
			    "and its rules, by systemd-run(1) for one");
		doctor_advise(doctor, "name the programs that they may run in %s", CONF);
		return;
	}
	doctor_find(doctor, permission->command ? DOCTOR_NOTE : DOCTOR_WARN, "doas", name,
		    "has rules, and may become %s", permission->target ?: "root");
	doctor_advise(doctor, "see that none of that starts programs outside of the session: user "
			      "managers, jobs, containers");
}

/* A later line may deny it again: that would be seen in the file. */
static bool look_at_line(const char *line, void *data)
{
	struct doctor *doctor = data;
	char *copy = xstrdup(line);
	struct permission permission;

	if (parse(copy, &permission))
		for (size_t i = 0; i < doctor->user_count; i++) {
			const struct doctor_user *user = doctor->users[i];

			if (user->uid != 0 && doctor_has_rules(user) &&
			    names(&permission, &user->subject))
				tell(doctor, user->subject.name, &permission);
		}
	free(copy);
	return false;
}

void doctor_check_doas(struct doctor *doctor)
{
	if (access(DOAS, X_OK) == 0)
		doctor_read_lines(CONF, look_at_line, doctor);
}
