// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Users, looked up one by one as they are met: a directory may have more than one can ask for. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/doctor/doctor.h"

#define NSS_BUFFER (64 * 1024)

static void decide_failed(struct doctor *doctor, int error, const char *name,
			  const struct reason *why)
{
	if (error == -ENOMEM) {
		doctor->error = error;
		return;
	}
	doctor_find(doctor, DOCTOR_BLIND, "policy", name, "what rules they have cannot be told: %s",
		    why->text);
	doctor_advise(doctor, "mend that: who has such rules cannot log in");
}

static void decide(struct doctor *doctor, struct doctor_user *user, const char *name)
{
	struct reason why = { "" };
	int ret = policy_subject_load(name, &user->subject, &why);

	if (ret == -ENOENT)
		return;
	if (ret == 0) {
		user->uid = user->subject.uid;
		ret = policy_decide(doctor->conf, &device_source_system, &user->subject,
				    &policy_manager_session, &user->result, &why);
	}
	if (ret == 0)
		return;
	policy_result_free(&user->result);
	decide_failed(doctor, ret, name, &why);
}

static struct doctor_user *add(struct doctor *doctor, uid_t uid)
{
	struct doctor_user **grown = array_grow(doctor->users, doctor->user_count,
						&doctor->user_capacity, sizeof(void *));
	struct doctor_user *user = grown ? calloc(1, sizeof(*user)) : NULL;

	if (grown)
		doctor->users = grown;
	if (!user) {
		doctor->error = -ENOMEM;
		return NULL;
	}
	user->uid = uid;
	grown[doctor->user_count++] = user;
	return user;
}

/* Only users who exist are given out; of the others only is remembered that they do not. */
static const struct doctor_user *if_known(const struct doctor_user *user)
{
	return user && user->subject.name ? user : NULL;
}

/* The name of @uid, to be freed; NULL: none, or *@error is set. */
static char *name_of(uid_t uid, int *error)
{
	char *buffer = malloc(NSS_BUFFER), *name = NULL;
	struct passwd entry, *found = NULL;

	*error = buffer ? getpwuid_r(uid, &entry, buffer, NSS_BUFFER, &found) : ENOMEM;
	if (found) {
		name = strdup(found->pw_name);
		*error = name ? 0 : ENOMEM;
	}
	free(buffer);
	return name;
}

const struct doctor_user *doctor_user_of_uid(struct doctor *doctor, uid_t uid)
{
	struct doctor_user *user;
	int error;
	char *name;

	if (!doctor->conf)
		return NULL;
	for (size_t i = 0; i < doctor->user_count; i++)
		if (doctor->users[i]->uid == uid)
			return if_known(doctor->users[i]);
	user = add(doctor, uid);
	name = user ? name_of(uid, &error) : NULL;
	if (user && !name && error == ENOMEM)
		doctor->error = -ENOMEM;
	if (name)
		decide(doctor, user, name);
	/* Two names of one uid: the uid is what was asked for. */
	if (user)
		user->uid = uid;
	free(name);
	return if_known(user);
}

const struct doctor_user *doctor_user_of_name(struct doctor *doctor, const char *name)
{
	struct doctor_user *user;

	if (!doctor->conf)
		return NULL;
	for (size_t i = 0; i < doctor->user_count; i++) {
		const char *known = doctor->users[i]->subject.name;

		if (known && strcmp(known, name) == 0)
			return doctor->users[i];
	}
	user = add(doctor, (uid_t)-1);
	if (user)
		decide(doctor, user, name);
	return if_known(user);
}

bool doctor_has_rules(const struct doctor_user *user)
{
	return user && user->result.kind == POLICY_RULES;
}

void doctor_users_free(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->user_count; i++) {
		policy_subject_free(&doctor->users[i]->subject);
		policy_result_free(&doctor->users[i]->result);
		free(doctor->users[i]);
	}
	free(doctor->users);
	doctor->users = NULL;
	doctor->user_count = doctor->user_capacity = 0;
}
