// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The service behind the socket. systemd starts it for a question; it answers one after the other, and
 * ends when none comes any more.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "command/ask/ask.h"
#include "command/base/command.h"
#include "command/machine/change.h"

#define LISTENING 3 /* where systemd puts the first descriptor that it passes */
#define IDLE_MS 10000

/* Whoever the file's mode lets through by mistake is not told what others may do. */
static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	const struct passwd *polkitd;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == 0)
		return true;
	polkitd = getpwnam("polkitd");
	return polkitd && polkitd->pw_uid == peer.uid;
}

static void fail(struct ask_answer *answer, const char *why)
{
	*answer = (struct ask_answer) { .verdict = ENFORCE_DENY, .failed = true };
	snprintf(answer->line, sizeof(answer->line), "%s", why);
	change_log_error("a service's question has no answer, so what it would open is refused: %s",
			 why);
}

static void answer_question(const struct enforce_question *question, struct ask_answer *answer)
{
	const struct enforce_options options = change_options(&conf_paths_now);
	struct enforce_answer found;
	struct reason why = { "" };

	if (enforce_ask(&options, question, &found, &why) < 0) {
		fail(answer, why.text);
		return;
	}
	if (*found.note.text)
		change_log(false, "%s", found.note.text);
	*answer = (struct ask_answer) { .verdict = found.verdict, .audit = found.audit };
	memcpy(answer->numbers, found.numbers, sizeof(answer->numbers));
	memcpy(answer->line, found.line, sizeof(answer->line));
}

/* A peer that does not get on loses its own question. */
static void serve(int fd)
{
	const struct timeval patience = { .tv_sec = ASK_PATIENCE };
	struct enforce_question question;
	struct ask_answer answer;
	struct reason why;
	char line[ASK_LINE_SIZE];

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return;
	if (ask_receive(fd, line, sizeof(line)) < 0)
		return;
	if (!may_ask(fd))
		fail(&answer, "neither root nor polkitd asks");
	else if (ask_read_question(line, &question, &why) < 0)
		fail(&answer, why.text);
	else
		answer_question(&question, &answer);
	ask_write_answer(&answer, line);
	ask_send(fd, line);
}

static bool was_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

	return pid && count && strtol(pid, NULL, 10) == getpid() && strcmp(count, "1") == 0;
}

int ask_serve(void)
{
	struct pollfd listening = { .fd = LISTENING, .events = POLLIN };
	int fd;

	if (!was_passed()) {
		output_error("--serve: bpfdev-ask.socket has systemd run this");
		return COMMAND_FAILED;
	}
	while (poll(&listening, 1, IDLE_MS) > 0) {
		fd = accept4(LISTENING, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno != ECONNABORTED && errno != EINTR) {
			output_error("the socket cannot be answered: %s", strerror(errno));
			return COMMAND_FAILED;
		}
		if (fd < 0)
			continue;
		/*
		 * Whatever hangs, a directory for one, must not hold up all questions that follow:
		 * this ends the service, and systemd starts it anew for the next.
		 */
		alarm(ASK_TIME);
		serve(fd);
		alarm(0);
		close(fd);
	}
	return COMMAND_YES;
}
