// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Cgroups by pattern. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "conf/cgroups.h"

/* What systemd has all sessions and managers in. */
#define SESSIONS "user.slice"

/* A piece of a text. */
struct piece {
	const char *text;
	size_t length;
};

static bool is(const struct piece *piece, const char *text)
{
	return piece->length == strlen(text) && memcmp(piece->text, text, piece->length) == 0;
}

static bool has_wildcard(const struct piece *piece)
{
	for (size_t i = 0; i < piece->length; i++)
		if (strchr("*?[", piece->text[i]))
			return true;
	return false;
}

/* The next pattern of *@rest, which is moved behind it; false: there are no more. */
static bool next_pattern(const char **rest, struct piece *pattern)
{
	if (!*rest)
		return false;
	*pattern = (struct piece) { *rest, strcspn(*rest, ",") };
	*rest += pattern->length;
	*rest = **rest ? *rest + 1 : NULL;
	return true;
}

/* The part of the path that begins at *@at, behind a slash; moves *@at to the next one, or the end. */
static struct piece next_part(const struct piece *path, size_t *at)
{
	struct piece part = { path->text + *at, 0 };

	while (*at + part.length < path->length && part.text[part.length] != '/')
		part.length++;
	*at += part.length + 1;
	return part;
}

/* What is wrong with a part of a pattern; NULL: nothing. */
static const char *part_mistake(const struct piece *part, bool first)
{
	if (!part->length)
		return "has a slash too many";
	if (is(part, ".") || is(part, ".."))
		return "must not have . and .. in it";
	if (is(part, SESSIONS))
		return "is about user.slice, where sessions are and nothing is left alone";
	if (first && has_wildcard(part))
		return "must name what is at the top, such as system.slice, without wildcards";
	return NULL;
}

static const char *pattern_mistake(const struct piece *pattern)
{
	const char *mistake = NULL;

	if (!pattern->length)
		return "is empty";
	if (pattern->text[0] != '/')
		return "must begin with a slash, as paths in /proc/PID/cgroup do";
	for (size_t at = 1; !mistake && at <= pattern->length;) {
		bool first = at == 1;
		struct piece part = next_part(pattern, &at);

		mistake = part_mistake(&part, first);
	}
	return mistake;
}

bool cgroups_check(const char *patterns, struct reason *why)
{
	struct piece pattern;

	while (next_pattern(&patterns, &pattern)) {
		const char *mistake = pattern_mistake(&pattern);

		if (!mistake)
			continue;
		reason_set(why, "pattern \"%.*s\" %s", (int)pattern.length, pattern.text, mistake);
		return false;
	}
	return true;
}

/* Whether one may be spoken of at all. */
static bool is_outside(const char *cgroup)
{
	const struct piece path = { cgroup, strlen(cgroup) };

	if (cgroup[0] != '/')
		return false;
	for (size_t at = 1; at <= path.length;) {
		struct piece part = next_part(&path, &at);

		if (is(&part, SESSIONS) || is(&part, ".."))
			return false;
	}
	return true;
}

bool cgroups_fit(const char *patterns, const char *cgroup)
{
	struct piece piece;
	bool fits = false;

	if (!is_outside(cgroup))
		return false;
	while (!fits && next_pattern(&patterns, &piece)) {
		char *pattern = strndup(piece.text, piece.length);

		/* Backslashes are for systemd: it has \x2d for a dash in a name. */
		fits = pattern &&
		       fnmatch(pattern, cgroup, FNM_PATHNAME | FNM_LEADING_DIR | FNM_NOESCAPE) == 0;
		free(pattern);
	}
	return fits;
}
