/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What all subcommands of bpfdev(8) share. */
#ifndef COMMAND_H
#define COMMAND_H

#include <argp.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "command/base/output.h"

/* The exit status: EXIT STATUS of bpfdev(8) promises these. */
enum command_exit {
	COMMAND_YES = 0,      /* done; allowed; nothing to complain of */
	COMMAND_NO = 1,	      /* done, and the answer is no: denied, nothing found, a way out */
	COMMAND_MISTAKES = 2, /* the policy has mistakes */
	COMMAND_FAILED = 3,   /* it could not be done: not root, no such user, the kernel refuses */
	COMMAND_USAGE = 64,   /* argp(3): the command line was not understood */
};

struct command {
	const char *name;
	const char *summary; /* for the list of subcommands: one line without a full stop */
	/* @argv[0] is "bpfdev NAME", for argp. Returns an enum command_exit. */
	int (*run)(int argc, char **argv);
};

extern const struct command command_check;
extern const struct command command_explain;
extern const struct command command_rules;
extern const struct command command_status;
extern const struct command command_reload;
extern const struct command command_allow;
extern const struct command command_revoke;
extern const struct command command_denials;
extern const struct command command_monitor;
extern const struct command command_doctor;
extern const struct command command_suggest;

/*
 * Options of several subcommands, as children of their argp parsers: give the parser's child input
 * a struct command_options.
 */
struct command_options {
	struct output output;	 /* --json, --color */
	const char *conf;	 /* --conf=PATH; NULL: the system's files */
	struct conf_paths paths; /* what that comes to: set by command_options_end() */
};

/* --json and --color=auto|always|never. */
extern const struct argp command_output_argp;
/* --conf=PATH: as the module's argument conf=. */
extern const struct argp command_conf_argp;

/* Whether the effective user is root; if not, says that @subcommand needs it, and what for. */
bool command_is_root(const char *subcommand, const char *what_for);

/*
 * Loads the policy of @options. Returns COMMAND_YES with *@conf; COMMAND_MISTAKES, having said the
 * first one and how to see all; or COMMAND_FAILED, having said why.
 */
int command_load_policy(const struct command_options *options, struct conf **conf);

#endif
