// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Lengths of time, read as systemd writes them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/duration.h"

static const struct {
	const char *name;
	uint64_t seconds;
} units[] = {
	{ "", 1 },	   { "s", 1 },	   { "sec", 1 },     { "second", 1 },
	{ "seconds", 1 },  { "m", 60 },	   { "min", 60 },    { "minute", 60 },
	{ "minutes", 60 }, { "h", 3600 },  { "hr", 3600 },   { "hour", 3600 },
	{ "hours", 3600 }, { "d", 86400 }, { "day", 86400 }, { "days", 86400 },
};

/* The seconds of a unit of @length letters; 0: there is none of that name. */
static uint64_t find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
			return units[i].seconds;
	return 0;
}

bool duration_parse(const char *text, uint64_t *seconds)
{
	uint64_t total = 0;

	while (*text) {
		uint64_t number = 0, unit;
		size_t letters = 0;

		if (!isdigit((unsigned char)*text))
			return false;
		for (; isdigit((unsigned char)*text); text++)
			if (number <= DURATION_MAX)
				number = number * 10 + (uint64_t)(*text - '0');
		text += strspn(text, " ");
		while (isalpha((unsigned char)text[letters]))
			letters++;
		unit = find_unit(text, letters);
		if (!unit)
			return false;
		text += letters;
		text += strspn(text, " ");
		total += number * unit;
		if (total > DURATION_MAX)
			return false;
	}
	*seconds = total;
	return total > 0;
}
