// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "command/monitor/wanted.h"

/* Behind the units that there are stands one more: whatever is no session's names its user. */
struct search {
	const struct denials *denials;
	const char *argument;
	bool *chosen;
};

static struct unit unit_at_place(const void *data, size_t place)
{
	const struct search *search = data;

	if (place < search->denials->unit_count)
		return search->denials->units[place].unit;
	return (struct unit) { BPFDEV_SESSION, (uid_t)-1, search->argument, "" };
}

/* The first of the units that there are that was chosen, or NULL. */
static const struct unit *first_chosen(const struct search *search)
{
	for (size_t i = 0; i < search->denials->unit_count; i++)
		if (search->chosen[i])
			return &search->denials->units[i].unit;
	return NULL;
}

/* Who is not logged in. */
static bool find_account(const char *argument, uid_t *uid)
{
	const char *digits = argument + (*argument == ':');
	const struct passwd *entry = getpwnam(argument);
	unsigned long number = (uid_t)-1;

	if (*digits && strspn(digits, "0123456789") == strlen(digits))
		number = strtoul(digits, NULL, 10);
	if (!entry && number < (uid_t)-1)
		entry = getpwuid((uid_t)number);
	if (entry)
		*uid = entry->pw_uid;
	return entry;
}

static int find(struct monitor_wanted *wanted, const struct search *search)
{
	size_t count = search->denials->unit_count;
	const struct unit *first;

	unit_choose(search->argument, unit_at_place, search, count + 1, search->chosen);
	first = first_chosen(search);
	wanted->one = !search->chosen[count];
	if (wanted->one) {
		wanted->name = strdup(first->name);
		return wanted->name ? 0 : -ENOMEM;
	}
	wanted->user = search->argument;
	wanted->known = find_account(search->argument, &wanted->uid);
	if (first && !wanted->known) {
		wanted->uid = first->uid;
		wanted->known = true;
	}
	if (wanted->known)
		return 0;
	return unit_choose(search->argument, unit_at_place, search, count, search->chosen);
}

int monitor_wanted_find(struct monitor_wanted *wanted, const char *argument,
			const struct denials *denials)
{
	struct search search = { denials, argument, NULL };
	int ret;

	search.chosen = calloc(denials->unit_count + 1, sizeof(*search.chosen));
	if (!search.chosen)
		return -ENOMEM;
	ret = find(wanted, &search);
	free(search.chosen);
	return ret;
}

bool monitor_wanted_is(const struct monitor_wanted *wanted, const struct unit *unit)
{
	if (wanted->one)
		return strcmp(unit->name, wanted->name) == 0;
	if (!wanted->user)
		return true;
	return (wanted->known && unit->uid == wanted->uid) || strcmp(unit->user, wanted->user) == 0;
}

void monitor_wanted_free(struct monitor_wanted *wanted)
{
	free(wanted->name);
	wanted->name = NULL;
}
