// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One datagram to journald: an entry in systemd's "Native Journal Protocol". */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
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

/* In the name of pid 1. Returns 0 or a negative errno. */
static int insist(int fd, struct msghdr message)
{
	const struct timeval wait = { JOURNAL_WAIT / 1000, JOURNAL_WAIT % 1000 * 1000 };
	const struct ucred init = { .pid = 1, .uid = geteuid(), .gid = getegid() };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(init))];
	} control;

	/* The kernel has senders take turns, so that the flood of others does not go on before us. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) < 0)
		return -errno;
	/* All of it, padding too: none of the process' memory goes along. */
	memset(&control, 0, sizeof(control));
	control.header.cmsg_len = CMSG_LEN(sizeof(init));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_CREDENTIALS;
	memcpy(CMSG_DATA(&control.header), &init, sizeof(init));
	message.msg_control = &control;
	message.msg_controllen = sizeof(control.space);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	message.msg_control = NULL;
	message.msg_controllen = 0;
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int journal_send(const char *path, enum journal_manner manner, const struct journal_field *fields,
		 size_t count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct entry entry = { .part_count = 0 };
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = entry.parts,
	};
	int fd, ret;

	if (count > JOURNAL_FIELDS_MAX)
		return -E2BIG;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	for (size_t i = 0; i < count; i++)
		if (fields[i].value && *fields[i].value)
			add_field(&entry, &fields[i]);
	message.msg_iovlen = entry.part_count;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (manner == JOURNAL_INSIST)
		ret = insist(fd, message);
	else
		ret = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
	close(fd);
	return ret;
}
