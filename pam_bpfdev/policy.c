// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The statements that count for one login, and the table that they come to. */
#include <errno.h>
#include <stdlib.h>

#include "policy_internal.h"

/* One pass over the statements. */
struct selection {
	struct policy_question question;
	uint8_t *ranks;		/* per statement; TABLE_BASELINE: it is not about the user */
	bool named;		/* some line is about the user */
	bool restricted;	/* some line counts */
	enum table_rank exempt; /* lines of this rank and of lower ones do not count */
	enum table_rank audit;
	struct policy_rules rules;
};

/* Finds the lines that name the user, and the highest exempt line among those that hold. */
static int rank_statements(struct selection *selection, const struct conf *conf, struct reason *why)
{
	selection->ranks = calloc(conf->statement_count + 1, 1);
	if (!selection->ranks) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];
		int rank = policy_rank(&selection->question, &statement->who, why);

		if (rank < 0)
			return rank;
		selection->ranks[i] = (uint8_t)rank;
		if (rank == TABLE_BASELINE)
			continue;
		selection->named = true;
		if (statement->verb == CONF_EXEMPT && rank > (int)selection->exempt &&
		    policy_holds(&selection->question, statement))
			selection->exempt = (enum table_rank)rank;
	}
	return 0;
}

/* Takes a line of the user's that no exempt line covers. */
static int take(struct selection *selection, struct conf *conf, const struct device_source *devices,
		size_t i, struct reason *why)
{
	const struct conf_statement *statement = &conf->statements[i];
	enum table_rank rank = (enum table_rank)selection->ranks[i];

	if (statement->verb == CONF_EXEMPT)
		return 0;
	if (!policy_holds(&selection->question, statement)) {
		/* Without a session, a grant that is not made is no reason to grant everything. */
		if (selection->question.any_session && statement->verb == CONF_ALLOW)
			selection->restricted = true;
		return 0;
	}
	selection->restricted = true;
	if (statement->verb != CONF_AUDIT)
		return policy_add_rules(&selection->rules, conf, devices, statement, rank, why);
	if (rank > selection->audit)
		selection->audit = rank;
	return 0;
}

static int select_rules(struct selection *selection, struct conf *conf,
			const struct device_source *devices, struct reason *why)
{
	int ret = 0;

	for (size_t i = 0; i < conf->statement_count && ret == 0; i++)
		if (selection->ranks[i] > selection->exempt)
			ret = take(selection, conf, devices, i, why);
	return ret;
}

static int fold(struct selection *selection, struct policy_result *result, struct reason *why)
{
	if (!selection->named) {
		result->kind = POLICY_NONE;
		return 0;
	}
	result->rule_count = (uint32_t)selection->rules.count;
	if (!selection->restricted) {
		result->kind = POLICY_UNRESTRICTED;
		return table_allow_all(&result->table);
	}
	result->kind = POLICY_RULES;
	if (policy_add_baseline(&selection->rules) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	return table_fold(selection->rules.items, selection->rules.count, selection->audit,
			  &result->table, why);
}

static int decide(struct selection *selection, struct conf *conf,
		  const struct device_source *devices, struct policy_result *result,
		  struct reason *why)
{
	int ret = -EINVAL;

	*result = (struct policy_result) { 0 };
	if (conf->error_count)
		conf_describe_error(conf, &conf->errors[0], why);
	else
		ret = rank_statements(selection, conf, why);
	if (ret == 0)
		ret = select_rules(selection, conf, devices, why);
	if (ret == 0)
		ret = fold(selection, result, why);
	if (conf->error_count)
		conf_describe_error(conf, &conf->errors[0], why);
	free(selection->ranks);
	free(selection->rules.items);
	free(selection->question.groups.items);
	return ret;
}

int policy_decide(struct conf *conf, const struct device_source *devices,
		  const struct policy_subject *subject, const struct policy_session *session,
		  struct policy_result *result, struct reason *why)
{
	struct selection selection = { .question = { .subject = subject, .session = session } };

	return decide(&selection, conf, devices, result, why);
}

int policy_decide_job(struct conf *conf, const struct device_source *devices,
		      const struct policy_subject *subject, const struct policy_session *session,
		      struct policy_result *result, struct reason *why)
{
	struct selection selection = {
		.question = { .subject = subject, .session = session, .any_session = true },
	};

	return decide(&selection, conf, devices, result, why);
}

int policy_decide_manager(struct conf *conf, const struct device_source *devices,
			  const struct policy_subject *subject, struct policy_result *result,
			  struct reason *why)
{
	static const struct policy_session session = { POLICY_MANAGER_SERVICE, "", "", "" };

	return policy_decide_job(conf, devices, subject, &session, result, why);
}

int policy_baseline(struct table **table)
{
	struct policy_rules rules = { 0 };
	int ret = policy_add_baseline(&rules);

	if (ret == 0)
		ret = table_fold(rules.items, rules.count, TABLE_BASELINE, table, NULL);
	free(rules.items);
	return ret;
}

void policy_result_free(struct policy_result *result)
{
	table_free(result->table);
	*result = (struct policy_result) { 0 };
}
