// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter's lines say, when the policy that they stood in is another one by now. */
#include <stdio.h>
#include <string.h>

#include "rules/rules.h"

#define SHOWN 3 /* so many devices of a class */

static void append(char *out, const char *text)
{
	size_t length = strlen(out);

	snprintf(out + length, RULES_WORDS_SIZE - length, "%s", text);
}

/* A class is one line for each of its devices. */
static size_t write_devices(const struct rules *rules, uint32_t source, char *out)
{
	char device[RULES_WORDS_SIZE / SHOWN - 16], more[32];
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_line *line = &rules->items[i];

		if (line->source != source || line->loan)
			continue;
		if (!device_write(&line->device, device, sizeof(device)))
			snprintf(device, sizeof(device), "a long name");
		if (!count)
			append(out, line->allow ? "allow " : "deny ");
		else if (count < SHOWN)
			append(out, ", ");
		if (count < SHOWN)
			append(out, device);
		count++;
	}
	snprintf(more, sizeof(more), " and %zu more", count - SHOWN);
	if (count > SHOWN)
		append(out, more);
	return count;
}

bool rules_words(const struct table *table, uint32_t source, char *out)
{
	struct rules rules;
	size_t count;

	*out = '\0';
	if (!table->origin || rules_unpack(table->origin, table->origin_size, &rules, NULL) != 0)
		return false;
	count = write_devices(&rules, source, out);
	rules_free(&rules);
	return count;
}
