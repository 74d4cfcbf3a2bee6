// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev suggest prints: a part of a policy, ready to be pasted, also on a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/suggest/suggest.h"

#define COLUMNS 100

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
	bool *denies = xcalloc(suggestion->request.conf->statement_count + 1, sizeof(*denies));

	for (size_t i = 0; i < count; i++)
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

/*
 * Who asked for the devices of @wishes, and how often: "alice 3 times and bob once, last 2026-11-22
 * 05:10: cheese". To be freed.
 */
static char *write_asked(const struct suggestion *suggestion,
			 const struct suggest_wish *const *wishes, size_t count)
{
	const struct suggest_request *request = &suggestion->request;
	struct tallies users = { xcalloc(request->user_count + 1, sizeof(*users.items)), 0 };
	struct tallies programs = { xcalloc(request->use_count + 1, sizeof(*programs.items)), 0 };
	uint64_t last = 0;
	char *text, time[32];
	size_t size;
	FILE *stream = xneed(open_memstream(&text, &size));

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < wishes[i]->use_count; j++)
			take_use(request, &request->uses[wishes[i]->first_use + j], &users,
				 &programs, &last);
	sort_tallies(&users);
	sort_tallies(&programs);
	write_users(stream, &users);
	fprintf(stream, ", last %s", output_time(last, time));
	write_programs(stream, &programs);
	free(users.items);
	free(programs.items);
	if (fclose(stream) != 0)
		memory_exhausted();
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

/* The devices of @wishes: "/dev/video0, /dev/video1 and 3 more". To be freed. */
static char *write_names(const struct suggestion *suggestion,
			 const struct suggest_wish *const *wishes, size_t count)
{
	size_t devices = suggest_count_devices(wishes, count), named = 0, size,
	       shown = devices < NAMED_MAX ? devices : NAMED_MAX;
	char *text;
	FILE *stream = xneed(open_memstream(&text, &size));

	for (size_t i = 0; i < count && named < shown; i++) {
		if (is_named_before(wishes, i))
			continue;
		fputs(separator(named++, shown, devices), stream);
		write_name(stream, suggestion, &wishes[i]->device);
	}
	write_more(stream, shown, devices);
	if (fclose(stream) != 0)
		memory_exhausted();
	return text;
}

#define PORTABLE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* The name of a file, without ".conf". */
static const char *file_name(const struct suggestion *suggestion)
{
	const struct suggest_request *request = &suggestion->request;
	const char *name = "suggested";

	if (request->who)
		name = request->who + (*request->who == '@');
	else if (request->user_count == 1)
		name = request->users[0].subject.name;
	if (!*name || strspn(name, PORTABLE) != strlen(name) || strchr(".-", *name))
		return "suggested";
	return name;
}

/* Among equals the last line read decides, so these had better be the last. */
static bool is_last(const struct suggestion *suggestion, const char *path)
{
	const struct conf *conf = suggestion->request.conf;
	size_t folder = strlen(suggestion->options.paths.dropins);

	for (size_t i = 0; i < conf->file_count; i++)
		if (strncmp(conf->files[i].path, path, folder) == 0 &&
		    strcmp(conf->files[i].path, path) > 0)
			return false;
	return true;
}

char *suggest_file(const struct suggestion *suggestion, char *out)
{
	const char *folder = suggestion->options.paths.dropins, *name = file_name(suggestion);

	if (!folder) {
		snprintf(out, SUGGEST_FILE_SIZE, "%s", suggestion->options.paths.main);
		return out;
	}
	snprintf(out, SUGGEST_FILE_SIZE, "%s/%s.conf", folder, name);
	if (!is_last(suggestion, out))
		snprintf(out, SUGGEST_FILE_SIZE, "%s/zz-%s.conf", folder, name);
	return out;
}

bool suggest_is_audit(const struct suggestion *suggestion, size_t statement)
{
	const struct suggest_request *request = &suggestion->request;

	if (request->conf->statements[statement].verb != CONF_AUDIT)
		return false;
	for (size_t i = 0; i < request->user_count; i++)
		if (request->users[i].survey.lines[statement].rank != TABLE_BASELINE)
			return true;
	return false;
}

static void print_unit(const struct machine_unit *unit)
{
	const struct bpfdev_info *info = &unit->info;
	char id[UNIT_ID_SIZE], time[32];

	output_time(info->opened, time);
	if (unit->unit.role == BPFDEV_MANAGER)
		output_line("#   the manager of %s, since %s", unit->unit.user, time);
	else
		output_line("#   session %s of %s, by %s%s%s, since %s", unit_id(&unit->unit, id),
			    unit->unit.user, info->service, *info->rhost ? " from " : "",
			    info->rhost, time);
}

static void print_audit(const struct suggestion *suggestion)
{
	const struct conf *conf = suggestion->request.conf;
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < conf->statement_count; i++) {
		if (!suggest_is_audit(suggestion, i))
			continue;
		if (!any)
			output_line("# Before the last one, take out what lets everything pass:");
		output_line("#   %s: %s", lines_place(conf, &conf->statements[i], place),
			    conf_describe_statement(&conf->statements[i], text, sizeof(text)));
		any = true;
	}
}

/*
 * The commands have no "bpfdev suggest >>FILE" among them: that would add what was denied since, which
 * nobody has read.
 */
static void print_way_on(const struct suggestion *suggestion)
{
	const char *conf =
		suggestion->options.paths.dropins ? NULL : suggestion->options.paths.main;
	char file[SUGGEST_FILE_SIZE];

	output_line("# To have this allowed, as you read it (asked again, there may be more):");
	output_line("#   add it to %s", suggest_file(suggestion, file));
	output_line("#   bpfdev check%s%s", conf ? " --conf=" : "", conf ? conf : "");
	output_line("#   bpfdev reload");
	print_audit(suggestion);
}

/*
 * With --who: lines are for all whom it names, of whom most have perhaps no session now; and they are
 * not for others, although what those were denied is in them.
 */
static void print_others(const struct suggestion *suggestion)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct suggest_request *request = &suggestion->request;

	if (suggest->line_count)
		output_line("# Whomever %s names may use what lines allow, and no more: also those "
			    "who have no rules now",
			    request->who);
	for (size_t i = 0; i < request->user_count; i++)
		if (suggest->whos[0].ranks[i] == TABLE_BASELINE)
			output_line("# Lines for %s are not for %s, who was denied a part of this",
				    request->who, request->users[i].subject.name);
}

static void print_head(const struct suggestion *suggestion)
{
	const struct suggest_request *request = &suggestion->request;

	output_line("# Suggested by bpfdev from what was denied, or passed for audit only, in");
	for (size_t i = 0; i < suggestion->unit_count; i++)
		print_unit(suggestion->units[i]);
	if (suggestion->suggest.line_count)
		print_way_on(suggestion);
	/* What the policy has for all of them is better than a line for each. */
	if (!request->who && request->user_count > 1)
		output_line(
			"# For more than one user, such as a group: bpfdev suggest --who=@GROUP");
	if (request->who)
		print_others(suggestion);
	if (suggestion->machine.lost)
		output_line("# %llu questions more were of other kinds than the filters have room "
			    "for: ask again when these lines are in force.",
			    (unsigned long long)suggestion->machine.lost);
}

/* "# BEFORE FILE:LINE BEHIND: TEXT" */
static void print_statement(const struct conf *conf, const char *before,
			    const struct conf_statement *statement, const char *behind)
{
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	output_line("# %s%s%s: %s", before, lines_place(conf, statement, place), behind,
		    conf_describe_statement(statement, text, sizeof(text)));
}

/* @what: a line, or what is not suggested. */
static void print_asked(const struct suggestion *suggestion, const char *what,
			const struct suggest_wish *const *wishes, size_t count)
{
	char *names = write_names(suggestion, wishes, count);
	char *asked = write_asked(suggestion, wishes, count);

	if (strlen(names) + strlen(what) + strlen(asked) + strlen("# : ") <= COLUMNS) {
		output_line("# %s%s: %s", names, what, asked);
	} else {
		output_line("# %s%s:", names, what);
		output_line("#   %s", asked);
	}
	free(names);
	free(asked);
}

/* Each line of the policy once, whichever of the wishes it stands against. */
static void print_deniers(const struct suggestion *suggestion,
			  const struct suggest_wish *const *wishes, size_t count)
{
	const struct conf *conf = suggestion->request.conf;
	bool *denies = suggest_denying(suggestion, wishes, count);

	for (size_t i = 0; i < conf->statement_count; i++)
		if (denies[i])
			print_statement(conf, "denied by ", &conf->statements[i],
					", which this line outweighs");
	free(denies);
}

/* @used: how many of its devices were asked for. */
static void print_allow(const struct suggest *suggest, const struct suggest_line *line, size_t used)
{
	const struct suggest_target *target = &suggest->targets[line->target];
	const char *who = suggest->whos[line->who].text;
	char device[SUGGEST_DEVICE_SIZE], letters[4];

	if (target->devices > used)
		output_line("# %zu of the %zu devices that %s stands for here", used,
			    target->devices, target->text);
	/* What the first line for somebody does beside what it says. */
	if ((line == suggest->lines || line[-1].who != line->who) &&
	    suggest_restricts(suggest, line->who))
		output_line("# WARNING: some sessions of %s have no rules now, as conditions of "
			    "lines do not hold there; with a line for %s, all have",
			    who, who);
	if (line->warning)
		output_line("# WARNING: %s", line->warning);
	output_line("%-13s %-8s %-28s %s", who, "allow", suggest_device(suggest, line, device),
		    output_letters(line->access, letters));
}

static void print_blocked(const struct suggestion *suggestion, const struct suggest_wish *wish)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct conf *conf = suggestion->request.conf;
	const struct conf_statement *line = lines_find(conf, wish->source);
	char letters[4], what[8];

	snprintf(what, sizeof(what), " %s", output_letters(wish->access, letters));
	output_line("%s", "");
	print_asked(suggestion, what, &wish, 1);
	if (line) {
		print_statement(conf, "denied by ", line, "");
		output_line("# No line for %s outweighs that: remove it, if it is not meant",
			    suggest->whos[wish->who].text);
	} else {
		output_line("# No line for %s would allow it", suggest->whos[wish->who].text);
	}
}

static void print_lines(const struct suggestion *suggestion)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct suggest_wish **wishes = xcalloc(suggest->wish_count + 1, sizeof(void *));

	if (suggest->line_count) {
		output_line("#");
		output_line("# %-11s %-8s %-28s %s", "who", "verb", "device", "access");
	}
	for (size_t i = 0; i < suggest->line_count; i++) {
		const struct suggest_line *line = &suggest->lines[i];
		size_t count = suggest_wishes_of(suggestion, line, wishes);

		output_line("%s", "");
		print_asked(suggestion, "", wishes, count);
		print_deniers(suggestion, wishes, count);
		print_allow(suggest, line, suggest_count_devices(wishes, count));
	}
	for (size_t i = 0; i < suggest->wish_count; i++)
		if (suggest->wishes[i].blocked)
			print_blocked(suggestion, &suggest->wishes[i]);
	free(wishes);
}

/* Sessions and managers with rules, of those that were asked about. */
static size_t count_filtered(const struct machine *machine)
{
	size_t count = 0;

	for (size_t i = 0; i < machine->unit_count; i++)
		count += machine->units[i].wanted && machine->units[i].filters > 0;
	return count;
}

/* A comment, so that this, too, is a part of a policy. */
static void print_nothing(const struct suggestion *suggestion)
{
	const char *wanted = suggestion->wanted;
	size_t allowed = suggestion->suggest.allowed;

	if (allowed)
		output_line("# All of it (%zu device%s) is allowed by the policy as it is now: "
			    "nothing to suggest",
			    allowed, allowed == 1 ? "" : "s");
	else if (suggestion->machine.denial_count)
		output_line("# What was denied is left out, as was said: nothing to suggest");
	else if (count_filtered(&suggestion->machine))
		output_line("# Nothing was denied%s%s: nothing to suggest", wanted ? " to " : "",
			    wanted ? wanted : "");
	else
		output_line("# No session%s%s has device rules: nothing to suggest",
			    wanted ? " of " : "", wanted ? wanted : "");
}

int suggest_print(const struct suggestion *suggestion)
{
	if (suggestion->unit_count)
		print_head(suggestion);
	if (!suggestion->suggest.wish_count)
		print_nothing(suggestion);
	print_lines(suggestion);
	return 0;
}
