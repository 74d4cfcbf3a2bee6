// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* New rules for sessions that are open. */
#include <stdio.h>

#include "enforce/target.h"
#include "filter/filter.h"

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	struct changing *changing = data;
	struct target target = { changing, changing->change, cgroup_fd, -1,
				 .report = { .role = BPFDEV_SESSION } };

	snprintf(target.report.unit, sizeof(target.report.unit), "%s", unit);
	return target_change(&target, true);
}

static bool lends(const struct table *table)
{
	bool lent = false;

	for (uint32_t i = 0; i < table->slot_count && !lent; i++)
		lent = table->slots[i].lent;
	for (uint32_t i = 0; i < table->rule_count && !lent; i++)
		lent = table->rules[i].entry.lent;
	return lent;
}

/*
 * Whether the manager may use what a session was lent: that session may have been killed, or the
 * manager not been brought in line when the exception ended.
 */
static bool manager_borrows(const struct session *user)
{
	int manager_fd, prog_fd = -1;
	struct table *table = NULL;
	struct bpfdev_info info;
	bool borrows = false;

	if (session_open_manager(user, &manager_fd, NULL) <= 0)
		return false;
	if (filter_find(manager_fd, &prog_fd, NULL) > 0 &&
	    filter_read(prog_fd, &info, &table, NULL) == 0)
		borrows = lends(table);
	table_free(table);
	close_fd(&prog_fd);
	close(manager_fd);
	return borrows;
}

/* What a killed session left to the manager goes, too. */
static bool concerns_manager(const struct changing *changing)
{
	switch (changing->change->kind) {
	case ENFORCE_RELOAD:
		return true;
	case ENFORCE_RECLAIM:
		return changing->touched || manager_borrows(changing->user);
	default:
		return changing->touched;
	}
}

int enforce_change(const struct enforce_options *options, const struct session *user,
		   const struct enforce_change *change, enforce_tell *tell, void *data,
		   struct reason *why)
{
	struct changing changing = { .user = user,
				     .change = change,
				     .tell = tell,
				     .data = data,
				     .why = why,
				     .decider = decider_new(options) };
	struct step_lock lock = { .options = options, .uid = user->uid };
	int ret = step_lock(&lock, SESSION_LOCK_TIMEOUT_MS, why);

	/*
	 * Whoever has the lock may be about to attach what was decided by the policy of before;
	 * whoever takes it from now on sees that the files have changed.
	 */
	if (ret < 0)
		return ret;
	step_unlock(&lock);
	ret = session_each_scope(user, visit_scope, &changing, why);
	if (ret == 0 && concerns_manager(&changing))
		target_change_manager(&changing);
	decider_free(&changing.decider);
	return ret;
}
