// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/apparmor.h"

/* Since Linux 5.8; before, the file one folder up was of whichever security module came first. */
#define CURRENT "/proc/thread-self/attr/apparmor/current"

/* "NAME (MODE)", and "unconfined" where there is none. The kernel refuses to be asked if AppArmor is off. */
bool apparmor_enforces(char *profile, size_t size)
{
	static const char mode[] = " (enforce)";
	int fd = open(CURRENT, O_RDONLY | O_CLOEXEC);
	char text[512], *end;
	ssize_t length;

	profile[0] = '\0';
	if (fd < 0)
		return errno == EACCES;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		return false;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	end = strrchr(text, ' ');
	if (!end || strcmp(end, mode) != 0)
		return false;
	snprintf(profile, size, "%.*s", (int)(end - text), text);
	return true;
}
