// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What the core says of a policy to which lines have been added. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest/plan.h"

static int decide_all(const struct suggest_request *request, struct conf *conf,
		      struct policy_result **results, struct reason *why)
{
	int ret = 0;

	*results = calloc(request->login_count + 1, sizeof(**results));
	if (!*results)
		return -ENOMEM;
	for (size_t i = 0; i < request->login_count && ret == 0; i++)
		ret = policy_decide(conf, request->devices,
				    &request->users[request->logins[i].user].subject,
				    &request->logins[i].session, &(*results)[i], why);
	if (ret == 0)
		return 0;
	suggest_results_free(*results, request->login_count);
	*results = NULL;
	return conf->error_count ? -EINVAL : ret;
}

int suggest_judge(const struct suggest_request *request, const struct conf_statement *more,
		  size_t count, struct policy_result **results, struct reason *why)
{
	struct conf longer = *request->conf;
	int ret;

	longer.statement_count += count;
	longer.statements = calloc(longer.statement_count + 1, sizeof(*longer.statements));
	if (!longer.statements)
		return -ENOMEM;
	if (request->conf->statement_count)
		memcpy(longer.statements, request->conf->statements,
		       request->conf->statement_count * sizeof(*longer.statements));
	if (count)
		memcpy(longer.statements + request->conf->statement_count, more,
		       count * sizeof(*longer.statements));
	ret = decide_all(request, &longer, results, why);
	free(longer.statements);
	return ret;
}

void suggest_results_free(struct policy_result *results, size_t count)
{
	for (size_t i = 0; results && i < count; i++)
		policy_result_free(&results[i]);
	free(results);
}

/* Who is not named has no rules, and could do anything; but lines are to be found, so: nothing. */
static uint32_t missing_in(const struct policy_result *result, const struct bpfdev_key *device,
			   uint32_t access, uint32_t *source)
{
	const struct bpfdev_entry *entry;
	uint32_t missing;

	*source = 0;
	if (result->kind != POLICY_RULES)
		return result->kind == POLICY_NONE ? access : 0;
	entry = table_find(result->table, device->type, device->major, device->minor);
	missing = access & (~(uint32_t)entry->allow | entry->audit);
	if (missing)
		*source = entry->source[__builtin_ctz(missing)];
	return missing;
}

/*
 * A manager has its own rules while no session of its user is open, and may do what any of them may
 * while some are: what is missing in either case.
 */
static uint32_t missing_in_sessions(const struct suggest_request *request,
				    const struct policy_result *results, size_t manager,
				    const struct bpfdev_key *device, uint32_t access,
				    uint32_t *source)
{
	bool any = false;
	uint32_t left = access;

	for (size_t i = 0; i < request->login_count; i++) {
		if (request->logins[i].user != request->logins[manager].user ||
		    request->logins[i].session.kind == POLICY_MANAGER)
			continue;
		any = true;
		left &= missing_in(&results[i], device, access, source);
	}
	return any ? left : 0;
}

uint32_t suggest_missing(const struct suggest_request *request, const struct policy_result *results,
			 size_t login, const struct bpfdev_key *device, uint32_t access,
			 uint32_t *source)
{
	uint32_t missing = missing_in(&results[login], device, access, source), other, sessions;

	if (request->logins[login].session.kind != POLICY_MANAGER)
		return missing;
	sessions = missing_in_sessions(request, results, login, device, access, &other);
	if (!missing && sessions)
		*source = other;
	return missing | sessions;
}
