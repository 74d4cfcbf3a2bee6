// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The policies that filters were made from, and what is wanted now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "filter/filter.h"
#include "command/status/status.h"

static bool is_policy(const struct status_policy *policy, const char *path, bool by_conf)
{
	return policy->by_conf == by_conf && strcmp(policy->path, path) == 0;
}

static int load(struct status_policy *policy)
{
	struct conf_paths paths = policy->by_conf ? conf_paths_of(policy->path) : conf_paths_system;

	conf_free(policy->conf);
	policy->conf = NULL;
	return conf_load(&paths, &policy->conf);
}

/* Reads the policy at @path unless that was done. NULL: no memory. */
static struct status_policy *find_policy(struct status *status, const char *path, bool by_conf)
{
	struct status_policy **grown, *policy;

	for (size_t i = 0; i < status->policy_count; i++)
		if (is_policy(status->policies[i], path, by_conf))
			return status->policies[i];
	grown = array_grow(status->policies, status->policy_count, &status->policy_capacity,
			   sizeof(void *));
	if (!grown)
		return NULL;
	status->policies = grown;
	policy = calloc(1, sizeof(*policy));
	if (!policy)
		return NULL;
	grown[status->policy_count++] = policy;
	policy->by_conf = by_conf;
	strncpy(policy->path, path, sizeof(policy->path) - 1);
	return load(policy) < 0 ? NULL : policy;
}

static struct status_policy *policy_of(struct status *status, const struct bpfdev_info *info)
{
	return find_policy(status, info->policy, info->flags & BPFDEV_CONF);
}

/* A path that was cut to fit could be any file's. */
static bool is_cut(const struct bpfdev_info *info)
{
	return strlen(info->policy) == sizeof(info->policy) - 1;
}

static int find_of_session(struct status *status, struct status_unit *unit)
{
	const struct conf *conf;

	if (is_cut(&unit->info))
		return 0;
	unit->policy = policy_of(status, &unit->info);
	if (!unit->policy)
		return -ENOMEM;
	conf = unit->policy->conf;
	unit->policy->shown |= unit->shown;
	if (conf->error_count)
		unit->policy_state = STATUS_BROKEN;
	else if (conf->digest == unit->info.policy_digest)
		unit->policy_state = STATUS_CURRENT;
	else
		unit->policy_state = STATUS_CHANGED;
	return 0;
}

int status_find_policies(struct status *status)
{
	int ret = 0;

	/* Whoever watches the policy wants to know before somebody is refused. */
	if (status->prometheus && !find_policy(status, conf_paths_system.main, false))
		return -ENOMEM;
	for (size_t i = 0; i < status->count && ret == 0; i++)
		if (status->units[i].role == BPFDEV_SESSION && status->units[i].known)
			ret = find_of_session(status, &status->units[i]);
	return ret;
}

/* What the manager should have without sessions follows from the policy that made its filter. */
static int find_of_manager(struct status *status, struct status_unit *unit)
{
	if (!unit->known)
		unit->policy = find_policy(status, conf_paths_system.main, false);
	else if (!is_cut(&unit->info))
		unit->policy = policy_of(status, &unit->info);
	else
		return 0;
	return unit->policy ? 0 : -ENOMEM;
}

static int compare_manager(struct status *status, struct status_unit *unit)
{
	struct enforce_options options = { .conf = &conf_paths_system,
					   .devices = &device_source_system,
					   .lock_folder = SESSION_LOCK_FOLDER };
	struct enforce_live_base base = { .options = &options };
	struct policy_subject subject = { 0 };
	struct reason why;
	int ret = find_of_manager(status, unit);

	if (ret < 0)
		return ret;
	if (unit->policy && !unit->policy->conf->error_count)
		base.conf = unit->policy->conf;
	if (policy_subject_load(unit->name, &subject, NULL) == 0 && subject.uid == unit->user.uid)
		base.subject = &subject;
	unit->manager = enforce_live_compare(&unit->user, &base, &why);
	policy_subject_free(&subject);
	if (unit->manager < 0)
		output_error("%s: %s", unit->unit, why.text);
	if (unit->manager == ENFORCE_LIVE_BASE && unit->policy)
		unit->policy->shown = true;
	unit->judged = base.subject && base.conf && !base.conf->error_count;
	/* A mistake that only this user's lines have is none of the others'. */
	return base.conf && base.conf->error_count ? load(unit->policy) : 0;
}

/* Without any filter there is nothing to fall short of. */
static bool is_free(const struct status *status, const struct status_unit *manager)
{
	if (manager->filters)
		return false;
	for (size_t i = 0; i < status->count; i++)
		if (status->units[i].user.uid == manager->user.uid && status->units[i].filters)
			return false;
	return true;
}

int status_compare_managers(struct status *status)
{
	int ret = 0;

	for (size_t i = 0; i < status->count && ret == 0; i++) {
		struct status_unit *unit = &status->units[i];

		if (unit->role != BPFDEV_MANAGER || !unit->shown)
			continue;
		if (is_free(status, unit))
			unit->manager = ENFORCE_LIVE_FREE;
		else
			ret = compare_manager(status, unit);
	}
	return ret;
}
