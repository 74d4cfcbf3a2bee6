// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The socket: lines that come and go, and whoever asks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "command/ask/ask.h"

int ask_receive(int fd, char *line, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t length = recv(fd, line + used, size - used, 0);
		char *end;

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (length == 0)
			return -EPROTO;
		end = memchr(line + used, '\n', (size_t)length);
		used += (size_t)length;
		if (!end)
			continue;
		*end = '\0';
		/* A NUL in it would hide what stands behind, and so would a second line. */
		return end == line + used - 1 && strlen(line) == used - 1 ? 0 : -EPROTO;
	}
	return -EPROTO;
}

int ask_send(int fd, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t length = send(fd, text, left, MSG_NOSIGNAL);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		text += length;
		left -= (size_t)length;
	}
	return 0;
}

/* connect(2), too, waits no longer than what is sent: for a queue that is full. */
static int open_socket(const char *path)
{
	const struct timeval patience = { .tv_sec = ASK_DEADLINE };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, err = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

static int ask_at(int fd, const struct enforce_question *question, struct ask_answer *answer)
{
	char line[ASK_LINE_SIZE];
	int err;

	if (!ask_write_question(question, line))
		return -EINVAL;
	err = ask_send(fd, line);
	if (!err)
		err = ask_receive(fd, line, sizeof(line));
	return err ? err : ask_read_answer(line, answer);
}

int ask_service(const char *socket, const struct enforce_question *question,
		struct ask_answer *answer, struct reason *why)
{
	int fd = open_socket(socket), err = fd;

	if (fd >= 0) {
		err = ask_at(fd, question, answer);
		close(fd);
	}
	if (err < 0)
		reason_set(why, "%s: %s", socket, err == -EPROTO ? "no answer" : strerror(-err));
	else if (answer->failed)
		reason_set(why, "%s", answer->line);
	return err < 0 ? err : answer->failed ? -EREMOTEIO : 0;
}
