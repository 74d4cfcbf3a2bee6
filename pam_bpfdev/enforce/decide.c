// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter should be, from what is known of its session: at its open, and again later. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "enforce/decide.h"
#include "enforce/internal.h"

struct decider decider_new(const struct enforce_options *options)
{
	return (struct decider) { .options = options, .policies = { .system = options->conf } };
}

void decider_free(struct decider *decider)
{
	conf_store_free(&decider->policies);
	policy_subject_free(&decider->subject);
}

int decider_policy(struct decider *decider, const struct bpfdev_info *info, struct conf **conf,
		   struct reason *why)
{
	int ret = conf_store_get(&decider->policies, info, conf, why);

	return ret > 0 ? DECIDED_MISTAKES : ret;
}

int decider_find_subject(struct decider *decider, const struct bpfdev_info *info,
			 struct reason *why)
{
	struct policy_subject *subject = &decider->subject;
	int ret;

	if (subject->name && strcmp(subject->name, info->user) == 0)
		return DECIDED;
	policy_subject_free(subject);
	ret = policy_subject_load(info->user, subject, why);
	if (ret)
		return ret > 0 ? DECIDED_NOBODY : ret;
	if (subject->uid == info->uid)
		return DECIDED;
	reason_set(why, "user \"%s\" had uid %u when the session was opened, and now has %u",
		   info->user, info->uid, subject->uid);
	policy_subject_free(subject);
	return DECIDED_NOBODY;
}

int decide(struct decider *decider, const struct bpfdev_info *made_from,
	   const struct policy_subject *subject, const struct policy_session *session,
	   struct bpfdev_info *info, struct table **table, struct reason *why)
{
	struct policy_result result;
	struct conf *conf;
	int ret = decider_policy(decider, made_from, &conf, why);

	/* A filter that is there already stays as it is. */
	if (ret == DECIDED_MISTAKES && !made_from && policy_spares(conf, subject))
		ret = DECIDED;
	if (ret)
		return ret;
	ret = policy_decide(conf, decider->options->devices, subject, session, &result, why);
	info->policy_digest = conf->digest;
	if (ret < 0 && conf->error_count) {
		conf_describe_mistakes(conf, why);
		conf_forget_errors(conf);
		return DECIDED_MISTAKES;
	}
	if (ret < 0)
		return ret;
	info->flags &= ~(__u32)(BPFDEV_UNRESTRICTED | BPFDEV_AUDIT);
	info->rule_count = result.rule_count;
	if (result.kind != POLICY_RULES)
		info->flags |= BPFDEV_UNRESTRICTED;
	if (result.audit)
		info->flags |= BPFDEV_AUDIT;
	*table = result.table;
	return DECIDED;
}

int decide_again(struct decider *decider, struct bpfdev_info *info, struct table **table,
		 struct reason *why)
{
	const struct policy_session session = {
		info->service,
		info->tty,
		info->rhost,
		"",
		info->flags & BPFDEV_NO_LOGIN ? POLICY_JOB : POLICY_LOGIN,
	};
	const struct rules everything = { .unrestricted = true };
	struct bpfdev_info made_from = *info;
	int ret = decider_find_subject(decider, info, why);

	if (ret == DECIDED)
		ret = decide(decider, &made_from, &decider->subject, &session, info, table, why);
	if (ret != DECIDED || *table)
		return ret;
	return rules_fold(&everything, NULL, table, why);
}

void enforce_describe(struct bpfdev_info *info, enum bpfdev_role role,
		      const struct policy_subject *subject, const struct policy_session *session,
		      const char *unit, const struct conf_paths *conf)
{
	struct bpfdev_info decided = *info;

	*info = (struct bpfdev_info) {
		.role = role,
		.uid = subject->uid,
		.opened = (__u64)time(NULL),
		.policy_digest = decided.policy_digest,
		.rule_count = decided.rule_count,
		.flags = decided.flags | (session->kind == POLICY_JOB ? BPFDEV_NO_LOGIN : 0) |
			 (conf->main_required ? BPFDEV_CONF : 0),
	};
	strncpy(info->user, subject->name, sizeof(info->user) - 1);
	strncpy(info->service, session->service, sizeof(info->service) - 1);
	strncpy(info->tty, session->tty, sizeof(info->tty) - 1);
	strncpy(info->rhost, session->rhost, sizeof(info->rhost) - 1);
	strncpy(info->unit, unit, sizeof(info->unit) - 1);
	strncpy(info->policy, conf->main, sizeof(info->policy) - 1);
}
