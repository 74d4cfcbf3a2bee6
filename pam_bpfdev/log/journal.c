// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One datagram to journald: an entry in systemd's "Native Journal Protocol". */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "log/journal.h"

/* NAME, "=" or newline and length, value, newline. */
#define PARTS 5

/* An entry, in parts that stay where they are. */
struct entry {
	struct iovec parts[JOURNAL_FIELDS_MAX * PARTS];
	uint64_t lengths[JOURNAL_FIELDS_MAX]; /* little-endian */
	size_t part_count, length_count;
};

static void add_part(struct entry *entry, const void *data, size_t length)
{
	/* sendmsg(2) does not write to it. */
	entry->parts[entry->part_count++] = (struct iovec) { (void *)data, length };
}

/* A value of several lines has its length before it, so that none of them passes for a field. */
static void add_field(struct entry *entry, const struct journal_field *field)
{
	size_t length = strlen(field->value);

	add_part(entry, field->name, strlen(field->name));
	if (strchr(field->value, '\n')) {
		uint64_t *place = &entry->lengths[entry->length_count++];

		*place = htole64(length);
		add_part(entry, "\n", 1);
		add_part(entry, place, sizeof(*place));
	} else {
		add_part(entry, "=", 1);
	}
	add_part(entry, field->value, length);
	add_part(entry, "\n", 1);
}

static int transmit(const char *path, struct entry *entry)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = entry->parts,
		.msg_iovlen = entry->part_count,
	};
	int fd, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	ret = sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

int journal_send(const char *path, const struct journal_field *fields, size_t count)
{
	struct entry entry = { .part_count = 0 };

	if (count > JOURNAL_FIELDS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++)
		if (fields[i].value && *fields[i].value)
			add_field(&entry, &fields[i]);
	return transmit(path, &entry);
}
