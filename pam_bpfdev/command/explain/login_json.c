// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev explain --json says of a login that could be. */
#include <stdlib.h>

#include "command/explain/print.h"

static json_t *json_passed(const struct explanation *explanation, const struct passed *passed)
{
	static const char *const whys[] = { "exempt", "condition", "rank", "device", "order" };
	const struct conf_statement *statement =
		&explanation->explain->asked.conf->statements[passed->statement];
	unsigned int unmet = explanation->answer.survey.lines[passed->statement].unmet;
	json_t *object = lines_json(explanation->explain->asked.conf, statement,
				    explanation->answer.survey.lines[passed->statement].rank);
	char access[4], conditions[LINES_CONDITIONS_SIZE];

	lines_conditions(statement, unmet, conditions);
	json_build_set(&object, "access", json_string(output_access(passed->bits, access)));
	json_build_set(&object, "why", json_string(whys[passed->why]));
	json_build_set(&object, "unmet", *conditions ? output_string(conditions) : json_null());
	return object;
}

static json_t *json_trace(const struct explanation *explanation, const struct target *target)
{
	struct trace trace;
	int ret = explain_trace(&explanation->explain->asked, &explanation->answer.survey,
				&explanation->coverage, &target->row, explanation->explain->access,
				&trace);
	json_t *array = ret < 0 ? NULL : json_array();

	for (size_t i = 0; i < trace.count; i++)
		json_build_append(&array, json_passed(explanation, &trace.items[i]));
	free(trace.items);
	return array;
}

/* What would be from the other side, if that is something else. */
static json_t *json_turned(const struct explanation *explanation, const struct target *target)
{
	const struct explain *explain = explanation->explain;
	const struct sources sources = { explain->asked.conf, &explanation->other.survey, "", "",
					 0 };

	if (!explain_differs(explanation, target))
		return json_null();
	return json_pack("{ss sb so}", "option",
			 explanation->turned.remote ? "--remote" : "--local", "allowed",
			 !explain_refused(target->other, explain->access), "verdicts",
			 explain_json_verdicts(explain, target->other, &sources));
}

static json_t *json_target(const struct explanation *explanation, const struct target *target)
{
	const struct explain *explain = explanation->explain;
	const struct sources sources = { explain->asked.conf, &explanation->answer.survey, "", "",
					 0 };
	json_t *object = explain_json_target(explain, target, &sources);

	json_build_set(&object, "passed_over", json_trace(explanation, target));
	json_build_set(&object, "otherwise", json_turned(explanation, target));
	return object;
}

int explain_print_json(const struct explanation *explanation)
{
	const struct explain *explain = explanation->explain;
	bool refused = explain_any_refused(&explanation->targets, explain->access);
	json_t *object = explain_json_begin(explain, !refused), *devices = json_array();

	for (size_t i = 0; i < explanation->targets.count; i++)
		json_build_append(&devices,
				  json_target(explanation, &explanation->targets.items[i]));
	asking_set_json(&object, &explain->asking, &explain->asked, &explanation->answer);
	json_build_set(&object, "devices", devices);
	return output_json(object) < 0 ? COMMAND_FAILED : COMMAND_YES;
}
