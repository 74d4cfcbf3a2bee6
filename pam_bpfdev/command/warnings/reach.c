// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whom the lines that say one thing name, found by an account's ids. */
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/warnings/internal.h"

static int compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* An exact uid is found among all whos. */
static void add(struct reach *reach, const struct warnings_who *who)
{
	const struct conf_who *ids = who->who;
	const struct range range = { ids->low, ids->high, who };

	switch (ids->kind) {
	case CONF_ANYONE:
		reach->anyone = true;
		break;
	case CONF_USER:
		if (who->state == NAME_KNOWN)
			*xappend(&reach->users) = ids->low;
		else
			reach->unknown_user = true;
		break;
	case CONF_GROUP:
		reach->unknown_group = true;
		break;
	case CONF_UID_RANGE:
		ranges_add(&reach->uids, &range);
		break;
	case CONF_GID_RANGE:
		ranges_add(&reach->gids, &range);
		break;
	case CONF_UID:
		break;
	}
}

void reach_make(struct reach *reach, const struct warnings_run *run,
		bool (*is_in)(const struct warnings_who *who))
{
	reach->is_in = is_in;
	for (size_t i = 0; i < run->who_count; i++)
		if (is_in(&run->whos[i]) && run->whos[i].state != NAME_MISSING)
			add(reach, &run->whos[i]);
	if (reach->users.count)
		qsort(reach->users.items, reach->users.count, sizeof(uint32_t), compare_ids);
	ranges_ready(&reach->uids);
	ranges_ready(&reach->gids);
}

bool reach_has_user(const struct reach *reach, uint32_t uid)
{
	return reach->users.count &&
	       bsearch(&uid, reach->users.items, reach->users.count, sizeof(uid), compare_ids);
}

static bool names_user(const struct reach *reach, const struct warnings_run *run,
		       const struct policy_subject *subject)
{
	const struct warnings_who *exact = warnings_find_uid(run, subject->uid);
	const struct warnings_who *unknown = NULL;

	if (reach->unknown_user)
		unknown = warnings_find_unknown(run, subject->name);
	return (exact && reach->is_in(exact)) || reach_has_user(reach, subject->uid) ||
	       (unknown && unknown->state == NAME_UNKNOWN && reach->is_in(unknown));
}

static bool names_group(const struct reach *reach, const struct policy_subject *subject)
{
	if (ranges_next(&reach->uids, 0, subject->uid, subject->uid) != RANGES_NONE)
		return true;
	for (int i = 0; i < subject->group_count; i++)
		if (ranges_next(&reach->gids, 0, subject->groups[i], subject->groups[i]) !=
		    RANGES_NONE)
			return true;
	return false;
}

enum table_rank reach_rank(const struct reach *reach, const struct warnings_run *run,
			   const struct policy_subject *subject)
{
	enum policy_account account = policy_account_of(subject);

	if (names_user(reach, run, subject))
		return TABLE_USER;
	if (reach->unknown_group || ((account == POLICY_REGULAR || account == POLICY_NOBODY) &&
				     names_group(reach, subject)))
		return TABLE_GROUP;
	return reach->anyone && account == POLICY_REGULAR ? TABLE_ANYONE : TABLE_BASELINE;
}

void reach_free(struct reach *reach)
{
	ranges_free(&reach->uids);
	ranges_free(&reach->gids);
	free(reach->users.items);
	*reach = (struct reach) { 0 };
}
