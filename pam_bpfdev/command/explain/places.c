// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Finding and reading the filters of a user. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/explain/places.h"

#define PREFIX "session-"
#define SUFFIX ".scope"

struct search {
	struct places *places;
	const char *id; /* NULL: all sessions */
};

const char *place_id(const struct place *place, char *out)
{
	size_t length = strlen(place->unit), around = strlen(PREFIX) + strlen(SUFFIX);

	if (place->manager || length <= around)
		return NULL;
	snprintf(out, 128, "%.*s", (int)(length - around), place->unit + strlen(PREFIX));
	return out;
}

static void place_free(struct place *place)
{
	table_free(place->table);
	table_free(place->files);
	policy_survey_free(&place->survey);
}

void places_free(struct places *places)
{
	for (size_t i = 0; i < places->count; i++)
		place_free(&places->items[i]);
	free(places->items);
	free(places->root);
	session_free(&places->user);
	*places = (struct places) { 0 };
}

/* Sets info and table, or error. */
static void read_filter(struct place *place, const struct enforce_live *live)
{
	if (live->prog_fd < 0)
		return;
	place->error = filter_read(live->prog_fd, &place->info, &place->table, &place->why);
}

/* A filter of another version is one, too, but nothing is known of it. */
static int visit(const struct enforce_live *live, void *data)
{
	struct search *search = data;
	struct places *places = search->places;
	struct place place = { .manager = live->role == BPFDEV_MANAGER }, *grown;
	char id[128];

	snprintf(place.unit, sizeof(place.unit), "%s", live->unit);
	if (search->id && (!place_id(&place, id) || strcmp(id, search->id) != 0))
		return 0;
	read_filter(&place, live);
	grown = array_grow(places->items, places->count, &places->capacity, sizeof(*grown));
	if (!grown) {
		place_free(&place);
		return -ENOMEM;
	}
	places->items = grown;
	grown[places->count++] = place;
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

static int find_all(struct search *search, struct reason *why)
{
	struct places *places = search->places;
	int ret;

	if (asprintf(&places->user.slice, "%s/user.slice/user-%u.slice", places->root,
		     places->user.uid) < 0) {
		places->user.slice = NULL;
		return -ENOMEM;
	}
	ret = enforce_live_of(&places->user, visit, search, why);
	if (ret == 0 && places->count)
		qsort(places->items, places->count, sizeof(*places->items), compare_places);
	return ret;
}

int places_find(uid_t uid, const char *id, struct places *places, struct reason *why)
{
	struct search search = { places, id };
	int ret;

	*places = (struct places) { .user = { .place = SESSION_NONE, .uid = uid } };
	ret = session_find_root(&places->root, why);
	if (ret == 0)
		ret = find_all(&search, why);
	if (ret == -ENOMEM)
		reason_set(why, "out of memory");
	if (ret < 0)
		places_free(places);
	return ret;
}
