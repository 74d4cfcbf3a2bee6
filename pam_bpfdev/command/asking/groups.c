// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The groups of a user that matter: those that lines about the user name. */
#include <grp.h>
#include <stdio.h>

#include "command/asking/print.h"
#include "command/base/json.h"

static void add(json_t **names, const char *name)
{
	json_t *text = output_string(name), *known;
	size_t i;

	json_array_foreach(*names, i, known)
	{
		if (json_equal(known, text)) {
			json_decref(text);
			return;
		}
	}
	json_build_append(names, text);
}

/* The user's groups in the range of a line. */
static void add_range(json_t **names, const struct policy_subject *subject,
		      const struct conf_who *who)
{
	for (int i = 0; i < subject->group_count; i++) {
		const struct group *group;
		char number[16];

		if (subject->groups[i] < who->low || subject->groups[i] > who->high)
			continue;
		group = getgrgid(subject->groups[i]);
		snprintf(number, sizeof(number), ":%u", subject->groups[i]);
		add(names, group ? group->gr_name : number);
	}
}

json_t *asking_groups(const struct asked *asked, const struct policy_survey *survey)
{
	json_t *names = json_array();

	for (size_t i = 0; i < asked->conf->statement_count && names; i++) {
		const struct conf_who *who = &asked->conf->statements[i].who;

		if (survey->lines[i].standing == POLICY_OTHERS)
			continue;
		if (who->kind == CONF_GROUP)
			add(&names, who->name);
		else if (who->kind == CONF_GID_RANGE)
			add_range(&names, &asked->subject, who);
	}
	return names;
}
