// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Wishes in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest/print.h"

/* So many are named, then only counted. */
#define NAMED_MAX 4

size_t suggest_wishes_of(const struct suggestion *suggestion, const struct suggest_line *line,
			 const struct suggest_wish **wishes)
{
	const struct suggest *suggest = &suggestion->suggest;
	size_t count = 0;

	for (size_t i = 0; i < suggest->wish_count; i++) {
		const struct suggest_wish *wish = &suggest->wishes[i];

		if (!wish->blocked && line == &suggest->lines[wish->line])
			wishes[count++] = wish;
	}
	return count;
}

bool *suggest_denying(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		      size_t count)
{
	bool *denies = calloc(suggestion->request.conf->statement_count + 1, sizeof(*denies));

	for (size_t i = 0; denies && i < count; i++)
		suggest_deniers(&suggestion->suggest, wishes[i], denies);
	return denies;
}

/* What several wishes of a line have in common is named once. */
struct tally {
	const char *name;
	uint64_t count;
};

struct tallies {
	struct tally *items;
	size_t count;
};

static void tally(struct tallies *tallies, const char *name, uint64_t count)
{
	for (size_t i = 0; i < tallies->count; i++) {
		if (strcmp(tallies->items[i].name, name) == 0) {
			tallies->items[i].count += count;
			return;
		}
	}
	tallies->items[tallies->count++] = (struct tally) { name, count };
}

/* Most often first. */
static int compare_tallies(const void *left, const void *right)
{
	const struct tally *a = left, *b = right;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void sort_tallies(struct tallies *tallies)
{
	if (tallies->count)
		qsort(tallies->items, tallies->count, sizeof(*tallies->items), compare_tallies);
}

/* What stands before the item at @i of @count, of which @shown are shown. */
static const char *separator(size_t i, size_t shown, size_t count)
{
	if (!i)
		return "";
	return i + 1 == shown && shown == count ? " and " : ", ";
}

static void write_more(FILE *stream, size_t shown, size_t count)
{
	if (count > shown)
		fprintf(stream, " and %zu more", count - shown);
}

static void write_users(FILE *stream, const struct tallies *users)
{
	size_t shown = users->count < NAMED_MAX ? users->count : NAMED_MAX;

	for (size_t i = 0; i < shown; i++) {
		const struct tally *user = &users->items[i];

		fprintf(stream, "%s%s ", separator(i, shown, users->count), user->name);
		if (user->count == 1)
			fputs("once", stream);
		else
			fprintf(stream, "%llu times", (unsigned long long)user->count);
	}
	write_more(stream, shown, users->count);
}

static void write_programs(FILE *stream, const struct tallies *programs)
{
	size_t shown = programs->count < NAMED_MAX ? programs->count : NAMED_MAX;

	for (size_t i = 0; i < shown; i++)
		fprintf(stream, "%s%s", i ? separator(i, shown, programs->count) : ": ",
			programs->items[i].name);
	write_more(stream, shown, programs->count);
}

static void take_use(const struct suggest_request *request, const struct suggest_use *use,
		     struct tallies *users, struct tallies *programs, uint64_t *last)
{
	const struct suggest_login *login = &request->logins[use->login];

	tally(users, request->users[login->user].subject.name, use->count);
	if (*use->comm)
		tally(programs, use->comm, use->count);
	if (use->last > *last)
		*last = use->last;
}

static char *describe(struct tallies *users, struct tallies *programs, uint64_t last)
{
	char *text = NULL, time[32];
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	sort_tallies(users);
	sort_tallies(programs);
	write_users(stream, users);
	fprintf(stream, ", last %s", output_time(last, time));
	write_programs(stream, programs);
	return fclose(stream) == 0 ? text : NULL;
}

char *suggest_asked(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		    size_t count)
{
	const struct suggest_request *request = &suggestion->request;
	struct tallies users = { calloc(request->user_count + 1, sizeof(*users.items)), 0 };
	struct tallies programs = { calloc(request->use_count + 1, sizeof(*programs.items)), 0 };
	uint64_t last = 0;
	char *text = NULL;

	for (size_t i = 0; users.items && programs.items && i < count; i++)
		for (size_t j = 0; j < wishes[i]->use_count; j++)
			take_use(request, &request->uses[wishes[i]->first_use + j], &users,
				 &programs, &last);
	if (users.items && programs.items)
		text = describe(&users, &programs, last);
	free(users.items);
	free(programs.items);
	return text;
}

/* The path; or, of a device that has none, the numbers. */
static void write_name(FILE *stream, const struct suggestion *suggestion,
		       const struct bpfdev_key *device)
{
	char path[NAMES_PATH_SIZE], numbers[NAMES_NUMBERS_SIZE];

	if (names_path(suggestion->machine.names, device->type, device->major, device->minor, path))
		fputs(path, stream);
	else
		fputs(names_numbers(device->type, device->major, device->minor, numbers), stream);
}

static bool is_named_before(const struct suggest_wish *const *wishes, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (memcmp(&wishes[j]->device, &wishes[i]->device, sizeof(wishes[i]->device)) == 0)
			return true;
	return false;
}

/* Several users may have asked for the same one. */
size_t suggest_count_devices(const struct suggest_wish *const *wishes, size_t count)
{
	size_t devices = 0;

	for (size_t i = 0; i < count; i++)
		devices += !is_named_before(wishes, i);
	return devices;
}

char *suggest_names(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		    size_t count)
{
	size_t devices = suggest_count_devices(wishes, count), named = 0, size,
	       shown = devices < NAMED_MAX ? devices : NAMED_MAX;
	char *text = NULL;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < count && named < shown; i++) {
		if (is_named_before(wishes, i))
			continue;
		fputs(separator(named++, shown, devices), stream);
		write_name(stream, suggestion, &wishes[i]->device);
	}
	write_more(stream, shown, devices);
	return fclose(stream) == 0 ? text : NULL;
}
