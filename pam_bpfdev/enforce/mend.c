// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The manager of a user whose sessions have changed. */
#include <errno.h>

#include "enforce/target.h"
#include "filter/filter.h"

static void conclude(struct changing *changing, struct enforce_change_report *report, int result)
{
	report->outcome = result < 0 ? ENFORCE_FAILED : result ? ENFORCE_CHANGED : ENFORCE_SAME;
	report->error = result < 0 ? result : 0;
	changing->tell(report, changing->data);
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
	struct filter filter;
	int manager_fd, ret;

	if (!conf_store_is_current(&decider->policies)) {
		conf_store_renew(&decider->policies);
		manager_free(manager);
	}
	ret = session_open_manager(manager->user, &manager_fd, why);
	mending->absent = ret == 0;
	if (ret <= 0)
		return ret < 0 ? ret : STEP_NOTHING;
	mending->found = enforce_look(manager_fd, &filter, why);
	mending->holds = filter.info;
	mending->absent = mending->found < 0 && session_is_gone(manager_fd);
	close_fd(&filter.fd);
	close(manager_fd);
	if (mending->found < 0)
		return mending->absent ? STEP_NOTHING : mending->found;
	manager->made_from = NULL;
	if (mending->found == FOUND_FILTER) {
		manager->made_from = &mending->holds;
		/* udev does not wait for a directory server, if there is no need to. */
		ret = mending->changing->change->kind == ENFORCE_SETTLE && !manager->needs_base
			      ? 0
			      : decider_find_subject(decider, &mending->holds, why);
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

void target_change_manager(struct changing *changing)
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
