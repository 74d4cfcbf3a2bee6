// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/output.h"
#include "command/machine/unit.h"

char *unit_user(const struct enforce_live *live)
{
	const struct passwd *entry;
	char *name;

	if (live->known && live->info.user[0])
		return strdup(live->info.user);
	entry = getpwuid(live->user->uid);
	if (entry)
		return strdup(entry->pw_name);
	return asprintf(&name, ":%u", live->user->uid) < 0 ? NULL : name;
}

char *unit_id(const struct unit *unit, char *text)
{
	static const char prefix[] = "session-", suffix[] = ".scope";
	size_t length = strlen(unit->name), around = strlen(prefix) + strlen(suffix);

	if (unit->role == BPFDEV_MANAGER)
		snprintf(text, UNIT_ID_SIZE, "manager");
	else if (length <= around)
		snprintf(text, UNIT_ID_SIZE, "?");
	else
		snprintf(text, UNIT_ID_SIZE, "%.*s", (int)(length - around),
			 unit->name + strlen(prefix));
	return text;
}

/* Numbers in them count by their value: 2, 10, c9, c10. */
static int compare_ids(const struct unit *a, const struct unit *b)
{
	char left[UNIT_ID_SIZE], right[UNIT_ID_SIZE];

	return strverscmp(unit_id(a, left), unit_id(b, right));
}

int unit_compare(const struct unit *a, const struct unit *b)
{
	int order = strcmp(a->user, b->user);

	if (order == 0)
		order = (a->uid > b->uid) - (a->uid < b->uid);
	if (order == 0)
		order = (a->role == BPFDEV_MANAGER) - (b->role == BPFDEV_MANAGER);
	return order ? order : compare_ids(a, b);
}

/* What an argument may name. */
struct wanted {
	const char *text;
	bool known; /* there is a user of that name, or it is a uid */
	uid_t uid;
};

/* Whether the argument names the unit. */
typedef bool unit_match(const struct unit *unit, const struct wanted *wanted);

static bool is_unit(const struct unit *unit, const struct wanted *wanted)
{
	char id[UNIT_ID_SIZE];

	if (strcmp(unit->name, wanted->text) == 0)
		return true;
	return unit->role == BPFDEV_SESSION && strcmp(unit_id(unit, id), wanted->text) == 0;
}

static bool is_of_user(const struct unit *unit, const struct wanted *wanted)
{
	return (wanted->known && unit->uid == wanted->uid) || strcmp(unit->user, wanted->text) == 0;
}

/* A name, or a uid with or without a colon. */
static bool find_uid(const char *text, uid_t *uid)
{
	const struct passwd *entry = getpwnam(text);
	const char *digits = text + (*text == ':');
	char *end;
	unsigned long number;

	if (entry) {
		*uid = entry->pw_uid;
		return true;
	}
	errno = 0;
	number = strtoul(digits, &end, 10);
	if (errno || !*digits || strspn(digits, "0123456789") != strlen(digits) ||
	    number >= (uid_t)-1)
		return false;
	*uid = (uid_t)number;
	return true;
}

/* A session wins: its number is what tables show first. */
int unit_choose(const char *text, unit_at *at, const void *data, size_t count, bool *chosen)
{
	static unit_match *const matches[] = { is_unit, is_of_user };
	struct wanted wanted = { .text = text };
	size_t found = 0;

	wanted.known = find_uid(text, &wanted.uid);
	for (size_t kind = 0; kind < 2 && !found; kind++)
		for (size_t i = 0; i < count; i++) {
			struct unit unit = at(data, i);

			chosen[i] = matches[kind](&unit, &wanted);
			found += chosen[i];
		}
	if (found)
		return 0;
	if (wanted.known)
		output_error("%s is not logged in, and has no manager", text);
	else
		output_error("there is no session and no user \"%s\"", text);
	return -ENOENT;
}
