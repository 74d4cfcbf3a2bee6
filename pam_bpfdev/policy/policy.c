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
	policy_question_end(&question);
	return ret;
}

void policy_survey_free(struct policy_survey *survey)
{
	free(survey->lines);
	*survey = (struct policy_survey) { 0 };
}

/* Takes the devices of the lines that count. */
static int select_rules(const struct policy_survey *survey, const struct conf *conf,
			struct rules *rules, struct reason *why)
{
	int ret = 0;

	rules->audit = survey->audit;
	rules->unrestricted = survey->kind == POLICY_UNRESTRICTED;
	for (size_t i = 0; i < conf->statement_count && ret == 0; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if (survey->kind == POLICY_RULES && survey->lines[i].standing == POLICY_COUNTS &&
		    (statement->verb == CONF_ALLOW || statement->verb == CONF_DENY))
			ret = policy_add_rules(rules, conf, statement, survey->lines[i].rank, why);
	}
	return ret;
}

/* A device that stands for too much here is a mistake of its line. Returns -EINVAL. */
static int add_mistake(struct conf *conf, const struct rules_line *line, const struct reason *what)
{
	const struct conf_place place = {
		.file = (line->source >> BPFDEV_SOURCE_LINE_BITS) - 1,
		.line = line->source & ((1u << BPFDEV_SOURCE_LINE_BITS) - 1),
		.column = line->device.column,
	};

	conf_add_error(conf, &place, what);
	return -EINVAL;
}

static uint32_t count_numbers(const struct rules *rules)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++)
		count += rules->items[i].found.count;
	return (uint32_t)count;
}

static int fold(const struct policy_survey *survey, struct conf *conf,
		const struct device_source *devices, struct rules *rules,
		struct policy_result *result, struct reason *why)
{
	const struct rules_line *line = NULL;
	struct reason what;
	int ret = rules_resolve(rules, devices, &line, &what);

	if (ret == RULES_TOO_MANY)
		return add_mistake(conf, line, &what);
	if (ret < 0) {
		reason_set(why, "%s", what.text);
		return ret;
	}
	result->rule_count = count_numbers(rules);
	result->audit = survey->kind == POLICY_RULES && survey->audit != TABLE_BASELINE;
	return rules_fold(rules, NULL, &result->table, why);
}

static int decide(struct conf *conf, const struct device_source *devices,
		  const struct policy_survey *survey, struct policy_result *result,
		  struct reason *why)
{
	struct rules rules = { 0 };
	int ret;

	result->kind = survey->kind;
	if (survey->kind == POLICY_NONE)
		return 0;
	ret = select_rules(survey, conf, &rules, why);
	if (ret == 0)
		ret = fold(survey, conf, devices, &rules, result, why);
	rules_free(&rules);
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
	const struct rules none = { 0 };

	return rules_fold(&none, NULL, table, NULL);
}

void policy_result_free(struct policy_result *result)
{
	table_free(result->table);
	*result = (struct policy_result) { 0 };
}
