// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether a statement is about this user in this session. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "policy_internal.h"

#define UID_NOBODY 65534
/*
 * GDM from version 49 on runs its login screens as users that it allocates here (systemd's
 * UIDS-GIDS.md): system accounts, although above UID_MIN.
 */
#define UID_GREETER_MIN 60578
#define UID_GREETER_MAX 60705

/* Root and system accounts: a line for everybody must not lock them out. */
static bool is_system(const struct policy_subject *subject)
{
	return subject->uid < subject->uid_min || subject->uid == 0 ||
	       (subject->uid >= UID_GREETER_MIN && subject->uid <= UID_GREETER_MAX);
}

static bool has_group(const struct policy_subject *subject, uint32_t low, uint32_t high)
{
	for (int i = 0; i < subject->group_count; i++)
		if (subject->groups[i] >= low && subject->groups[i] <= high)
			return true;
	return false;
}

/* Returns the group, looked up at its first use, or NULL with *@error set. */
static const struct policy_group *find_group(struct policy_groups *groups, const char *name,
					     int *error, struct reason *why)
{
	struct policy_group group = { .name = name }, *grown;

	for (size_t i = 0; i < groups->count; i++)
		if (strcmp(groups->items[i].name, name) == 0)
			return &groups->items[i];
	*error = policy_group_id(name, &group.gid, why);
	if (*error < 0)
		return NULL;
	group.exists = *error;
	grown = array_grow(groups->items, groups->count, &groups->capacity, sizeof(*grown));
	if (!grown) {
		*error = -ENOMEM;
		reason_set(why, "out of memory");
		return NULL;
	}
	groups->items = grown;
	grown[groups->count] = group;
	return &grown[groups->count++];
}

/* Returns 1, 0, or a negative errno with @why. */
static int in_named_group(struct policy_question *question, const char *name, struct reason *why)
{
	int error = 0;
	const struct policy_group *group = find_group(&question->groups, name, &error, why);

	if (!group)
		return error;
	return group->exists && has_group(question->subject, group->gid, group->gid);
}

/* Of @who that is neither a name nor an exact uid. */
static int common_rank(struct policy_question *question, const struct conf_who *who,
		       struct reason *why)
{
	const struct policy_subject *subject = question->subject;
	int named = 0;

	if (is_system(subject))
		return TABLE_BASELINE;
	if (who->kind == CONF_ANYONE)
		return subject->uid == UID_NOBODY ? TABLE_BASELINE : TABLE_ANYONE;
	if (who->kind == CONF_GROUP)
		named = in_named_group(question, who->name, why);
	else if (who->kind == CONF_GID_RANGE)
		named = has_group(subject, who->low, who->high);
	else if (who->kind == CONF_UID_RANGE)
		named = subject->uid >= who->low && subject->uid <= who->high;
	if (named < 0)
		return named;
	return named ? TABLE_GROUP : TABLE_BASELINE;
}

int policy_rank(struct policy_question *question, const struct conf_who *who, struct reason *why)
{
	const struct policy_subject *subject = question->subject;

	if (who->kind == CONF_USER)
		return strcmp(who->name, subject->name) == 0 ? TABLE_USER : TABLE_BASELINE;
	if (who->kind == CONF_UID)
		return who->low == subject->uid ? TABLE_USER : TABLE_BASELINE;
	return common_rank(question, who, why);
}

/* Whether @text matches one of the comma-separated @globs, each of them without @prefix. */
static bool matches(const char *globs, const char *prefix, const char *text)
{
	char glob[CONF_GLOB_MAX];

	while (*globs) {
		size_t length = strcspn(globs, ",");

		if (strncmp(globs, prefix, strlen(prefix)) == 0) {
			globs += strlen(prefix);
			length -= strlen(prefix);
		}
		if (length < sizeof(glob)) {
			memcpy(glob, globs, length);
			glob[length] = '\0';
			if (fnmatch(glob, text, 0) == 0)
				return true;
		}
		globs += length + (globs[length] == ',');
	}
	return false;
}

static unsigned int unmet_in(const struct conf_when *when, const struct policy_session *session)
{
	unsigned int unmet = 0;

	if (when->origin != CONF_ORIGIN_ANY &&
	    (when->origin == CONF_ORIGIN_REMOTE) != (*session->rhost != '\0'))
		unmet |= POLICY_UNMET_ORIGIN;
	if (when->service && !matches(when->service, "", session->service))
		unmet |= POLICY_UNMET_SERVICE;
	if (when->tty && !matches(when->tty, "/dev/", session->tty))
		unmet |= POLICY_UNMET_TTY;
	return unmet;
}

unsigned int policy_unmet(const struct policy_question *question,
			  const struct conf_statement *statement)
{
	const struct conf_when *when = &statement->when;

	if (when->origin == CONF_ORIGIN_ANY && !when->service && !when->tty)
		return 0;
	if (!question->any_session)
		return unmet_in(when, question->session);
	/* What any session is denied, and what is granted to this service by name. */
	if (statement->verb == CONF_DENY)
		return 0;
	return when->service ? unmet_in(when, question->session) : POLICY_UNMET_SESSION;
}
