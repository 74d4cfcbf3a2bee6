// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One look at what the filters in force have counted. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/monitor/monitor.h"

static int add_lost(struct monitor_kinds *seen, const struct machine_unit *unit)
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
	const struct machine *machine = &monitor->machine;
	int ret = 0;

	for (size_t i = 0; i < machine->denial_count && ret == 0; i++)
		ret = add_row(seen, &machine->denials[i]);
	for (size_t i = 0; i < machine->unit_count && ret == 0; i++)
		if (machine->units[i].wanted)
			ret = add_lost(seen, &machine->units[i]);
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
	for (size_t i = 0; i < monitor->machine.unit_count; i++) {
		const struct machine_unit *unit = &monitor->machine.units[i];

		if (unit->wanted && unit->filters && !unit->counted)
			output_error("%s of %s: the filter was made by another version: what it "
				     "denies is not known",
				     unit->name, unit->user);
	}
}

bool monitor_is_over(struct monitor *monitor)
{
	const struct machine *machine = &monitor->machine;
	bool found = !machine->wanted.one;

	for (size_t i = 0; i < machine->unit_count; i++)
		found |= machine->units[i].wanted;
	monitor->missed = found ? 0 : monitor->missed + 1;
	monitor->over = monitor->missed > MONITOR_KINDS_GRACE;
	return monitor->over;
}

int monitor_look(struct monitor *monitor)
{
	bool first = !monitor->looked;
	uint64_t now = monitor_clock();
	struct reason why;
	int ret = machine_look(&monitor->machine, NULL, MACHINE_DENIALS, &why);

	if (ret < 0) {
		output_error("%s", why.text);
		return ret;
	}
	if (first && !machine_want(&monitor->machine, monitor->argument, true))
		return -ENOENT;
	if (first)
		say_unreadable(monitor);
	monitor->elapsed = first ? 0 : now - monitor->looked;
	monitor->looked = now;
	return compare(monitor, first);
}
