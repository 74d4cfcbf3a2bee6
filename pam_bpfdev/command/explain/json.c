// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev explain --json says: bpfdev(8) has the fields. */
#include <stdlib.h>
#include <string.h>

#include "command/explain/session.h"

static json_t *json_text(const char *text)
{
	return text && *text ? output_string(text) : json_null();
}

json_t *explain_json_begin(const struct explain *explain, bool allowed)
{
	char access[4];

	return json_pack("{so sI so ss sb}", "user", output_string(explain->asked.subject.name),
			 "uid", (json_int_t)explain->asked.subject.uid, "device",
			 output_string(explain->device), "access",
			 output_access(explain->access, access), "allowed", allowed);
}

static json_t *json_verdict(const struct sources *sources, const struct verdict *verdict)
{
	static const char *const outcomes[] = { "allowed", "lent", "audited", "denied" };
	enum table_rank rank;
	const struct conf_statement *statement = explain_line(sources, verdict->source, &rank);
	char access[4], words[RULES_WORDS_SIZE];
	json_t *object;

	if (statement)
		object = lines_json(sources->conf, statement, rank);
	else if (verdict->source == BPFDEV_SOURCE_BASELINE)
		object = json_pack("{ss sn ss}", "line", "baseline", "text", "rank", "baseline");
	else
		object = json_pack("{sn so sn}", "line", "text",
				   explain_words(sources, verdict->source, words)
					   ? output_string(words)
					   : json_null(),
				   "rank");
	row_put(object, "access", json_string(output_access(verdict->bits, access)));
	row_put(object, "verdict", json_string(outcomes[verdict->outcome]));
	if (verdict->outcome == OUTCOME_LENT)
		row_put(object, "until",
			sources->until ? json_integer((json_int_t)sources->until) : json_null());
	return object;
}

/* Sets "allowed" and "verdicts". */
static void set_verdicts(json_t *object, const struct explain *explain,
			 const struct bpfdev_entry *entry, const struct sources *sources)
{
	struct verdict verdicts[BPFDEV_BITS];
	size_t count = explain_verdicts(entry, explain->access, verdicts);
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		row_append(array, json_verdict(sources, &verdicts[i]));
	row_put(object, "allowed", json_boolean(!explain_refused(entry, explain->access)));
	row_put(object, "verdicts", array);
}

static json_t *json_target(const struct explain *explain, const struct target *target,
			   const struct sources *sources)
{
	const struct table_view_row *row = &target->row;
	json_t *names = json_array();
	struct row told = row_object();
	char path[NAMES_PATH_SIZE], drivers[NAMES_DRIVERS_SIZE], *rest = drivers;
	char usb[DEVICE_SERIAL_SIZE];

	if (row->major_low == row->major_high &&
	    names_drivers(explain->names, row->type, row->major_low, drivers))
		while (rest)
			row_append(names, output_string(strsep(&rest, ",")));
	table_view_tell_device(&told, row);
	row_put(told.object, "path", json_text(explain_path(explain, row, path)));
	row_put(told.object, "drivers", names);
	row_put(told.object, "usb", json_text(explain_usb(explain, row, usb)));
	set_verdicts(told.object, explain, row->entry, sources);
	return told.object;
}

static json_t *json_trace(const struct explanation *explanation, const struct table_view_row *row)
{
	static const char *const whys[] = { "exempt", "condition", "rank", "device", "order" };
	json_t *array = json_array();
	struct trace trace;

	explain_trace(explanation, row, &trace);
	for (size_t i = 0; i < trace.count; i++) {
		const struct passed *passed = &trace.items[i];
		json_t *object = lines_json(explanation->explain->asked.conf, passed->statement,
					    passed->line->rank);
		char access[4], conditions[LINES_CONDITIONS_SIZE];

		lines_conditions(passed->statement, passed->line->unmet, conditions);
		row_put(object, "access", json_string(output_access(passed->bits, access)));
		row_put(object, "why", json_string(whys[passed->why]));
		row_put(object, "unmet", json_text(conditions));
		row_append(array, object);
	}
	free(trace.items);
	return array;
}

int explain_print_json(const struct explanation *explanation)
{
	const struct explain *explain = explanation->explain;
	const struct conf *conf = explain->asked.conf;
	const struct sources here = { .conf = conf, .survey = &explanation->answer.survey };
	const struct sources there = { .conf = conf, .survey = &explanation->other.survey };
	bool refused = explain_any_refused(&explanation->targets, explain->access);
	json_t *object = explain_json_begin(explain, !refused), *devices = json_array();

	for (size_t i = 0; i < explanation->targets.count; i++) {
		const struct target *target = &explanation->targets.items[i];
		json_t *device = json_target(explain, target, &here), *otherwise = json_null();

		if (explain_differs(explanation, target)) {
			otherwise = json_pack("{ss}", "option",
					      explanation->turned.remote ? "--remote" : "--local");
			set_verdicts(otherwise, explain, target->other, &there);
		}
		row_put(device, "passed_over", json_trace(explanation, &target->row));
		row_put(device, "otherwise", otherwise);
		row_put(device, "doors", explain_doors_json(&target->row));
		row_append(devices, device);
	}
	asking_set_json(object, &explain->asking, &explain->asked, &explanation->answer);
	row_put(object, "devices", devices);
	return output_json(object) < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static const char *filter_of(const struct place *place)
{
	if (*place->unread.text)
		return "unknown";
	if (!place->table)
		return "none";
	return place->unit->info.flags & BPFDEV_UNRESTRICTED ? "unrestricted" : "rules";
}

/* What the filter says of itself; null where there is none. */
static void set_info(json_t *object, const struct place *place)
{
	const struct bpfdev_info *info = place->table ? &place->unit->info : NULL;

	row_put(object, "service", info ? output_string(info->service) : json_null());
	row_put(object, "tty", info ? output_string(info->tty) : json_null());
	row_put(object, "rhost", info ? output_string(info->rhost) : json_null());
	row_put(object, "opened", info ? json_integer((json_int_t)info->opened) : json_null());
	row_put(object, "closed", json_boolean(info && info->flags & BPFDEV_CLOSED));
	row_put(object, "no_login", json_boolean(info && info->flags & BPFDEV_NO_LOGIN));
	row_put(object, "policy", info ? output_string(info->policy) : json_null());
}

/* How the place stands to the files; null where that is not known. */
static void set_agreement(json_t *object, const struct explain *explain, const struct place *place)
{
	const char *why = *place->unread.text ? place->unread.text : place->unlike.text;

	row_put(object, "policy_changed",
		place->conf && place->table && !place_is_manager(place)
			? json_boolean(place->changed)
			: json_null());
	row_put(object, "agrees",
		place->conf ? json_boolean(place_agrees_on_all(explain, place)) : json_null());
	row_put(object, "why", place->conf ? json_null() : output_string(why));
}

json_t *place_json(const struct explain *explain, const struct place *place)
{
	bool refused = explain_any_refused(&place->targets, explain->access);
	json_t *devices = json_array(), *programs = json_array(), *object;
	bool manager = place_is_manager(place);
	char id[UNIT_ID_SIZE];

	for (size_t i = 0; i < place->targets.count; i++) {
		const struct target *target = &place->targets.items[i];
		struct sources kernel = place_sources(explain, place, target, false);
		struct sources sources = place_sources(explain, place, target, true);
		json_t *device = json_target(explain, target, &kernel), *files = json_null();

		if (place->conf) {
			files = json_object();
			set_verdicts(files, explain, target->other, &sources);
		}
		row_put(device, "files", files);
		row_put(device, "doors", explain_doors_json(&target->row));
		row_append(devices, device);
	}
	for (size_t i = 0; i < place->programs.count; i++) {
		const struct other_program *other = &place->programs.items[i];

		row_append(programs, json_pack("{sI so so}", "id", (json_int_t)other->program.id,
					       "name", output_string(other->program.name), "cgroup",
					       json_text(other->cgroup)));
	}
	unit_id(&place->unit->unit, id);
	object = json_pack("{so so ss ss}", "session", manager ? json_null() : output_string(id),
			   "unit", output_string(place->unit->name), "role",
			   manager ? "manager" : "session", "filter", filter_of(place));
	set_info(object, place);
	row_put(object, "allowed", *place->unread.text ? json_null() : json_boolean(!refused));
	set_agreement(object, explain, place);
	row_put(object, "devices", devices);
	row_put(object, "programs", programs);
	return object;
}
