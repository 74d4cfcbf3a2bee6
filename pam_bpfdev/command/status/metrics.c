// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found, for Prometheus: node_exporter's textfile collector reads this format. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "command/base/memory.h"
#include "command/machine/denial.h"
#include "command/status/status.h"

/* A policy's path, as filters have it. */
#define POLICY_SIZE sizeof(((struct bpfdev_info *)0)->policy)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * All are gauges, those of denials too: they are sums over filters that come and go. Labels have a
 * handful of values each, whoever logs in.
 */
static void begin(const char *metric, const char *help)
{
	output_line("# HELP %s %s", metric, help);
	output_line("# TYPE %s gauge", metric);
}

static void sample(const char *metric, const char *label, const char *value, uint64_t number)
{
	output_line("%s{%s=\"%s\"} %" PRIu64, metric, label, value, number);
}

/* One sample for each of the @count @values, also for those that are 0. */
static void samples(const char *metric, const char *label, const char *const *values,
		    const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sample(metric, label, values[i], numbers[i]);
}

/* How a session is filtered. A closed one has processes left, whatever its rules are. */
enum mode { ENFORCED, AUDIT, UNRESTRICTED, CLOSED, UNFILTERED, UNREADABLE, MODES };

static enum mode mode_of(const struct machine_unit *unit)
{
	if (!unit->filters)
		return UNFILTERED;
	if (!unit->known)
		return UNREADABLE;
	if (unit->info.flags & BPFDEV_CLOSED)
		return CLOSED;
	if (unit->info.flags & BPFDEV_UNRESTRICTED)
		return UNRESTRICTED;
	return unit->info.flags & BPFDEV_AUDIT ? AUDIT : ENFORCED;
}

static void print_sessions(const struct status *status)
{
	static const char *const modes[MODES] = {
		[ENFORCED] = "enforced",	 [AUDIT] = "audit",
		[UNRESTRICTED] = "unrestricted", [CLOSED] = "closed",
		[UNFILTERED] = "unfiltered",	 [UNREADABLE] = "unreadable",
	};
	uint64_t numbers[MODES] = { 0 };

	for (size_t i = 0; i < status->machine.unit_count; i++)
		if (status->machine.units[i].unit.role == BPFDEV_SESSION)
			numbers[mode_of(&status->machine.units[i])]++;
	begin("bpfdev_sessions", "Login sessions by how their devices are filtered.");
	samples("bpfdev_sessions", "mode", modes, numbers, MODES);
}

static void print_filters(const struct status *status)
{
	uint64_t filters = 0;

	for (size_t i = 0; i < status->machine.unit_count; i++)
		filters += (uint64_t)status->machine.units[i].filters;
	begin("bpfdev_filters", "Device filters attached to sessions and user managers.");
	output_line("bpfdev_filters %" PRIu64, filters);
}

enum { IN_LINE, BASE, STALE, MISSING, UNKNOWN, FREE, STATES };

static int state_of(const struct machine_unit *manager)
{
	switch (manager->manager) {
	case ENFORCE_LIVE_UNION:
		return IN_LINE;
	case ENFORCE_LIVE_BASE:
		return BASE;
	case ENFORCE_LIVE_STALE:
		return STALE;
	case ENFORCE_LIVE_MISSING:
		return MISSING;
	case ENFORCE_LIVE_FREE:
		return FREE;
	default:
		return UNKNOWN;
	}
}

static void print_managers(const struct status *status)
{
	static const char *const states[STATES] = {
		[IN_LINE] = "in_line", [BASE] = "base",	      [STALE] = "stale",
		[MISSING] = "missing", [UNKNOWN] = "unknown", [FREE] = "unfiltered",
	};
	uint64_t numbers[STATES] = { 0 };

	for (size_t i = 0; i < status->machine.unit_count; i++)
		if (status->machine.units[i].unit.role == BPFDEV_MANAGER &&
		    status->machine.units[i].wanted)
			numbers[state_of(&status->machine.units[i])]++;
	begin("bpfdev_managers", "User managers by how their filters compare with the sessions; "
				 "bpfdev reload mends those that are stale or missing.");
	samples("bpfdev_managers", "state", states, numbers, STATES);
}

static void print_policy_states(const struct status *status)
{
	static const char *const states[] = {
		[MACHINE_POLICY_CURRENT] = "current",
		[MACHINE_POLICY_CHANGED] = "changed",
		[MACHINE_POLICY_BROKEN] = "broken",
		[MACHINE_POLICY_UNKNOWN] = "unknown",
	};
	uint64_t numbers[COUNT(states)] = { 0 };

	for (size_t i = 0; i < status->machine.unit_count; i++)
		if (status->machine.units[i].unit.role == BPFDEV_SESSION &&
		    status->machine.units[i].filters)
			numbers[status->machine.units[i].policy]++;
	begin("bpfdev_session_policies",
	      "Filtered sessions by how the files of their policy are now; bpfdev reload applies "
	      "changed ones, and fails on broken ones.");
	samples("bpfdev_session_policies", "state", states, numbers, COUNT(states));
}

/* A label's value: control characters as elsewhere, and what the format gives a meaning escaped. */
static void escape(const char *text, char *out, size_t size)
{
	char quoted[4 * POLICY_SIZE];
	size_t used = 0;

	reason_quote(quoted, sizeof(quoted), text, strlen(text));
	for (const char *next = quoted; *next && used + 3 < size; next++) {
		if (*next == '\\' || *next == '"')
			out[used++] = '\\';
		out[used++] = *next;
	}
	out[used] = '\0';
}

static void print_policy(const char *policy, bool by_conf, const struct conf *conf)
{
	char path[8 * POLICY_SIZE];

	escape(policy, path, sizeof(path));
	output_line("bpfdev_policy_mistakes{path=\"%s\",conf=\"%s\"} %zu", path,
		    by_conf ? "true" : "false", conf->error_count);
}

/* Whether the unit has a policy of its own, which none of the first @i has. */
static bool has_another(const struct machine *machine, size_t i)
{
	const struct machine_unit *unit = &machine->units[i];

	if (!unit->conf || !unit->known || !(unit->info.flags & BPFDEV_CONF))
		return false;
	for (size_t j = 0; j < i; j++)
		if (machine->units[j].conf == unit->conf)
			return false;
	return true;
}

/* That of the system too: whoever watches wants to know before somebody is refused. */
static void print_mistakes(struct machine *machine)
{
	struct conf *system;
	struct reason why;

	begin("bpfdev_policy_mistakes",
	      "Mistakes in a policy's files; while there is any, logins that have rules are refused.");
	if (xcheck(decider_policy(&machine->decider, NULL, &system, &why)) >= 0)
		print_policy(conf_paths_system.main, false, system);
	for (size_t i = 0; i < machine->unit_count; i++)
		if (has_another(machine, i))
			print_policy(machine->units[i].info.policy, true, machine->units[i].conf);
}

static void print_exceptions(const struct status *status)
{
	static const char *const states[] = { "lent", "overdue" };
	uint64_t numbers[COUNT(states)] = { 0 }, until;

	for (size_t i = 0; i < status->machine.unit_count; i++)
		for (int j = 0; status->machine.units[i].known && j < BPFDEV_EXCEPTIONS; j++)
			if (status->machine.units[i].info.exceptions[j].access)
				numbers[status_is_over(&status->machine.units[i].info.exceptions[j],
						       &until)]++;
	begin("bpfdev_exceptions",
	      "Exceptions that filters list; overdue: their time is over, so that they lend nothing "
	      "any more, and nobody has tidied them up.");
	samples("bpfdev_exceptions", "state", states, numbers, COUNT(states));
}

static void print_denials(const struct machine *machine)
{
	static const char *const results[] = { "refused", "audit" };
	uint64_t numbers[COUNT(results)] = { 0 }, last[COUNT(results)] = { 0 };

	for (size_t i = 0; i < machine->denial_count; i++) {
		const struct denial *row = &machine->denials[i];
		bool audit = denial_is_audit(row->denial);

		numbers[audit] += row->denial->count;
		if (row->last > last[audit])
			last[audit] = row->last;
	}
	begin("bpfdev_denials",
	      "What the filters that are attached now have denied, or let pass for "
	      "audit only, each since its session was opened: falls when one ends.");
	samples("bpfdev_denials", "result", results, numbers, COUNT(results));
	begin("bpfdev_denials_untold",
	      "Denials besides, of devices or accesses that a filter had no room to tell apart.");
	output_line("bpfdev_denials_untold %" PRIu64, machine->lost);
	begin("bpfdev_last_denial_timestamp_seconds",
	      "When one of these filters denied something last; absent if none has.");
	for (size_t i = 0; i < COUNT(results); i++)
		if (last[i])
			sample("bpfdev_last_denial_timestamp_seconds", "result", results[i],
			       last[i] / CLOCK_NS_PER_S);
}

int status_print_metrics(struct status *status)
{
	print_filters(status);
	print_sessions(status);
	print_managers(status);
	print_policy_states(status);
	print_mistakes(&status->machine);
	print_exceptions(status);
	print_denials(&status->machine);
	return 0;
}
