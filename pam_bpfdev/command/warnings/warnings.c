// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The search as a whole: which lines are about the same users, what is looked for in which order,
 * and what was found.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/warnings/internal.h"

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_who(const struct conf_who *a, const struct conf_who *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (order == 0 && a->name)
		order = strcmp(a->name, b->name);
	if (order == 0)
		order = compare_numbers(a->low, b->low);
	return order ? order : compare_numbers(a->high, b->high);
}

static int compare_lines(const void *a, const void *b)
{
	const struct warnings_line *left = a, *right = b;
	int order = compare_who(&left->who, &right->who);

	return order ? order : compare_numbers(left->statement, right->statement);
}

/* How many of the lines, the first one at least, are about the same. */
static size_t count_same(const struct warnings_line *lines, size_t count)
{
	size_t n = 1;

	while (n < count && compare_who(&lines[0].who, &lines[n].who) == 0)
		n++;
	return n;
}

/* As policy_rank() ranks those whom such a line names. */
static enum table_rank rank_of(const struct conf_who *who)
{
	if (who->kind == CONF_USER || who->kind == CONF_UID)
		return TABLE_USER;
	return who->kind == CONF_ANYONE ? TABLE_ANYONE : TABLE_GROUP;
}

/* "1000:", or wider: whoever a group, a range or "*" can name at all. */
static bool is_every_regular(const struct warnings_run *run, const struct conf_who *who)
{
	return who->kind == CONF_UID_RANGE && who->low <= run->input->accounts->uid_min &&
	       who->high == UINT32_MAX - 1;
}

/* Ranges of a single number hold only what is written in the same way by now. */
static bool is_wide(const struct conf_who *who)
{
	return (who->kind == CONF_UID_RANGE || who->kind == CONF_GID_RANGE) && who->low < who->high;
}

bool warnings_is_unconditional(const struct conf_statement *statement)
{
	const struct conf_when *when = &statement->when;

	return when->origin == CONF_ORIGIN_ANY && !when->service && !when->tty;
}

static void note_verbs(const struct warnings_run *run, struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++) {
		const struct conf_statement *line =
			warnings_statement(run, who->lines[i].statement);

		if (line->verb == CONF_ALLOW)
			who->allows = true;
		if (line->verb == CONF_EXEMPT)
			who->exempts = true;
		if (line->verb == CONF_EXEMPT && warnings_is_unconditional(line))
			who->exempts_always = true;
	}
}

static void add_wide(struct warnings_run *run, const struct warnings_who *who)
{
	bool uids = who->who->kind == CONF_UID_RANGE;

	if (is_every_regular(run, who->who))
		run->every[run->every_count++] = who;
	ranges_add(uids ? &run->wide_uids : &run->wide_gids,
		   &(struct range) { who->who->low, who->who->high, who });
}

static void group_lines(struct warnings_run *run, size_t count)
{
	for (size_t i = 0, n; i < count; i += n) {
		struct warnings_who *who = &run->whos[run->who_count++];

		n = count_same(&run->lines[i], count - i);
		*who = (struct warnings_who) {
			.who = &run->lines[i].who,
			.state = run->lines[i].state,
			.rank = rank_of(&run->lines[i].who),
			.lines = &run->lines[i],
			.count = n,
		};
		note_verbs(run, who);
		if (is_wide(who->who))
			add_wide(run, who);
	}
	ranges_ready(&run->wide_uids);
	ranges_ready(&run->wide_gids);
}

void warnings_survey(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;
	size_t count = conf->statement_count;

	run->lines = xcalloc(count + 1, sizeof(*run->lines));
	run->whos = xcalloc(count + 1, sizeof(*run->whos));
	run->every = xcalloc(count + 1, sizeof(struct warnings_who *));
	run->covering = xcalloc(count + 1, sizeof(struct warnings_who *));
	for (size_t i = 0; i < count; i++)
		run->lines[i] = (struct warnings_line) { .who = conf->statements[i].who,
							 .statement = (uint32_t)i };
	qsort(run->lines, count, sizeof(*run->lines), compare_lines);
	for (size_t i = 0, n; i < count; i += n) {
		n = count_same(&run->lines[i], count - i);
		warnings_look_up(run, &run->lines[i], n);
	}
	/* Now "@students" and "@:2000" are the same. */
	qsort(run->lines, count, sizeof(*run->lines), compare_lines);
	group_lines(run, count);
}

static const struct warnings_who *find_who(const struct warnings_run *run,
					   const struct conf_who *wanted)
{
	size_t low = 0, high = run->who_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_who(wanted, run->whos[middle].who);

		if (order == 0)
			return &run->whos[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct warnings_who *warnings_find_uid(const struct warnings_run *run, uint32_t uid)
{
	return find_who(run, &(struct conf_who) { .kind = CONF_UID, .low = uid, .high = uid });
}

const struct warnings_who *warnings_find_unknown(const struct warnings_run *run, const char *name)
{
	return find_who(run, &(struct conf_who) { .kind = CONF_USER, .name = name });
}

/* Adds the ranges to @count that are there, in the order of run->whos. Returns how many there are. */
static size_t cover_by_ranges(struct warnings_run *run, const struct warnings_who *who,
			      size_t count)
{
	const struct conf_who *narrow = who->who;
	const struct ranges *ranges =
		narrow->kind == CONF_UID_RANGE ? &run->wide_uids : &run->wide_gids;
	size_t every = 0, at = RANGES_NONE;

	if (narrow->kind == CONF_UID_RANGE || narrow->kind == CONF_GID_RANGE)
		at = ranges_next(ranges, 0, narrow->low, narrow->high);
	while (every < run->every_count || at != RANGES_NONE) {
		const struct warnings_who *range = at == RANGES_NONE ? NULL : ranges->items[at].who;
		const struct warnings_who *next = range;

		if (!range || (every < run->every_count && run->every[every] < range))
			next = run->every[every];
		every += every < run->every_count && next == run->every[every];
		if (next == range)
			at = ranges_next(ranges, at + 1, narrow->low, narrow->high);
		if (next != who)
			run->covering[count++] = next;
	}
	return count;
}

size_t warnings_cover(struct warnings_run *run, const struct warnings_who *who)
{
	const struct warnings_who *by_uid = NULL;
	size_t count = 0;

	run->covering[count++] = who;
	/* The other way round is not certain: several names may share a uid. */
	if (who->who->kind == CONF_USER && who->state == NAME_KNOWN)
		by_uid = warnings_find_uid(run, who->who->low);
	if (by_uid)
		run->covering[count++] = by_uid;
	if (who->rank == TABLE_USER)
		return count;
	return cover_by_ranges(run, who, count);
}

/* Whether what the globs @narrow match, the globs @wide (NULL: everything) do too. */
static bool holds_globs(const char *wide, const char *narrow)
{
	return !wide || (narrow && strcmp(wide, narrow) == 0);
}

bool warnings_implies_in_session(const struct conf_statement *when,
				 const struct conf_statement *then)
{
	return (then->when.origin == CONF_ORIGIN_ANY || then->when.origin == when->when.origin) &&
	       holds_globs(then->when.service, when->when.service) &&
	       holds_globs(then->when.tty, when->when.tty);
}

bool warnings_implies(const struct conf_statement *when, const struct conf_statement *then)
{
	if (!warnings_implies_in_session(when, then))
		return false;
	if (then->verb == CONF_DENY || warnings_is_unconditional(then))
		return true;
	/* Without a session, other conditional lines count only if they name the service. */
	return when->verb != CONF_DENY && (!when->when.service || then->when.service);
}

const char *warning_kind_name(enum warning_kind kind)
{
	static const char *const names[] = {
		[WARNING_SHADOWED] = "shadowed",
		[WARNING_NO_USER] = "no-user",
		[WARNING_NO_GROUP] = "no-group",
		[WARNING_NO_DRIVER] = "no-driver",
		[WARNING_NO_PATH] = "no-path",
		[WARNING_EMPTY_CLASS] = "empty-class",
		[WARNING_ONLY_DENY] = "only-deny",
		[WARNING_BASELINE] = "baseline",
		[WARNING_ROOT] = "root",
		[WARNING_SYSTEM] = "system-accounts",
		[WARNING_LOOKUP] = "lookup",
		[WARNING_NO_TTY] = "no-tty",
		[WARNING_NO_SERVICE] = "no-service",
		[WARNING_OUTRANKS] = "outranks",
		[WARNING_NO_RESET] = "no-reset",
		[WARNING_UNANNOUNCED] = "unannounced",
		[WARNING_NO_RULES] = "no-rules",
		[WARNING_UNREAD] = "unread",

	};

	return names[kind];
}

void warnings_add(struct warnings_run *run, const struct conf_place *line, uint32_t column,
		  enum warning_kind kind, const char *format, ...)
{
	struct warning *warning = xappend(run->found);
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	*warning = (struct warning) { .place = { line->file, line->line, column }, .kind = kind };
	reason_set(&warning->what, "%s", text);
	free(text);
}

const char *warnings_place(const struct warnings_run *run, const struct conf_place *here,
			   uint32_t statement, char *out)
{
	const struct conf_statement *there = warnings_statement(run, statement);

	if (there->place.file != here->file)
		return lines_place(run->input->conf, there, out);
	snprintf(out, LINES_PLACE_SIZE, "line %u", there->place.line);
	return out;
}

static int compare_warnings(const void *a, const void *b)
{
	const struct warning *left = a, *right = b;

	if (left->place.file != right->place.file)
		return left->place.file < right->place.file ? -1 : 1;
	if (left->place.line != right->place.line)
		return left->place.line < right->place.line ? -1 : 1;
	if (left->place.column != right->place.column)
		return left->place.column < right->place.column ? -1 : 1;
	if (left->path && right->path)
		return strcmp(left->path, right->path);
	return (left->kind > right->kind) - (left->kind < right->kind);
}

static void free_run(struct warnings_run *run)
{
	for (size_t i = 0; i < run->subject_count; i++)
		policy_subject_free(&run->subjects[i].subject);
	free(run->subjects);
	free(run->lines);
	free(run->whos);
	free(run->every);
	ranges_free(&run->wide_uids);
	ranges_free(&run->wide_gids);
	reach_free(&run->allowing);
	reach_free(&run->exempting);
	reach_free(&run->exempting_always);
	free(run->covering);
	free(run->dead);
	free(run->denials);
	for (size_t i = 0; i < run->input->conf->statement_count; i++)
		device_patterns_free(&run->resolved[i]);
	free(run->resolved);
	free(run->is_resolved);
	table_free(run->baseline);
	name_list_free(&run->users);
	name_list_free(&run->groups);
}

int warnings_find(const struct warnings_input *input, struct warnings *warnings, struct reason *why)
{
	/* Each looks at all lines about one who; the later ones know what the earlier found dead. */
	static void (*const looks[])(struct warnings_run *, struct warnings_who *) = {
		warnings_of_who,	 warnings_of_shadows,	warnings_of_only_deny,
		warnings_of_baseline,	 warnings_of_outranked, warnings_of_resets,
		warnings_of_unannounced,
	};
	/* What is on the machine is looked at once. */
	struct device_cache cache = { 0 }, certain = { 0 };
	struct device_source devices = *input->devices;
	struct warnings_input cached = *input;
	struct warnings_run run = {
		.input = &cached,
		.found = warnings,
		.why = why,
		.certain = { .proc_devices = "/dev/null", .dev = "/dev", .cache = &certain },
	};
	int ret;

	*warnings = (struct warnings) { 0 };
	devices.cache = &cache;
	cached.devices = &devices;
	run.dead = xcalloc(input->conf->statement_count + 1, sizeof(*run.dead));
	run.resolved = xcalloc(input->conf->statement_count + 1, sizeof(*run.resolved));
	run.is_resolved = xcalloc(input->conf->statement_count + 1, sizeof(*run.is_resolved));
	ret = warnings_of_devices(&run);
	if (ret == 0) {
		warnings_survey(&run);
		warnings_of_services(&run);
		warnings_of_terminals(&run);
		warnings_of_files(&run);
		for (size_t l = 0; l < sizeof(looks) / sizeof(looks[0]); l++)
			for (size_t i = 0; i < run.who_count; i++)
				looks[l](&run, &run.whos[i]);
	}
	if (ret == 0 && warnings->count)
		qsort(warnings->items, warnings->count, sizeof(*warnings->items), compare_warnings);
	free_run(&run);
	device_cache_free(&cache);
	device_cache_free(&certain);
	return ret;
}

void warnings_free(struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++)
		free(warnings->items[i].path);
	free(warnings->items);
	*warnings = (struct warnings) { 0 };
}
