// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/doctor/tally.h"

static struct doctor_tally *find(struct doctor_tallies *tallies, const char *subject,
				 const char *message)
{
	for (size_t i = 0; i < tallies->count; i++) {
		struct doctor_tally *tally = &tallies->items[i];

		if (strcmp(tally->subject, subject) == 0 && strcmp(tally->message, message) == 0)
			return tally;
	}
	return NULL;
}

static int start(struct doctor_tallies *tallies, const struct doctor_tally *like,
		 const char *subject, const char *message)
{
	struct doctor_tally *grown =
		array_grow(tallies->items, tallies->count, &tallies->capacity, sizeof(*grown));
	struct doctor_tally tally = *like;

	if (!grown)
		return -ENOMEM;
	tallies->items = grown;
	tally.subject = strdup(subject);
	tally.message = strdup(message);
	tally.count = 1;
	if (!tally.subject || !tally.message) {
		free(tally.subject);
		free(tally.message);
		return -ENOMEM;
	}
	grown[tallies->count++] = tally;
	return 0;
}

void doctor_tally_add(struct doctor *doctor, struct doctor_tallies *tallies,
		      const struct doctor_tally *like, const char *subject, const char *message)
{
	struct doctor_tally *known = find(tallies, subject, message);

	if (known)
		known->count++;
	else if (start(tallies, like, subject, message) < 0)
		doctor->error = -ENOMEM;
}

void doctor_tally_tell(struct doctor *doctor, struct doctor_tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++) {
		struct doctor_tally *tally = &tallies->items[i];

		if (tally->count == 1)
			doctor_find(doctor, tally->level, tally->topic, tally->subject,
				    "%s: process %d (%s)", tally->message, tally->pid, tally->comm);
		else
			doctor_find(doctor, tally->level, tally->topic, tally->subject,
				    "%s: %zu processes, %d (%s) one of them", tally->message,
				    tally->count, tally->pid, tally->comm);
		doctor_advise(doctor, "%s", tally->advice);
		free(tally->subject);
		free(tally->message);
	}
	free(tallies->items);
	*tallies = (struct doctor_tallies) { 0 };
}
