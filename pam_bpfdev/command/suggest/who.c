// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whom lines are for, and what the first line for somebody changes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/suggest/plan.h"

/* "TEXT audit" as a policy of one statement; to be freed. NULL with @why: it is no line. */
static struct conf *parse_who(const char *text, struct reason *why)
{
	char line[1024];
	int length = snprintf(line, sizeof(line), "%s audit\n", text);
	struct conf *conf = NULL;

	if (length < (int)sizeof(line) && !strchr(text, '\n'))
		xcheck(conf_parse("--who", line, (size_t)length, false, &conf));
	/* The statement's text is its first word: nothing else stands there. */
	if (conf && !conf->error_count && conf->statement_count == 1 &&
	    strcmp(conf->statements[0].text, text) == 0)
		return conf;
	if (conf && conf->error_count)
		reason_set(why, "%s", conf->errors[0].what.text);
	else
		reason_set(why, "expected a user, @group or the like as in bpfdev.conf(5)");
	conf_free(conf);
	return NULL;
}

bool suggest_who_is_one(const char *text, struct reason *why)
{
	struct conf *conf = parse_who(text, why);

	conf_free(conf);
	return conf;
}

/* A user's name as a policy has it, or if that cannot be written, the number. */
static char *text_for(const struct policy_subject *subject)
{
	char name[512];
	struct conf *conf =
		parse_who(conf_quote_name(subject->name, false, name, sizeof(name)), NULL);
	bool is_name = conf && conf->statements[0].who.kind == CONF_USER;

	conf_free(conf);
	return is_name ? xstrdup(name) : xasprintf(":%u", subject->uid);
}

/* Takes @text over; suggest_whos_free() in any case. */
static int add_who(struct suggest *suggest, char *text, struct reason *why)
{
	const struct suggest_request *request = suggest->request;
	struct suggest_who *who = &suggest->whos[suggest->who_count++];
	int ret = 0;

	who->text = text;
	who->ranks = xcalloc(request->user_count + 1, sizeof(*who->ranks));
	who->conf = parse_who(text, why);
	if (!who->conf)
		return -EINVAL;
	for (size_t i = 0; i < request->user_count && ret == 0; i++) {
		struct policy_survey survey;

		ret = xcheck(policy_survey(who->conf, &request->users[i].subject,
					   &policy_manager_session, &survey, why));
		if (ret == 0) {
			who->ranks[i] = survey.lines[0].rank;
			policy_survey_free(&survey);
		}
	}
	return ret;
}

int suggest_whos_add(struct suggest *suggest, struct reason *why)
{
	const struct suggest_request *request = suggest->request;
	int ret = 0;

	suggest->whos = xcalloc(request->user_count + 1, sizeof(*suggest->whos));
	if (request->who)
		return add_who(suggest, xstrdup(request->who), why);
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

/* The highest rank below @rank of lines that exempt the user, whether or not conditions hold. */
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
	/* No line names the user, who yet was denied something: the rules were taken out since. */
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
