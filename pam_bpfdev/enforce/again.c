// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "enforce/again.h"
#include "enforce/manager.h"

void again_free(struct again *again)
{
	conf_store_free(&again->policies);
	policy_subject_free(&again->subject);
}

int again_policy(struct again *again, const struct bpfdev_info *info, struct conf **conf,
		 struct reason *why)
{
	int ret;

	again->policies.system = again->options->conf;
	ret = conf_store_get(&again->policies, info, conf, why);
	return ret > 0 ? -EINVAL : ret;
}

static int find_subject(struct again *again, const struct bpfdev_info *info, struct reason *why)
{
	int ret;

	if (again->subject.name && strcmp(again->subject.name, info->user) == 0)
		return 0;
	policy_subject_free(&again->subject);
	ret = policy_subject_load(info->user, &again->subject, why);
	if (ret == 0 && again->subject.uid == info->uid)
		return 0;
	/* ENOENT would say that the session is gone. */
	if (ret < 0)
		return ret == -ENOENT ? -ESRCH : ret;
	reason_set(why, "user \"%s\" had uid %u when the session was opened, and now has %u",
		   info->user, info->uid, again->subject.uid);
	policy_subject_free(&again->subject);
	return -ESRCH;
}

/* Whether the policy has no rules for the session: it is left out, or nothing counts. */
static int settle(const struct policy_result *result, struct bpfdev_info *info,
		  struct table **table)
{
	info->flags &= ~(__u32)(BPFDEV_UNRESTRICTED | BPFDEV_AUDIT);
	info->rule_count = result->rule_count;
	if (result->kind != POLICY_RULES)
		info->flags |= BPFDEV_UNRESTRICTED;
	if (result->audit)
		info->flags |= BPFDEV_AUDIT;
	if (result->kind == POLICY_NONE)
		return table_allow_all(table);
	*table = result->table;
	return 0;
}

static int decide(struct again *again, struct conf *conf, struct bpfdev_info *info,
		  struct policy_result *result, struct reason *why)
{
	const struct policy_session session = {
		info->service,
		info->tty,
		info->rhost,
		"",
		info->flags & BPFDEV_NO_LOGIN ? POLICY_JOB : POLICY_LOGIN,
	};
	int ret = policy_decide(conf, again->options->devices, &again->subject, &session, result,
				why);

	info->policy_digest = conf->digest;
	conf_forget_errors(conf);
	return ret;
}

int again_decide(struct again *again, struct bpfdev_info *info, struct table **table,
		 struct reason *why)
{
	struct policy_result result;
	struct conf *conf;
	int ret = again_policy(again, info, &conf, why);

	if (ret == 0)
		ret = find_subject(again, info, why);
	if (ret == 0)
		ret = decide(again, conf, info, &result, why);
	if (ret < 0)
		return ret;
	ret = settle(&result, info, table);
	if (ret < 0)
		reason_set(why, "out of memory");
	return ret;
}

/*
 * Whether sessions are open which say what the manager may do. Otherwise the policy does, and what
 * groups a user had who is gone, nobody knows.
 */
static bool follows_sessions(const struct session *user)
{
	struct table *table = NULL;
	bool follows = enforce_manager_union(user, &table, NULL) > 0;

	table_free(table);
	return follows;
}

/* Of a user who is gone: nothing but the name is needed of them, and uid. */
static int manager_of_gone(const struct enforce_options *options, const struct session *user,
			   const struct bpfdev_info *info, struct reason *note, struct reason *why)
{
	struct policy_subject gone = { .uid = info->uid };
	int ret;

	if (!follows_sessions(user))
		return -ESRCH;
	gone.name = strdup(info->user);
	if (!gone.name) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	ret = enforce_manager(options, &gone, user, note, why);
	policy_subject_free(&gone);
	return ret;
}

int again_manager(struct again *again, const struct session *user, const struct bpfdev_info *info,
		  struct reason *note, struct reason *why)
{
	struct enforce_options options = *again->options;
	struct conf_paths storage;
	int ret = 0;

	if (info) {
		if (info->flags & BPFDEV_CONF) {
			storage = conf_paths_of(info->policy);
			options.conf = &storage;
		}
		ret = find_subject(again, info, why);
	}
	if (ret == -ESRCH)
		return manager_of_gone(&options, user, info, note, why);
	/* Without sessions and without a filter there is nothing to bring in line. */
	if (ret < 0 || !again->subject.name)
		return ret;
	return enforce_manager(&options, &again->subject, user, note, why);
}

void again_manager_unit(const struct session *user, char *unit, size_t size)
{
	snprintf(unit, size, "user@%u.service", user->uid);
}
