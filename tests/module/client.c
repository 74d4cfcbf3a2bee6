// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * A login program that does as it is told, one command a line. "> TEXT" is what a module said to
 * the user, "= RESULT" ends the answer to a command.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define WORDS_MAX 8

const char *result_name(int result)
{
	switch (result) {
	case PAM_SUCCESS:
		return "PAM_SUCCESS";
	case PAM_SESSION_ERR:
		return "PAM_SESSION_ERR";
	case PAM_USER_UNKNOWN:
		return "PAM_USER_UNKNOWN";
	case PAM_PERM_DENIED: /* what libpam makes of it if all modules of a stack say so */
		return "PAM_IGNORE";
	default:
		return pam_strerror(NULL, result);
	}
}

int write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result = fd < 0 ? -1 : (int)write(fd, word, strlen(word));

	if (fd >= 0)
		close(fd);
	return result;
}

void answer_errno(int result)
{
	ANSWER("%s", result < 0 ? strerrorname_np(errno) : "ok");
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
		    void *data)
{
	(void)data;
	*responses = calloc((size_t)count, sizeof(**responses));
	for (int i = 0; i < count; i++)
		printf("> %s\n", messages[i]->msg);
	return *responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* start SERVICE USER [FOLDER]: another folder than /etc/pam.d */
static void start(struct client *client, char **arguments)
{
	static const struct pam_conv conversation = { .conv = converse };

	client->status =
		arguments[2] ? pam_start_confdir(arguments[0], arguments[1], &conversation,
						 arguments[2], &client->pamh)
			     : pam_start(arguments[0], arguments[1], &conversation, &client->pamh);
	ANSWER("%s", result_name(client->status));
}

/* item rhost|tty VALUE */
static void item(struct client *client, char **arguments)
{
	int type = strcmp(arguments[0], "rhost") == 0 ? PAM_RHOST : PAM_TTY;

	ANSWER("%s", result_name(pam_set_item(client->pamh, type, arguments[1])));
}

/* env NAME=VALUE: what a module before ours has put into PAM's environment */
static void put_environment(struct client *client, char **arguments)
{
	ANSWER("%s", result_name(pam_putenv(client->pamh, arguments[0])));
}

/* title TEXT: as programs that show in ps(1) what they do: over their arguments, and so their name */
static void write_title(struct client *client, char **arguments)
{
	(void)client;
	snprintf(program_invocation_short_name, strlen(program_invocation_short_name) + 1, " %s",
		 arguments[0]);
	ANSWER("ok");
}

static void open_session(struct client *client, char **arguments)
{
	client->status = pam_open_session(client->pamh, arguments[0] ? PAM_SILENT : 0);
	ANSWER("%s", result_name(client->status));
}

static void close_session(struct client *client, char **arguments)
{
	client->status = pam_close_session(client->pamh, arguments[0] ? PAM_SILENT : 0);
	ANSWER("%s", result_name(client->status));
}

static void end(struct client *client, char **arguments)
{
	(void)arguments;
	ANSWER("%s", result_name(pam_end(client->pamh, client->status)));
	client->pamh = NULL;
}

/* A child that ends its copy of the handle, as the one that becomes the user's shell may do. */
static void end_in_child(struct client *client, char **arguments)
{
	int status = 0;
	pid_t child = fork();

	(void)arguments;
	if (child == 0)
		_exit(pam_end(client->pamh, client->status));
	waitpid(child, &status, 0);
	ANSWER("%s", status ? "failed" : "ok");
}

static long long now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/*
 * rounds N: opens and closes up to N times, until one of both fails; says how often it went well,
 * and how many nanoseconds each round took, by the clock and of the processor.
 */
static void rounds(struct client *client, char **arguments)
{
	int wanted = atoi(arguments[0]), good = 0;

	for (; good < wanted; good++) {
		long long started = now_ns(CLOCK_MONOTONIC),
			  used = now_ns(CLOCK_PROCESS_CPUTIME_ID);

		if (pam_open_session(client->pamh, PAM_SILENT) != PAM_SUCCESS ||
		    pam_close_session(client->pamh, PAM_SILENT) != PAM_SUCCESS)
			break;
		printf("> %lld %lld\n", now_ns(CLOCK_MONOTONIC) - started,
		       now_ns(CLOCK_PROCESS_CPUTIME_ID) - used);
	}
	ANSWER("%d", good);
}

static const struct {
	const char *name;
	command *run;
} commands[] = {
	{ "start", start },
	{ "env", put_environment },
	{ "item", item },
	{ "title", write_title },
	{ "open", open_session },
	{ "close", close_session },
	{ "end", end },
	{ "end-in-child", end_in_child },
	{ "rounds", rounds },
	{ "move", move },
	{ "become", become },
	{ "seccomp", seccomp },
	{ "try", try_open },
	{ "mknod", try_mknod },
	{ "environment", show_environment },
	{ "allocations", count_allocations },
	{ "strain", strain },
	{ "attach", attach_foreign },
};

static void obey(struct client *client, char *line)
{
	char *words[WORDS_MAX + 1] = { NULL };

	for (int i = 0; i < WORDS_MAX && line; i++)
		words[i] = strsep(&line, "\t");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, words[0]) == 0) {
			commands[i].run(client, words + 1);
			return;
		}
	}
	ANSWER("unknown command %s", words[0]);
}

int main(void)
{
	struct client client = { .status = PAM_SUCCESS };
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The C library opens its socket at the first line that is logged: not the module's doing. */
	openlog("client", LOG_NDELAY, LOG_AUTHPRIV);
	while ((length = getline(&line, &size, stdin)) > 0) {
		line[length - 1] = '\0';
		obey(&client, line);
	}
	free(line);
	if (client.pamh)
		pam_end(client.pamh, client.status);
	closelog();
	return 0;
}
