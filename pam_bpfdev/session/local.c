// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether somebody sits at this machine, as far as a terminal tells. */
#include <stdio.h>
#include <string.h>

#include "session/session.h"

/* Whether @tty is @device (without "/dev/"), or, of several, that with a number behind. */
static bool is_of(const char *tty, const char *device)
{
	size_t length = strlen(device);

	return strncmp(tty, device, length) == 0 &&
	       strspn(tty + length, "0123456789") == strlen(tty + length);
}

/* The kinds of proc_tty_drivers(5); "system" is /dev/hvc of virtual machines, and no terminal. */
static bool is_here(const char *type)
{
	return strcmp(type, "console") == 0 || strcmp(type, "serial") == 0 ||
	       strcmp(type, "system:console") == 0 || strcmp(type, "system") == 0;
}

bool session_is_local(const char *seat, const char *tty)
{
	FILE *file = seat && *seat ? NULL : fopen("/proc/tty/drivers", "re");
	char line[256], device[64], type[64];
	bool local = seat && *seat;

	/* "serial /dev/ttyS 4 64-95 serial": name, device, major, minors, kind */
	while (file && !local && fgets(line, sizeof(line), file))
		local = sscanf(line, "%*s /dev/%63s %*s %*s %63s", device, type) == 2 &&
			is_here(type) && *tty && strcmp(tty, "tty") != 0 && is_of(tty, device);
	if (file)
		fclose(file);
	return local;
}
