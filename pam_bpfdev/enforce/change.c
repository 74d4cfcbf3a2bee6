// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* New rules for sessions that are open, and a filter for those that were opened without one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enforce/internal.h"
#include "enforce/live.h"
#include "filter/filter.h"

/* More often than this, nothing changes between two looks but by somebody's design. */
#define ROUNDS 8

int step_run(const struct enforce_options *options, uid_t uid, step_part *prepare, step_part *put,
	     void *data, struct reason *why)
{
	for (int round = 1;; round++) {
		/* Once it must come to an end, and then others wait. */
		bool last = round == ROUNDS;
		int lock = -1, ret = last ? 0 : prepare(data);

		if (ret == STEP_DONE)
			lock = session_lock(options->lock_folder, uid, SESSION_LOCK_TIMEOUT_MS,
					    why);
		if (ret != STEP_DONE || lock < 0)
			return ret != STEP_DONE ? ret : lock;
		if (last)
			ret = prepare(data);
		if (ret == STEP_DONE)
			ret = put(data);
		session_unlock(lock);
		if (ret != STEP_AGAIN)
			return ret;
		if (last) {
			reason_set(why, "the policy, or what is filtered, changes all the time");
			return -EAGAIN;
		}
	}
}

int enforce_look(int cgroup_fd, int *prog_fd, struct bpfdev_info *info, struct reason *why)
{
	int ret;

	*prog_fd = -1;
	*info = (struct bpfdev_info) { 0 };
	ret = filter_find(cgroup_fd, prog_fd, why);
	if (ret <= 0)
		return ret;
	ret = filter_read(*prog_fd, info, NULL, why);
	if (ret == 0)
		return FOUND_FILTER;
	*info = (struct bpfdev_info) { 0 };
	return ret > 0 ? FOUND_OTHER_VERSION : ret;
}

/* The sessions of one user, on their way through a change. */
struct changing {
	const struct session *user;
	const struct enforce_change *change;
	enforce_tell *tell;
	void *data;
	struct reason *why;
	struct decider decider;
	bool touched; /* some session has changed, or should have */
};

/* One session on its way, and what it is to get. */
struct target {
	struct changing *changing;
	int cgroup_fd;
	struct enforce_change_report report;
	struct table *table; /* NULL: nothing is to be changed */
	int result;	     /* 1: replaced; 0: it says the same; or a negative errno */
};

static int fail(struct enforce_change_report *report, int decided)
{
	report->cause = decided == DECIDED_MISTAKES ? ENFORCE_BY_MISTAKES
			: decided == DECIDED_NOBODY ? ENFORCE_BY_NOBODY
						    : ENFORCE_BY_ERROR;
	return decided == DECIDED_MISTAKES ? -EINVAL : decided == DECIDED_NOBODY ? -ESRCH : decided;
}

/* Sets report->after and the table that goes with it. Returns an enum decided or an errno. */
static int decide_change(struct target *target, const struct table *old)
{
	struct changing *changing = target->changing;
	struct enforce_change_report *report = &target->report;
	struct table *rules = NULL;
	int ret;

	/* The rules of the session without exceptions: those of now, or those that it has. */
	if (changing->change->kind == ENFORCE_RELOAD)
		ret = decide_again(&changing->decider, &report->after, &rules, &report->why);
	else
		ret = table_lend(old, NULL, 0, &rules, &report->why);
	if (ret != DECIDED || !exception_any(&report->after)) {
		target->table = rules;
		return ret;
	}
	ret = exception_lend(&changing->decider, &report->after, changing->change, rules,
			     &target->table, &report->why);
	table_free(rules);
	return ret;
}

static bool is_same(const struct bpfdev_info *a, const struct bpfdev_info *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whether the filters differ at most in the policy's text: a comment was added, say. */
static bool says_the_same(const struct bpfdev_info *before, const struct bpfdev_info *after)
{
	return before->table_digest == after->table_digest && before->flags == after->flags &&
	       memcmp(before->exceptions, after->exceptions, sizeof(before->exceptions)) == 0;
}

/* Reads the filter @prog_fd and decides what is to take its place. Returns as step_part. */
static int prepare_replacement(struct target *target, int prog_fd)
{
	const struct enforce_change *change = target->changing->change;
	struct enforce_change_report *report = &target->report;
	struct table *old = NULL;
	int ret = filter_read(prog_fd, &report->before, &old, &report->why);

	if (ret > 0) {
		report->cause = ENFORCE_BY_OTHER_VERSION;
		return -EPROTO;
	}
	report->after = report->before;
	if (ret == 0)
		ret = exception_change(&report->after, change, &report->why);
	/* Whether the change has anything to do with this session. */
	if (ret == 0 &&
	    (change->kind == ENFORCE_RELOAD || !is_same(&report->before, &report->after))) {
		ret = decide_change(target, old);
		if (ret != DECIDED)
			ret = fail(report, ret);
		else
			report->after.table_digest = table_digest(target->table);
	}
	table_free(old);
	if (ret == 0 && is_same(&report->before, &report->after))
		return STEP_NOTHING;
	return ret;
}

static int prepare_target(void *data)
{
	struct target *target = data;
	struct decider *decider = &target->changing->decider;
	struct enforce_change_report *report = &target->report;
	int prog_fd = -1, ret;

	table_free(target->table);
	target->table = NULL;
	target->result = 0;
	report->why = (struct reason) { "" };
	if (!conf_store_is_current(&decider->policies))
		conf_store_renew(&decider->policies);
	ret = filter_find(target->cgroup_fd, &prog_fd, &report->why);
	if (ret == 0) {
		report->outcome = ENFORCE_UNFILTERED;
		return STEP_NOTHING;
	}
	if (ret > 0)
		ret = prepare_replacement(target, prog_fd);
	close_fd(&prog_fd);
	if (ret < 0)
		target->result = ret;
	return ret < 0 ? STEP_NOTHING : ret;
}

static int put_target(void *data)
{
	struct target *target = data;
	struct enforce_change_report *report = &target->report;
	struct bpfdev_info now;
	int prog_fd, new_fd, found = enforce_look(target->cgroup_fd, &prog_fd, &now, &report->why);

	if (found == FOUND_FILTER && is_same(&now, &report->before) &&
	    conf_store_is_current(&target->changing->decider.policies)) {
		new_fd = filter_attach(target->cgroup_fd, &report->after, target->table, prog_fd,
				       &report->why);
		target->result =
			new_fd < 0 ? new_fd : !says_the_same(&report->before, &report->after);
		close_fd(&new_fd);
		found = STEP_DONE;
	} else if (found >= 0) {
		found = STEP_AGAIN;
	}
	close_fd(&prog_fd);
	if (found < 0)
		target->result = found;
	return found < 0 ? STEP_DONE : found;
}

static void conclude(struct changing *changing, struct enforce_change_report *report, int result)
{
	report->outcome = result < 0 ? ENFORCE_FAILED : result ? ENFORCE_CHANGED : ENFORCE_SAME;
	report->error = result < 0 ? result : 0;
	changing->tell(report, changing->data);
}

static int visit_scope(int cgroup_fd, const char *unit, void *data)
{
	struct changing *changing = data;
	struct target target = { changing, cgroup_fd, .report = { .role = BPFDEV_SESSION } };
	int ret;

	snprintf(target.report.unit, sizeof(target.report.unit), "%s", unit);
	ret = step_run(changing->decider.options, changing->user->uid, prepare_target, put_target,
		       &target, &target.report.why);
	table_free(target.table);
	/* The lock cannot be had: nor can it for the others. */
	if (ret < 0) {
		*changing->why = target.report.why;
		return ret;
	}
	/* Its session is over. */
	if (target.result < 0 && session_is_gone(cgroup_fd))
		return 0;
	if (target.report.outcome == ENFORCE_UNFILTERED) {
		changing->tell(&target.report, changing->data);
		return 0;
	}
	changing->touched |= target.result != 0;
	conclude(changing, &target.report, target.result);
	return 0;
}

/* The user's manager on its way. */
struct mending {
	struct changing *changing;
	struct manager manager;
	struct enforce_change_report report;
	bool absent;
	int found;		  /* enum found, before the lock */
	struct bpfdev_info holds; /* what its filter said of itself then */
};

/* Finds out whose manager it is, and by which policy. */
static int prepare_manager(void *data)
{
	struct mending *mending = data;
	struct decider *decider = &mending->changing->decider;
	struct manager *manager = &mending->manager;
	struct reason *why = &mending->report.why;
	int manager_fd, prog_fd, ret;

	if (!conf_store_is_current(&decider->policies)) {
		conf_store_renew(&decider->policies);
		manager_free(manager);
	}
	ret = session_open_manager(manager->user, &manager_fd, why);
	mending->absent = ret == 0;
	if (ret <= 0)
		return ret < 0 ? ret : STEP_NOTHING;
	mending->found = enforce_look(manager_fd, &prog_fd, &mending->holds, why);
	mending->absent = mending->found < 0 && session_is_gone(manager_fd);
	close_fd(&prog_fd);
	close(manager_fd);
	if (mending->found < 0)
		return mending->absent ? STEP_NOTHING : mending->found;
	manager->made_from = NULL;
	if (mending->found == FOUND_FILTER) {
		manager->made_from = &mending->holds;
		ret = decider_find_subject(decider, &mending->holds, why);
		if (ret < 0)
			return ret;
	}
	manager->subject = decider->subject.name ? &decider->subject : NULL;
	/* Without sessions and without a filter of its own there is nothing to bring in line. */
	if (!manager->subject && !manager->made_from)
		return STEP_NOTHING;
	return manager_prepare(manager, why);
}

static int put_manager(void *data)
{
	struct mending *mending = data;

	if (!conf_store_is_current(&mending->changing->decider.policies))
		return STEP_AGAIN;
	return manager_put(&mending->manager, &mending->report.why);
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

static void change_manager(struct changing *changing)
{
	struct mending mending = { .changing = changing,
				   .manager = { .decider = &changing->decider,
						.user = changing->user },
				   .report = { .role = BPFDEV_MANAGER } };
	struct manager *manager = &mending.manager;
	struct enforce_change_report *report = &mending.report;
	int ret;

	session_manager_unit(changing->user->uid, report->unit);
	ret = step_run(changing->decider.options, changing->user->uid, prepare_manager, put_manager,
		       &mending, &report->why);
	report->before = mending.holds;
	if (ret == STEP_NOTHING && mending.found == FOUND_OTHER_VERSION) {
		report->cause = ENFORCE_BY_OTHER_VERSION;
		ret = -EPROTO;
	} else if (ret == -ESRCH) {
		report->cause = ENFORCE_BY_NOBODY;
	} else if (ret == STEP_DONE) {
		report->before = manager->before;
		report->after = manager->after;
		/* Not what was said of a filter that could not be read. */
		report->why = manager->note;
	}
	if (mending.absent) {
		/* nothing to tell of */
	} else if (ret >= 0 && !manager->had && !manager->has) {
		report->outcome = ENFORCE_UNFILTERED;
		changing->tell(report, changing->data);
	} else {
		conclude(changing, report,
			 ret < 0 ? ret
				 : manager->had != manager->has ||
					   report->before.table_digest !=
						   report->after.table_digest);
	}
	manager_free(manager);
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
	int lock = session_lock(options->lock_folder, user->uid, SESSION_LOCK_TIMEOUT_MS, why), ret;

	/*
	 * Whoever has the lock may be about to attach what was decided by the policy of before;
	 * whoever takes it from now on sees that the files have changed.
	 */
	if (lock < 0)
		return lock;
	session_unlock(lock);
	ret = session_each_scope(user, visit_scope, &changing, why);
	if (ret == 0 && concerns_manager(&changing))
		change_manager(&changing);
	decider_free(&changing.decider);
	return ret;
}

/* A session, or a manager, on its way to its first filter. */
struct adoption {
	struct decider decider;
	const struct session *user;
	const struct enforce_stray *stray; /* NULL: it is the manager */
	struct enforce_change_report *report;
	struct reason *why;
	struct table *table; /* NULL: no line names the user */
	struct manager manager;
};

static int prepare_adoption(void *data)
{
	struct adoption *adoption = data;
	const struct enforce_stray *stray = adoption->stray;
	struct bpfdev_info *info = &adoption->report->after;
	int ret = DECIDED;

	table_free(adoption->table);
	adoption->table = NULL;
	conf_store_renew(&adoption->decider.policies);
	manager_free(&adoption->manager);
	if (stray) {
		*info = (struct bpfdev_info) { 0 };
		ret = decide(&adoption->decider, NULL, stray->subject, &stray->session, info,
			     &adoption->table, adoption->why);
	}
	if (ret != DECIDED)
		return fail(adoption->report, ret);
	return manager_prepare(&adoption->manager, adoption->why);
}

/* The manager had no filter for as long as no session had one. */
static int attach_first(struct adoption *adoption, int cgroup_fd)
{
	const struct enforce_stray *stray = adoption->stray;
	struct bpfdev_info *info = &adoption->report->after;
	int prog_fd, ret;

	enforce_describe(info, BPFDEV_SESSION, stray->subject, &stray->session, stray->unit,
			 adoption->decider.options->conf);
	prog_fd = filter_attach(cgroup_fd, info, adoption->table, -1, adoption->why);
	if (prog_fd < 0)
		return prog_fd;
	ret = manager_put(&adoption->manager, adoption->why);
	if (ret != STEP_DONE)
		filter_detach(cgroup_fd, prog_fd, NULL);
	else
		adoption->report->outcome = ENFORCE_CHANGED;
	close(prog_fd);
	return ret;
}

/* It may have been filtered, or ended, since it was listed. */
static int put_adopted(void *data)
{
	struct adoption *adoption = data;
	int cgroup_fd, prog_fd = -1, ret;

	if (!conf_store_is_current(&adoption->decider.policies))
		return STEP_AGAIN;
	ret = session_open_unit(adoption->user, adoption->stray->unit, &cgroup_fd, adoption->why);
	if (ret <= 0)
		return ret;
	ret = filter_find(cgroup_fd, &prog_fd, adoption->why);
	if (ret == 0 && adoption->table)
		ret = attach_first(adoption, cgroup_fd);
	else if (ret > 0)
		ret = STEP_DONE;
	if (ret < 0 && session_is_gone(cgroup_fd))
		ret = STEP_DONE;
	close_fd(&prog_fd);
	close(cgroup_fd);
	return ret;
}

static struct adoption begin_adoption(const struct enforce_options *options,
				      const struct session *user,
				      struct enforce_change_report *report, struct reason *why)
{
	return (struct adoption) {
		.decider = decider_new(options), .user = user, .report = report, .why = why
	};
}

int enforce_adopt(const struct enforce_options *options, const struct session *user,
		  const struct enforce_stray *stray, struct enforce_change_report *report,
		  struct reason *why)
{
	struct adoption adoption = begin_adoption(options, user, report, why);
	int ret;

	adoption.stray = stray;
	adoption.manager = (struct manager) { .decider = &adoption.decider,
					      .user = user,
					      .subject = stray->subject };
	*report = (struct enforce_change_report) { .outcome = ENFORCE_SAME };
	snprintf(report->unit, sizeof(report->unit), "%s", stray->unit);
	ret = step_run(options, user->uid, prepare_adoption, put_adopted, &adoption, why);
	table_free(adoption.table);
	manager_free(&adoption.manager);
	decider_free(&adoption.decider);
	return ret;
}

static int put_adopted_manager(void *data)
{
	struct adoption *adoption = data;
	struct enforce_change_report *report = adoption->report;
	struct bpfdev_info info;
	int manager_fd, prog_fd, ret;

	if (!conf_store_is_current(&adoption->decider.policies))
		return STEP_AGAIN;
	ret = session_open_manager(adoption->user, &manager_fd, adoption->why);
	if (ret <= 0)
		return ret;
	ret = enforce_look(manager_fd, &prog_fd, &info, adoption->why);
	close_fd(&prog_fd);
	if (ret == FOUND_NOTHING) {
		ret = manager_put(&adoption->manager, adoption->why);
		if (ret == STEP_DONE)
			report->outcome =
				adoption->manager.has ? ENFORCE_CHANGED : ENFORCE_UNFILTERED;
		report->after = adoption->manager.after;
	} else if (ret > 0) {
		report->after = info;
		ret = STEP_DONE;
	}
	if (ret < 0 && session_is_gone(manager_fd))
		ret = STEP_DONE;
	close(manager_fd);
	return ret;
}

int enforce_adopt_manager(const struct enforce_options *options, const struct session *user,
			  const struct policy_subject *subject,
			  struct enforce_change_report *report, struct reason *why)
{
	struct adoption adoption = begin_adoption(options, user, report, why);
	int ret;

	adoption.manager =
		(struct manager) { .decider = &adoption.decider, .user = user, .subject = subject };
	*report =
		(struct enforce_change_report) { .outcome = ENFORCE_SAME, .role = BPFDEV_MANAGER };
	session_manager_unit(user->uid, report->unit);
	ret = step_run(options, user->uid, prepare_adoption, put_adopted_manager, &adoption, why);
	/* @why may be the report's own. */
	if (ret == STEP_DONE)
		report->why = adoption.manager.note;
	manager_free(&adoption.manager);
	decider_free(&adoption.decider);
	return ret;
}
