// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whom rules can have nothing to do with, as far as one can tell who may look at no filter. */
#include <errno.h>
#include <pwd.h>

#include "enforce/ask.h"
#include "enforce/internal.h"

/* Whether the process is the asker's and in nobody else's session. */
static bool is_at_home(const struct enforce_question *question, struct reason *why)
{
	struct session_process process;
	int ret = session_look_at(question->pid, &process, why);
	bool home = ret > 0 && enforce_is_asker(&process, question) &&
		    process.session.place != SESSION_FOREIGN;

	if (ret >= 0 && !home)
		reason_set(why, "process %d is not uid %u's, or is in another's session",
			   question->pid, question->uid);
	session_free(&process.session);
	return home;
}

static bool is_named(struct conf *conf, uid_t uid, struct reason *why)
{
	const struct passwd *entry = getpwuid(uid);
	struct policy_subject subject;
	struct policy_survey survey;
	bool named = true;

	if (!entry) {
		reason_set(why, "no user has the uid %u", uid);
		return true;
	}
	if (policy_subject_load(entry->pw_name, &subject, why))
		return true;
	if (policy_survey(conf, &subject, &policy_manager_session, &survey, why) == 0) {
		named = survey.kind != POLICY_NONE;
		if (named)
			reason_set(why, "the policy names %s", subject.name);
		policy_survey_free(&survey);
	}
	policy_subject_free(&subject);
	return named;
}

static bool may_be_named(const struct enforce_options *options, uid_t uid, struct reason *why)
{
	struct conf *conf = NULL;
	bool may = true;

	if (conf_load(options->conf, &conf) < 0)
		reason_set(why, "out of memory");
	else if (conf->error_count)
		conf_describe_mistakes(conf, why);
	else
		may = is_named(conf, uid, why);
	conf_free(conf);
	return may;
}

bool enforce_is_stranger(const struct enforce_options *options,
			 const struct enforce_question *question, struct reason *why)
{
	if (question->uid == 0)
		return true;
	return is_at_home(question, why) && !may_be_named(options, question->uid, why);
}
