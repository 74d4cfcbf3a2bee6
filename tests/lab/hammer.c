// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * hammer PATH...: opens devices in a tight loop, one after the other, until it is told to end
 * (SIGTERM). Then it says for each how often the open passed and how often the filter refused it:
 * "PASSED/REFUSED". A device without a driver passes with ENXIO. Statically linked, as attempts.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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

/* Any other error would say nothing of the filter. */
static int strike(const char *path, unsigned long *passed, unsigned long *refused)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno == ENXIO)
		++*passed;
	else if (errno == EPERM)
		++*refused;
	else if (errno != EINTR)
		return -1;
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long passed[PATHS_MAX] = { 0 }, refused[PATHS_MAX] = { 0 };
	int count = argc - 1;

	if (count < 1 || count > PATHS_MAX)
		return 2;
	signal(SIGTERM, end);
	while (!over) {
		for (int i = 0; i < count; i++) {
			if (strike(argv[i + 1], &passed[i], &refused[i]) == 0)
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
