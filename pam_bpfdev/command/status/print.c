// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found, for people and for programs: bpfdev(8) has the fields of the JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "enforce/change.h"
#include "command/base/lines.h"
#include "rules/rules.h"
#include "command/base/row.h"
#include "command/base/view.h"
#include "command/status/status.h"

/* So many sessions are named in the table; all are in the JSON. */
#define UNION_MAX 8

static const char *const policies[] = {
	[MACHINE_POLICY_UNKNOWN] = "unknown",
	[MACHINE_POLICY_CURRENT] = "current",
	[MACHINE_POLICY_CHANGED] = "changed",
	[MACHINE_POLICY_BROKEN] = "broken",
};

bool status_is_over(const struct bpfdev_exception *exception, uint64_t *until)
{
	uint64_t now = enforce_boottime();

	*until = (uint64_t)time(NULL) + exception->until - now;
	return exception->until <= now;
}

static json_t *policy_json(const struct machine_unit *unit)
{
	struct row row = row_object();

	if (row_field(&row, "path", NULL, 0))
		row_text(&row, "%s", unit->info.policy);
	if (row_field(&row, "digest", NULL, 0))
		row_text(&row, "%016llx", (unsigned long long)unit->info.policy_digest);
	if (row_field(&row, "state", NULL, 0))
		row_text(&row, "%s", policies[unit->policy]);
	if (row_field(&row, "mistake", NULL, 0))
		row_text_or_null(&row, unit->mistakes.text);
	if (row_field(&row, "why", NULL, ROW_OPTIONAL))
		row_text_or_null(&row, unit->doubt.text);
	return row.object;
}

static json_t *exceptions_json(const struct bpfdev_info *info)
{
	json_t *array = json_array();
	char access[4];

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		const struct bpfdev_exception *exception = &info->exceptions[i];
		uint64_t until;
		bool over = status_is_over(exception, &until);

		if (exception->access)
			row_append(array, json_pack("{so ss sI sb sI}", "device",
						    output_string(exception->device), "access",
						    output_access(exception->access, access),
						    "until", (json_int_t)until, "over", over,
						    "asked_by", (json_int_t)exception->asked_by));
	}
	return array;
}

/* The sessions whose rules the manager's filter is the union of. */
static json_t *union_json(const struct machine *machine, const struct machine_unit *manager)
{
	json_t *ids = json_array();
	char id[UNIT_ID_SIZE];

	for (size_t i = 0; i < machine->unit_count; i++)
		if (machine_counts(manager, &machine->units[i]))
			row_append(ids, output_string(unit_id(&machine->units[i].unit, id)));
	return ids;
}

/* "union of 3, 7" */
static void describe_union(struct row *row, const struct machine *machine,
			   const struct machine_unit *manager)
{
	char text[256] = "", id[UNIT_ID_SIZE];
	size_t count = 0;
	int at = 0;

	for (size_t i = 0; i < machine->unit_count; i++) {
		if (!machine_counts(manager, &machine->units[i]) || ++count > UNION_MAX)
			continue;
		unit_id(&machine->units[i].unit, id);
		if ((size_t)at < sizeof(text))
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s",
				       count > 1 ? ", " : "", id);
	}
	if (count > UNION_MAX)
		row_cell(row, "union of %s and %zu more", text, count - UNION_MAX);
	else
		row_cell(row, "union of %s", text);
}

static void tell_manager(struct row *row, const struct machine *machine,
			 const struct machine_unit *unit)
{
	switch (unit->manager) {
	case ENFORCE_LIVE_UNION:
		row_text(row, "in line");
		describe_union(row, machine, unit);
		break;
	case ENFORCE_LIVE_BASE:
		row_text(row, "base");
		row_cell(row, "base filter (no session is open)");
		break;
	case ENFORCE_LIVE_STALE:
		row_text(row, "stale");
		row_cell(row, "stale: bpfdev reload %s", unit->user);
		row_tone(row, OUTPUT_WARNING);
		break;
	case ENFORCE_LIVE_MISSING:
		row_text(row, "missing");
		row_cell(row, "WITHOUT RULES: bpfdev reload %s", unit->user);
		row_tone(row, OUTPUT_BAD);
		break;
	case ENFORCE_LIVE_FREE:
		row_text(row, "unknown");
		row_cell(row, "no rules");
		row_tone(row, OUTPUT_FAINT);
		break;
	default:
		row_text(row, "unknown");
		row_cell(row, "cannot be compared");
		row_tone(row, OUTPUT_BAD);
	}
}

/* Whose filters stand beside: all in the JSON, the first one in the table. */
static json_t *callers_json(const struct machine_unit *unit)
{
	json_t *callers = json_array();

	for (size_t i = 0; i < unit->copy_count; i++)
		row_append(callers, output_string(unit->copies[i].info.user));
	return callers;
}

static void tell_policy(struct row *row, const struct machine_unit *unit)
{
	uint32_t flags = unit->info.flags;
	const char *caller = unit->copy_count ? unit->copies[0].info.user : NULL;

	if (!unit->filters && caller) {
		row_cell(row, "rules of %s, who became %s", caller, unit->user);
		return;
	}
	if (!unit->filters || !unit->known) {
		row_cell(row, unit->filters ? "made by another version" : "no rules");
		row_tone(row, unit->filters ? OUTPUT_WARNING : OUTPUT_FAINT);
		return;
	}
	row_json(row, policy_json(unit));
	row_cell(row, "%s%s%s%s%s%s", policies[unit->policy], flags & BPFDEV_AUDIT ? ", audit" : "",
		 flags & BPFDEV_NO_LOGIN ? ", no login" : "",
		 flags & BPFDEV_CLOSED ? ", closed" : "", caller ? ", and rules of " : "",
		 caller ? caller : "");
	if (unit->policy == MACHINE_POLICY_BROKEN)
		row_tone(row, OUTPUT_BAD);
	else if (unit->policy == MACHINE_POLICY_CHANGED)
		row_tone(row, OUTPUT_WARNING);
	else if (flags & BPFDEV_CLOSED)
		row_tone(row, OUTPUT_FAINT);
}

/* What PAM said; "-" where it said nothing, or where nobody knows. */
static void tell_login(struct row *row, const char *key, const char *heading, const char *text)
{
	if (!row_field(row, key, heading, SCOLS_FL_TRUNC))
		return;
	if (text)
		row_text(row, "%s", text);
	if (!text || !*text)
		row_cell(row, "-");
}

static void tell_rules(struct row *row, const struct bpfdev_info *info)
{
	if (!row_field(row, "rules", "RULES", SCOLS_FL_RIGHT))
		return;
	if (info)
		row_number(row, info->rule_count);
	if (!info)
		row_cell(row, "-");
	else if (info->flags & BPFDEV_UNRESTRICTED)
		row_cell(row, "none");
}

/* What only programs are told of a session's filter. */
static void tell_flags(struct row *row, const struct bpfdev_info *info)
{
	static const struct {
		const char *key;
		uint32_t flag;
	} flags[] = {
		{ "unrestricted", BPFDEV_UNRESTRICTED },
		{ "audit", BPFDEV_AUDIT },
		{ "closed", BPFDEV_CLOSED },
		{ "no_login", BPFDEV_NO_LOGIN },
		{ "conf", BPFDEV_CONF },
	};

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (row_field(row, flags[i].key, NULL, 0) && info)
			row_bool(row, info->flags & flags[i].flag);
	if (row_field(row, "exceptions", NULL, 0) && info)
		row_json(row, exceptions_json(info));
}

/* Of a session without a filter, programs are told no more than whose it is. */
static void describe_filter(struct row *row, const struct machine *machine,
			    const struct machine_unit *unit)
{
	const struct bpfdev_info *info = unit->known ? &unit->info : NULL;
	bool session = unit->unit.role == BPFDEV_SESSION;

	if (row_field(row, "role", NULL, 0))
		row_text(row, session ? "session" : "manager");
	if (row_field(row, "filters", NULL, 0))
		row_number(row, (uint64_t)unit->filters);
	if (row_field(row, "readable", NULL, 0))
		row_bool(row, unit->known);
	tell_login(row, session ? "service" : NULL, "SERVICE",
		   session && info ? info->service : NULL);
	tell_login(row, session ? "tty" : NULL, "TTY", info ? info->tty : NULL);
	tell_login(row, session ? "rhost" : NULL, "FROM", info ? info->rhost : NULL);
	if (row_field(row, "opened", "SINCE", 0)) {
		row_cell(row, "-");
		if (info)
			row_time(row, info->opened);
	}
	if (session) {
		tell_rules(row, info);
		if (row_field(row, "policy", "POLICY", SCOLS_FL_WRAP))
			tell_policy(row, unit);
		tell_flags(row, info);
		return;
	}
	if (row_field(row, NULL, "RULES", SCOLS_FL_RIGHT))
		row_cell(row, "-");
	if (row_field(row, "state", "POLICY", SCOLS_FL_WRAP))
		tell_manager(row, machine, unit);
	if (row_field(row, "union_of", NULL, 0))
		row_json(row, union_json(machine, unit));
}

static void describe_unit(struct row *row, const struct machine_unit *unit)
{
	bool session = unit->unit.role == BPFDEV_SESSION;
	char id[UNIT_ID_SIZE];

	if (row_field(row, session ? "session" : NULL, "SESSION", 0))
		row_text(row, "%s", unit_id(&unit->unit, id));
	if (row_field(row, "unit", NULL, 0))
		row_text(row, "%s", unit->name);
	if (row_field(row, "user", "USER", 0))
		row_text(row, "%s", unit->user);
	if (row_field(row, "uid", NULL, 0))
		row_number(row, unit->unit.uid);
	if (row_field(row, session ? "callers" : NULL, NULL, 0))
		row_json(row, callers_json(unit));
}

/* The policy of all sessions that a manager's filter is the union of, if it is what it was. */
static const struct conf *conf_of_union(const struct machine *machine,
					const struct machine_unit *manager)
{
	const struct conf *conf = NULL;

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (!machine_counts(manager, unit))
			continue;
		if (unit->policy != MACHINE_POLICY_CURRENT || (conf && unit->conf != conf))
			return NULL;
		conf = unit->conf;
	}
	return conf;
}

/* A line's number means something only in the text that it was counted in. */
static const struct conf *conf_of(const struct machine *machine, const struct machine_unit *unit)
{
	if (unit->unit.role == BPFDEV_SESSION)
		return unit->policy == MACHINE_POLICY_CURRENT ? unit->conf : NULL;
	if (unit->manager == ENFORCE_LIVE_UNION)
		return conf_of_union(machine, unit);
	if (unit->manager == ENFORCE_LIVE_BASE && unit->judged)
		return unit->conf;
	return NULL;
}

/* What a view of a unit's table needs; conf: whose lines they are, NULL: they have changed. */
struct source {
	struct names *names;
	const struct table *table;
	const struct conf *conf;
};

static void write_line(uint32_t line, void *data, char *text, size_t size)
{
	const struct source *source = data;
	const struct conf_statement *statement =
		source->conf ? lines_find(source->conf, line) : NULL;
	char place[LINES_PLACE_SIZE], words[RULES_WORDS_SIZE];

	if (statement)
		snprintf(text, size, "%s", lines_place(source->conf, statement, place));
	else if (rules_words(source->table, line, words))
		snprintf(text, size, "changed since: %s", words);
	else
		snprintf(text, size, "changed since");
}

static void write_name(const struct table_view_row *row, void *data, char *text, size_t size)
{
	const struct source *source = data;

	table_view_name(source->names, row, text, size);
}

/*
 * Has @show tell of the rules that the kernel has for the unit. Returns 1; 0: the unit or its
 * filter has gone, or is another version's; or a negative errno having said so.
 */
static int show_table(struct status *status, struct machine_unit *unit,
		      void (*show)(const struct table *table, const struct table_view *view,
				   const struct machine_unit *unit, void *data),
		      void *data)
{
	struct source source = { status->machine.names, NULL, conf_of(&status->machine, unit) };
	struct table_view view = { &status->output, write_name, write_line, &source };
	struct table *table = NULL;
	struct reason why;
	int ret = unit->filters ? machine_read_table(unit, &table, &why) : 0;

	if (ret == MACHINE_OTHER_VERSION)
		ret = 0;
	if (ret < 0)
		output_error("%s: %s", unit->name, why.text);
	source.table = table;
	if (ret > 0)
		show(table, &view, unit, data);
	table_free(table);
	return ret;
}

static void make_json(const struct table *table, const struct table_view *view,
		      const struct machine_unit *unit, void *data)
{
	json_t **json = data;

	(void)unit;
	*json = table_view_json(table, view);
}

/* Adds the unit to one of the three arrays. Returns 0, or a negative errno having said so. */
static int add_json(struct status *status, struct machine_unit *unit, json_t *sessions,
		    json_t *managers, json_t *unfiltered)
{
	bool session = unit->unit.role == BPFDEV_SESSION;
	struct row row;
	json_t *table = NULL;
	int ret = 0;

	if (!session && unit->manager == ENFORCE_LIVE_FREE)
		return 0;
	row = row_object();
	describe_unit(&row, unit);
	if (session && !unit->filters) {
		row_append(unfiltered, row.object);
		return 0;
	}
	describe_filter(&row, &status->machine, unit);
	if (status->rules) {
		ret = show_table(status, unit, make_json, &table);
		row_put(row.object, "table", table ? table : json_null());
	}
	row_append(session ? sessions : managers, row.object);
	return ret < 0 ? ret : 0;
}

int status_print_json(struct status *status)
{
	json_t *sessions = json_array(), *managers = json_array(), *unfiltered = json_array();
	int ret = 0;

	for (size_t i = 0; i < status->machine.unit_count && ret == 0; i++)
		if (status->machine.units[i].wanted)
			ret = add_json(status, &status->machine.units[i], sessions, managers,
				       unfiltered);
	if (ret < 0)
		return ret;
	return output_json(json_pack("{so so so sI}", "sessions", sessions, "managers", managers,
				     "unfiltered", unfiltered, "unfiltered_sessions",
				     (json_int_t)machine_count_sessions(&status->machine, false)));
}

static void print_units(const struct status *status)
{
	struct row_table table = row_table(&status->output);

	for (size_t i = 0; i < status->machine.unit_count; i++) {
		const struct machine_unit *unit = &status->machine.units[i];
		struct row row;

		if (!unit->wanted)
			continue;
		row = row_line(&table);
		describe_unit(&row, unit);
		describe_filter(&row, &status->machine, unit);
	}
	row_table_print(&table);
}

/* Mistakes in the policy that the unit is filtered by; a manager with a union's is not. */
static const char *mistakes_of(const struct machine_unit *unit)
{
	bool counts = unit->unit.role == BPFDEV_SESSION || unit->manager == ENFORCE_LIVE_BASE;

	return unit->wanted && counts ? unit->mistakes.text : "";
}

/* Comes first: it is what most needs to be done. Those of each policy once. */
static void print_mistakes(const struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		const char *mistakes = mistakes_of(&machine->units[i]);
		bool told = !*mistakes;

		for (size_t j = 0; j < i && !told; j++)
			told = strcmp(mistakes_of(&machine->units[j]), mistakes) == 0;
		if (!told)
			output_error(
				"the policy has mistakes: new logins are refused, and open sessions "
				"keep the rules that they have: %s",
				mistakes);
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
		output_line("session %s of %s: exception: %s %s %s %s%s (asked by uid %u)",
			    unit_id(&unit->unit, id), unit->user, exception->device,
			    output_letters(exception->access, access),
			    over ? "over since" : "until", output_time(end, until),
			    over ? ", and not yet tidied up" : "", exception->asked_by);
	}
	if (unit->lends_other)
		output_line("session %s of %s: exceptions: names in them stand for something else "
			    "by now: bpfdev reload %s",
			    unit_id(&unit->unit, id), unit->user, unit->user);
}

/* Why a policy is not what its text says. */
static void print_doubt(const struct machine_unit *unit)
{
	char id[UNIT_ID_SIZE];

	if (!*unit->doubt.text)
		return;
	unit_id(&unit->unit, id);
	if (unit->unit.role == BPFDEV_MANAGER)
		output_line(
			"%s of %s: whether the policy gives it the same rules now is not known: "
			"%s",
			unit->name, unit->user, unit->doubt.text);
	else if (unit->policy == MACHINE_POLICY_CHANGED)
		output_line("session %s of %s: policy: %s: bpfdev reload %s", id, unit->user,
			    unit->doubt.text, unit->user);
	else
		output_line("session %s of %s: policy: whether it gives the same rules now is not "
			    "known: %s",
			    id, unit->user, unit->doubt.text);
}

static void print_notes(const struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (!unit->wanted)
			continue;
		print_doubt(unit);
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

/* Filters that hold nothing back are there to be found again, by reload. */
static size_t count_free(const struct machine *machine)
{
	size_t count = 0;

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		count += unit->unit.role == BPFDEV_SESSION && unit->known &&
			 (unit->info.flags & BPFDEV_UNRESTRICTED);
	}
	return count;
}

static void print_summary(const struct status *status)
{
	size_t unrestricted = count_free(&status->machine);
	size_t with = machine_count_sessions(&status->machine, true) - unrestricted;
	size_t without = machine_count_sessions(&status->machine, false);
	char more[80] = "", everything[80] = "";

	if (unrestricted)
		snprintf(everything, sizeof(everything), "; %zu may do everything", unrestricted);
	if (without)
		snprintf(more, sizeof(more), "; %zu without%s", without,
			 status->all ? "" : " (--all lists them)");
	if (with)
		output_line("%zu session%s with device rules in force%s%s", with,
			    with == 1 ? "" : "s", everything, more);
	else
		output_line("no session has device rules in force%s%s", everything, more);
}

static void print_table(const struct table *table, const struct table_view *view,
			const struct machine_unit *unit, void *data)
{
	(void)data;
	output_line("%s", "");
	output_line("%s of %s:", unit->name, unit->user);
	table_view_print(table, view);
}

int status_print_text(struct status *status)
{
	struct machine *machine = &status->machine;
	int ret = 0;

	print_mistakes(machine);
	print_units(status);
	print_notes(machine);
	if (!status->wanted)
		print_summary(status);
	for (size_t i = 0; i < machine->unit_count && status->rules && ret >= 0; i++)
		if (machine->units[i].wanted)
			ret = show_table(status, &machine->units[i], print_table, NULL);
	return ret < 0 ? ret : 0;
}
