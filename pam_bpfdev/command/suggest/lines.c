// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Wishes that one line can grant become that line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest/plan.h"

static size_t target_of(const struct suggest_wish *wish)
{
	return wish->ladder[wish->rung];
}

/*
 * Those of one line side by side, the lines as a reader would look for them: by who, then by
 * device, numbers in it by their value. Blocked ones come last.
 */
static int compare_wishes(const void *left, const void *right, void *data)
{
	const struct suggest_wish *a = *(struct suggest_wish *const *)left;
	const struct suggest_wish *b = *(struct suggest_wish *const *)right;
	const struct suggest *suggest = data;
	int order = a->blocked - b->blocked;

	if (order == 0)
		order = strcmp(suggest->whos[a->who].text, suggest->whos[b->who].text);
	if (order == 0)
		order = strverscmp(suggest->targets[target_of(a)].text,
				   suggest->targets[target_of(b)].text);
	return order ? order : (a > b) - (a < b);
}

/*
 * Whether the wish is for the same, or for numbers that go on where the line ends, which is no
 * longer than a policy may have it.
 */
static bool fits(const struct suggest *suggest, const struct suggest_line *line,
		 const struct suggest_wish *wish)
{
	const struct device_spec *a = &suggest->targets[line->target].spec;
	const struct device_spec *b = &suggest->targets[target_of(wish)].spec;

	if (line->who != wish->who)
		return false;
	if (line->target == target_of(wish))
		return true;
	return line->access == wish->access && a->kind == DEVICE_NUMBERS &&
	       b->kind == DEVICE_NUMBERS && a->block == b->block && a->major.low == b->major.low &&
	       a->minor.low + line->range + 1 == b->minor.low &&
	       line->range + 1 < DEVICE_PATTERNS_MAX;
}

static void add_wish(struct suggest *suggest, struct suggest_wish *wish)
{
	struct suggest_line *line = &suggest->lines[suggest->line_count];
	bool hidden;
	const char *risk = suggest_risk(suggest->request->names, &wish->device, &hidden);

	if (suggest->line_count && fits(suggest, &line[-1], wish))
		line--;
	else
		suggest->lines[suggest->line_count++] =
			(struct suggest_line) { .who = wish->who, .target = target_of(wish) };
	line->range += line->target != target_of(wish);
	line->access |= wish->access;
	if (risk)
		line->warning = risk;
	wish->line = suggest->line_count - 1;
}

int suggest_lines_make(struct suggest *suggest)
{
	struct suggest_wish **wishes = calloc(suggest->wish_count + 1, sizeof(void *));

	free(suggest->lines);
	suggest->line_count = 0;
	suggest->lines = calloc(suggest->wish_count + 1, sizeof(*suggest->lines));
	if (!wishes || !suggest->lines) {
		free(wishes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < suggest->wish_count; i++)
		wishes[i] = &suggest->wishes[i];
	if (suggest->wish_count)
		qsort_r(wishes, suggest->wish_count, sizeof(void *), compare_wishes, suggest);
	for (size_t i = 0; i < suggest->wish_count && !wishes[i]->blocked; i++)
		add_wish(suggest, wishes[i]);
	free(wishes);
	return 0;
}

char *suggest_device(const struct suggest *suggest, const struct suggest_line *line, char *out)
{
	const struct suggest_target *target = &suggest->targets[line->target];

	if (line->range)
		snprintf(out, SUGGEST_DEVICE_SIZE, "%s-%u", target->text,
			 target->spec.minor.low + line->range);
	else
		snprintf(out, SUGGEST_DEVICE_SIZE, "%s", target->text);
	return out;
}
