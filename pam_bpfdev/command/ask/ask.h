/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The question of a service, and its answer: on the socket between bpfdev ask and bpfdev-ask.service. */
#ifndef COMMAND_ASK_H
#define COMMAND_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "enforce/ask.h"

#define ASK_SOCKET "/run/bpfdev-ask.socket"

/* Bytes of a question, or of an answer, with its newline; and with the final NUL besides. */
#define ASK_LINE_SIZE 2048

/*
 * Seconds. For a question to come, and an answer to go; for all of a question, from its coming to its
 * answer, in the service; for the same, until nobody waits any longer.
 */
#define ASK_PATIENCE 1
#define ASK_TIME 4
#define ASK_DEADLINE 5

/* What the service says. */
struct ask_answer {
	enum enforce_verdict verdict;
	bool audit;
	bool failed;	  /* there is none, as line says */
	char numbers[32]; /* as in struct enforce_answer */
	char line[512];
};

/*
 * A question as one line: "ask 1 PID START UID BY ACCESS FLAGS DEVICE", as bpfdev(8) says. @line:
 * ASK_LINE_SIZE bytes. Returns false: it does not fit, or has what cannot be asked for.
 */
bool ask_write_question(const struct enforce_question *question, char *line);

/* Reads it back; @line without its newline. Returns 0, or -EINVAL with @why. */
int ask_read_question(const char *line, struct enforce_question *question, struct reason *why);

/* An answer as one line: "deny\tb 8:1\tFILE:LINE". @line: ASK_LINE_SIZE bytes. */
void ask_write_answer(const struct ask_answer *answer, char *line);

/* Reads it back; @line without its newline. Returns 0, or -EINVAL. */
int ask_read_answer(const char *line, struct ask_answer *answer);

/* Whether a service can have this name. */
bool ask_is_name(const char *by);

/*
 * Reads a line, up to @size bytes with the NUL that takes the place of its newline. Returns 0; -EPROTO:
 * it ends without a newline, or is too long; or another negative errno.
 */
int ask_receive(int fd, char *line, size_t size);

/* Sends all of a text. Returns 0 or a negative errno. */
int ask_send(int fd, const char *text);

/* Asks at @socket. Returns 0, or a negative errno with @why. */
int ask_service(const char *socket, const struct enforce_question *question,
		struct ask_answer *answer, struct reason *why);

/*
 * Where nobody answers, as @why says: whether no rules can stand for @user, whose uid @question has, so
 * that they need not be refused. If they can, or if that cannot be told, the log says so: nobody reads
 * what is said to a service.
 */
bool ask_is_stranger(const struct enforce_question *question, const char *user,
		     const struct reason *why);

/* Answers who connects to the socket that systemd has passed, until nobody does for a while. */
int ask_serve(void);

#endif
