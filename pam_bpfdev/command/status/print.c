// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found, for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "enforce/change.h"
#include "command/status/status.h"

enum {
	COLUMN_SESSION,
	COLUMN_USER,
	COLUMN_SERVICE,
	COLUMN_TTY,
	COLUMN_FROM,
	COLUMN_SINCE,
	COLUMN_RULES,
	COLUMN_POLICY,
	COLUMNS
};

static const struct output_column columns[COLUMNS] = {
	[COLUMN_SESSION] = { "SESSION", 0, 0 },
	[COLUMN_USER] = { "USER", 0, 0 },
	[COLUMN_SERVICE] = { "SERVICE", 0, SCOLS_FL_TRUNC },
	[COLUMN_TTY] = { "TTY", 0, SCOLS_FL_TRUNC },
	[COLUMN_FROM] = { "FROM", 0, SCOLS_FL_TRUNC },
	[COLUMN_SINCE] = { "SINCE", 0, 0 },
	[COLUMN_RULES] = { "RULES", 0, SCOLS_FL_RIGHT },
	[COLUMN_POLICY] = { "POLICY", 0, SCOLS_FL_WRAP },
};

/* So many sessions are named; all are in the JSON. */
#define UNION_MAX 8

bool status_is_over(const struct bpfdev_exception *exception, uint64_t *until)
{
	uint64_t now = enforce_boottime();

	*until = (uint64_t)time(NULL) + exception->until - now;
	return exception->until <= now;
}

static enum output_tone describe_session(const struct machine_unit *unit, char *text, size_t size)
{
	static const char *const states[] = {
		[MACHINE_POLICY_UNKNOWN] = "unknown",
		[MACHINE_POLICY_CURRENT] = "current",
		[MACHINE_POLICY_CHANGED] = "changed",
		[MACHINE_POLICY_BROKEN] = "broken",
	};

	if (!unit->filters || !unit->known) {
		snprintf(text, size, "%s", unit->filters ? "made by another version" : "no rules");
		return unit->filters ? OUTPUT_WARNING : OUTPUT_FAINT;
	}
	snprintf(text, size, "%s%s%s%s", states[unit->policy],
		 unit->info.flags & BPFDEV_AUDIT ? ", audit" : "",
		 unit->info.flags & BPFDEV_NO_LOGIN ? ", no login" : "",
		 unit->info.flags & BPFDEV_CLOSED ? ", closed" : "");
	switch (unit->policy) {
	case MACHINE_POLICY_BROKEN:
		return OUTPUT_BAD;
	case MACHINE_POLICY_CHANGED:
		return OUTPUT_WARNING;
	default:
		return unit->info.flags & BPFDEV_CLOSED ? OUTPUT_FAINT : OUTPUT_PLAIN;
	}
}

/* "union of 3, 7" */
static void describe_union(const struct status *status, const struct machine_unit *manager,
			   char *text, size_t size)
{
	size_t count = 0;
	int at = snprintf(text, size, "union of ");

	for (size_t i = 0; i < status->machine.unit_count; i++) {
		char id[UNIT_ID_SIZE];

		if (!machine_counts(manager, &status->machine.units[i]) || ++count > UNION_MAX)
			continue;
		unit_id(&status->machine.units[i].unit, id);
		if ((size_t)at < size)
			at += snprintf(text + at, size - at, "%s%s", count > 1 ? ", " : "", id);
	}
	if (count > UNION_MAX && (size_t)at < size)
		snprintf(text + at, size - at, " and %zu more", count - UNION_MAX);
}

static enum output_tone describe_manager(const struct status *status,
					 const struct machine_unit *unit, char *text, size_t size)
{
	switch (unit->manager) {
	case ENFORCE_LIVE_UNION:
		describe_union(status, unit, text, size);
		return OUTPUT_PLAIN;
	case ENFORCE_LIVE_BASE:
		snprintf(text, size, "base filter (no session is open)");
		return OUTPUT_PLAIN;
	case ENFORCE_LIVE_STALE:
		snprintf(text, size, "stale: bpfdev reload %s", unit->user);
		return OUTPUT_WARNING;
	case ENFORCE_LIVE_MISSING:
		snprintf(text, size, "WITHOUT RULES: bpfdev reload %s", unit->user);
		return OUTPUT_BAD;
	case ENFORCE_LIVE_FREE:
		snprintf(text, size, "no rules");
		return OUTPUT_FAINT;
	default:
		snprintf(text, size, "cannot be compared");
		return OUTPUT_BAD;
	}
}

/* What a filter of this version says of itself; "-" where PAM said nothing, or where there is none. */
static int fill(struct libscols_line *line, const struct machine_unit *unit)
{
	const struct bpfdev_info *info = unit->known ? &unit->info : NULL;
	bool session = unit->unit.role == BPFDEV_SESSION;
	char since[32] = "-", rules[32] = "-";
	int ret;

	if (info)
		output_time(info->opened, since);
	if (info && session && (info->flags & BPFDEV_UNRESTRICTED))
		snprintf(rules, sizeof(rules), "none");
	else if (info && session)
		snprintf(rules, sizeof(rules), "%u", info->rule_count);
	ret = output_cell(line, COLUMN_SERVICE, "%s",
			  session && info && *info->service ? info->service : "-");
	if (ret == 0)
		ret = output_cell(line, COLUMN_TTY, "%s", info && *info->tty ? info->tty : "-");
	if (ret == 0)
		ret = output_cell(line, COLUMN_FROM, "%s",
				  info && *info->rhost ? info->rhost : "-");
	if (ret == 0)
		ret = output_cell(line, COLUMN_SINCE, "%s", since);
	return ret ? ret : output_cell(line, COLUMN_RULES, "%s", rules);
}

static int print_unit(const struct status *status, struct libscols_table *table,
		      const struct machine_unit *unit)
{
	struct libscols_line *line = output_row(table);
	char id[UNIT_ID_SIZE], policy[512];
	enum output_tone tone;
	int ret;

	if (unit->unit.role == BPFDEV_MANAGER)
		tone = describe_manager(status, unit, policy, sizeof(policy));
	else
		tone = describe_session(unit, policy, sizeof(policy));
	ret = output_cell(line, COLUMN_SESSION, "%s", unit_id(&unit->unit, id));
	if (ret == 0)
		ret = output_cell(line, COLUMN_USER, "%s", unit->user);
	if (ret == 0)
		ret = fill(line, unit);
	if (ret == 0)
		ret = output_cell(line, COLUMN_POLICY, "%s", policy);
	output_cell_tone(&status->output, line, COLUMN_POLICY, tone);
	return ret;
}

/* Returns how many units there are in the table, or a negative errno having said so. */
static int print_units(const struct status *status)
{
	struct libscols_table *table = output_table(&status->output, columns, COLUMNS);
	int count = 0, ret = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < status->machine.unit_count && ret == 0; i++) {
		if (!status->machine.units[i].wanted)
			continue;
		ret = print_unit(status, table, &status->machine.units[i]);
		count++;
	}
	if (ret == 0 && count)
		return output_print_table(table) < 0 ? -EIO : count;
	scols_unref_table(table);
	if (ret < 0)
		output_error("printing a table: %s", strerror(-ret));
	return ret;
}

/* Whether a unit that is shown is filtered by the policy; managers with a union's are not. */
static bool is_shown(const struct machine *machine, const struct policy_files *policy)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (unit->wanted && unit->files == policy &&
		    (unit->unit.role == BPFDEV_SESSION || unit->manager == ENFORCE_LIVE_BASE))
			return true;
	}
	return false;
}

/* Comes first: it is what most needs to be done. */
static void print_mistakes(const struct status *status)
{
	for (size_t i = 0; i < status->machine.policy_count; i++) {
		const struct policy_files *policy = status->machine.policies[i];
		struct reason what;

		if (!policy->conf->error_count || !is_shown(&status->machine, policy))
			continue;
		conf_describe_mistakes(policy->conf, &what);
		output_error("the policy has mistakes: new logins are refused, and open sessions "
			     "keep the rules that they have: %s",
			     what.text);
	}
}

static void print_exceptions(const struct machine_unit *unit)
{
	char id[UNIT_ID_SIZE], access[4], until[32];
	uint64_t end;

	for (int i = 0; unit->known && i < BPFDEV_EXCEPTIONS; i++) {
		const struct bpfdev_exception *exception = &unit->info.exceptions[i];
		bool over;

		if (!exception->access)
			continue;
		over = status_is_over(exception, &end);
		output_line("session %s of %s: exception: %s %s %s %s (asked by uid %u)",
			    unit_id(&unit->unit, id), unit->user, exception->device,
			    output_letters(exception->access, access),
			    over ? "still in force, though it ended" : "until",
			    output_time(end, until), exception->asked_by);
	}
}

static void print_notes(const struct status *status)
{
	for (size_t i = 0; i < status->machine.unit_count; i++) {
		const struct machine_unit *unit = &status->machine.units[i];

		if (!unit->wanted)
			continue;
		print_exceptions(unit);
		if (unit->filters > 1)
			output_line("%s of %s has %d filters: the kernel asks all of them, the "
				    "first one is shown",
				    unit->name, unit->user, unit->filters);
		if (unit->unit.role == BPFDEV_MANAGER && unit->manager == ENFORCE_LIVE_MISSING)
			output_line(
				"%s runs WITHOUT device rules: whatever %s starts by it may open "
				"any device",
				unit->name, unit->user);
	}
}

static void print_summary(const struct status *status)
{
	size_t with = machine_count_sessions(&status->machine, true);
	size_t without = machine_count_sessions(&status->machine, false);
	char more[80] = "";

	if (without)
		snprintf(more, sizeof(more), "; %zu without%s", without,
			 status->all ? "" : " (--all lists them)");
	if (with)
		output_line("%zu session%s with device rules in force%s", with,
			    with == 1 ? "" : "s", more);
	else
		output_line("no session has device rules in force%s", more);
}

static int print_rules(struct status *status)
{
	int ret = 0;

	for (size_t i = 0; i < status->machine.unit_count && ret >= 0; i++) {
		struct machine_unit *unit = &status->machine.units[i];
		struct table *table = NULL;
		struct status_lines lines;
		struct table_view view;

		if (!unit->wanted || !unit->filters)
			continue;
		ret = status_read_table(unit, &table);
		if (ret <= 0)
			continue;
		status_view(status, unit, &lines, &view);
		output_line("%s", "");
		output_line("%s of %s:", unit->name, unit->user);
		ret = table_view_print(table, &view);
		table_free(table);
	}
	return ret;
}

int status_print(struct status *status)
{
	int count;

	print_mistakes(status);
	count = print_units(status);
	if (count < 0)
		return count;
	print_notes(status);
	if (!status->wanted)
		print_summary(status);
	return status->rules ? print_rules(status) : 0;
}
