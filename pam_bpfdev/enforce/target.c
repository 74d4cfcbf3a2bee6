// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One filter on its way through a change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/target.h"
#include "filter/filter.h"

int target_fail(struct enforce_change_report *report, int decided)
{
	report->cause = decided == DECIDED_MISTAKES ? ENFORCE_BY_MISTAKES
			: decided == DECIDED_NOBODY ? ENFORCE_BY_NOBODY
						    : ENFORCE_BY_ERROR;
	return decided == DECIDED_MISTAKES ? -EINVAL : decided == DECIDED_NOBODY ? -ESRCH : decided;
}

/* By the policy as it is now, and with what is lent. Returns an enum decided or an errno. */
static int decide_reload(struct target *target)
{
	struct decider *decider = &target->changing->decider;
	struct enforce_change_report *report = &target->report;
	struct table *base = NULL;
	int ret = decide_again(decider, &report->after, &base, &report->why);

	if (ret != DECIDED || !exception_any(&report->after)) {
		target->table = base;
		return ret;
	}
	ret = enforce_lend_again(decider, &report->after, base, &target->table, &report->why);
	table_free(base);
	return ret;
}

/* What the lines of the filter stand for now. Returns 1: perhaps something else; 0; or an errno. */
static int look_up(const struct target *target, struct rules *rules, struct reason *why)
{
	const struct enforce_change *change = target->change;
	const struct device_source *devices = target->changing->decider.options->devices;
	bool changed = true;
	int ret = 0;

	if (change->kind == ENFORCE_SETTLE && (change->event || !rules_follow(rules)))
		ret = rules_settle(rules, devices, change->event, &changed, why);
	else if (change->kind == ENFORCE_SETTLE)
		rules_forget(rules);
	if (ret == 0 && changed)
		ret = rules_resolve(rules, devices, NULL, why);
	return ret == RULES_TOO_MANY ? -E2BIG : ret < 0 ? ret : changed;
}

/* By the rules that the filter carries. @same: what it lends has not changed. As decide_reload(). */
static int decide_carried(struct target *target, const void *origin, bool same)
{
	struct enforce_change_report *report = &target->report;
	struct rules rules;
	int ret = rules_unpack(origin, report->before.origin_size, &rules, &report->why);

	if (ret < 0)
		return ret;
	ret = look_up(target, &rules, &report->why);
	if (ret == 0 && !same)
		ret = rules_resolve(&rules, target->changing->decider.options->devices, NULL,
				    &report->why);
	else if (ret == 0)
		goto out;
	if (ret >= 0)
		ret = exception_lend(&target->changing->decider, &report->after, target->change,
				     &rules, &target->table, &report->why);
out:
	rules_free(&rules);
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

/* Sets report->after and the table that goes with it, if there is anything to change. */
static int decide_change(struct target *target, const void *origin)
{
	struct enforce_change_report *report = &target->report;
	enum enforce_change_kind kind = target->change->kind;
	bool same = is_same(&report->before, &report->after);
	int ret = DECIDED;

	if (kind == ENFORCE_RELOAD)
		ret = decide_reload(target);
	else if (kind == ENFORCE_SETTLE ? origin != NULL : !same)
		ret = decide_carried(target, origin, same);
	if (ret != DECIDED)
		return target_fail(report, ret);
	if (target->table) {
		report->after.table_digest = table_digest(target->table);
		report->after.origin_digest = table_origin_digest(target->table);
		report->after.origin_size = target->table->origin_size;
	}
	return 0;
}

/* Decides what is to take the place of the filter report->before. Returns as step_part. */
static int prepare_replacement(struct target *target, const void *origin)
{
	struct enforce_change_report *report = &target->report;
	int ret;

	report->after = report->before;
	ret = exception_change(&report->after, target->change, &report->why);
	if (ret == 0)
		ret = decide_change(target, origin);
	if (ret == 0 && is_same(&report->before, &report->after))
		return STEP_NOTHING;
	return ret;
}

/* The same, for a filter that is to be read first. */
static int read_and_prepare(struct target *target, int prog_fd)
{
	struct enforce_change_report *report = &target->report;
	void *origin = NULL;
	int ret = filter_read_origin(prog_fd, &report->before, &origin, &report->why);

	if (ret > 0) {
		report->cause = ENFORCE_BY_OTHER_VERSION;
		return -EPROTO;
	}
	if (ret == 0)
		ret = prepare_replacement(target, origin);
	free(origin);
	return ret;
}

/* Returns 1 with *@prog_fd; 0: it is not there; or a negative errno. */
static int find_target(const struct target *target, int *prog_fd, struct reason *why)
{
	int fds[FILTER_ALL_MAX], count;

	*prog_fd = target->found ? *target->found : -1;
	if (*prog_fd >= 0) {
		*target->found = -1;
		return 1;
	}
	if (target->which < 0)
		return filter_find(target->cgroup_fd, prog_fd, why);
	count = filter_find_all(target->cgroup_fd, fds, FILTER_ALL_MAX, why);
	for (int i = 0; i < count; i++) {
		if (i == target->which)
			*prog_fd = fds[i];
		else
			close(fds[i]);
	}
	return count < 0 ? count : *prog_fd >= 0;
}

static int prepare_target(void *data)
{
	struct target *target = data;
	struct decider *decider = &target->changing->decider;
	struct enforce_change_report *report = &target->report;
	int prog_fd, ret;

	table_free(target->table);
	target->table = NULL;
	target->result = 0;
	target->replaced = false;
	report->why = (struct reason) { "" };
	if (!conf_store_is_current(&decider->policies))
		conf_store_renew(&decider->policies);
	if (target->known) {
		report->before = target->known->filter->info;
		ret = prepare_replacement(target, target->known->table->origin);
	} else {
		ret = find_target(target, &prog_fd, &report->why);
		if (ret == 0) {
			report->outcome = ENFORCE_UNFILTERED;
			return STEP_NOTHING;
		}
		if (ret > 0)
			ret = read_and_prepare(target, prog_fd);
		close_fd(&prog_fd);
	}
	if (ret < 0)
		target->result = ret;
	return ret < 0 ? STEP_NOTHING : ret;
}

/* Whether the filter is still as it was when it was decided what is to take its place. */
static bool is_as_before(const struct target *target, int prog_fd)
{
	struct bpfdev_info now;

	return filter_read(prog_fd, &now, NULL, NULL) == 0 &&
	       is_same(&now, &target->report.before) &&
	       conf_store_is_current(&target->changing->decider.policies);
}

static int put_target(void *data)
{
	struct target *target = data;
	struct enforce_change_report *report = &target->report;
	int prog_fd, new_fd, found = find_target(target, &prog_fd, &report->why);

	if (found > 0 && is_as_before(target, prog_fd)) {
		new_fd = filter_attach(target->cgroup_fd, &report->after, target->table, prog_fd,
				       &report->why);
		target->result =
			new_fd < 0 ? new_fd : !says_the_same(&report->before, &report->after);
		target->replaced = new_fd >= 0;
		if (target->prog_fd && new_fd >= 0) {
			close_fd(target->prog_fd);
			*target->prog_fd = new_fd;
		} else {
			close_fd(&new_fd);
		}
		found = STEP_DONE;
	} else if (found >= 0) {
		target->known = NULL;
		found = STEP_AGAIN;
	}
	close_fd(&prog_fd);
	if (found < 0)
		target->result = found;
	return found < 0 ? STEP_DONE : found;
}

int target_run(struct target *target)
{
	const struct changing *changing = target->changing;
	int ret = step_run(changing->decider.options, changing->user->uid, prepare_target,
			   put_target, target, &target->report.why);

	table_free(target->table);
	target->table = NULL;
	return ret < 0 ? ret : 0;
}

static void conclude(struct target *target)
{
	struct enforce_change_report *report = &target->report;
	int result = target->result;

	report->outcome = result < 0 ? ENFORCE_FAILED : result ? ENFORCE_CHANGED : ENFORCE_SAME;
	report->error = result < 0 ? result : 0;
	target->changing->tell(report, target->changing->data);
}

/*
 * What was decided may be of the moment before udev has made a link, and put in place in the one after
 * it had asked for the filters that are there.
 */
static int settle_after(struct target *target)
{
	static const struct enforce_change anew = { .kind = ENFORCE_SETTLE };
	struct target again = { target->changing, &anew, target->cgroup_fd, target->which,
				.report = target->report };
	int ret = target_run(&again);

	if (ret == 0 && again.result < 0) {
		target->result = again.result;
		target->report.why = again.report.why;
	} else if (ret == 0 && again.report.outcome != ENFORCE_UNFILTERED) {
		target->report.after = again.report.after;
		target->result |= again.result;
	}
	return ret;
}

int target_change(struct target *target, bool told)
{
	struct changing *changing = target->changing;
	int ret = target_run(target);

	/* Lines with other names may stand for the same devices, as it seemed. */
	if (ret == 0 && target->replaced && target->change->kind != ENFORCE_SETTLE)
		ret = settle_after(target);
	/* The lock cannot be had: nor can it for the others. */
	if (ret < 0) {
		*changing->why = target->report.why;
		return ret;
	}
	/* Its session is over. */
	if (target->result < 0 && session_is_gone(target->cgroup_fd))
		return 0;
	if (target->report.outcome == ENFORCE_UNFILTERED) {
		if (told)
			changing->tell(&target->report, changing->data);
		return 0;
	}
	changing->touched |= target->result != 0;
	if (told || target->result)
		conclude(target);
	return 0;
}
