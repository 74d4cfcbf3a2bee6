// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The search as a whole: what is looked for in which order, and what was found. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "command/warnings/internal.h"

const char *warning_kind_name(enum warning_kind kind)
{
	static const char *const names[] = {
		[WARNING_SHADOWED] = "shadowed",   [WARNING_NO_USER] = "no-user",
		[WARNING_NO_GROUP] = "no-group",   [WARNING_NO_DRIVER] = "no-driver",
		[WARNING_NO_PATH] = "no-path",	   [WARNING_EMPTY_CLASS] = "empty-class",
		[WARNING_ONLY_DENY] = "only-deny", [WARNING_BASELINE] = "baseline",
		[WARNING_ROOT] = "root",	   [WARNING_SYSTEM] = "system-accounts",
		[WARNING_LOOKUP] = "lookup",
	};

	return names[kind];
}

int warnings_add(struct warnings_run *run, const struct conf_place *line, uint32_t column,
		 enum warning_kind kind, const char *format, ...)
{
	struct warnings *found = run->found;
	struct warning *grown =
		array_grow(found->items, found->count, &found->capacity, sizeof(*grown));
	char text[2 * sizeof(grown->what.text)];
	va_list args;

	if (!grown)
		return -ENOMEM;
	found->items = grown;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	grown += found->count++;
	*grown = (struct warning) { .place = { line->file, line->line, column }, .kind = kind };
	reason_set(&grown->what, "%s", text);
	return 0;
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
	return (left->kind > right->kind) - (left->kind < right->kind);
}

/* Each look is at all lines about one who; the later ones know what the earlier ones found dead. */
static int look(struct warnings_run *run)
{
	static int (*const looks[])(struct warnings_run *, struct warnings_who *) = {
		warnings_of_who,
		warnings_of_shadows,
		warnings_of_only_deny,
		warnings_of_baseline,
	};
	int ret = 0;

	for (size_t l = 0; l < sizeof(looks) / sizeof(looks[0]); l++)
		for (size_t i = 0; i < run->who_count && ret == 0; i++)
			ret = looks[l](run, &run->whos[i]);
	return ret;
}

static void free_run(struct warnings_run *run)
{
	for (size_t i = 0; i < run->subject_count; i++)
		policy_subject_free(&run->subjects[i]);
	free(run->subjects);
	free(run->lines);
	free(run->whos);
	free(run->wide);
	free(run->covering);
	free(run->dead);
	table_free(run->baseline);
	name_list_free(&run->users);
	name_list_free(&run->groups);
}

int warnings_find(const struct warnings_input *input, struct warnings *warnings, struct reason *why)
{
	struct warnings_run run = { .input = input, .found = warnings, .why = why };
	int ret;

	*warnings = (struct warnings) { 0 };
	run.dead = calloc(input->conf->statement_count + 1, sizeof(*run.dead));
	ret = run.dead ? warnings_of_devices(&run) : -ENOMEM;
	if (ret == 0)
		ret = warnings_survey(&run);
	if (ret == 0)
		ret = look(&run);
	if (ret == 0 && warnings->count)
		qsort(warnings->items, warnings->count, sizeof(*warnings->items), compare_warnings);
	if (ret == -ENOMEM)
		reason_set(why, "out of memory");
	free_run(&run);
	return ret;
}

void warnings_free(struct warnings *warnings)
{
	free(warnings->items);
	*warnings = (struct warnings) { 0 };
}
