// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev explain --session --json says. */
#include "command/explain/session.h"

static json_t *json_text(const char *text)
{
	return text ? output_string(text) : json_null();
}

static const char *filter_of(const struct place *place)
{
	if (place->error < 0)
		return "unknown";
	if (!place->table)
		return "none";
	return place->info.flags & BPFDEV_UNRESTRICTED ? "unrestricted" : "rules";
}

/* What the filter says of itself; null where there is none. */
static void set_info(json_t **object, const struct place *place)
{
	const struct bpfdev_info *info = place->table ? &place->info : NULL;

	json_build_set(object, "service", json_text(info ? info->service : NULL));
	json_build_set(object, "tty", json_text(info ? info->tty : NULL));
	json_build_set(object, "rhost", json_text(info ? info->rhost : NULL));
	json_build_set(object, "opened",
		       info ? json_integer((json_int_t)info->opened) : json_null());
	json_build_set(object, "closed", json_boolean(info && info->flags & BPFDEV_CLOSED));
	json_build_set(object, "no_login", json_boolean(info && info->flags & BPFDEV_NO_LOGIN));
	json_build_set(object, "policy", json_text(info ? info->policy : NULL));
}

/* How the place stands to the files; null where that is not known. */
static void set_agreement(json_t **object, const struct view *view)
{
	const struct place *place = view->place;
	bool compared = place->conf && place->error == 0;

	json_build_set(object, "policy_changed",
		       compared && place->table && !place->manager ? json_boolean(place->changed)
								   : json_null());
	json_build_set(object, "agrees",
		       compared ? json_boolean(view_agrees_on_all(view)) : json_null());
	json_build_set(object, "why", json_text(compared ? NULL : place->why.text));
}

static json_t *json_files(const struct view *view, const struct target *target)
{
	const struct explain *explain = view->explain;
	struct sources sources = view_sources(view, target, true);

	if (!view->place->conf)
		return json_null();
	return json_pack("{sb so}", "allowed", !explain_refused(target->other, explain->access),
			 "verdicts", explain_json_verdicts(explain, target->other, &sources));
}

static json_t *json_devices(const struct view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->targets.count; i++) {
		const struct target *target = &view->targets.items[i];
		struct sources sources = view_sources(view, target, false);
		json_t *object = explain_json_target(view->explain, target, &sources);

		json_build_set(&object, "files", json_files(view, target));
		json_build_append(&array, object);
	}
	return array;
}

static json_t *json_programs(const struct view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < view->programs.count; i++) {
		const struct other_program *other = &view->programs.items[i];

		json_build_append(&array,
				  json_pack("{sI so so}", "id", (json_int_t)other->program.id,
					    "name", output_string(other->program.name), "cgroup",
					    json_text(other->cgroup)));
	}
	return array;
}

json_t *view_json(const struct view *view)
{
	const struct place *place = view->place;
	bool refused = explain_any_refused(&view->targets, view->explain->access);
	char id[128];
	json_t *object =
		json_pack("{so so ss ss}", "session", json_text(place_id(place, id)), "unit",
			  output_string(place->unit), "role",
			  place->manager ? "manager" : "session", "filter", filter_of(place));

	set_info(&object, place);
	json_build_set(&object, "allowed", place->error < 0 ? json_null() : json_boolean(!refused));
	set_agreement(&object, view);
	json_build_set(&object, "devices", json_devices(view));
	json_build_set(&object, "programs", json_programs(view));
	return object;
}
