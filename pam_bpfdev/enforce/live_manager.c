// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether a user's manager has what it should have. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "enforce/live.h"
#include "enforce/manager.h"
#include "filter/filter.h"

/* A login takes some milliseconds; one that is stopped holds nobody up but its own user. */
#define PATIENCE_MS 1000

/* What a manager's filter says of its table. */
struct attached {
	bool any;
	bool known; /* of this version, so that it can be compared */
	uint64_t digest;
};

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

static int read_attached(int manager_fd, struct attached *attached, struct reason *why)
{
	struct bpfdev_info info;
	int prog_fd = -1, ret = filter_find(manager_fd, &prog_fd, why);

	*attached = (struct attached) { .any = ret > 0 };
	if (ret <= 0)
		return ret;
	ret = filter_read(prog_fd, &info, NULL, why);
	close(prog_fd);
	if (ret == 0) {
		attached->known = true;
		attached->digest = info.table_digest;
	}
	return ret == -EPROTO ? 0 : ret;
}

/* What @attached is if @table, from sessions or base as @right says, is what there should be. */
static int judge(const struct attached *attached, const struct table *table,
		 enum enforce_live_manager right)
{
	if (!attached->any)
		return ENFORCE_LIVE_MISSING;
	if (!attached->known || attached->digest != table_digest(table))
		return ENFORCE_LIVE_STALE;
	return (int)right;
}

/* The same with no session open. */
static int judge_base(const struct attached *attached, const struct enforce_live_base *base)
{
	struct policy_result result = { 0 };
	int ret = -EINVAL;

	if (base->subject && base->conf)
		ret = policy_decide(base->conf, base->options->devices, base->subject,
				    &policy_manager_session, &result, NULL);
	if (ret < 0)
		return attached->any ? ENFORCE_LIVE_BASE : ENFORCE_LIVE_FREE;
	if (result.kind == POLICY_NONE)
		ret = attached->any ? ENFORCE_LIVE_STALE : ENFORCE_LIVE_FREE;
	else
		ret = judge(attached, result.table, ENFORCE_LIVE_BASE);
	policy_result_free(&result);
	return ret;
}

static int compare(const struct session *user, int manager_fd, const struct enforce_live_base *base,
		   struct reason *why)
{
	struct attached attached;
	struct table *table = NULL;
	int ret = read_attached(manager_fd, &attached, why);

	if (ret == 0)
		ret = enforce_manager_union(user, &table, why);
	if (ret > 0)
		ret = judge(&attached, table, ENFORCE_LIVE_UNION);
	else if (ret == 0)
		ret = judge_base(&attached, base);
	table_free(table);
	return ret;
}

/* Again, while no login of the user is between its session and the manager. */
static int compare_locked(const struct session *user, int manager_fd,
			  const struct enforce_live_base *base, struct reason *why)
{
	char path[128];
	int lock, ret;

	snprintf(path, sizeof(path), "%s/pam_bpfdev.%u.lock", base->options->lock_folder,
		 user->uid);
	lock = session_lock(path, PATIENCE_MS, NULL);
	ret = compare(user, manager_fd, base, why);
	if (lock >= 0)
		session_unlock(lock);
	return ret;
}

int enforce_live_compare(const struct session *user, const struct enforce_live_base *base,
			 struct reason *why)
{
	int fd = session_open_manager(user, why), ret;

	if (fd < 0)
		return is_gone(fd) ? ENFORCE_LIVE_ABSENT : fd;
	ret = compare(user, fd, base, why);
	if (ret == ENFORCE_LIVE_STALE || ret == ENFORCE_LIVE_MISSING)
		ret = compare_locked(user, fd, base, why);
	close(fd);
	return is_gone(ret) ? ENFORCE_LIVE_ABSENT : ret;
}
