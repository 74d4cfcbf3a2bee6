// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which units are to be shown. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "status.h"

static bool is_unit(const struct status_unit *unit, const char *text)
{
	char id[256];

	if (strcmp(unit->unit, text) == 0)
		return true;
	return unit->role == BPFDEV_SESSION && strcmp(status_id(unit, id), text) == 0;
}

/* Whether any filter of the user, or of the user's sessions, is there. */
static bool is_filtered_user(const struct status *status, uid_t uid)
{
	for (size_t i = 0; i < status->count; i++)
		if (status->units[i].user.uid == uid && status->units[i].filters)
			return true;
	return false;
}

/* A manager without a filter is shown if it should have one: that is found out later. */
static size_t select_all(struct status *status)
{
	size_t count = 0;

	for (size_t i = 0; i < status->count; i++) {
		struct status_unit *unit = &status->units[i];

		unit->shown =
			status->all || unit->filters ||
			(unit->role == BPFDEV_MANAGER && is_filtered_user(status, unit->user.uid));
		count += unit->shown;
	}
	return count;
}

static size_t select_unit(struct status *status)
{
	size_t count = 0;

	for (size_t i = 0; i < status->count; i++) {
		status->units[i].shown = is_unit(&status->units[i], status->wanted);
		count += status->units[i].shown;
	}
	return count;
}

/* A name, or a uid with or without a colon. */
static bool find_uid(const char *text, uid_t *uid)
{
	const struct passwd *entry = getpwnam(text);
	const char *digits = text + (*text == ':');
	char *end;
	unsigned long number;

	if (entry) {
		*uid = entry->pw_uid;
		return true;
	}
	errno = 0;
	number = strtoul(digits, &end, 10);
	if (errno || !*digits || strspn(digits, "0123456789") != strlen(digits) ||
	    number >= (uid_t)-1)
		return false;
	*uid = (uid_t)number;
	return true;
}

static size_t select_user(struct status *status, bool known, uid_t uid)
{
	size_t count = 0;

	for (size_t i = 0; i < status->count; i++) {
		struct status_unit *unit = &status->units[i];

		unit->shown =
			(known && unit->user.uid == uid) || strcmp(unit->name, status->wanted) == 0;
		count += unit->shown;
	}
	return count;
}

/* A session wins: its number is what the table shows first. */
static int select_wanted(struct status *status)
{
	uid_t uid = 0;
	bool known;

	if (select_unit(status))
		return 0;
	known = find_uid(status->wanted, &uid);
	if (select_user(status, known, uid))
		return 0;
	if (known)
		output_error("%s is not logged in, and has no manager", status->wanted);
	else
		output_error("there is no session and no user \"%s\"", status->wanted);
	return -ENOENT;
}

/* What turned out to need no filter. */
static void drop_managers(struct status *status)
{
	for (size_t i = 0; i < status->count; i++) {
		struct status_unit *unit = &status->units[i];

		if (unit->role != BPFDEV_MANAGER)
			continue;
		if (unit->manager == ENFORCE_LIVE_ABSENT ||
		    (unit->manager == ENFORCE_LIVE_FREE && !status->all && !status->wanted))
			unit->shown = false;
	}
}

int status_select(struct status *status)
{
	int ret = 0;

	if (status->wanted)
		ret = select_wanted(status);
	else
		select_all(status);
	if (ret == 0) {
		ret = status_find_policies(status);
		if (ret == 0)
			ret = status_compare_managers(status);
		if (ret < 0)
			output_error("out of memory");
	}
	drop_managers(status);
	return ret;
}
