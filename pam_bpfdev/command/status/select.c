// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which units are to be shown. */
#include <errno.h>
#include <stdlib.h>

#include "command/status/status.h"

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

static struct unit unit_of(const void *status, size_t place)
{
	return status_as_unit(&((const struct status *)status)->units[place]);
}

static int select_wanted(struct status *status)
{
	bool *chosen = calloc(status->count + 1, sizeof(*chosen));
	int ret;

	if (!chosen) {
		output_error("out of memory");
		return -ENOMEM;
	}
	ret = unit_choose(status->wanted, unit_of, status, status->count, chosen);
	for (size_t i = 0; i < status->count && ret == 0; i++)
		status->units[i].shown = chosen[i];
	free(chosen);
	return ret;
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
