// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev: the administrator's command. One table; each subcommand has a file of its own. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command/base/command.h"
#include "command/base/memory.h"
#include "conf/conf.h"

extern const struct command command_check, command_explain, command_rules, command_status,
	command_denials, command_monitor, command_suggest, command_reload, command_allow,
	command_revoke, command_doctor, command_edit, command_install, command_devices,
	command_settle, command_ask;

/* In the order of bpfdev --help. */
static const struct command *const commands[] = {
	&command_devices, &command_check,   &command_explain, &command_rules,
	&command_status,  &command_denials, &command_monitor, &command_suggest,
	&command_reload,  &command_edit,    &command_install, &command_allow,
	&command_revoke,  &command_settle,  &command_ask,     &command_doctor,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void list_commands(FILE *stream)
{
	fprintf(stream, "Usage: bpfdev COMMAND [OPTION...] [ARGUMENT...]\n"
			"       bpfdev --version\n"
			"Device rules for logins: see, check and change them.\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(stream, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(stream, "\nbpfdev COMMAND --help says more; so does bpfdev(8).\n");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[COUNT(commands)], *near;

	for (size_t i = 0; i < COUNT(commands); i++)
		names[i] = commands[i]->name;
	near = conf_nearest(name, names, COUNT(names));
	output_error("unknown command \"%s\"%s%s%s; bpfdev --help lists them", name,
		     near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
	return COMMAND_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* Options of bpfdev itself, which stand alone. Returns whether @word is one. */
static bool answered(const char *word)
{
	if (is_one_of(word, "--version", "-V"))
		puts("bpfdev " PAM_BPFDEV_VERSION);
	else if (is_one_of(word, "--help", "-?") || strcmp(word, "help") == 0)
		list_commands(stdout);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	const struct command *command;
	int status;

	setlocale(LC_ALL, "");
	memory_begin();
	/* head(1) and pagers end early: that is a failed write, not a death. */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		list_commands(stderr);
		return COMMAND_USAGE;
	}
	if (answered(argv[1]))
		return output_end() < 0 ? COMMAND_FAILED : COMMAND_YES;
	command = find(argv[1]);
	status = command ? command_run(command, argc - 1, argv + 1) : unknown(argv[1]);
	return output_end() < 0 ? COMMAND_FAILED : status;
}
