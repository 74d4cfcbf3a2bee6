// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One look at what the filters in force have counted. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/monitor/monitor.h"

/* Names last for one look: devices come and go. */
static int collect(struct denials *denials)
{
	names_free(denials->names);
	denials->names = names_new(&device_source_system);
	if (denials->names)
		return denials_collect(denials, NULL);
	output_error("out of memory");
	return -ENOMEM;
}

static int add_lost(struct monitor_kinds *seen, const struct denial_unit *unit)
{
	struct monitor_kind kind = {
		.cgroup = unit->cgroup,
		.lost = true,
		.denial = { .count = unit->lost },
		.unit = unit,
	};

	return unit->lost ? monitor_kinds_add(seen, &kind) : 0;
}

static int add_row(struct monitor_kinds *seen, const struct denial *row)
{
	struct monitor_kind kind = {
		.cgroup = row->unit->cgroup,
		.denial = *row->denial,
		.first = row->first,
		.last = row->last,
		.unit = row->unit,
	};

	return monitor_kinds_add(seen, &kind);
}

static int add_wanted(const struct monitor *monitor, struct monitor_kinds *seen)
{
	const struct denials *denials = &monitor->denials;
	int ret = 0;

	for (size_t i = 0; i < denials->count && ret == 0; i++)
		if (monitor_wanted_is(&monitor->wanted, &denials->rows[i].unit->unit))
			ret = add_row(seen, &denials->rows[i]);
	for (size_t i = 0; i < denials->unit_count && ret == 0; i++)
		if (monitor_wanted_is(&monitor->wanted, &denials->units[i].unit))
			ret = add_lost(seen, &denials->units[i]);
	return ret;
}

static int compare(struct monitor *monitor, bool first)
{
	struct monitor_kinds seen = { 0 };
	int ret = add_wanted(monitor, &seen);

	if (ret == 0)
		ret = monitor_kinds_update(&monitor->kinds, &seen, first && !monitor->all);
	monitor_kinds_free(&seen);
	for (size_t i = 0; i < monitor->kinds.count && ret == 0 && !first; i++)
		monitor->total += monitor->kinds.items[i].more;
	if (ret < 0)
		output_error("out of memory");
	return ret;
}

/* Said once: of who comes later, it is in what bpfdev status shows. */
static void say_unreadable(const struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->denials.unit_count; i++) {
		const struct denial_unit *unit = &monitor->denials.units[i];

		if (unit->filtered && !unit->known &&
		    monitor_wanted_is(&monitor->wanted, &unit->unit))
			output_error("%s of %s: the filter was made by another version: what it "
				     "denies is not known",
				     unit->name, unit->user);
	}
}

static int begin(struct monitor *monitor)
{
	int ret = 0;

	if (monitor->argument)
		ret = monitor_wanted_find(&monitor->wanted, monitor->argument, &monitor->denials);
	if (ret == 0)
		say_unreadable(monitor);
	else if (ret == -ENOMEM)
		output_error("out of memory");
	return ret;
}

bool monitor_is_over(struct monitor *monitor)
{
	const struct denials *denials = &monitor->denials;
	bool found = false;

	for (size_t i = 0; i < denials->unit_count && monitor->wanted.one; i++)
		found |= monitor_wanted_is(&monitor->wanted, &denials->units[i].unit);
	monitor->missed = found || !monitor->wanted.one ? 0 : monitor->missed + 1;
	monitor->over = monitor->missed > MONITOR_KINDS_GRACE;
	return monitor->over;
}

int monitor_look(struct monitor *monitor)
{
	bool first = !monitor->looked;
	uint64_t now = monitor_clock();
	int ret = collect(&monitor->denials);

	if (ret == 0 && first)
		ret = begin(monitor);
	if (ret < 0)
		return ret;
	monitor->elapsed = first ? 0 : now - monitor->looked;
	monitor->looked = now;
	return compare(monitor, first);
}
