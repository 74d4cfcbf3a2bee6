// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Users for whom lines deny some devices, and none allows any: they lose all but the baseline. */
#include <errno.h>
#include <stdlib.h>

#include "command/warnings/internal.h"

/* So many accounts are asked for their groups, in search of an example. */
#define SUBJECTS_MAX 256

/* The first deny line that counts; NULL: there is none, or all devices are denied on purpose. */
static const struct conf_statement *find_deny(const struct warnings_run *run,
					      const struct warnings_who *who)
{
	const struct conf_statement *first = NULL;

	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement;
		const struct conf_statement *line = warnings_statement(run, statement);

		if (line->verb != CONF_DENY || run->dead[statement])
			continue;
		if (line->device.kind == DEVICE_ALL && line->access == BPFDEV_ACCESS)
			return NULL;
		if (!first)
			first = line;
	}
	return first;
}

enum relation { NOT_ABOUT, PERHAPS_ABOUT, ABOUT };

static bool holds_id(const struct conf_who *range, uint32_t id)
{
	return id >= range->low && id <= range->high;
}

/* Whether lines of @other are about the user with this uid, whose groups are not known. */
static enum relation relation_to_uid(const struct warnings_run *run,
				     const struct warnings_who *other, uint32_t uid)
{
	switch (other->who->kind) {
	case CONF_ANYONE:
		return uid >= run->input->accounts->uid_min ? ABOUT : NOT_ABOUT;
	case CONF_USER:
		return other->state == NAME_UNKNOWN || other->who->low == uid ? PERHAPS_ABOUT
									      : NOT_ABOUT;
	case CONF_UID:
	case CONF_UID_RANGE:
		return holds_id(other->who, uid) ? ABOUT : NOT_ABOUT;
	default:
		return PERHAPS_ABOUT;
	}
}

/*
 * Whether lines of @other are about all of @who, a group, a range or "*". Lines for single users
 * are about single ones of them.
 */
static enum relation relation_to_many(struct warnings_run *run, const struct warnings_who *other,
				      const struct warnings_who *who)
{
	const struct conf_who *a = other->who, *b = who->who;
	size_t count = warnings_cover(run, who);

	for (size_t i = 0; i < count; i++)
		if (run->covering[i] == other)
			return ABOUT;
	if (other->rank == TABLE_USER)
		return NOT_ABOUT;
	if (other->rank == TABLE_ANYONE)
		return ABOUT;
	if (a->kind == CONF_UID_RANGE && b->kind == CONF_UID_RANGE)
		return a->high < b->low || b->high < a->low ? NOT_ABOUT : PERHAPS_ABOUT;
	return PERHAPS_ABOUT;
}

/* The closest relation of any allow line to @who. */
static enum relation closest_allow(struct warnings_run *run, const struct warnings_who *who)
{
	enum relation closest = NOT_ABOUT, relation;

	for (size_t i = 0; i < run->who_count && closest != ABOUT; i++) {
		const struct warnings_who *other = &run->whos[i];

		if (!other->allows || other->state == NAME_MISSING)
			continue;
		relation = other == who		     ? ABOUT
			   : who->rank == TABLE_USER ? relation_to_uid(run, other, who->who->low)
						     : relation_to_many(run, other, who);
		if (relation > closest)
			closest = relation;
	}
	return closest;
}

/* The rank at which @who names the subject; a group that could not be looked up might. */
static enum table_rank rank_for(const struct policy_subject *subject,
				const struct warnings_who *who)
{
	if (who->state == NAME_MISSING)
		return TABLE_BASELINE;
	if (who->state == NAME_UNKNOWN && who->who->kind == CONF_GROUP)
		return TABLE_GROUP;
	return policy_rank_by_id(subject, who->who);
}

/* The highest rank whose lines do not count for the subject; @perhaps: if conditions hold. */
static enum table_rank find_exempt(const struct warnings_run *run,
				   const struct policy_subject *subject, bool perhaps)
{
	enum table_rank exempt = TABLE_BASELINE, rank;

	for (size_t i = 0; i < run->who_count; i++) {
		const struct warnings_who *who = &run->whos[i];

		if (!(perhaps ? who->exempts : who->exempts_always))
			continue;
		rank = rank_for(subject, who);
		if (rank > exempt)
			exempt = rank;
	}
	return exempt;
}

/* Whether deny lines of @rank count for the subject, but no allow line does. */
static bool is_allowed_nothing(const struct warnings_run *run, const struct policy_subject *subject,
			       enum table_rank rank)
{
	enum table_rank exempt = find_exempt(run, subject, false);

	if (exempt >= rank)
		return false;
	for (size_t i = 0; i < run->who_count; i++)
		if (run->whos[i].allows && rank_for(subject, &run->whos[i]) > exempt)
			return false;
	return true;
}

static int load_subjects(struct warnings_run *run)
{
	const struct accounts *accounts = run->input->accounts;
	struct reason why;
	int ret = run->subjects_loaded ? 0 : warnings_list_users(run);

	if (ret < 0 || run->subjects_loaded)
		return ret;
	run->subjects_loaded = true;
	run->subjects = calloc(SUBJECTS_MAX, sizeof(*run->subjects));
	if (!run->subjects)
		return -ENOMEM;
	for (size_t i = 0; i < run->users.count && run->subject_count < SUBJECTS_MAX; i++) {
		const struct name_entry *user = &run->users.items[i];

		if (user->id < accounts->uid_min)
			continue;
		ret = accounts->subject(accounts, user->name, &run->subjects[run->subject_count],
					&why);
		if (ret == -ENOMEM)
			return ret;
		/* An example less: they come and go. */
		run->subject_count += ret == 0;
	}
	return 0;
}

/* Finds one of @who who is for sure allowed nothing, or NULL. */
static int find_example(struct warnings_run *run, const struct warnings_who *who,
			const struct policy_subject **example)
{
	int ret = load_subjects(run);

	*example = NULL;
	for (size_t i = 0; i < run->subject_count && ret == 0 && !*example; i++) {
		const struct policy_subject *subject = &run->subjects[i];

		if (rank_for(subject, who) != TABLE_BASELINE &&
		    find_exempt(run, subject, true) < who->rank &&
		    is_allowed_nothing(run, subject, who->rank))
			*example = subject;
	}
	return ret;
}

/* Of a user whose groups can be looked up. 1: no line allows the user anything. */
static int is_user_allowed_nothing(struct warnings_run *run, const struct warnings_who *who)
{
	const struct accounts *accounts = run->input->accounts;
	struct policy_subject subject;
	struct reason why;
	int ret = accounts->subject(accounts, who->who->name, &subject, &why);

	if (ret < 0)
		return ret == -ENOMEM ? ret : 0;
	ret = is_allowed_nothing(run, &subject, who->rank);
	policy_subject_free(&subject);
	return ret;
}

static int warn(struct warnings_run *run, const struct conf_statement *deny, const char *example)
{
	const char *who = QUOTE(deny->text);

	if (!example)
		return warnings_add(
			run, &deny->place, deny->place.column, WARNING_ONLY_DENY,
			"no line that counts for \"%s\" allows anything, so this denies "
			"everything but the baseline; expected also a line \"%s allow *\" if "
			"the rest is to be allowed",
			who, who);
	return warnings_add(
		run, &deny->place, deny->place.column, WARNING_ONLY_DENY,
		"no line that counts for %s, who is among \"%s\", allows anything, so this "
		"denies everything but the baseline there; expected also a line \"%s allow "
		"*\" if the rest is to be allowed",
		QUOTE(example), who, who);
}

int warnings_of_only_deny(struct warnings_run *run, struct warnings_who *who)
{
	const struct conf_statement *deny = find_deny(run, who);
	const struct policy_subject *example = NULL;
	enum relation closest;
	int ret;

	/* Lines that name nobody are warned of already. */
	if (!deny || who->allows || (who->who->name && who->state != NAME_KNOWN))
		return 0;
	if (who->who->kind == CONF_USER) {
		ret = is_user_allowed_nothing(run, who);
		return ret == 1 ? warn(run, deny, NULL) : ret;
	}
	closest = closest_allow(run, who);
	if (closest == NOT_ABOUT)
		return warn(run, deny, NULL);
	if (closest == ABOUT)
		return 0;
	ret = find_example(run, who, &example);
	return ret == 0 && example ? warn(run, deny, example->name) : ret;
}
