// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The editor, and questions to who sits before it. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/edit/edit.h"

static volatile sig_atomic_t ended;

static void note_end(int number)
{
	ended = number;
}

/* What is held back but while something is waited for, so that none is missed. */
static sigset_t list_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void editor_catch_signals(void)
{
	struct sigaction action = { .sa_handler = note_end };
	sigset_t set = list_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

/* Waits until there is something to read, or a signal. Returns whether there is. */
static bool wait_for_input(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	sigset_t none;

	sigemptyset(&none);
	return ppoll(&wanted, 1, NULL, &none) > 0;
}

/* Then the shell would take the copy for the program. */
static bool is_blank(const char *editor)
{
	return !editor || !editor[strspn(editor, " \t\n")];
}

/* The words of the environment may have arguments: the shell splits them, as others do. */
_Noreturn static void become_editor(const char *copy)
{
	static const char *const usual[] = { "editor", "sensible-editor", "vi", "nano" };
	const char *editor = getenv("VISUAL");
	sigset_t set = list_signals();

	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (is_blank(editor))
		editor = getenv("EDITOR");
	if (!is_blank(editor)) {
		char *line = xasprintf("%s \"$@\"", editor);

		execl("/bin/sh", "sh", "-c", line, "editor", copy, (char *)NULL);
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && is_blank(editor); i++)
		execlp(usual[i], usual[i], copy, (char *)NULL);
	_exit(127);
}

/* Waits for a child. What should end this program ends the child first. Returns its status. */
static int wait_for(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = -1;

	while (fd >= 0 && !wait_for_input(fd))
		if (ended)
			kill(pid, SIGTERM);
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

bool editor_run(const char *copy)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_editor(copy);
	if (pid < 0) {
		output_error("no editor can be started: %s", strerror(errno));
		return false;
	}
	/* Keys of the terminal are the editor's. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	status = wait_for(pid);
	signal(SIGQUIT, SIG_DFL);
	editor_catch_signals();
	if (ended) {
		output_error("ended by a signal");
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		output_error("the editor was not found: set VISUAL or EDITOR");
	else if (WIFEXITED(status))
		output_error("the editor ended with exit status %d", WEXITSTATUS(status));
	else
		output_error("the editor was ended by signal %d", WTERMSIG(status));
	return false;
}

int editor_run_own(const char *subcommand)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
	sigset_t set = list_signals();
	int status;
	pid_t pid;

	if (length < 0)
		return -errno;
	path[length] = '\0';
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		execl(path, "bpfdev", subcommand, (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		return -errno;
	status = wait_for(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* Reads a line into @line. What is too long is cut. Returns false: there is none. */
static bool read_answer(char *line, size_t size)
{
	size_t length = 0;
	char letter = '\0';

	while (letter != '\n') {
		if (!wait_for_input(STDIN_FILENO) || read(STDIN_FILENO, &letter, 1) <= 0)
			return false;
		if (letter != '\n' && length + 1 < size)
			line[length++] = letter;
	}
	line[length] = '\0';
	return true;
}

char editor_ask(const char *question, const char *letters)
{
	char line[8];

	do {
		printf("%s ", question);
		fflush(stdout);
		if (!read_answer(line, sizeof(line))) {
			/* The question has no line end yet. */
			putchar('\n');
			return 0;
		}
	} while (!*line || !strchr(letters, *line) || line[1]);
	return *line;
}
