// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The line of a policy that something was denied by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/machine/denial.h"

/* A policy that filters were made from, as its files are now. */
struct denial_policy {
	char path[sizeof(((struct bpfdev_info *)0)->policy)]; /* of the main file */
	bool by_conf;		 /* it was named by conf=, so it has no drop-ins */
	struct conf *conf;	 /* NULL: it cannot be read */
	unsigned int collection; /* in which it was read */
};

void denial_policies_free(struct denials *denials)
{
	for (size_t i = 0; i < denials->policy_count; i++)
		conf_free(denials->policies[i].conf);
	free(denials->policies);
	denials->policies = NULL;
	denials->policy_count = denials->policy_capacity = 0;
}

static void load(struct denials *denials, struct denial_policy *policy)
{
	struct conf_paths paths = policy->by_conf ? conf_paths_of(policy->path) : conf_paths_system;

	conf_free(policy->conf);
	if (conf_load(&paths, &policy->conf) < 0)
		policy->conf = NULL;
	policy->collection = denials->collections;
}

static struct denial_policy *find(struct denials *denials, const struct bpfdev_info *info)
{
	bool by_conf = info->flags & BPFDEV_CONF;
	struct denial_policy *grown;

	for (size_t i = 0; i < denials->policy_count; i++)
		if (denials->policies[i].by_conf == by_conf &&
		    strcmp(denials->policies[i].path, info->policy) == 0)
			return &denials->policies[i];
	grown = array_grow(denials->policies, denials->policy_count, &denials->policy_capacity,
			   sizeof(*grown));
	if (!grown)
		return NULL;
	denials->policies = grown;
	grown = &grown[denials->policy_count++];
	*grown = (struct denial_policy) { .by_conf = by_conf };
	memcpy(grown->path, info->policy, sizeof(grown->path));
	load(denials, grown);
	return grown;
}

/*
 * The policy with this very text, or NULL. No digest: the lines are of several policies, as a
 * manager's may be. A path that was cut to fit could be any file's.
 */
static const struct conf *policy_of(struct denials *denials, const struct bpfdev_info *info,
				    uint64_t digest)
{
	struct denial_policy *policy;

	if (!digest || strlen(info->policy) == sizeof(info->policy) - 1)
		return NULL;
	policy = find(denials, info);
	if (!policy)
		return NULL;
	if ((!policy->conf || policy->conf->digest != digest) &&
	    policy->collection != denials->collections)
		load(denials, policy);
	return policy->conf && policy->conf->digest == digest ? policy->conf : NULL;
}

void denial_explain(struct denials *denials, const struct denial *row, struct denial_why *why)
{
	uint32_t source = row->denial->source;
	const struct conf_statement *statement = NULL;
	const struct conf *conf;

	*why = (struct denial_why) { .cause = DENIAL_NO_RULE, .place = "no rule" };
	if (!source)
		return;
	conf = policy_of(denials, &row->unit->info, row->denial->digest);
	if (conf)
		statement = lines_find(conf, source);
	if (!statement) {
		why->cause = DENIAL_CHANGED;
		snprintf(why->place, sizeof(why->place), "changed since");
		return;
	}
	why->cause = DENIAL_LINE;
	lines_place(conf, statement, why->place);
	conf_describe_statement(statement, why->text, sizeof(why->text));
}
