// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/machine/logind.h"
#include "command/reload/reload.h"

/* One walk over the users. */
struct walk {
	struct reload *reload;
	struct enforce_options enforce, adoption; /* of sessions with a filter, and without */
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

static int adopt(struct walk *walk, const struct logind_session *facts,
		 struct enforce_change_report *report)
{
	struct policy_subject subject;
	struct enforce_stray stray = {
		.unit = report->unit,
		.subject = &subject,
		.session = { facts->service, facts->tty, facts->rhost, "",
			     facts->login ? POLICY_LOGIN : POLICY_JOB },
	};
	struct enforce_change_report adopted;
	int ret = policy_subject_load(facts->user, &subject, &report->why);

	if (ret)
		return ret < 0 ? ret : -ESRCH;
	ret = enforce_adopt(&walk->adoption, walk->user, &stray, &adopted, &report->why);
	policy_subject_free(&subject);
	if (ret == 0 && adopted.outcome == ENFORCE_CHANGED)
		*report = adopted;
	return ret;
}

/* Asks logind for what PAM said at the session's open. */
static int find_and_adopt(struct walk *walk, struct enforce_change_report *report)
{
	struct logind_session facts = { 0 };
	char id[UNIT_ID_SIZE];
	int ret = 0;

	if (!walk->logind)
		ret = logind_open(&walk->logind, &report->why);
	if (ret == 0)
		ret = logind_ask(walk->logind, change_session_name(report, id), &facts,
				 &report->why);
	if (ret < 0)
		return ret;
	ret = adopt(walk, &facts, report);
	logind_free_session(&facts);
	return ret;
}

/* What the user's sessions without a filter come to, once those that have one are done. */
static void adopt_sessions(struct walk *walk, size_t first)
{
	struct reload *reload = walk->reload;

	for (size_t i = first; i < reload->count; i++) {
		struct enforce_change_report *report = &reload->results[i].report;
		int ret;

		if (report->outcome != ENFORCE_UNFILTERED || report->role != BPFDEV_SESSION)
			continue;
		ret = find_and_adopt(walk, report);
		if (ret < 0 && ret != -ENOENT) {
			report->outcome = ENFORCE_FAILED;
			report->error = ret;
		}
		/* No session of logind's any more: it has just ended. */
		if (report->outcome == ENFORCE_UNFILTERED)
			report->why = (struct reason) { "" };
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

	if (walk->reload->only && walk->reload->only->uid != user->uid)
		return 0;
	walk->user = user;
	ret = enforce_change(&walk->enforce, user, &change, keep, walk, walk->why);
	if (ret < 0) {
		keep_failure(walk, user, ret);
	} else if (walk->reload->all && !walk->error) {
		adopt_sessions(walk, first);
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
	ret = session_each_user(root, visit_user, &walk, why);
	if (reload->count)
		qsort(reload->results, reload->count, sizeof(*reload->results), compare);
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
