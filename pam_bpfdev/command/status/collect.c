// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* All sessions and managers, in the order in which they are shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/status/status.h"

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
		.name = unit_user(live),
		.unit = strdup(live->unit),
		.role = live->role,
		.filters = live->filters,
		.known = live->known,
		.info = live->info,
	};
	return unit->user.slice && unit->name && unit->unit ? 0 : -ENOMEM;
}

struct unit status_as_unit(const struct status_unit *unit)
{
	return (struct unit) { unit->role, unit->user.uid, unit->name, unit->unit };
}

char *status_id(const struct status_unit *unit, char *text)
{
	struct unit plain = status_as_unit(unit);

	return unit_id(&plain, text);
}

static int compare_units(const void *first, const void *second)
{
	struct unit a = status_as_unit(first), b = status_as_unit(second);

	return unit_compare(&a, &b);
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
