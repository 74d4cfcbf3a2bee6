// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "command/asking/print.h"
#include "command/base/json.h"

const struct conf_statement *asking_highest(const struct conf *conf,
					    const struct policy_survey *survey, enum conf_verb verb)
{
	enum table_rank rank = verb == CONF_EXEMPT ? survey->exempt : survey->audit;

	for (size_t i = 0; i < conf->statement_count; i++)
		if (conf->statements[i].verb == verb && survey->lines[i].rank == rank &&
		    survey->lines[i].standing == POLICY_COUNTS)
			return &conf->statements[i];
	return NULL;
}

void asking_print_none(const struct asked *asked)
{
	output_line("no line names %s: no filter, everything is allowed", asked->subject.name);
}

/* The exempt or audit line that changes what the others do. */
static void print_highest(const struct conf *conf, const struct policy_survey *survey,
			  enum conf_verb verb)
{
	const struct conf_statement *statement = asking_highest(conf, survey, verb);
	enum table_rank rank = verb == CONF_EXEMPT ? survey->exempt : survey->audit;
	const char *lower = rank == TABLE_ANYONE ? "" : " and lower ranks";
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	if (!statement)
		return;
	lines_place(conf, statement, place);
	conf_describe_statement(statement, text, sizeof(text));
	if (verb == CONF_EXEMPT)
		output_line("exempt: lines for %s%s do not count, by %s: %s",
			    lines_rank_words(rank), lower, place, text);
	else
		output_line("audit: what lines for %s%s deny is allowed and recorded, by %s: %s",
			    lines_rank_words(rank), lower, place, text);
}

static void print_groups(const struct asked *asked, const struct policy_survey *survey)
{
	json_t *names = asking_groups(asked, survey), *name;
	char text[1024] = "";
	size_t i, used = 0;

	json_array_foreach(names, i, name)
	{
		if (used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", json_string_value(name));
	}
	if (used)
		output_line("groups that lines name: %s", text);
	json_decref(names);
}

void asking_print_head(const struct asking *asking, const struct asked *asked,
		       const struct policy_survey *survey)
{
	char login[512], assumed[ASKING_ASSUMED_SIZE];

	asking_describe(asking, login, sizeof(login));
	asking_assumed(asking, assumed);
	output_line("%s, %s%s%s%s", asked->subject.name, login, *assumed ? " (assumed: " : "",
		    assumed, *assumed ? ")" : "");
	print_highest(asked->conf, survey, CONF_EXEMPT);
	print_highest(asked->conf, survey, CONF_AUDIT);
	print_groups(asked, survey);
}

static json_t *json_highest(const struct conf *conf, const struct policy_survey *survey,
			    enum conf_verb verb)
{
	const struct conf_statement *statement = asking_highest(conf, survey, verb);

	if (!statement)
		return json_null();
	return lines_json(conf, statement, survey->lines[statement - conf->statements].rank);
}

void asking_set_json(json_t **object, const struct asking *asking, const struct asked *asked,
		     const struct answer *answer)
{
	static const char *const filters[] = { "none", "unrestricted", "rules" };
	const struct policy_survey *survey = &answer->survey;

	json_build_set(object, "login", asking_json(asking));
	json_build_set(object, "filter", json_string(filters[answer->result.kind]));
	json_build_set(object, "groups", asking_groups(asked, survey));
	json_build_set(object, "exempt", json_highest(asked->conf, survey, CONF_EXEMPT));
	json_build_set(object, "audit", json_highest(asked->conf, survey, CONF_AUDIT));
}
