// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The statements that count for one login, and the table that they come to. */
#include <errno.h>
#include <stdlib.h>

#include "policy/internal.h"

/* Finds the lines that name the user, and the highest exempt line among those that hold. */
static int rank_lines(struct policy_survey *survey, struct policy_question *question,
		      const struct conf *conf, struct reason *why)
{
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];
		struct policy_line *line = &survey->lines[i];
		int rank = policy_rank(question, &statement->who, why);

		if (rank < 0)
			return rank;
		if (rank == TABLE_BASELINE)
			continue;
		line->rank = (enum table_rank)rank;
		line->unmet = policy_unmet(question, statement);
		survey->kind = POLICY_UNRESTRICTED;
		if (statement->verb == CONF_EXEMPT && !line->unmet && line->rank > survey->exempt)
			survey->exempt = line->rank;
	}
	return 0;
}

/* The exempt line that covers the others is not covered by itself. */
static enum policy_standing standing_of(const struct policy_survey *survey,
					const struct conf_statement *statement,
					const struct policy_line *line)
{
	if (line->rank == TABLE_BASELINE)
		return POLICY_OTHERS;
	if (statement->verb == CONF_EXEMPT && line->rank == survey->exempt && !line->unmet)
		return POLICY_COUNTS;
	if (line->rank <= survey->exempt)
		return POLICY_EXEMPTED;
	return line->unmet ? POLICY_UNMET : POLICY_COUNTS;
}

/*
 * A list of what is allowed under some condition restricts where it does not hold, too: a grant that
 * is not made is no reason to grant everything.
 */
static bool restricts(const struct conf_statement *statement, const struct policy_line *line)
{
	if (line->standing == POLICY_COUNTS)
		return statement->verb != CONF_EXEMPT;
	return line->standing == POLICY_UNMET && statement->verb == CONF_ALLOW;
}

static void weigh_lines(struct policy_survey *survey, const struct conf *conf)
{
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];
		struct policy_line *line = &survey->lines[i];

		line->standing = standing_of(survey, statement, line);
		if (restricts(statement, line))
			survey->kind = POLICY_RULES;
		if (statement->verb == CONF_AUDIT && line->standing == POLICY_COUNTS &&
		    line->rank > survey->audit)
			survey->audit = line->rank;
	}
}

int policy_survey(const struct conf *conf, const struct policy_subject *subject,
		  const struct policy_session *session, struct policy_survey *survey,
		  struct reason *why)
{
	struct policy_question question = { .subject = subject, .session = session };
	int ret;

	*survey = (struct policy_survey) {
		.lines = calloc(conf->statement_count + 1, sizeof(*survey->lines)),
	};
	if (!survey->lines) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	ret = rank_lines(survey, &question, conf, why);
	if (ret == 0)
		weigh_lines(survey, conf);
	else
		policy_survey_free(survey);
	free(question.groups.items);
	return ret;
}

void policy_survey_free(struct policy_survey *survey)
{
	free(survey->lines);
	*survey = (struct policy_survey) { 0 };
}

/* Takes the devices of the lines that count. */
static int select_rules(const struct policy_survey *survey, struct conf *conf,
			const struct device_source *devices, struct policy_rules *rules,
			struct reason *why)
{
	int ret = 0;

	for (size_t i = 0; i < conf->statement_count && ret == 0; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if (survey->lines[i].standing == POLICY_COUNTS &&
		    (statement->verb == CONF_ALLOW || statement->verb == CONF_DENY))
			ret = policy_add_rules(rules, conf, devices, statement,
					       survey->lines[i].rank, why);
	}
	return ret;
}

static int fold(const struct policy_survey *survey, struct policy_rules *rules,
		struct policy_result *result, struct reason *why)
{
	result->kind = survey->kind;
	if (survey->kind == POLICY_NONE)
		return 0;
	result->rule_count = (uint32_t)rules->count;
	if (survey->kind == POLICY_UNRESTRICTED)
		return table_allow_all(&result->table);
	result->audit = survey->audit != TABLE_BASELINE;
	if (policy_add_baseline(rules) < 0) {
		reason_set(why, "out of memory");
		return -ENOMEM;
	}
	return table_fold(rules->items, rules->count, survey->audit, &result->table, why);
}

static int decide(struct conf *conf, const struct device_source *devices,
		  const struct policy_survey *survey, struct policy_result *result,
		  struct reason *why)
{
	struct device_cache cache = { 0 };
	struct device_source source = *devices;
	struct policy_rules rules = { 0 };
	int ret;

	source.cache = &cache;
	ret = select_rules(survey, conf, &source, &rules, why);
	device_cache_free(&cache);
	if (ret == 0)
		ret = fold(survey, &rules, result, why);
	free(rules.items);
	return ret;
}

int policy_decide(struct conf *conf, const struct device_source *devices,
		  const struct policy_subject *subject, const struct policy_session *session,
		  struct policy_result *result, struct reason *why)
{
	struct policy_survey survey;
	int ret = -EINVAL;

	*result = (struct policy_result) { 0 };
	if (conf->error_count && policy_spares(conf, subject))
		return 0;
	if (!conf->error_count)
		ret = policy_survey(conf, subject, session, &survey, why);
	if (ret == 0) {
		ret = decide(conf, devices, &survey, result, why);
		policy_survey_free(&survey);
	}
	if (conf->error_count)
		conf_describe_error(conf, &conf->errors[0], why);
	return ret;
}

const struct policy_session policy_manager_session = { POLICY_MANAGER_SERVICE, "", "", "",
						       POLICY_MANAGER };

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
