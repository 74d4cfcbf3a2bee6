// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev explain --session: what the kernel says, and whether the files still say the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enforce/change.h"
#include "command/explain/session.h"

static uint32_t without_lent(const struct bpfdev_entry *entry)
{
	return entry ? (uint32_t)entry->allow & ~(uint32_t)entry->lent : BPFDEV_ACCESS;
}

bool view_agrees(const struct view *view, const struct target *target)
{
	const struct bpfdev_entry *here = target->row.entry, *there = target->other;
	uint32_t audit = (here ? here->audit : 0u) ^ (there ? there->audit : 0u);

	return !((without_lent(here) ^ without_lent(there)) & view->explain->access) &&
	       !(audit & view->explain->access);
}

bool view_agrees_on_all(const struct view *view)
{
	for (size_t i = 0; i < view->targets.count; i++)
		if (!view_agrees(view, &view->targets.items[i]))
			return false;
	return true;
}

static bool is_for(const struct view *view, const struct bpfdev_exception *exception,
		   const struct target *target)
{
	static const struct conf nothing;
	const struct conf *conf = view->place->conf ? view->place->conf : &nothing;
	struct device_patterns patterns = { 0 };
	char text[sizeof(exception->device)];
	struct device_spec spec;
	bool found = false;
	const char *rest;

	memcpy(text, exception->device, sizeof(text));
	if (device_parse_text(text, &spec, &rest, NULL) == 0 &&
	    policy_resolve(conf, &device_source_system, &spec, &patterns, NULL) == 0)
		found = explain_covers(&patterns, &target->row);
	device_patterns_free(&patterns);
	return found;
}

/* When the last exception for any of the bits that are lent ends; 0: not known. */
static uint64_t end_of_exception(const struct view *view, const struct target *target)
{
	uint64_t until = 0, now = enforce_boottime();

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		const struct bpfdev_exception *exception = &view->place->info.exceptions[i];

		if ((exception->access & target->row.entry->lent & view->explain->access) &&
		    exception->until > until && is_for(view, exception, target))
			until = exception->until;
	}
	if (!until)
		return 0;
	return (uint64_t)time(NULL) + (until > now ? until - now : 0);
}

struct sources view_sources(const struct view *view, const struct target *target, bool files)
{
	const struct place *place = view->place;
	struct sources sources = {
		.conf = files || place->named ? place->conf : NULL,
		.survey = &place->survey,
		.restricts = place->table || files ? "restricts it" : "is in force: no filter",
		.unnamed = place->changed ? "by a line of a policy that has changed since"
					  : "by a line that cannot be named",
	};

	if (!files && target->row.entry && target->row.entry->lent & view->explain->access)
		sources.until = end_of_exception(view, target);
	return sources;
}

/* What is said in which form, and what it comes to. */
struct telling {
	struct explain *explain;
	struct places places;
	struct again again;
	json_t *sessions;
	bool refused, failed;
};

static int show(struct telling *telling, const struct view *view)
{
	if (view->place->error < 0)
		telling->failed = true;
	else if (explain_any_refused(&view->targets, telling->explain->access))
		telling->refused = true;
	if (telling->explain->options.output.json)
		json_build_append(&telling->sessions, view_json(view));
	else
		view_print(view, telling->explain->asked.subject.name);
	return 0;
}

/* Programs that cannot be listed are no reason to keep the verdict back. */
static void find_programs(struct telling *telling, struct view *view)
{
	struct reason why;
	char *path;
	int ret = -ENOMEM;

	if (asprintf(&path, "%s/%s", telling->places.user.slice, view->place->unit) >= 0) {
		ret = other_programs_find(path, telling->places.root, &view->programs, &why);
		free(path);
	} else {
		reason_set(&why, "out of memory");
	}
	if (ret < 0 && ret != -ENOENT && ret != -ENODEV) {
		output_error("other device programs of %s: %s", view->place->unit, why.text);
		telling->failed = true;
	}
}

static int tell(struct telling *telling, struct place *place)
{
	struct view view = { .explain = telling->explain, .place = place };
	int ret = place_compare(&telling->places, place, &telling->explain->asked.subject,
				&telling->again);

	if (ret == 0 && place->error == 0)
		ret = explain_targets(telling->explain, place->table, place->files, &view.targets);
	if (ret == 0) {
		find_programs(telling, &view);
		ret = show(telling, &view);
	}
	other_programs_free(&view.programs);
	free(view.targets.items);
	return ret;
}

static int print_all_json(struct telling *telling)
{
	json_t *object = explain_json_begin(telling->explain, !telling->refused);

	json_build_set(&object, "sessions", telling->sessions);
	telling->sessions = NULL;
	return output_json(object) < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int tell_all(struct telling *telling)
{
	int ret = 0, status = COMMAND_YES;

	telling->sessions = json_array();
	for (size_t i = 0; i < telling->places.count && ret == 0; i++)
		ret = tell(telling, &telling->places.items[i]);
	if (ret < 0)
		output_error("out of memory");
	else if (telling->explain->options.output.json)
		status = print_all_json(telling);
	json_decref(telling->sessions);
	if (ret < 0 || telling->failed)
		status = COMMAND_FAILED;
	return status == COMMAND_YES && telling->refused ? COMMAND_NO : status;
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

/* Only a class needs the policy, to be understood; mistakes in it are no reason to say nothing. */
static int resolve(struct explain *explain, const struct device_spec *spec)
{
	int status = COMMAND_YES;

	if (!explain->path && spec->kind == DEVICE_CLASS)
		status = asking_load(&explain->options, &explain->asked);
	else
		explain->asked.conf = calloc(1, sizeof(*explain->asked.conf));
	if (status == COMMAND_YES && !explain->asked.conf) {
		output_error("out of memory");
		return COMMAND_FAILED;
	}
	return status == COMMAND_YES ? explain_resolve(explain, spec) : status;
}

int explain_sessions(struct explain *explain, const struct device_spec *spec)
{
	static const struct enforce_options options = { &conf_paths_system, &device_source_system,
							SESSION_LOCK_FOLDER };
	uid_t uid = explain->asked.subject.uid;
	struct telling telling = { .explain = explain,
				   .again = { .options = &options, .uid = uid } };
	struct reason why;
	int status = resolve(explain, spec);

	if (status != COMMAND_YES)
		return status;
	if (places_find(uid, explain->session_id, &telling.places, &why) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	status = telling.places.count ? tell_all(&telling) : nothing_open(explain);
	places_free(&telling.places);
	again_free(&telling.again);
	return status;
}
