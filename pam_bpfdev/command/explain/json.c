// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Verdicts as JSON. */
#include <string.h>

#include "command/explain/print.h"

json_t *explain_json_begin(const struct explain *explain, bool allowed)
{
	char access[4];

	return json_pack("{so sI so ss sb}", "user", output_string(explain->asked.subject.name),
			 "uid", (json_int_t)explain->asked.subject.uid, "device",
			 output_string(explain->device), "access",
			 output_access(explain->access, access), "allowed", allowed);
}

/* "line", "text" and "rank" of what decided. */
static json_t *json_source(const struct sources *sources, uint32_t source)
{
	const struct conf_statement *statement =
		sources->conf ? lines_find(sources->conf, source) : NULL;

	if (statement)
		return lines_json(
			sources->conf, statement,
			sources->survey->lines[statement - sources->conf->statements].rank);
	if (source == BPFDEV_SOURCE_BASELINE)
		return json_pack("{ss sn ss}", "line", "baseline", "text", "rank", "baseline");
	return json_pack("{sn sn sn}", "line", "text", "rank");
}

static json_t *json_verdict(const struct sources *sources, const struct verdict *verdict)
{
	json_t *object = json_source(sources, verdict->source);
	char access[4];

	json_build_set(&object, "access", json_string(output_access(verdict->bits, access)));
	json_build_set(&object, "verdict", json_string(explain_outcome(verdict->outcome)));
	if (verdict->outcome == OUTCOME_LENT)
		json_build_set(&object, "until",
			       sources->until ? json_integer((json_int_t)sources->until)
					      : json_null());
	return object;
}

json_t *explain_json_verdicts(const struct explain *explain, const struct bpfdev_entry *entry,
			      const struct sources *sources)
{
	struct verdict verdicts[BPFDEV_BITS];
	size_t count = explain_verdicts(entry, explain->access, verdicts);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_build_append(&array, json_verdict(sources, &verdicts[i]));
	return array;
}

static json_t *json_range(uint32_t low, uint32_t high)
{
	return low == BPFDEV_ANY ? json_null()
				 : json_pack("[II]", (json_int_t)low, (json_int_t)high);
}

static json_t *json_drivers(const struct explain *explain, const struct table_view_row *row)
{
	char text[NAMES_DRIVERS_SIZE], *rest = text;
	json_t *array = json_array();

	if (!explain_drivers(explain, row, text))
		return array;
	while (rest)
		json_build_append(&array, output_string(strsep(&rest, ",")));
	return array;
}

json_t *explain_json_target(const struct explain *explain, const struct target *target,
			    const struct sources *sources)
{
	const struct table_view_row *row = &target->row;
	bool allowed = !explain_refused(row->entry, explain->access);
	char device[64], path[NAMES_PATH_SIZE];
	const char *found = explain_path(explain, row, path);

	return json_pack("{ss ss so so so so sb so}", "device", table_view_device(row, device),
			 "type", row->type == BPFDEV_CHAR ? "char" : "block", "major",
			 json_range(row->major_low, row->major_high), "minor",
			 json_range(row->minor_low, row->minor_high), "path",
			 *found ? output_string(found) : json_null(), "drivers",
			 json_drivers(explain, row), "allowed", allowed, "verdicts",
			 explain_json_verdicts(explain, row->entry, sources));
}
