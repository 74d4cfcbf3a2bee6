// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The arguments of the module, from the PAM service's file. */
#include <string.h>

#include "conf/arguments.h"
#include "conf/cgroups.h"

/* A mistake here must let nobody run without rules: it counts as deny. */
static bool parse_nosession(const char *value, struct arguments *arguments, struct reason *why)
{
	static const char with[] = "ignore:";
	struct reason mistake;

	arguments->nosession_ignore = false;
	arguments->left_alone = NULL;
	if (strcmp(value, "deny") == 0)
		return true;
	if (strcmp(value, "ignore") == 0) {
		arguments->nosession_ignore = true;
		return true;
	}
	if (strncmp(value, with, strlen(with)) != 0)
		reason_set(&mistake, "expected deny, ignore or ignore:PATTERN[,PATTERN...]");
	else if (cgroups_check(value + strlen(with), &mistake)) {
		arguments->left_alone = value + strlen(with);
		return true;
	}
	reason_set(why, "argument \"nosession=%s\" is taken for nosession=deny: %s", value,
		   mistake.text);
	return false;
}

bool arguments_parse(const char *text, struct arguments *arguments, struct reason *why)
{
	static const char nosession[] = "nosession=";

	if (strncmp(text, nosession, strlen(nosession)) == 0)
		return parse_nosession(text + strlen(nosession), arguments, why);
	if (strncmp(text, "conf=/", 6) == 0) {
		arguments->conf = text + 5;
	} else if (strcmp(text, "onerr=succeed") == 0) {
		arguments->onerr_succeed = true;
	} else if (strcmp(text, "onerr=fail") == 0) {
		arguments->onerr_succeed = false;
	} else if (strcmp(text, "debug") == 0) {
		arguments->debug = true;
	} else if (strcmp(text, "quiet") == 0) {
		arguments->quiet = true;
	} else {
		reason_set(why,
			   "unknown argument \"%s\" skipped; expected conf=/PATH, "
			   "onerr=fail|succeed, nosession=deny|ignore[:PATTERN,...], debug or "
			   "quiet",
			   text);
		return false;
	}
	return true;
}
