// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev explain --session: what the kernel says, and whether the files still say the same. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "enforce/again.h"
#include "enforce/change.h"
#include "enforce/live.h"
#include "enforce/manager.h"
#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/explain/session.h"

#define PREFIX "session-"
#define SUFFIX ".scope"

/* Those of one user. */
struct places {
	char *root;	     /* where user.slice is */
	struct session user; /* uid and slice */
	struct place *items; /* oldest first, the manager last */
	size_t count, capacity;
	const char *id; /* only the session with that id; NULL: all, and the manager */
};

const char *place_id(const struct place *place, char *out)
{
	size_t length = strlen(place->unit), around = strlen(PREFIX) + strlen(SUFFIX);

	if (place->manager || length <= around)
		return NULL;
	snprintf(out, 128, "%.*s", (int)(length - around), place->unit + strlen(PREFIX));
	return out;
}

static void places_free(struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		table_free(places->items[i].table);
		table_free(places->items[i].files);
		policy_survey_free(&places->items[i].survey);
		free(places->items[i].targets.items);
		other_programs_free(&places->items[i].programs);
	}
	free(places->items);
	free(places->root);
	session_free(&places->user);
}

/* A filter of another version is one, too, but nothing is known of it. */
static int add_place(const struct enforce_live *live, void *data)
{
	struct places *places = data;
	struct place place = { .manager = live->role == BPFDEV_MANAGER };
	char id[128];

	snprintf(place.unit, sizeof(place.unit), "%s", live->unit);
	if (places->id && (!place_id(&place, id) || strcmp(id, places->id) != 0))
		return 0;
	if (live->prog_fd >= 0)
		place.error =
			xcheck(filter_read(live->prog_fd, &place.info, &place.table, &place.why));
	*xappend(places) = place;
	return 0;
}

static int compare_places(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->manager != b->manager)
		return a->manager ? 1 : -1;
	if (a->info.opened != b->info.opened)
		return a->info.opened < b->info.opened ? -1 : 1;
	return strcmp(a->unit, b->unit);
}

static int find_places(struct places *places, struct reason *why)
{
	int ret = xcheck(session_find_root(&places->root, why));

	if (ret < 0)
		return ret;
	places->user.slice =
		xasprintf("%s/user.slice/user-%u.slice", places->root, places->user.uid);
	ret = xcheck(enforce_live_of(&places->user, add_place, places, why));
	if (places->count)
		qsort(places->items, places->count, sizeof(*places->items), compare_places);
	return ret;
}

static bool is_of(const struct place *place, const struct conf *conf)
{
	return place->info.policy_digest == conf->digest;
}

/* Whether all open sessions, which the manager's sources come from, have the policy as it is now. */
static bool are_of(const struct places *places, const struct conf *conf)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];

		if (!place->manager && place->table && !(place->info.flags & BPFDEV_CLOSED) &&
		    !is_of(place, conf))
			return false;
	}
	return true;
}

/* The union of what the open sessions may do; with none open, what the policy says of managers. */
static int compare_manager(const struct places *places, struct place *place, struct conf *conf,
			   const struct policy_subject *subject)
{
	struct policy_result result;
	int ret = enforce_manager_union(&places->user, &place->files, &place->why);

	place->united = ret > 0;
	if (ret > 0)
		place->named = are_of(places, conf);
	if (ret != 0)
		return ret < 0 ? ret : 0;
	ret = policy_decide(conf, &device_source_system, subject, &policy_manager_session, &result,
			    &place->why);
	place->files = result.table;
	place->named = place->files && table_digest(place->files) == place->info.table_digest;
	return ret;
}

/* Decides again what the place would get. The policy that place->conf points to is @again's. */
static void compare(const struct places *places, struct place *place,
		    const struct policy_subject *subject, struct again *again)
{
	bool job = place->manager || place->info.flags & BPFDEV_NO_LOGIN;
	const struct policy_session session = { place->info.service, place->info.tty,
						place->info.rhost, "",
						job ? POLICY_JOB : POLICY_LOGIN };
	struct bpfdev_info wanted = place->info;
	struct conf *conf;
	int ret = again_policy(again, &place->info, &conf, &place->why);

	if (ret == 0 && place->manager) {
		ret = compare_manager(places, place, conf, subject);
	} else if (ret == 0 && place->table) {
		place->changed = !is_of(place, conf);
		place->named = !place->changed;
		ret = again_decide(again, &wanted, &place->files, &place->why);
		subject = &again->subject;
	}
	if (ret == 0)
		ret = policy_survey(conf, subject, &session, &place->survey, &place->why);
	if (xcheck(ret) < 0)
		return;
	/* Whether a line of the policy names the user is no matter of the session. */
	if (place->manager || place->table || place->survey.kind == POLICY_NONE)
		place->conf = conf;
	else
		reason_set(&place->why, "the files have lines for the user, which bpfdev reload "
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
		const struct bpfdev_exception *exception = &place->info.exceptions[i];

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
		.until = lent ? end_of_exception(place, target, lent) : 0,
	};
}

/* Programs that cannot be listed are no reason to keep the verdict back. */
static bool find_programs(const struct places *places, struct place *place)
{
	char *path = xasprintf("%s/%s", places->user.slice, place->unit);
	struct reason why;
	int ret = xcheck(other_programs_find(path, places->root, &place->programs, &why));

	free(path);
	if (ret == 0 || ret == -ENOENT || ret == -ENODEV)
		return true;
	output_error("other device programs of %s: %s", place->unit, why.text);
	return false;
}

/* Says what there is to say of all places. Returns an exit status. */
static int tell(const struct explain *explain, struct places *places, struct again *again)
{
	bool json = explain->options.output.json, refused = false, failed = false;
	json_t *sessions = json_array(), *object;

	for (size_t i = 0; i < places->count; i++) {
		struct place *place = &places->items[i];

		if (place->error == 0) {
			compare(places, place, &explain->asked.subject, again);
			explain_targets(explain, place->table, place->files, &place->targets);
		}
		failed |= !find_programs(places, place) || place->error < 0;
		refused |= explain_any_refused(&place->targets, explain->access);
		if (json)
			row_append(sessions, place_json(explain, place));
		else
			place_print(explain, place);
	}
	object = explain_json_begin(explain, !refused);
	row_put(object, "sessions", sessions);
	if (!json)
		json_decref(object);
	else if (output_json(object) < 0)
		failed = true;
	return failed ? COMMAND_FAILED : refused ? COMMAND_NO : COMMAND_YES;
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
		explain->asked.conf = xcalloc(1, sizeof(*explain->asked.conf));
	return status == COMMAND_YES ? explain_resolve(explain, spec) : status;
}

int explain_sessions(struct explain *explain, const struct device_spec *spec)
{
	static const struct enforce_options options = { &conf_paths_system, &device_source_system,
							SESSION_LOCK_FOLDER };
	uid_t uid = explain->asked.subject.uid;
	struct places places = { .user = { .place = SESSION_NONE, .uid = uid },
				 .id = explain->session_id };
	struct again again = { .options = &options, .uid = uid };
	struct reason why;
	int status = resolve(explain, spec);

	if (status != COMMAND_YES)
		return status;
	if (find_places(&places, &why) < 0) {
		output_error("%s", why.text);
		status = COMMAND_FAILED;
	} else {
		status = places.count ? tell(explain, &places, &again) : nothing_open(explain);
	}
	places_free(&places);
	again_free(&again);
	return status;
}
