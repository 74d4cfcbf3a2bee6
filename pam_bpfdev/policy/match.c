// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether a statement is about this user in this session. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/digest.h"
#include "policy/internal.h"

#define UID_NOBODY 65534
/*
 * GDM from version 49 on runs its login screens as users that it allocates here (systemd's
 * UIDS-GIDS.md): system accounts, although above UID_MIN.
 */
#define UID_GREETER_MIN 60578
#define UID_GREETER_MAX 60705

enum policy_account policy_account_of(const struct policy_subject *subject)
{
	if (subject->uid == 0)
		return POLICY_ROOT;
	if (subject->uid < subject->uid_min)
		return POLICY_SYSTEM;
	if (subject->uid >= UID_GREETER_MIN && subject->uid <= UID_GREETER_MAX)
		return POLICY_GREETER;
	return subject->uid == UID_NOBODY ? POLICY_NOBODY : POLICY_REGULAR;
}

static bool has_group(const struct policy_subject *subject, uint32_t low, uint32_t high)
{
	for (int i = 0; i < subject->group_count; i++)
		if (subject->groups[i] >= low && subject->groups[i] <= high)
			return true;
	return false;
}

static int out_of_memory(struct reason *why)
{
	reason_set(why, "out of memory");
	return -ENOMEM;
}

void policy_question_end(struct policy_question *question)
{
	free(question->groups.items);
	lookup_free(&question->groups.places);
	free(question->names.items);
	lookup_free(&question->names.places);
}

static uint64_t digest_of_group(const struct policy_group *group)
{
	return group->name ? digest_add(DIGEST_START, group->name, strlen(group->name))
			   : digest_add(DIGEST_START, &group->gid, sizeof(group->gid));
}

/* Takes a copy of @group, which no line has named before. Returns it, or NULL: no memory. */
static const struct policy_group *add_group(struct policy_groups *groups, uint64_t digest,
					    const struct policy_group *group)
{
	struct policy_group *grown =
		array_grow(groups->items, groups->count, &groups->capacity, sizeof(*grown));

	if (!grown)
		return NULL;
	groups->items = grown;
	if (lookup_add(&groups->places, digest, groups->count) < 0)
		return NULL;
	grown[groups->count] = *group;
	return &grown[groups->count++];
}

static bool is_same(const struct policy_group *group, const struct policy_group *other)
{
	if (!group->name || !other->name)
		return !group->name && !other->name && group->gid == other->gid;
	return strcmp(group->name, other->name) == 0;
}

/* Returns @wanted, looked up at its first use, or NULL with *@error set. */
static const struct policy_group *find_group(struct policy_question *question,
					     struct policy_group wanted, int *error,
					     struct reason *why)
{
	struct policy_groups *groups = &question->groups;
	uint64_t digest = digest_of_group(&wanted);
	const struct policy_group *added;
	size_t at = 0, place;

	while ((place = lookup_next(&groups->places, digest, &at)) != LOOKUP_NONE)
		if (is_same(&groups->items[place], &wanted))
			return &groups->items[place];
	*error = policy_group_look_up(&wanted, question->subject, why);
	if (*error < 0)
		return NULL;
	added = add_group(groups, digest, &wanted);
	if (!added)
		*error = out_of_memory(why);
	return added;
}

/* Returns 1, 0, or a negative errno with @why. */
static int in_named_group(struct policy_question *question, const char *name, struct reason *why)
{
	struct policy_group wanted = { .name = name };
	const struct policy_group *group;
	int error = 0;

	if (question->by_id)
		return 0;
	group = find_group(question, wanted, &error, why);
	if (!group)
		return error;
	return group->exists &&
	       (group->lists_user || has_group(question->subject, group->gid, group->gid));
}

/*
 * The user's groups may be fewer than they are, if the database did not answer when it was asked
 * for them (see groups_failure() in subject.c). So who is in none of these has one of them
 * looked up, which tells whether it answers. Returns 1, 0, or a negative errno with @why.
 */
static int in_gid_range(struct policy_question *question, const struct conf_who *who,
			struct reason *why)
{
	struct policy_group wanted = { .gid = who->high };
	const struct policy_group *group;
	int error = 0;

	if (question->by_id || has_group(question->subject, who->low, who->high))
		return has_group(question->subject, who->low, who->high);
	group = find_group(question, wanted, &error, why);
	return group ? group->lists_user : error;
}

/* Of @who that is neither a name nor an exact uid. */
static int common_rank(struct policy_question *question, const struct conf_who *who,
		       struct reason *why)
{
	const struct policy_subject *subject = question->subject;
	enum policy_account account = policy_account_of(subject);
	int named = 0;

	if (who->kind == CONF_ANYONE)
		return account == POLICY_REGULAR ? TABLE_ANYONE : TABLE_BASELINE;
	if (account != POLICY_REGULAR && account != POLICY_NOBODY)
		return TABLE_BASELINE;
	if (who->kind == CONF_GROUP)
		named = in_named_group(question, who->name, why);
	else if (who->kind == CONF_GID_RANGE)
		named = in_gid_range(question, who, why);
	else if (who->kind == CONF_UID_RANGE)
		named = subject->uid >= who->low && subject->uid <= who->high;
	if (named < 0)
		return named;
	return named ? TABLE_GROUP : TABLE_BASELINE;
}

static bool is_of_this_machine(const struct policy_subject *subject)
{
	enum policy_account account = policy_account_of(subject);

	return subject->local || account == POLICY_ROOT || account == POLICY_SYSTEM ||
	       account == POLICY_GREETER;
}

/*
 * A directory takes many spellings for one account, and one uid can have several names: so names
 * are compared by what they stand for. Returns 1, 0, or a negative errno with @why.
 *
 * A directory that is silent now cannot tell whom a name stands for. That the subject is found all
 * the same says nothing: they may have been kept by a cache, which knows one of their spellings. Only
 * those who are of this machine are nobody in a directory, as long as what fails is not this process.
 */
static int look_up_name(const struct policy_subject *subject, const char *name, struct reason *why)
{
	uid_t uid;
	int ret = policy_user_id(name, &uid, why);

	if (ret < 0 && ret != -ENOMEM && is_of_this_machine(subject) &&
	    policy_user_id(subject->name, &uid, NULL) > 0)
		return 0;
	return ret > 0 ? uid == subject->uid : ret;
}

static int add_name(struct policy_names *names, uint64_t digest, const char *name, bool is_subject,
		    struct reason *why)
{
	struct policy_name *grown =
		array_grow(names->items, names->count, &names->capacity, sizeof(*grown));

	if (!grown)
		return out_of_memory(why);
	names->items = grown;
	if (lookup_add(&names->places, digest, names->count) < 0)
		return out_of_memory(why);
	grown[names->count++] = (struct policy_name) { name, is_subject };
	return is_subject;
}

static int is_named(struct policy_question *question, const char *name, struct reason *why)
{
	struct policy_names *names = &question->names;
	uint64_t digest;
	size_t at = 0, place;
	int ret;

	if (strcmp(name, question->subject->name) == 0)
		return 1;
	digest = digest_add(DIGEST_START, name, strlen(name));
	while (names->items && (place = lookup_next(&names->places, digest, &at)) != LOOKUP_NONE)
		if (strcmp(names->items[place].name, name) == 0)
			return names->items[place].is_subject;
	ret = look_up_name(question->subject, name, why);
	return ret < 0 ? ret : add_name(names, digest, name, ret > 0, why);
}

int policy_rank(struct policy_question *question, const struct conf_who *who, struct reason *why)
{
	const struct policy_subject *subject = question->subject;
	int named;

	if (who->kind == CONF_USER) {
		named = is_named(question, who->name, why);
		return named > 0 ? TABLE_USER : named < 0 ? named : TABLE_BASELINE;
	}
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
	if (question->session->kind == POLICY_LOGIN)
		return unmet_in(when, question->session);
	/* What any session is denied, and what is granted to this service by name. */
	if (statement->verb == CONF_DENY)
		return 0;
	return when->service ? unmet_in(when, question->session) : POLICY_UNMET_SESSION;
}

enum table_rank policy_rank_by_id(const struct policy_subject *subject, const struct conf_who *who)
{
	struct policy_question question = { .subject = subject, .by_id = true };
	int rank = policy_rank(&question, who, NULL);

	policy_question_end(&question);
	return rank < 0 ? TABLE_BASELINE : (enum table_rank)rank;
}

/* Whether one that @who names can be the subject. A name that cannot be looked up could be theirs. */
static bool may_name(struct policy_question *question, const struct conf_who *who)
{
	return policy_rank(question, who, NULL) != TABLE_BASELINE;
}

bool policy_spares(const struct conf *conf, const struct policy_subject *subject)
{
	struct policy_question question = { .subject = subject };
	enum policy_account account = policy_account_of(subject);
	bool named = conf->has_unread;

	if (account != POLICY_SYSTEM && account != POLICY_GREETER)
		return false;
	for (size_t i = 0; i < conf->statement_count && !named; i++)
		named = may_name(&question, &conf->statements[i].who);
	for (size_t i = 0; i < conf->mistaken_count && !named; i++)
		named = may_name(&question, &conf->mistaken[i]);
	policy_question_end(&question);
	return !named;
}
