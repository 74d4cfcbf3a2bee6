// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/command.h"

enum { OPTION_COLOR = 0x100, OPTION_CONF, OPTION_JSON };

static error_t parse_color(struct output *output, const char *text, struct argp_state *state)
{
	if (!text || strcmp(text, "always") == 0)
		output->color = true;
	else if (strcmp(text, "never") == 0)
		output->color = false;
	else if (strcmp(text, "auto") != 0)
		argp_error(state, "unknown --color=%s; expected auto, always or never", text);
	return 0;
}

static error_t parse_output(int key, char *argument, struct argp_state *state)
{
	struct command_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options->output = (struct output) { .color = output_wants_color() };
		return 0;
	case OPTION_JSON:
		options->output.json = true;
		return 0;
	case OPTION_COLOR:
		return parse_color(&options->output, argument, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option output_options[] = {
	{ "json", OPTION_JSON, NULL, 0, "print JSON; bpfdev(8) has the fields", 1 },
	{ "color", OPTION_COLOR, "WHEN", OPTION_ARG_OPTIONAL,
	  "auto (the default: on a terminal, unless NO_COLOR is set), always or never", 1 },
	{ 0 },
};

const struct argp command_output_argp = { .options = output_options, .parser = parse_output };

static error_t parse_conf(int key, char *argument, struct argp_state *state)
{
	struct command_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options->conf = NULL;
		options->paths = conf_paths_system;
		return 0;
	case OPTION_CONF:
		if (argument[0] != '/')
			argp_error(state, "--conf=%s; expected a path from the root", argument);
		options->conf = argument;
		options->paths = conf_paths_of(argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option conf_options[] = {
	{ "conf", OPTION_CONF, "PATH", 0,
	  "read this policy, without drop-ins, as the module does with conf=PATH", 1 },
	{ 0 },
};

const struct argp command_conf_argp = { .options = conf_options, .parser = parse_conf };

bool command_is_root(const char *subcommand, const char *what_for)
{
	if (geteuid() == 0)
		return true;
	output_error("%s needs root: %s (try: sudo bpfdev %s)", subcommand, what_for, subcommand);
	return false;
}

int command_load_policy(const struct command_options *options, struct conf **conf)
{
	struct reason first;
	int ret = conf_load(&options->paths, conf);

	if (ret < 0) {
		output_error("the policy cannot be read: %s", strerror(-ret));
		return COMMAND_FAILED;
	}
	if ((*conf)->error_count == 0)
		return COMMAND_YES;
	conf_describe_error(*conf, &(*conf)->errors[0], &first);
	output_error("%s", first.text);
	if ((*conf)->error_count > 1)
		output_error("and %zu more mistakes: see bpfdev check", (*conf)->error_count - 1);
	conf_free(*conf);
	*conf = NULL;
	return COMMAND_MISTAKES;
}
