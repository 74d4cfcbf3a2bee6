// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * One record to the kernel's audit, over netlink: a datagram to it and its answer. libpam has a function
 * for this (pam_modutil_audit_write), which looks the remote host up in the DNS again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log/trail.h"

/* All of it or nothing: half a value would be another one. */
static void __attribute__((format(printf, 2, 3))) add(struct trail *trail, const char *format, ...)
{
	size_t room = sizeof(trail->text) - trail->used;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(trail->text + trail->used, room, format, args);
	va_end(args);
	if (length > 0 && (size_t)length < room)
		trail->used += (size_t)length;
	else
		trail->text[trail->used] = '\0';
}

void trail_begin(struct trail *trail, const char *op)
{
	trail->used = 0;
	add(trail, "op=%s", op);
}

/* Blanks end a field, quotation marks a value, and an apostrophe the message as a whole. */
static bool is_plain(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (value[i] < '!' || value[i] > '~' || value[i] == '"' || value[i] == '\'')
			return false;
	return true;
}

/* @quote: around a value that is plain. */
static void add_value(struct trail *trail, const char *name, const char *value, const char *quote)
{
	char digits[2 * TRAIL_VALUE_SIZE + 1];
	size_t length = value ? strnlen(value, TRAIL_VALUE_SIZE) : 0;

	if (!length) {
		add(trail, " %s=?", name);
	} else if (is_plain(value, length)) {
		add(trail, " %s=%s%.*s%s", name, quote, (int)length, value, quote);
	} else {
		for (size_t i = 0; i < length; i++)
			snprintf(digits + 2 * i, 3, "%02X", (unsigned char)value[i]);
		add(trail, " %s=%s", name, digits);
	}
}

void trail_add(struct trail *trail, const char *name, const char *value)
{
	add_value(trail, name, value, "\"");
}

void trail_add_number(struct trail *trail, const char *name, uint64_t value)
{
	add(trail, " %s=%" PRIu64, name, value);
}

/* Nobody is asked which address a name has: only what is one. */
static const char *address_of(const char *rhost)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (rhost &&
	    (inet_pton(AF_INET, rhost, address) == 1 || inet_pton(AF_INET6, rhost, address) == 1))
		return rhost;
	return NULL;
}

void trail_end(struct trail *trail, const struct trail_origin *origin, bool success)
{
	char exe[TRAIL_VALUE_SIZE];
	ssize_t length = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[length > 0 ? length : 0] = '\0';
	trail_add(trail, "exe", exe);
	/* As libaudit has them, which ausearch compares with: without quotation marks. */
	add_value(trail, "hostname", origin->rhost, "");
	add_value(trail, "addr", address_of(origin->rhost), "");
	add_value(trail, "terminal", origin->tty, "");
	add(trail, " res=%s", success ? "success" : "failed");
}

/* What the kernel says of it. It answers within the call that sends, so there is nothing to wait for. */
static int receive_answer(int fd)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr answer;
		char rest[64];
	} received = { .header = { 0 } };
	ssize_t length = recv(fd, &received, sizeof(received), MSG_DONTWAIT);

	if (length < 0)
		return -errno;
	if ((size_t)length < sizeof(received.header) + sizeof(int) ||
	    received.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return received.answer.error;
}

int trail_send(enum trail_type type, const struct trail *trail)
{
	static const char padding[NLMSG_ALIGNTO];
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const size_t size = trail->used + 1;
	struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
		.nlmsg_type = (uint16_t)type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	};
	/* sendmsg(2) does not write to them. */
	struct iovec parts[] = {
		{ &header, sizeof(header) },
		{ (void *)trail->text, size },
		{ (void *)padding, NLMSG_ALIGN(size) - size },
	};
	const struct msghdr message = {
		.msg_name = (void *)&kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = parts,
		.msg_iovlen = sizeof(parts) / sizeof(parts[0]),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT), ret;

	if (fd < 0)
		return -errno;
	ret = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : receive_answer(fd);
	close(fd);
	return ret;
}
