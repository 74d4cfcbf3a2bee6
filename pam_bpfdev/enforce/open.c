// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enforce/login.h"
#include "enforce/manager.h"
#include "filter/filter.h"

/*
 * Whether a user runs this, as su and sudo are run, and no daemon. Where it runs tells as a rule;
 * but a process that has lost its parent can have itself moved into the user's manager, so what
 * such programs say is asked too: who runs them (not if that is on another host), and their real
 * uid.
 */
static bool is_no_login(const struct login *login)
{
	const char *ruser = login->session.ruser;

	if (login->place.nested || getuid() != 0)
		return true;
	return ruser && *ruser && !*login->session.rhost && strcmp(ruser, "root") != 0;
}

static int decide(struct login *login)
{
	struct conf *conf;
	int ret = conf_load(login->options->conf, &conf);

	/*
	 * A job of cron or at is in no session, and su makes a session that comes from nowhere:
	 * either could be the way around the rules of any session of the user.
	 */
	login->session.kind =
		!login_is_own(login) || is_no_login(login) ? POLICY_JOB : POLICY_LOGIN;
	if (ret < 0) {
		reason_set(login->why, "the policy cannot be read: %s", strerror(-ret));
		return ret;
	}
	if (conf->error_count == 0)
		ret = policy_decide(conf, login->options->devices, login->subject, &login->session,
				    &login->policy, login->why);
	if (conf->error_count) {
		conf_describe_mistakes(conf, login->why);
		ret = -EINVAL;
	}
	login->policy_digest = conf->digest;
	login->report->rule_count = login->policy.rule_count;
	login->report->unrestricted = login->policy.kind == POLICY_UNRESTRICTED;
	login->report->audit = login->policy.audit;
	conf_free(conf);
	return ret;
}

/* Attaches the session's filter; if the manager cannot be brought in line, takes it off again. */
static int filter_scope(struct login *login)
{
	struct bpfdev_info info;
	int ret;

	enforce_describe(&info, BPFDEV_SESSION, login->subject, &login->session,
			 login->report->unit, login->options->conf->main);
	info.rule_count = login->policy.rule_count;
	info.policy_digest = login->policy_digest;
	info.flags = (login->policy.kind == POLICY_UNRESTRICTED ? BPFDEV_UNRESTRICTED : 0) |
		     (login->policy.audit ? BPFDEV_AUDIT : 0) |
		     (login->session.kind == POLICY_JOB ? BPFDEV_NO_LOGIN : 0) |
		     (login->options->conf->main_required ? BPFDEV_CONF : 0);
	login->report->leader = session_is_last(&login->place, NULL) == 1;
	login->prog_fd =
		filter_attach(login->cgroup_fd, &info, login->policy.table, -1, login->why);
	if (login->prog_fd < 0)
		return login->prog_fd;
	ret = login_mend_manager(login);
	if (ret < 0)
		filter_detach(login->cgroup_fd, login->prog_fd, NULL);
	return ret;
}

static int open_locked(struct login *login)
{
	int ret = login_look(login);

	if (ret < 0)
		return ret;
	login->report->outcome = ENFORCE_FILTERED;
	if (login->place.place == SESSION_OWN_MANAGER) {
		login->report->manager = true;
		return login_mend_manager(login);
	}
	if (ret == 0)
		return filter_scope(login);
	login->report->outcome = ENFORCE_INNER;
	return 0;
}

/* The policy names the user no more: a manager that lingers may still have an older one's filter. */
static void release_manager(struct login *login)
{
	struct reason ignored;
	int manager_fd = session_open_manager(&login->place, &ignored), prog_fd = -1;

	if (manager_fd >= 0 && filter_find(manager_fd, &prog_fd, &ignored) > 0) {
		close(prog_fd);
		login_with_lock(login, login_mend_manager);
	}
	if (manager_fd >= 0)
		close(manager_fd);
}

/* @found: whether the caller's place could be found; if not, login->why says why. */
static int open_by_policy(struct login *login, int found)
{
	struct reason lost = *login->why;
	int ret = decide(login);

	if (ret < 0)
		return ret;
	if (login->policy.kind == POLICY_NONE) {
		if (found >= 0 && login_is_own(login))
			release_manager(login);
		return 0;
	}
	if (found < 0 && !login->report->unrestricted) {
		*login->why = lost;
		return found;
	}
	if (found >= 0 && login_is_own(login))
		return login_with_lock(login, open_locked);
	/* Outside any session: what there is to enforce cannot be. */
	login->report->outcome =
		login->report->unrestricted ? ENFORCE_UNRESTRICTED : ENFORCE_NO_SESSION;
	reason_set(&login->report->note, "%s", found < 0 ? lost.text : login->place.cgroup);
	return 0;
}

/*
 * In another user's session, or manager: su or sudo, as a rule. But a daemon that root started by
 * hand is in root's session for good, and whoever logs in by it has no filter: that is to be said.
 */
static void open_foreign(struct login *login)
{
	login->report->outcome = ENFORCE_FOREIGN;
	if (login_look(login) == 0 && decide(login) == 0)
		login->report->unfiltered = login->policy.kind == POLICY_RULES;
	snprintf(login->report->unit, sizeof(login->report->unit), "%s",
		 session_unit_name(&login->place));
}

/*
 * Whether the caller is in a session whose filter stays, whatever the policy says now: another
 * user's (su, sudo), or the user's own that is filtered already (su to oneself). So even a broken
 * policy does not stop those.
 */
static bool is_inner(struct login *login)
{
	if (login->place.place == SESSION_FOREIGN) {
		open_foreign(login);
		return true;
	}
	if (login->place.place != SESSION_OWN_SCOPE || login_look(login) <= 0)
		return false;
	login->report->outcome = ENFORCE_INNER;
	return true;
}

int enforce_open(const struct enforce_options *options, const struct policy_subject *subject,
		 const struct policy_session *session, struct enforce_report *report,
		 struct reason *why)
{
	struct login login = { .options = options,
			       .subject = subject,
			       .session = *session,
			       .report = report,
			       .why = why,
			       .cgroup_fd = -1,
			       .prog_fd = -1 };
	int ret;

	*report = (struct enforce_report) { .outcome = ENFORCE_NO_RULES };
	ret = session_find(subject->uid, &login.place, why);
	if (ret < 0 || !is_inner(&login))
		ret = open_by_policy(&login, ret);
	login_free(&login);
	return ret;
}
