// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The devices that have gone, in a file of records that all have the same size: the newest take the
 * places of the oldest. It is a help for people: if it is lost or damaged, denials of what has gone
 * are told by their numbers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device/device.h"

/* Who writes holds the file's lock; who reads may see one record half written, and checks them all. */
static int write_record(int fd, const struct device_gone *gone)
{
	struct device_gone record;
	off_t oldest = 0;
	uint64_t until = UINT64_MAX;
	ssize_t size = 0;

	for (off_t i = 0; i < DEVICE_GONE_MAX; i++) {
		size = pread(fd, &record, sizeof(record), i * (off_t)sizeof(record));
		if (size != sizeof(record)) {
			oldest = i;
			break;
		}
		if (record.until < until) {
			until = record.until;
			oldest = i;
		}
	}
	if (size < 0)
		return -errno;
	size = pwrite(fd, gone, sizeof(*gone), oldest * (off_t)sizeof(*gone));
	return size < 0 ? -errno : size < (ssize_t)sizeof(*gone) ? -ENOSPC : 0;
}

int device_gone_remember(const char *path, const struct device_gone *gone, struct reason *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret = fd < 0 || flock(fd, LOCK_EX) < 0 ? -errno : write_record(fd, gone);

	if (fd >= 0)
		close(fd);
	if (ret < 0)
		reason_set(why, "%s: %s", path, strerror(-ret));
	return ret;
}

static bool is_whole(const struct device_gone *gone)
{
	return gone->type < BPFDEV_TYPES && *gone->name &&
	       memchr(gone->name, '\0', sizeof(gone->name));
}

int device_gone_read(const char *path, struct device_gone **items, size_t *count)
{
	const size_t room = DEVICE_GONE_MAX * sizeof(struct device_gone);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t size;
	size_t kept = 0;

	*items = NULL;
	*count = 0;
	if (fd < 0)
		return 0;
	*items = malloc(room);
	size = *items ? pread(fd, *items, room, 0) : 0;
	close(fd);
	if (!*items)
		return -ENOMEM;
	for (size_t i = 0; size > 0 && i < (size_t)size / sizeof(**items); i++)
		if (is_whole(&(*items)[i]))
			(*items)[kept++] = (*items)[i];
	*count = kept;
	return 0;
}

const char *device_gone_find(const struct device_gone *items, size_t count, uint32_t type,
			     uint32_t major, uint32_t minor, uint64_t when)
{
	const struct device_gone *found = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct device_gone *gone = &items[i];

		if (gone->type == type && gone->major == major && gone->minor == minor &&
		    gone->until >= when && (!found || gone->until < found->until))
			found = gone;
	}
	return found ? found->name : NULL;
}
