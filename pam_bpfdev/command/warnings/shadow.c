// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Lines that never decide anything, whoever logs in from wherever. */
#include <errno.h>

#include "command/warnings/shadow.h"

#define NONE UINT32_MAX

static const struct conf_statement *line_of(const struct warnings_run *run,
					    const struct warnings_who *who, size_t i)
{
	return warnings_statement(run, who->lines[i].statement);
}

/* The first line of @who that exempts always, or NONE. */
static uint32_t find_exempt(const struct warnings_run *run, const struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++)
		if (line_of(run, who, i)->verb == CONF_EXEMPT &&
		    warnings_is_unconditional(line_of(run, who, i)))
			return who->lines[i].statement;
	return NONE;
}

static int warn_exempted(struct warnings_run *run, const struct warnings_who *who, uint32_t exempt)
{
	char place[LINES_PLACE_SIZE];
	int ret = 0;

	for (size_t i = 0; i < who->count && ret == 0; i++) {
		const struct conf_statement *line = line_of(run, who, i);

		if (who->lines[i].statement == exempt)
			continue;
		run->dead[who->lines[i].statement] = true;
		ret = warnings_add(
			run, &line->place, line->place.column, WARNING_SHADOWED,
			"this line never counts: %s exempts the same users; expected one "
			"of the two, or a condition on the exempt line",
			warnings_place(run, &line->place, exempt, place));
	}
	return ret;
}

static int warn_covered(struct warnings_run *run, const struct suspect *suspect)
{
	const struct conf_place *here = &suspect->line->place;
	const char *how =
		suspect->first_by > suspect->statement ? "comes later" : "is more specific";
	char place[LINES_PLACE_SIZE];

	run->dead[suspect->statement] = true;
	warnings_place(run, here, suspect->last_by, place);
	if (suspect->first_by == suspect->last_by)
		return warnings_add(run, here, here->column, WARNING_SHADOWED,
				    "this line never decides: %s covers all of it and %s; expected "
				    "one of the two, or a more specific device here",
				    place, how);
	return warnings_add(
		run, here, here->column, WARNING_SHADOWED,
		"this line never decides: other lines, the last of them %s, cover all of "
		"it together; expected it to be left out, or a more specific device here",
		place);
}

static int look_at_rules(struct warnings_run *run, const struct warnings_who *who, size_t count)
{
	struct shadow shadow = { .run = run };
	int ret = shadow_build(&shadow, run->covering, count);

	for (size_t i = 0; i < who->count && ret == 0; i++) {
		struct suspect suspect = { .line = line_of(run, who, i),
					   .statement = who->lines[i].statement };

		if (suspect.line->verb != CONF_ALLOW && suspect.line->verb != CONF_DENY)
			continue;
		ret = shadow_is_covered(&shadow, &suspect);
		if (ret == 1)
			ret = warn_covered(run, &suspect);
	}
	shadow_free(&shadow);
	return ret == -E2BIG ? 0 : ret;
}

/* Whether the audit line number @i of @who does nothing beside the one number @j of @other. */
static bool is_audited(const struct warnings_run *run, const struct warnings_who *who, size_t i,
		       const struct warnings_who *other, size_t j)
{
	const struct conf_statement *line = line_of(run, who, i), *by = line_of(run, other, j);

	if (by->verb != CONF_AUDIT || by == line || !warnings_implies(line, by))
		return false;
	/* Of two that say the same, the later one is too many. */
	return who != other || j < i || !warnings_implies(by, line);
}

static uint32_t find_audit(const struct warnings_run *run, const struct warnings_who *who, size_t i,
			   size_t count)
{
	for (size_t c = 0; c < count; c++)
		for (size_t j = 0; j < run->covering[c]->count; j++)
			if (is_audited(run, who, i, run->covering[c], j))
				return run->covering[c]->lines[j].statement;
	return NONE;
}

static int look_at_audits(struct warnings_run *run, const struct warnings_who *who, size_t count)
{
	char place[LINES_PLACE_SIZE];
	int ret = 0;

	for (size_t i = 0; i < who->count && ret == 0; i++) {
		const struct conf_statement *line = line_of(run, who, i);
		uint32_t by = line->verb == CONF_AUDIT ? find_audit(run, who, i, count) : NONE;

		if (by != NONE)
			ret = warnings_add(run, &line->place, line->place.column, WARNING_SHADOWED,
					   "this line changes nothing: %s audits the same users "
					   "already; expected one of the two",
					   warnings_place(run, &line->place, by, place));
	}
	return ret;
}

/* Brings those of the same rank, who stand first, to the front. Returns how many there are. */
static size_t keep_rank(const struct warnings_run *run, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (run->covering[i]->rank == run->covering[0]->rank)
			run->covering[kept++] = run->covering[i];
	return kept;
}

int warnings_of_shadows(struct warnings_run *run, struct warnings_who *who)
{
	size_t count = warnings_cover(run, who), lines = 0;
	uint32_t exempt = NONE;
	int ret;

	if (who->state == NAME_MISSING)
		return 0;
	for (size_t i = 0; i < count && exempt == NONE; i++)
		exempt = find_exempt(run, run->covering[i]);
	if (exempt != NONE)
		return warn_exempted(run, who, exempt);
	ret = look_at_audits(run, who, count);
	count = keep_rank(run, count);
	for (size_t i = 0; i < count; i++)
		lines += run->covering[i]->count;
	return ret < 0 || lines < 2 ? ret : look_at_rules(run, who, count);
}
