// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A filter for sessions that were opened without one. */
#include <stdio.h>

#include "enforce/target.h"
#include "filter/filter.h"

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
		return target_fail(adoption->report, ret);
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
	if (ret == STEP_DONE && adoption.table && rules_table_follows(adoption.table))
		ret = enforce_settle_user(options, user, why);
	table_free(adoption.table);
	manager_free(&adoption.manager);
	decider_free(&adoption.decider);
	return ret;
}

static int put_adopted_manager(void *data)
{
	struct adoption *adoption = data;
	struct enforce_change_report *report = adoption->report;
	struct filter filter;
	int manager_fd, ret;

	if (!conf_store_is_current(&adoption->decider.policies))
		return STEP_AGAIN;
	ret = session_open_manager(adoption->user, &manager_fd, adoption->why);
	if (ret <= 0)
		return ret;
	ret = enforce_look(manager_fd, &filter, adoption->why);
	close_fd(&filter.fd);
	if (ret == FOUND_NOTHING) {
		ret = manager_put(&adoption->manager, adoption->why);
		if (ret == STEP_DONE)
			report->outcome =
				adoption->manager.has ? ENFORCE_CHANGED : ENFORCE_UNFILTERED;
		report->after = adoption->manager.after;
	} else if (ret > 0) {
		report->after = filter.info;
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
