// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* All sessions and managers, in the order in which they are shown. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "status.h"

static void free_unit(struct status_unit *unit)
{
	free(unit->user.slice);
	free(unit->name);
	free(unit->unit);
}

void status_free(struct status *status)
{
	for (size_t i = 0; i < status->count; i++)
		free_unit(&status->units[i]);
	free(status->units);
	for (size_t i = 0; i < status->policy_count; i++) {
		conf_free(status->policies[i]->conf);
		free(status->policies[i]);
	}
	free(status->policies);
	names_free(status->names);
	free(status->root);
}

/* As the login knew the user; for who has no filter, as the system does; ":UID" if nobody does. */
static char *name_of(const struct enforce_live *live)
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

static int keep(const struct enforce_live *live, void *data)
{
	struct status *status = data;
	struct status_unit *grown = array_grow(status->units, status->count, &status->capacity,
					       sizeof(*grown)),
			   *unit;

	if (!grown)
		return -ENOMEM;
	status->units = grown;
	unit = &grown[status->count++];
	*unit = (struct status_unit) {
		.user = { .uid = live->user->uid, .slice = strdup(live->user->slice) },
		.name = name_of(live),
		.unit = strdup(live->unit),
		.role = live->role,
		.filters = live->filters,
		.known = live->known,
		.info = live->info,
	};
	return unit->user.slice && unit->name && unit->unit ? 0 : -ENOMEM;
}

char *status_id(const struct status_unit *unit, char *text)
{
	static const char prefix[] = "session-", suffix[] = ".scope";
	size_t length = strlen(unit->unit), around = strlen(prefix) + strlen(suffix);

	if (unit->role == BPFDEV_MANAGER)
		snprintf(text, 256, "manager");
	else if (length <= around)
		snprintf(text, 256, "?");
	else
		snprintf(text, 256, "%.*s", (int)(length - around), unit->unit + strlen(prefix));
	return text;
}

/* Numbers in them count by their value: 2, 10, c9, c10. */
static int compare_ids(const struct status_unit *a, const struct status_unit *b)
{
	char left[256], right[256];

	return strverscmp(status_id(a, left), status_id(b, right));
}

static int compare_units(const void *first, const void *second)
{
	const struct status_unit *a = first, *b = second;
	int order = strcmp(a->name, b->name);

	if (order == 0)
		order = (a->user.uid > b->user.uid) - (a->user.uid < b->user.uid);
	if (order == 0)
		order = (a->role == BPFDEV_MANAGER) - (b->role == BPFDEV_MANAGER);
	return order ? order : compare_ids(a, b);
}

int status_collect(struct status *status)
{
	struct reason why = { "" };
	int ret = enforce_live_each(status->root, keep, status, &why);

	if (ret < 0)
		output_error("%s", ret == -ENOMEM ? "out of memory" : why.text);
	else if (status->count)
		qsort(status->units, status->count, sizeof(*status->units), compare_units);
	return ret;
}

bool status_counts(const struct status_unit *manager, const struct status_unit *session)
{
	return session->role == BPFDEV_SESSION && session->user.uid == manager->user.uid &&
	       session->filters && !(session->known && (session->info.flags & BPFDEV_CLOSED));
}

size_t status_count_sessions(const struct status *status, bool filtered)
{
	size_t count = 0;

	for (size_t i = 0; i < status->count; i++)
		if (status->units[i].role == BPFDEV_SESSION &&
		    (status->units[i].filters > 0) == filtered)
			count++;
	return count;
}
