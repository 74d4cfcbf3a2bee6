// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials as lines of JSON, while they happen: bpfdev(8) has the fields. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/machine/denial.h"
#include "command/base/json.h"
#include "command/monitor/monitor.h"

static json_t *json_of(struct monitor *monitor, const struct monitor_kind *kind)
{
	const struct denial row = { kind->unit, &kind->denial, kind->first, kind->last };
	json_t *object;

	if (kind->lost)
		object = denial_unit_json(&kind->unit->unit);
	else
		object = denial_json(&monitor->machine, &row);
	if (kind->lost)
		json_build_set(&object, "count", json_integer((json_int_t)kind->denial.count));
	json_build_set(&object, "event", json_string(kind->lost ? "lost" : "denied"));
	json_build_set(&object, "new", json_integer((json_int_t)kind->pending));
	return object;
}

static int print(struct monitor *monitor, struct monitor_kind *kind)
{
	json_t *object = kind->unit ? json_of(monitor, kind) : NULL;
	char *text = object ? json_dumps(object, JSON_COMPACT | OUTPUT_JSON_HARMLESS) : NULL;

	json_decref(object);
	if (!text)
		return -ENOMEM;
	puts(text);
	free(text);
	return monitor_flush();
}

static int show(struct monitor *monitor)
{
	return monitor_tell_each(monitor, print);
}

const struct monitor_view monitor_json = {
	.show = show,
	.keep = MONITOR_KEEP_READER,
};
