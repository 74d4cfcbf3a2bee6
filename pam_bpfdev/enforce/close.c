// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <string.h>
#include <unistd.h>

#include "enforce/denied.h"
#include "enforce/login.h"
#include "filter/filter.h"

/* The same rules without exceptions, which were the open session's, and the mark that the manager
 * owes this session nothing any more. */
static int mark_closed(struct login *login)
{
	struct table *table = NULL, *rest = NULL;
	struct bpfdev_info info;
	int ret = filter_read(login->prog_fd, &info, &table, login->why);

	if (ret == 0 && !(info.flags & BPFDEV_CLOSED)) {
		info.flags |= BPFDEV_CLOSED;
		memset(info.exceptions, 0, sizeof(info.exceptions));
		ret = table_lend(table, NULL, &rest, login->why);
		if (ret == 0)
			ret = filter_attach(login->cgroup_fd, &info, rest, login->prog_fd,
					    login->why);
	}
	table_free(rest);
	table_free(table);
	if (ret <= 0)
		return ret;
	close(ret);
	return 0;
}

/*
 * For the log, once: the filter is as it was before its session was closed, and what it has counted
 * is there also when it is detached. What those who are left are denied later, the one that took
 * its place goes on counting.
 */
static void sum_up(struct login *login)
{
	struct bpfdev_info info;

	if (filter_read(login->prog_fd, &info, NULL, NULL) == 0 && !(info.flags & BPFDEV_CLOSED))
		enforce_denied(login->options, login->prog_fd, &info, &login->report->denied);
}

/*
 * @ours: this process opened the session when it was alone there, so that its close is the
 * session's end. Otherwise that may be a su(1) within the session, and whoever is left goes on as
 * before.
 */
static int end_filter(struct login *login, bool ours)
{
	int last = session_is_last(&login->place, login->why), ret = 0;

	if (last < 0)
		return last;
	login->report->outcome = last ? ENFORCE_REMOVED : ENFORCE_KEPT;
	if (last)
		ret = filter_detach(login->cgroup_fd, login->prog_fd, login->why);
	else if (ours)
		ret = mark_closed(login);
	if (last || ours)
		sum_up(login);
	return ret;
}

static int close_locked(struct login *login, bool ours)
{
	int ret = login_look(login), mended;

	if (ret <= 0)
		return ret;
	ret = end_filter(login, ours);
	mended = login_mend_manager(login);
	return ret < 0 ? ret : mended;
}

static int close_ours(struct login *login)
{
	return close_locked(login, true);
}

static int close_of_another(struct login *login)
{
	return close_locked(login, false);
}

static int close_in_place(struct login *login, bool ours)
{
	switch (login->place.place) {
	case SESSION_OWN_SCOPE:
		return login_with_lock(login, ours ? close_ours : close_of_another);
	case SESSION_OWN_MANAGER:
		login->report->outcome = ENFORCE_INNER;
		return 0;
	case SESSION_FOREIGN:
		login->report->outcome = ENFORCE_FOREIGN;
		return 0;
	default:
		login->report->outcome = ENFORCE_NO_SESSION;
		return 0;
	}
}

int enforce_close(const struct enforce_options *options, const struct policy_subject *subject,
		  bool ours, struct enforce_report *report, struct reason *why)
{
	struct login login = {
		.options = options,
		.subject = subject,
		.report = report,
		.why = why,
		.cgroup_fd = -1,
		.prog_fd = -1,

	};
	int ret;

	*report = (struct enforce_report) { .outcome = ENFORCE_NO_RULES };
	ret = session_find(subject->uid, &login.place, why);
	if (ret == 0)
		ret = close_in_place(&login, ours);
	login_free(&login);
	return ret;
}
