// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Services of root's that open devices for whoever asks them, and what they make of the rules. */
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpfdev.h"
#include "command/machine/doors.h"

#define INPUT_MAJOR 13
#define DRM_MAJOR 226

/* Whether polkitd can connect. Where there is no such user, polkit runs as root. */
static bool may_ask(const struct stat *st)
{
	const struct passwd *polkitd = getpwnam("polkitd");

	return !polkitd || polkitd->pw_gid == st->st_gid || polkitd->pw_uid == st->st_uid;
}

enum door doors_udisks(void)
{
	struct stat st;

	if (access("/usr/share/dbus-1/system-services/org.freedesktop.UDisks2.service", F_OK) < 0)
		return DOOR_ABSENT;
	if (access("/etc/" DOORS_RULES, F_OK) < 0 && access("/usr/share/" DOORS_RULES, F_OK) < 0)
		return DOOR_FREE;
	if (stat(DOORS_SOCKET, &st) < 0 || !S_ISSOCK(st.st_mode))
		return DOOR_SHUT;
	return may_ask(&st) ? DOOR_OBEYS : DOOR_LOCKED;
}

enum door doors_logind(uint32_t type, uint32_t major)
{
	bool passed = type == BPFDEV_CHAR && (major == INPUT_MAJOR || major == DRM_MAJOR);

	return passed && access("/run/systemd/seats", F_OK) == 0 ? DOOR_FREE : DOOR_ABSENT;
}
