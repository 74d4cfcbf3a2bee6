// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A filter for a session that was opened without one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforce/again.h"
#include "enforce/change.h"
#include "enforce/login.h"
#include "enforce/manager.h"
#include "filter/filter.h"

struct adoption {
	const struct enforce_options *options;
	const struct session *user;
	const struct enforce_stray *stray;
	struct enforce_change_report *report;
	struct reason *why;
	struct policy_result policy;
};

static int decide(struct adoption *adoption)
{
	const struct enforce_stray *stray = adoption->stray;
	struct bpfdev_info *info = &adoption->report->after;
	struct conf *conf;
	int ret = conf_load(adoption->options->conf, &conf);

	if (ret < 0) {
		reason_set(adoption->why, "the policy cannot be read: %s", strerror(-ret));
		return ret;
	}
	if (!conf->error_count)
		ret = policy_decide(conf, adoption->options->devices, stray->subject,
				    &stray->session, &adoption->policy, adoption->why);
	if (conf->error_count) {
		conf_describe_mistakes(conf, adoption->why);
		ret = -EINVAL;
	}
	info->policy_digest = conf->digest;
	conf_free(conf);
	/* These would say that the session is over. */
	return ret == -ENOENT || ret == -ENODEV ? -EIO : ret;
}

static void describe(struct adoption *adoption)
{
	const struct enforce_stray *stray = adoption->stray;
	struct bpfdev_info *info = &adoption->report->after;
	uint64_t digest = info->policy_digest;

	enforce_describe(info, BPFDEV_SESSION, stray->subject, &stray->session, stray->unit,
			 adoption->options->conf->main);
	info->policy_digest = digest;
	info->rule_count = adoption->policy.rule_count;
	info->flags = (adoption->policy.kind == POLICY_UNRESTRICTED ? BPFDEV_UNRESTRICTED : 0) |
		      (adoption->policy.audit ? BPFDEV_AUDIT : 0) |
		      (stray->session.kind == POLICY_JOB ? BPFDEV_NO_LOGIN : 0) |
		      (adoption->options->conf->main_required ? BPFDEV_CONF : 0);
}

/* The manager had no filter for as long as no session had one. */
static int attach(struct adoption *adoption, int cgroup_fd)
{
	struct reason note = { "" };
	int prog_fd, ret;

	describe(adoption);
	prog_fd = filter_attach(cgroup_fd, &adoption->report->after, adoption->policy.table, -1,
				adoption->why);
	if (prog_fd < 0)
		return prog_fd;
	ret = enforce_manager(adoption->options, adoption->stray->subject, adoption->user, &note,
			      adoption->why);
	if (ret < 0)
		filter_detach(cgroup_fd, prog_fd, NULL);
	else
		adoption->report->outcome = ENFORCE_CHANGED;
	close(prog_fd);
	return ret;
}

/* It may have been filtered, or ended, since it was listed. */
static int adopt_locked(struct adoption *adoption, int cgroup_fd)
{
	int prog_fd = -1, ret = filter_find(cgroup_fd, &prog_fd, adoption->why);

	if (ret > 0)
		close(prog_fd);
	if (ret == 0)
		ret = decide(adoption);
	else
		return ret < 0 ? ret : 0;
	if (ret == 0 && adoption->policy.kind != POLICY_NONE)
		ret = attach(adoption, cgroup_fd);
	policy_result_free(&adoption->policy);
	return ret;
}

static int open_unit(const struct session *user, const char *unit, struct reason *why)
{
	char *path;
	int fd;

	if (asprintf(&path, "%s/%s", user->slice, unit) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	fd = session_open_cgroup(path, why);
	free(path);
	return fd;
}

int enforce_adopt(const struct enforce_options *options, const struct session *user,
		  const struct enforce_stray *stray, struct enforce_change_report *report,
		  struct reason *why)
{
	struct adoption adoption = { options, user, stray, report, why, .policy = { 0 } };
	int lock, cgroup_fd, ret;

	*report = (struct enforce_change_report) { .outcome = ENFORCE_SAME };
	strncpy(report->unit, stray->unit, sizeof(report->unit) - 1);
	lock = enforce_lock(options, user->uid, why);
	if (lock < 0)
		return lock;
	cgroup_fd = open_unit(user, stray->unit, why);
	ret = cgroup_fd < 0 ? cgroup_fd : adopt_locked(&adoption, cgroup_fd);
	if (cgroup_fd >= 0)
		close(cgroup_fd);
	session_unlock(lock);
	/* The session is over. */
	return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
}

/* Whether the manager has a filter now; what it says of itself, if that can be read. */
static int look_at_manager(const struct session *user, struct bpfdev_info *info, struct reason *why)
{
	int manager_fd = session_open_manager(user, why), prog_fd = -1, ret;

	if (manager_fd < 0)
		return manager_fd;
	ret = filter_find(manager_fd, &prog_fd, why);
	if (ret > 0) {
		filter_read(prog_fd, info, NULL, NULL);
		close(prog_fd);
	}
	close(manager_fd);
	return ret;
}

static int adopt_manager_locked(const struct enforce_options *options, const struct session *user,
				const struct policy_subject *subject,
				struct enforce_change_report *report, struct reason *note,
				struct reason *why)
{
	int ret = look_at_manager(user, &report->after, why);

	if (ret < 0)
		return ret;
	report->outcome = ret ? ENFORCE_SAME : ENFORCE_UNFILTERED;
	if (ret)
		return 0;
	ret = enforce_manager(options, subject, user, note, why);
	if (ret == 0)
		ret = look_at_manager(user, &report->after, why);
	if (ret > 0)
		report->outcome = ENFORCE_CHANGED;
	return ret < 0 ? ret : 0;
}

int enforce_adopt_manager(const struct enforce_options *options, const struct session *user,
			  const struct policy_subject *subject,
			  struct enforce_change_report *report, struct reason *why)
{
	struct reason note = { "" };
	int lock, ret;

	*report =
		(struct enforce_change_report) { .outcome = ENFORCE_SAME, .role = BPFDEV_MANAGER };
	again_manager_unit(user, report->unit, sizeof(report->unit));
	lock = enforce_lock(options, user->uid, why);
	if (lock < 0)
		return lock;
	ret = adopt_manager_locked(options, user, subject, report, &note, why);
	session_unlock(lock);
	if (ret < 0 && ret != -ENOENT && ret != -ENODEV)
		return ret;
	/* @why may be the report's own. */
	report->why = note;
	return 0;
}
