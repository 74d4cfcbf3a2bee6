// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * hammer [-w] PATH...: opens devices in a tight loop, one after the other, until it is told to end
 * (SIGTERM). Then it says for each how often the open passed and how often the filter refused it:
 * "PASSED/REFUSED". A device without a driver passes with ENXIO. Statically linked, as attempts.c.
 *
 * -w: devices may come and go meanwhile. What is not there, or not for this user, counts as neither;
 * what is about to go, or has no medium, as passed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATHS_MAX 16

static volatile sig_atomic_t over;

static void end(int number)
{
	(void)number;
	over = 1;
}

/* Errors that say nothing of the filter, because it was not asked, and those of drivers, which were. */
static bool is_absent(int error)
{
	return error == ENOENT || error == EACCES;
}

static bool is_from_driver(int error)
{
	return error == ENXIO || error == ENODEV || error == ENOMEDIUM || error == EIO ||
	       error == EBUSY;
}

/* Any other error would say nothing of the filter. */
static int strike(const char *path, bool waits, unsigned long *passed, unsigned long *refused)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno == ENXIO || (waits && is_from_driver(errno)))
		++*passed;
	else if (errno == EPERM)
		++*refused;
	else if (errno != EINTR && !(waits && is_absent(errno)))
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long passed[PATHS_MAX] = { 0 }, refused[PATHS_MAX] = { 0 };
	bool waits = argc > 1 && strcmp(argv[1], "-w") == 0;
	int count;

	argc -= waits;
	argv += waits;
	count = argc - 1;
	if (count < 1 || count > PATHS_MAX)
		return 2;
	signal(SIGTERM, end);
	while (!over) {
		for (int i = 0; i < count; i++) {
			if (strike(argv[i + 1], waits, &passed[i], &refused[i]) == 0)
				continue;
			printf("%s: %s\n", argv[i + 1], strerror(errno));
			return 1;
		}
	}
	for (int i = 0; i < count; i++)
		printf("%s%lu/%lu", i ? " " : "", passed[i], refused[i]);
	puts("");
	return 0;
}
