// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whom lines are for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest/plan.h"

/* Returns 0 with *@conf, whose one statement is "TEXT audit"; -EINVAL with @why; -ENOMEM. */
static int parse_who(const char *text, struct conf **conf, struct reason *why)
{
	char line[1024];
	int length = snprintf(line, sizeof(line), "%s audit\n", text);

	*conf = NULL;
	if (length >= (int)sizeof(line) || strpbrk(text, " \t\n")) {
		reason_set(why, "expected a user, @group or the like as in bpfdev.conf(5)");
		return -EINVAL;
	}
	if (conf_parse("--who", line, (size_t)length, false, conf) < 0) {
		*conf = NULL;
		return -ENOMEM;
	}
	if ((*conf)->error_count)
		reason_set(why, "%s", (*conf)->errors[0].what.text);
	else if ((*conf)->statement_count != 1)
		reason_set(why, "expected a user, @group or the like as in bpfdev.conf(5)");
	else
		return 0;
	conf_free(*conf);
	*conf = NULL;
	return -EINVAL;
}

int suggest_who_check(const char *text, struct reason *why)
{
	struct conf *conf;
	int ret = parse_who(text, &conf, why);

	conf_free(conf);
	return ret;
}

/* A name that cannot be written in a policy, or means something else there, has a number. */
static char *text_for(const struct policy_subject *subject)
{
	struct conf *conf;
	bool is_plain = parse_who(subject->name, &conf, NULL) == 0 &&
			conf->statements[0].who.kind == CONF_USER;
	char *number;

	conf_free(conf);
	if (is_plain)
		return strdup(subject->name);
	return asprintf(&number, ":%u", subject->uid) < 0 ? NULL : number;
}

/* At what rank a line for @who would be about each user. */
static int rank_users(const struct suggest_request *request, struct suggest_who *who,
		      struct reason *why)
{
	int ret = 0;

	for (size_t i = 0; i < request->user_count && ret == 0; i++) {
		struct policy_survey survey;

		ret = policy_survey(who->conf, &request->users[i].subject, &policy_manager_session,
				    &survey, why);
		if (ret == 0) {
			who->ranks[i] = survey.lines[0].rank;
			policy_survey_free(&survey);
		}
	}
	return ret;
}

/* Takes @text over; suggest_whos_free() in any case. */
static int add_who(struct suggest *suggest, char *text, struct reason *why)
{
	struct suggest_who *who = &suggest->whos[suggest->who_count++];
	int ret;

	who->text = text;
	who->ranks = calloc(suggest->request->user_count + 1, sizeof(*who->ranks));
	if (!text || !who->ranks)
		return -ENOMEM;
	ret = parse_who(text, &who->conf, why);
	return ret < 0 ? ret : rank_users(suggest->request, who, why);
}

int suggest_whos_add(struct suggest *suggest, struct reason *why)
{
	const struct suggest_request *request = suggest->request;
	int ret = 0;

	suggest->whos = calloc(request->user_count + 1, sizeof(*suggest->whos));
	if (!suggest->whos)
		return -ENOMEM;
	if (request->who)
		return add_who(suggest, strdup(request->who), why);
	for (size_t i = 0; i < request->user_count && ret == 0; i++)
		ret = add_who(suggest, text_for(&request->users[i].subject), why);
	return ret;
}

void suggest_whos_free(struct suggest *suggest)
{
	for (size_t i = 0; i < suggest->who_count; i++) {
		free(suggest->whos[i].text);
		free(suggest->whos[i].ranks);
		conf_free(suggest->whos[i].conf);
	}
	free(suggest->whos);
}

static bool has_condition(const struct conf_statement *statement)
{
	const struct conf_when *when = &statement->when;

	return when->origin != CONF_ORIGIN_ANY || when->service || when->tty;
}

/* The highest rank of lines that exempt the user, now and then, from all but a line of @rank. */
static enum table_rank exempt_below(const struct suggest_user *user, const struct conf *conf,
				    enum table_rank rank)
{
	enum table_rank highest = TABLE_BASELINE;

	for (size_t i = 0; i < conf->statement_count; i++)
		if (conf->statements[i].verb == CONF_EXEMPT && user->survey.lines[i].rank < rank &&
		    user->survey.lines[i].rank > highest)
			highest = user->survey.lines[i].rank;
	return highest;
}

/* Whether all sessions of the user have rules that a line of @rank would join. */
static bool always_has_rules(const struct suggest_user *user, const struct conf *conf,
			     enum table_rank rank)
{
	enum table_rank exempt = exempt_below(user, conf, rank);
	bool named = false;

	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if (user->survey.lines[i].rank == TABLE_BASELINE)
			continue;
		named = true;
		if (statement->verb != CONF_EXEMPT && !has_condition(statement) &&
		    user->survey.lines[i].rank > exempt)
			return true;
	}
	/* Whoever was denied something had rules, and has lost them meanwhile. */
	return !named;
}

bool suggest_restricts(const struct suggest *suggest, size_t who)
{
	const struct suggest_request *request = suggest->request;

	for (size_t i = 0; i < request->user_count; i++)
		if (suggest->whos[who].ranks[i] != TABLE_BASELINE &&
		    !always_has_rules(&request->users[i], request->conf,
				      suggest->whos[who].ranks[i]))
			return true;
	return false;
}
