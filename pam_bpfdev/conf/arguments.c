// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The arguments of the module, from the PAM service's file. */
#include <string.h>

#include "conf/arguments.h"

bool arguments_parse(const char *text, struct arguments *arguments)
{
	if (strncmp(text, "conf=/", 6) == 0)
		arguments->conf = text + 5;
	else if (strcmp(text, "onerr=succeed") == 0)
		arguments->onerr_succeed = true;
	else if (strcmp(text, "onerr=fail") == 0)
		arguments->onerr_succeed = false;
	else if (strcmp(text, "nosession=ignore") == 0)
		arguments->nosession_ignore = true;
	else if (strcmp(text, "nosession=deny") == 0)
		arguments->nosession_ignore = false;
	else if (strcmp(text, "debug") == 0)
		arguments->debug = true;
	else if (strcmp(text, "quiet") == 0)
		arguments->quiet = true;
	else
		return false;
	return true;
}
