// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/selinux.h"

enum selinux_mode selinux_mode(void)
{
	int fd = open(SELINUX_FOLDER "/enforce", O_RDONLY | O_CLOEXEC);
	enum selinux_mode mode = SELINUX_OFF;
	char digit = '0';

	if (fd < 0)
		return errno == EACCES ? SELINUX_ENFORCING : SELINUX_OFF;
	if (read(fd, &digit, 1) == 1)
		mode = digit == '0' ? SELINUX_PERMISSIVE : SELINUX_ENFORCING;
	close(fd);
	return mode;
}
