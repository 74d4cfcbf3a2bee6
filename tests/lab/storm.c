// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * storm COUNT PATH...: opens the paths for reading, one after the other and from the first again,
 * COUNT times, as fast as it can. Says how many of these opens were refused (EPERM). Statically
 * linked, so that it runs in machines of any age.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, refused = 0;
	int next = 2;

	for (unsigned long i = 0; i < count; i++) {
		int fd = open(argv[next], O_RDONLY | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
		else if (errno == EPERM)
			refused++;
		if (++next == argc)
			next = 2;
	}
	printf("%lu\n", refused);
	return 0;
}
