/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What explain and rules say of the login itself, before they come to devices. */
#ifndef ASKING_PRINT_H
#define ASKING_PRINT_H

#include "command/asking/asking.h"
#include "command/base/lines.h"

/*
 * The first line that exempts, or audits (@verb), among those of the highest rank that do; NULL:
 * there is none.
 */
const struct conf_statement *asking_highest(const struct conf *conf,
					    const struct policy_survey *survey,
					    enum conf_verb verb);

/* The names of the user's groups that lines about the user name, each once. NULL: no memory. */
json_t *asking_groups(const struct asked *asked, const struct policy_survey *survey);

/* Of a user whom no line names. */
void asking_print_none(const struct asked *asked);

/* Of one whom some do: who asks, what exempts them, what is audited, their groups. */
void asking_print_head(const struct asking *asking, const struct asked *asked,
		       const struct policy_survey *survey);

/*
 * "login" (asking_json()), "filter" ("none", "unrestricted", "rules"), "groups" (array of names),
 * "exempt" and "audit" (lines_json() or null).
 */
void asking_set_json(json_t **object, const struct asking *asking, const struct asked *asked,
		     const struct answer *answer);

#endif
