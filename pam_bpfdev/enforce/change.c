// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* New rules for sessions that are open. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "enforce/again.h"
#include "enforce/change.h"
#include "enforce/exception.h"
#include "enforce/login.h"
#include "enforce/manager.h"
#include "filter/filter.h"

/* The sessions of one user, on their way through a change. */
struct changing {
	const struct session *user;
	const struct enforce_change *change;
	enforce_tell *tell;
	void *data;
	struct again again; /* what has been read of policy and user database */
	bool touched;	    /* some session has changed, or should have */
};

/* The cgroup was removed while we looked: its session is over. */
static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

/* The rules of the session without exceptions: those of now, or those that it has. */
static int take_rules(struct changing *changing, struct bpfdev_info *info, const struct table *old,
		      struct table **rules, struct reason *why)
{
	if (changing->change->kind == ENFORCE_RELOAD)
		return again_decide(&changing->again, info, rules, why);
	return table_lend(old, NULL, rules, why);
}

/* Sets @report->after and the table that goes with it. */
static int prepare(struct changing *changing, const struct table *old,
		   struct enforce_change_report *report, struct table **table)
{
	struct table *rules = NULL;
	int ret = take_rules(changing, &report->after, old, &rules, &report->why);

	if (ret < 0)
		return ret;
	if (!exception_any(&report->after)) {
		*table = rules;
		return 0;
	}
	ret = exception_lend(&changing->again, &report->after, changing->change, rules, table,
			     &report->why);
	table_free(rules);
	return ret;
}

/* A file that is missing on the way to the rules does not say that the session is gone. */
static int prepare_or_fail(struct changing *changing, const struct table *old,
			   struct enforce_change_report *report, struct table **table)
{
	int ret = prepare(changing, old, report, table);

	return is_gone(ret) ? -EIO : ret;
}

/* Whether the filters differ at most in the policy's text: a comment was added, say. */
static bool says_the_same(const struct bpfdev_info *before, const struct bpfdev_info *after)
{
	return before->table_digest == after->table_digest && before->flags == after->flags &&
	       memcmp(before->exceptions, after->exceptions, sizeof(before->exceptions)) == 0;
}

/* Puts a new filter in the place of @prog_fd. Returns 1, 0: it says the same, or an errno. */
static int attach(struct enforce_change_report *report, const struct table *table, int cgroup_fd,
		  int prog_fd)
{
	int new_fd;

	report->after.table_digest = table_digest(table);
	if (memcmp(&report->before, &report->after, sizeof(report->before)) == 0)
		return 0;
	new_fd = filter_attach(cgroup_fd, &report->after, table, prog_fd, &report->why);
	if (new_fd < 0)
		return new_fd;
	close(new_fd);
	return !says_the_same(&report->before, &report->after);
}

/* Whether the change has nothing to do with this session. */
static bool is_untouched(const struct changing *changing,
			 const struct enforce_change_report *report)
{
	return changing->change->kind != ENFORCE_RELOAD &&
	       memcmp(&report->before, &report->after, sizeof(report->before)) == 0;
}

/* Returns 1: replaced, 0: there was nothing to change, or a negative errno with the reason. */
static int replace(struct changing *changing, int cgroup_fd, int prog_fd,
		   struct enforce_change_report *report)
{
	struct table *old = NULL, *table = NULL;
	int ret = filter_read(prog_fd, &report->before, &old, &report->why);

	report->after = report->before;
	if (ret == 0)
		ret = exception_change(&report->after, changing->change, &report->why);
	if (ret == 0 && !is_untouched(changing, report)) {
		ret = prepare_or_fail(changing, old, report, &table);
		if (ret == 0)
			ret = attach(report, table, cgroup_fd, prog_fd);
	}
	table_free(old);
	table_free(table);
	return ret;
}

/* Neither before nor now. */
static bool is_unfiltered(const struct enforce_change_report *report)
{
	return !report->before.magic && !report->after.magic;
}

static void conclude(struct changing *changing, struct enforce_change_report *report, int ret)
{
	report->outcome = ret < 0		  ? ENFORCE_FAILED
			  : ret			  ? ENFORCE_CHANGED
			  : is_unfiltered(report) ? ENFORCE_UNFILTERED
						  : ENFORCE_SAME;
	report->error = ret < 0 ? ret : 0;
	changing->tell(report, changing->data);
}

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	struct changing *changing = data;
	struct enforce_change_report report = { .role = BPFDEV_SESSION };
	int prog_fd = -1, ret;

	strncpy(report.unit, unit, sizeof(report.unit) - 1);
	ret = filter_find(cgroup_fd, &prog_fd, &report.why);
	if (ret == 0) {
		report.outcome = ENFORCE_UNFILTERED;
		changing->tell(&report, changing->data);
		return 0;
	}
	if (ret > 0) {
		ret = replace(changing, cgroup_fd, prog_fd, &report);
		close(prog_fd);
	}
	if (is_gone(ret))
		return 0;
	changing->touched |= ret != 0;
	conclude(changing, &report, ret);
	return 0;
}

/* What the manager's filter says of itself. Returns 1, 0: there is no filter, or an errno. */
static int read_manager(int manager_fd, struct bpfdev_info *info, struct reason *why)
{
	int prog_fd = -1, ret = filter_find(manager_fd, &prog_fd, why);

	if (ret <= 0)
		return ret;
	ret = filter_read(prog_fd, info, NULL, why);
	close(prog_fd);
	return ret < 0 ? ret : 1;
}

/* Returns as replace(). */
static int mend_manager(struct changing *changing, int manager_fd,
			struct enforce_change_report *report)
{
	int had = read_manager(manager_fd, &report->before, &report->why), has;
	struct reason note = { "" };
	int ret;

	/* -EPROTO: another version's filter is replaced by one of ours. */
	if (had < 0 && had != -EPROTO)
		return had;
	ret = again_manager(&changing->again, changing->user, had > 0 ? &report->before : NULL,
			    &note, &report->why);
	has = ret < 0 ? ret : read_manager(manager_fd, &report->after, &report->why);
	if (has < 0)
		return has;
	/* Not what was said of a filter that could not be read. */
	report->why = note;
	return had != has || report->before.table_digest != report->after.table_digest;
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
	int manager_fd = session_open_manager(user, NULL), prog_fd = -1;
	struct table *table = NULL;
	struct bpfdev_info info;
	bool borrows = false;

	if (manager_fd < 0)
		return false;
	if (filter_find(manager_fd, &prog_fd, NULL) > 0) {
		if (filter_read(prog_fd, &info, &table, NULL) == 0)
			borrows = lends(table);
		close(prog_fd);
	}
	table_free(table);
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

static void change_manager(struct changing *changing)
{
	struct enforce_change_report report = { .role = BPFDEV_MANAGER };
	int manager_fd = session_open_manager(changing->user, &report.why), ret;

	if (is_gone(manager_fd))
		return;
	again_manager_unit(changing->user, report.unit, sizeof(report.unit));
	ret = manager_fd < 0 ? manager_fd : mend_manager(changing, manager_fd, &report);
	if (manager_fd >= 0)
		close(manager_fd);
	if (!is_gone(ret))
		conclude(changing, &report, ret);
}

int enforce_change(const struct enforce_options *options, const struct session *user,
		   const struct enforce_change *change, enforce_tell *tell, void *data,
		   struct reason *why)
{
	struct changing changing = { .user = user,
				     .change = change,
				     .tell = tell,
				     .data = data,
				     .again = { .options = options, .uid = user->uid } };
	int lock = enforce_lock(options, user->uid, why), ret;

	if (lock < 0)
		return lock;
	ret = session_each_scope(user, visit_scope, &changing, why);
	if (ret == 0 && concerns_manager(&changing))
		change_manager(&changing);
	again_free(&changing.again);
	session_unlock(lock);
	return is_gone(ret) ? 0 : ret;
}
