// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The lines of a policy in words, and as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "command/base/lines.h"

static int compare_source(const void *key, const void *item)
{
	uint32_t wanted = *(const uint32_t *)key, source = policy_source(item);

	return (wanted > source) - (wanted < source);
}

/* Statements are in the order of reading, so their sources rise. */
const struct conf_statement *lines_find(const struct conf *conf, uint32_t source)
{
	if (!conf->statement_count)
		return NULL;
	return bsearch(&source, conf->statements, conf->statement_count, sizeof(*conf->statements),
		       compare_source);
}

char *lines_place(const struct conf *conf, const struct conf_statement *statement, char *out)
{
	snprintf(out, LINES_PLACE_SIZE, "%s:%u", conf->files[statement->place.file].path,
		 statement->place.line);
	return out;
}

const char *lines_rank(enum table_rank rank)
{
	static const char *const names[] = { "baseline", "anyone", "group", "user" };

	return names[rank];
}

const char *lines_rank_words(enum table_rank rank)
{
	static const char *const words[] = { "every shell", "everyone", "a group or range",
					     "the user" };

	return words[rank];
}

char *lines_conditions(const struct conf_statement *statement, unsigned int unmet, char *out)
{
	const struct conf_when *when = &statement->when;
	const char *separator = "";
	int used = 0;

	*out = '\0';
	if (unmet & POLICY_UNMET_SESSION)
		unmet |= POLICY_UNMET_ORIGIN | POLICY_UNMET_SERVICE | POLICY_UNMET_TTY;
	if ((unmet & POLICY_UNMET_ORIGIN) && when->origin != CONF_ORIGIN_ANY) {
		used = snprintf(out, LINES_CONDITIONS_SIZE, "%s",
				when->origin == CONF_ORIGIN_REMOTE ? "remote" : "local");
		separator = ", ";
	}
	if ((unmet & POLICY_UNMET_SERVICE) && when->service) {
		used += snprintf(out + used, LINES_CONDITIONS_SIZE - (size_t)used, "%sservice=%s",
				 separator, when->service);
		separator = ", ";
	}
	if ((unmet & POLICY_UNMET_TTY) && when->tty && used < LINES_CONDITIONS_SIZE)
		snprintf(out + used, LINES_CONDITIONS_SIZE - (size_t)used, "%stty=%s", separator,
			 when->tty);
	return out;
}

json_t *lines_json(const struct conf *conf, const struct conf_statement *statement,
		   enum table_rank rank)
{
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	return json_pack("{so so ss}", "line", output_string(lines_place(conf, statement, place)),
			 "text",
			 output_string(conf_describe_statement(statement, text, sizeof(text))),
			 "rank", lines_rank(rank));
}
