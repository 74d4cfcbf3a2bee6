/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a subcommand of bpfdev(8) is, and what all of them share. */
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

/*
 * What several subcommands take from the command line. A subcommand's own struct, its request,
 * begins with one.
 */
struct command_options {
	struct output output;	 /* --json, --color */
	const char *conf;	 /* --conf=PATH; NULL: the system's files */
	struct conf_paths paths; /* what that comes to */
	const char *words[6];	 /* the arguments that are no options; then NULL */
	size_t word_count;
};

/* An option of a subcommand. */
struct command_option {
	const char *name;  /* "strict"; NULL ends a list */
	int letter;	   /* 's'; 0: it has none */
	const char *value; /* "TIME"; "[ID]": it may be left out; NULL: there is none */
	const char *help;
	size_t place; /* offsetof() a bool that is set, or of an option with a value a const char * */
	/* Called instead, with what place counts from. A mistake: argp_error(3). */
	void (*take)(void *data, const char *value, struct argp_state *state);
};

/* Options that belong together, of one subcommand or of several. */
struct command_set {
	const struct command_option *options;
	int group; /* where they stand in --help: those that all have are 1 */
	/* Called when all options are known, or NULL. A mistake: argp_error(3). */
	void (*check)(void *data, struct argp_state *state);
};

/* --json and --color=auto|always|never; the latter alone. */
extern const struct command_set command_output_set;
extern const struct command_set command_color_set;
/* --conf=PATH: as the module's argument conf=. */
extern const struct command_set command_conf_set;

#define COMMAND_SETS 4

/* A subcommand. */
struct command {
	const char *name;
	const char *summary;	     /* for the list of subcommands: one line without a full stop */
	const char *arguments;	     /* "USER [DEVICE]", for --help */
	const char *doc;	     /* for --help; what follows "\v" comes after the options */
	const char *root;	     /* what it needs root for; NULL: not, or not always */
	size_t words_min, words_max; /* so many words; at most 5 */
	const char *missing;	     /* what is said of less */
	const char *too_many;	     /* what is said of more; NULL: what argp(3) says */
	struct {
		const struct command_set *set;
		size_t place; /* offsetof() the set's data in the request; 0: the request itself */
	} sets[COMMAND_SETS];
	size_t size; /* of the request: all zero but for the command line when run() gets it */
	/* Returns an enum command_exit. */
	int (*run)(void *request);
};

/* Understands the command line, and runs the subcommand. Returns an enum command_exit. */
int command_run(const struct command *command, int argc, char **argv);

/*
 * DEVICE of the command line, whose first word is number @at, as one text: "c 1:3" may come as one
 * word of the shell or as two. @text: @size bytes, cut to fit. Returns the number of the next word.
 */
size_t command_take_device(const struct command_options *options, size_t at, char *text,
			   size_t size);

/* Whether the effective user is root; if not, says that @subcommand needs it, and what for. */
bool command_is_root(const char *subcommand, const char *what_for);

/*
 * Loads the policy of @options. Returns COMMAND_YES with *@conf; COMMAND_MISTAKES, having said the
 * first one and how to see all; or COMMAND_FAILED, having said why.
 */
int command_load_policy(const struct command_options *options, struct conf **conf);

#endif
