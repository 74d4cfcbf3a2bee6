// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a reload does, user by user: filters that are there, and sessions that have none yet. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "enforce/decide.h"
#include "command/base/memory.h"
#include "command/machine/logind.h"
#include "command/reload/reload.h"

/* One walk over the users. */
struct walk {
	struct reload *reload;
	struct enforce_options enforce, adoption; /* of sessions with a filter, and without */
	struct decider decider;			  /* with options of the latter */
	struct logind *logind;			  /* asked first when a session has no filter */
	const struct session *user;
	struct reason *why;
	int error; /* a report could not be kept */
};

static void name_user(uid_t uid, const char *known, char *name, size_t size)
{
	const struct passwd *entry = *known ? NULL : getpwuid(uid);

	if (*known || entry)
		snprintf(name, size, "%s", *known ? known : entry->pw_name);
	else
		snprintf(name, size, ":%u", uid);
}

static void keep(const struct enforce_change_report *report, void *data)
{
	struct walk *walk = data;
	struct reload *reload = walk->reload;
	struct reload_result *grown =
		array_grow(reload->results, reload->count, &reload->capacity, sizeof(*grown));

	if (!grown) {
		reason_set(walk->why, "out of memory");
		walk->error = -ENOMEM;
		return;
	}
	reload->results = grown;
	grown[reload->count] = (struct reload_result) { .uid = walk->user->uid, .report = *report };
	name_user(walk->user->uid, report->after.user, grown[reload->count].user,
		  sizeof(grown->user));
	reload->count++;
}

/*
 * Nothing of the user's was changed, or not all. The others' turn comes all the same: a user can
 * hold up the lock, but only for themselves.
 */
static void keep_failure(struct walk *walk, const struct session *user, int error)
{
	struct enforce_change_report report = {
		.outcome = ENFORCE_FAILED,
		.role = BPFDEV_SESSION,
		.error = error,
		.why = *walk->why,
	};

	snprintf(report.unit, sizeof(report.unit), "user-%u.slice", user->uid);
	keep(&report, walk);
}

static int adopt(struct walk *walk, const struct enforce_stray *stray,
		 struct enforce_change_report *report)
{
	struct enforce_change_report adopted;
	int ret = enforce_adopt(&walk->adoption, walk->user, stray, &adopted, &report->why);

	if (ret == 0 && adopted.outcome == ENFORCE_CHANGED)
		*report = adopted;
	return ret;
}

/* Finds out what adopt() would come to. */
static int foresee(struct walk *walk, const struct enforce_stray *stray,
		   struct reload_result *result)
{
	struct bpfdev_info info = { 0 };
	struct table *table = NULL;
	int ret = xcheck(decide(&walk->decider, NULL, stray->subject, &stray->session, &info,
				&table, &result->doubt));

	if (ret == DECIDED && table && !(info.flags & BPFDEV_UNRESTRICTED))
		result->due = info.rule_count;
	table_free(table);
	return ret == DECIDED ? 0 : -EINVAL;
}

/* Asks logind for what PAM said at the session's open. Returns a negative errno with @why. */
static int ask_logind(struct walk *walk, const struct enforce_change_report *report,
		      struct logind_session *facts, struct reason *why)
{
	char id[UNIT_ID_SIZE];
	int ret = 0;

	if (!walk->logind)
		ret = logind_open(&walk->logind, why);
	if (ret == 0)
		ret = logind_ask(walk->logind, change_session_name(report, id), facts, why);
	return ret;
}

/* Adopts the session, or only finds out what that would come to. */
static int look_after(struct walk *walk, struct reload_result *result)
{
	struct reason *why = walk->reload->all ? &result->report.why : &result->doubt;
	struct logind_session facts = { 0 };
	struct policy_subject subject;
	struct enforce_stray stray = { .unit = result->report.unit, .subject = &subject };
	int ret = ask_logind(walk, &result->report, &facts, why);

	if (ret < 0)
		return ret;
	stray.session = (struct policy_session) {
		facts.service,
		facts.tty,
		facts.rhost,
		"",
		facts.login && (*facts.rhost ||
				session_is_local(facts.seated ? "seat0" : "", facts.tty))
			? POLICY_LOGIN
			: POLICY_JOB,
	};
	ret = xcheck(policy_subject_load(facts.user, &subject, why));
	if (ret == 0) {
		ret = walk->reload->all ? adopt(walk, &stray, &result->report)
					: foresee(walk, &stray, result);
		policy_subject_free(&subject);
	} else if (ret > 0) {
		ret = -ESRCH;
	}
	logind_free_session(&facts);
	return ret;
}

/* What the user's sessions without a filter come to, once those that have one are done. */
static void look_after_unfiltered(struct walk *walk, size_t first)
{
	struct reload *reload = walk->reload;

	for (size_t i = first; i < reload->count; i++) {
		struct enforce_change_report *report = &reload->results[i].report;
		int ret;

		if (report->outcome != ENFORCE_UNFILTERED || report->role != BPFDEV_SESSION)
			continue;
		ret = look_after(walk, &reload->results[i]);
		if (ret < 0 && ret != -ENOENT && reload->all) {
			report->outcome = ENFORCE_FAILED;
			report->error = ret;
		}
		/* No session of logind's any more: it has just ended. */
		if (report->outcome == ENFORCE_UNFILTERED)
			report->why = (struct reason) { "" };
		if (ret == 0 || ret == -ENOENT)
			reload->results[i].doubt = (struct reason) { "" };
	}
}

/* It was told of before, when it had no filter, or that of fewer sessions. */
static void tell_manager(struct reload *reload, size_t first,
			 const struct enforce_change_report *report)
{
	for (size_t i = first; i < reload->count; i++) {
		struct enforce_change_report *told = &reload->results[i].report;

		if (told->role != BPFDEV_MANAGER)
			continue;
		/* A session that was adopted has brought its manager along. */
		if (report->outcome == ENFORCE_SAME &&
		    report->after.table_digest != told->after.table_digest)
			told->outcome = ENFORCE_CHANGED;
		else if (told->outcome == ENFORCE_UNFILTERED)
			*told = *report;
	}
}

static void adopt_manager(struct walk *walk, size_t first)
{
	struct enforce_change_report report = { .role = BPFDEV_MANAGER };
	struct policy_subject subject;
	char name[64];
	int ret;

	name_user(walk->user->uid, "", name, sizeof(name));
	/* Nobody of that uid in the user database any more: no line can name them either. */
	if (name[0] == ':')
		return;
	ret = policy_subject_load(name, &subject, &report.why);
	if (ret == 0) {
		ret = enforce_adopt_manager(&walk->adoption, walk->user, &subject, &report,
					    &report.why);
		policy_subject_free(&subject);
	}
	if (ret) {
		report.outcome = ENFORCE_FAILED;
		report.error = ret < 0 ? ret : -ESRCH;
	}
	tell_manager(walk->reload, first, &report);
}

/* By user, their sessions as people count them, and the manager last. */
static int compare(const void *first, const void *second)
{
	const struct reload_result *a = first, *b = second;
	int order = strcmp(a->user, b->user);

	if (order == 0)
		order = (int)a->report.role - (int)b->report.role;
	return order ? order : strverscmp(a->report.unit, b->report.unit);
}

static int visit_user(const struct session *user, void *data)
{
	static const struct enforce_change change = { .kind = ENFORCE_RELOAD };
	struct walk *walk = data;
	size_t first = walk->reload->count;
	int ret;

	if (walk->reload->one && walk->reload->user.uid != user->uid)
		return 0;
	walk->user = user;
	ret = enforce_change(&walk->enforce, user, &change, keep, walk, walk->why);
	if (ret < 0) {
		keep_failure(walk, user, ret);
	} else if (!walk->error) {
		look_after_unfiltered(walk, first);
		if (walk->reload->all)
			adopt_manager(walk, first);
	}
	return walk->error;
}

int reload_run(struct reload *reload, struct reason *why)
{
	struct walk walk = {
		.reload = reload,
		.enforce = change_options(&conf_paths_system),
		.adoption = change_options(&reload->options.paths),
		.why = why,
	};
	char *root;
	int ret = session_find_root(&root, why);

	if (ret < 0)
		return ret;
	walk.decider = decider_new(&walk.adoption);
	ret = session_each_user(root, visit_user, &walk, why);
	if (reload->count)
		qsort(reload->results, reload->count, sizeof(*reload->results), compare);
	decider_free(&walk.decider);
	logind_close(walk.logind);
	free(root);
	return ret;
}

void reload_free(struct reload *reload)
{
	free(reload->results);
	reload->results = NULL;
	reload->count = reload->capacity = 0;
}
