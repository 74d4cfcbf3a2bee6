// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev explain --session: what the kernel says, and whether the files still say the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enforce/decide.h"
#include "enforce/change.h"
#include "enforce/live.h"
#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/explain/session.h"

/* Whether the lines that a filter's sources name are those of @conf. */
static bool is_of(const struct machine_unit *unit, const struct conf *conf)
{
	return unit->info.policy_digest == conf->digest;
}

/* Whether all open sessions, which the manager's sources come from, have the policy as it is now. */
static bool are_of(const struct machine *machine, const struct machine_unit *manager,
		   const struct conf *conf)
{
	for (size_t i = 0; i < machine->unit_count; i++)
		if (machine_counts(manager, &machine->units[i]) && !is_of(&machine->units[i], conf))
			return false;
	return true;
}

/* The union of what the open sessions may do; with none open, what the policy says of managers. */
static int compare_manager(const struct machine *machine, struct place *place, struct conf *conf,
			   const struct policy_subject *subject)
{
	const struct machine_unit *unit = place->unit;
	const struct session user = { .uid = unit->unit.uid, .slice = unit->slice };
	struct policy_result result;
	int ret = enforce_manager_union(&user, &place->files, &place->unlike);

	place->united = ret > 0;
	if (ret > 0)
		place->named = are_of(machine, unit, conf);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = policy_decide(conf, &device_source_system, subject, &policy_manager_session, &result,
			    &place->unlike);
	place->files = result.table;
	place->named = place->files && table_digest(place->files) == unit->info.table_digest;
	return ret;
}

/* Decides again what the place would get. The policy that place->conf points to is @decider's. */
static void compare(const struct machine *machine, struct place *place,
		    const struct policy_subject *subject, struct decider *decider)
{
	const struct bpfdev_info *info = &place->unit->info;
	bool manager = place_is_manager(place);
	bool job = manager || info->flags & BPFDEV_NO_LOGIN;
	const struct policy_session session = { info->service, info->tty, info->rhost, "",
						job ? POLICY_JOB : POLICY_LOGIN };
	struct bpfdev_info wanted = *info;
	struct conf *conf;
	int ret = decider_policy(decider, info, &conf, &place->unlike);

	if (ret == 0 && manager) {
		ret = compare_manager(machine, place, conf, subject);
	} else if (ret == 0 && place->table) {
		place->changed = !is_of(place->unit, conf);
		place->named = !place->changed;
		ret = decide_again(decider, &wanted, &place->files, &place->unlike);
		subject = &decider->subject;
	}
	if (ret == 0)
		ret = policy_survey(conf, subject, &session, &place->survey, &place->unlike);
	if (xcheck(ret))
		return;
	/* A session is right to have no filter if no line names the user, whatever its conditions. */
	if (manager || place->table || place->survey.kind == POLICY_NONE)
		place->conf = conf;
	else
		reason_set(&place->unlike, "the files have lines for the user, which bpfdev reload "
					   "--all puts in force");
}

static uint32_t without_lent(const struct bpfdev_entry *entry)
{
	return entry ? (uint32_t)entry->allow & ~(uint32_t)entry->lent : BPFDEV_ACCESS;
}

bool place_agrees(const struct explain *explain, const struct target *target)
{
	const struct bpfdev_entry *here = target->row.entry, *there = target->other;
	uint32_t audit = (here ? here->audit : 0u) ^ (there ? there->audit : 0u);

	return !(((without_lent(here) ^ without_lent(there)) | audit) & explain->access);
}

bool place_agrees_on_all(const struct explain *explain, const struct place *place)
{
	for (size_t i = 0; i < place->targets.count; i++)
		if (!place_agrees(explain, &place->targets.items[i]))
			return false;
	return true;
}

/* Whether the exception is for the target. */
static bool is_for(const struct place *place, const struct bpfdev_exception *exception,
		   const struct target *target)
{
	static const struct conf nothing;
	struct device_patterns patterns = { 0 };
	char text[sizeof(exception->device)];
	struct device_spec spec;
	bool found = false;
	const char *rest;

	memcpy(text, exception->device, sizeof(text));
	if (device_parse_text(text, &spec, &rest, NULL) == 0 &&
	    policy_resolve(place->conf ? place->conf : &nothing, &device_source_system, &spec,
			   &patterns, NULL) == 0)
		found = explain_covers(&patterns, &target->row);
	device_patterns_free(&patterns);
	return found;
}

/* When the last exception for any of @bits, which are lent, ends; 0: not known. */
static uint64_t end_of_exception(const struct place *place, const struct target *target,
				 uint32_t bits)
{
	uint64_t until = 0, now = enforce_boottime();

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		const struct bpfdev_exception *exception = &place->unit->info.exceptions[i];

		if ((exception->access & bits) && exception->until > until &&
		    is_for(place, exception, target))
			until = exception->until;
	}
	if (!until)
		return 0;
	return (uint64_t)time(NULL) + (until > now ? until - now : 0);
}

struct sources place_sources(const struct explain *explain, const struct place *place,
			     const struct target *target, bool files)
{
	const struct bpfdev_entry *entry = files ? NULL : target->row.entry;
	uint32_t lent = entry ? entry->lent & explain->access : 0;

	return (struct sources) {
		.conf = files || place->named ? place->conf : NULL,
		.survey = &place->survey,
		.restricts = place->table || files ? "restricts it" : "is in force: no filter",
		.unnamed = place->changed ? "by a line of a policy that has changed since"
					  : "by a line that cannot be named",
		.table = files ? NULL : place->table,
		.until = lent ? end_of_exception(place, target, lent) : 0,
	};
}

/* Programs that cannot be listed are no reason to keep the verdict back. */
static bool find_programs(const struct machine *machine, struct place *place)
{
	char *path = xasprintf("%s/%s", place->unit->slice, place->unit->name);
	struct reason why;
	int ret = xcheck(other_programs_find(path, machine->root, &place->programs, &why));

	free(path);
	if (ret == 0 || ret == -ENOENT || ret == -ENODEV)
		return true;
	output_error("other device programs of %s: %s", place->unit->name, why.text);
	return false;
}

static void place_free(struct place *place)
{
	table_free(place->table);
	table_free(place->files);
	policy_survey_free(&place->survey);
	free(place->targets.items);
	other_programs_free(&place->programs);
}

static int nothing_open(const struct explain *explain)
{
	if (explain->session_id)
		output_error("%s has no open session \"%s\"; bpfdev status lists them",
			     explain->asked.subject.name, explain->session_id);
	else
		output_error("%s has no open session", explain->asked.subject.name);
	return COMMAND_FAILED;
}

/* What is found out of all places, one after another. */
struct telling {
	const struct explain *explain;
	struct machine *machine;
	struct decider decider;
	json_t *sessions;
	bool refused, failed;
};

static void tell(struct telling *telling, struct machine_unit *unit)
{
	const struct explain *explain = telling->explain;
	struct place place = { .unit = unit };
	int ret = unit->filters ? machine_read_table(unit, &place.table, &place.unread) : 1;

	/* It has gone since it was listed. */
	if (ret == 0)
		return;
	if (ret == 1) {
		compare(telling->machine, &place, &explain->asked.subject, &telling->decider);
		explain_targets(explain, place.table, place.files, &place.targets);
	}
	if (!find_programs(telling->machine, &place) || ret != 1)
		telling->failed = true;
	if (explain_any_refused(&place.targets, explain->access))
		telling->refused = true;
	if (explain->options.output.json)
		row_append(telling->sessions, place_json(explain, &place));
	else
		place_print(explain, &place);
	place_free(&place);
}

/* Oldest first, the manager last. */
static int compare_units(const void *left, const void *right)
{
	const struct machine_unit *a = *(struct machine_unit *const *)left;
	const struct machine_unit *b = *(struct machine_unit *const *)right;

	if (a->unit.role != b->unit.role)
		return a->unit.role == BPFDEV_MANAGER ? 1 : -1;
	if (a->info.opened != b->info.opened)
		return a->info.opened < b->info.opened ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Says what there is to say of the user's sessions and manager; @id: of that session. */
static int tell_all(struct telling *telling, const char *id)
{
	struct machine *machine = telling->machine;
	struct machine_unit **units = xcalloc(machine->unit_count, sizeof(struct machine_unit *));
	size_t count = 0;
	json_t *object;

	for (size_t i = 0; i < machine->unit_count; i++) {
		struct machine_unit *unit = &machine->units[i];
		char text[UNIT_ID_SIZE];

		if (!id || (unit->unit.role == BPFDEV_SESSION &&
			    strcmp(unit_id(&unit->unit, text), id) == 0))
			units[count++] = unit;
	}
	if (count)
		qsort(units, count, sizeof(struct machine_unit *), compare_units);
	for (size_t i = 0; i < count; i++)
		tell(telling, units[i]);
	free(units);
	if (!count)
		return nothing_open(telling->explain);
	if (telling->explain->options.output.json) {
		object = explain_json_begin(telling->explain, !telling->refused);
		json_object_set(object, "sessions", telling->sessions);
		output_json(object);
	}
	return telling->failed ? COMMAND_FAILED : telling->refused ? COMMAND_NO : COMMAND_YES;
}

/* The policy is read only for a class: one with mistakes is no reason to say nothing else. */
static int resolve(struct explain *explain, const struct device_spec *spec)
{
	int status = COMMAND_YES;

	if (!explain->path && spec->kind == DEVICE_CLASS)
		status = asking_load(&explain->options, &explain->asked);
	else
		explain->asked.conf = xcalloc(1, sizeof(*explain->asked.conf));
	return status == COMMAND_YES ? explain_resolve(explain, spec) : status;
}

int explain_sessions(struct explain *explain, const struct device_spec *spec)
{
	static const struct enforce_options options = { .conf = &conf_paths_now,
							.devices = &device_source_system,
							.lock_folder = SESSION_LOCK_FOLDER };
	const uid_t uid = explain->asked.subject.uid;
	struct machine machine;
	struct telling telling = { .explain = explain,
				   .machine = &machine,
				   .decider = decider_new(&options) };
	struct reason why;
	int status = resolve(explain, spec);

	if (status != COMMAND_YES)
		return status;
	if (machine_open(&machine, &why) < 0 || machine_look(&machine, &uid, 0, &why) < 0) {
		output_error("%s", why.text);
		status = COMMAND_FAILED;
	} else {
		telling.sessions = json_array();
		status = tell_all(&telling, explain->session_id);
		json_decref(telling.sessions);
	}
	machine_close(&machine);
	decider_free(&telling.decider);
	return status;
}
