// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The command line of all subcommands is understood here, by what they say of themselves. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/device.h"
#include "command/base/command.h"
#include "command/base/memory.h"

static void take_color(void *data, const char *text, struct argp_state *state)
{
	struct output *output = &((struct command_options *)data)->output;

	if (!text || strcmp(text, "always") == 0)
		output->color = true;
	else if (strcmp(text, "never") == 0)
		output->color = false;
	else if (strcmp(text, "auto") != 0)
		argp_error(state, "unknown --color=%s; expected auto, always or never", text);
}

static const struct command_option output_options[] = {
	{ "json", 0, NULL, "print JSON; bpfdev(8) has the fields",
	  offsetof(struct command_options, output.json), NULL },
	{ "color", 0, "[WHEN]",
	  "auto (the default: on a terminal, unless NO_COLOR is set), always or never", 0,
	  take_color },
	{ 0 },
};

const struct command_set command_output_set = { output_options, 1, NULL };
const struct command_set command_color_set = { output_options + 1, 1, NULL };

static void take_conf(void *data, const char *path, struct argp_state *state)
{
	struct command_options *options = data;

	if (path[0] != '/')
		argp_error(state, "--conf=%s; expected a path from the root", path);
	options->conf = path;
	options->paths = conf_paths_of(path);
}

static const struct command_option conf_options[] = {
	{ "conf", 0, "PATH",
	  "read this policy, without drop-ins, as the module does with conf=PATH", 0, take_conf },
	{ 0 },
};

const struct command_set command_conf_set = { conf_options, 1, NULL };

/* What is known of a command line while it is read. */
struct line {
	const struct command *command;
	struct command_options *request;
	struct argp_option *options; /* of all sets, in their order */
};

/* Of options without a letter: they count from here. */
#define KEY_BASE 0x100

static void *data_of(const struct line *line, size_t set)
{
	return (char *)line->request + line->command->sets[set].place;
}

static size_t count_options(const struct command_set *set)
{
	size_t count = 0;

	while (set->options[count].name)
		count++;
	return count;
}

/* One option after the other, as argp(3) wants them. */
static struct argp_option *list_options(const struct command *command)
{
	struct {
		struct argp_option *items;
		size_t count, capacity;
	} list = { 0 };

	for (size_t s = 0; s < COMMAND_SETS && command->sets[s].set; s++) {
		const struct command_set *set = command->sets[s].set;

		for (size_t i = 0; i < count_options(set); i++) {
			const struct command_option *option = &set->options[i];
			bool optional = option->value && *option->value == '[';
			char *value = option->value ? xstrdup(option->value + optional) : NULL;

			if (optional)
				value[strlen(value) - 1] = '\0';
			*xappend(&list) = (struct argp_option) {
				.name = option->name,
				.key = option->letter ? option->letter : KEY_BASE + (int)list.count,
				.arg = value,
				.flags = optional ? OPTION_ARG_OPTIONAL : 0,
				.doc = option->help,
				.group = set->group,
			};
		}
	}
	*xappend(&list) = (struct argp_option) { 0 };
	return list.items;
}

static void take_option(const struct command_option *option, void *data, char *value,
			struct argp_state *state)
{
	if (option->take)
		option->take(data, value, state);
	else if (option->value)
		*(const char **)((char *)data + option->place) = value;
	else
		*(bool *)((char *)data + option->place) = true;
}

/* Returns whether the key is that of an option. */
static bool find_and_take(const struct line *line, int key, char *value, struct argp_state *state)
{
	size_t number = 0;

	for (size_t s = 0; s < COMMAND_SETS && line->command->sets[s].set; s++) {
		const struct command_set *set = line->command->sets[s].set;

		for (size_t i = 0; i < count_options(set); i++, number++) {
			if (line->options[number].key != key)
				continue;
			take_option(&set->options[i], data_of(line, s), value, state);
			return true;
		}
	}
	return false;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	const struct line *line = state->input;
	const struct command *command = line->command;
	struct command_options *request = line->request;

	switch (key) {
	case ARGP_KEY_ARG:
		if (request->word_count < command->words_max) {
			request->words[request->word_count++] = argument;
			return 0;
		}
		if (command->too_many)
			argp_error(state, "%s", command->too_many);
		return ARGP_ERR_UNKNOWN;
	case ARGP_KEY_END:
		if (request->word_count < command->words_min)
			argp_error(state, "%s", command->missing);
		for (size_t s = 0; s < COMMAND_SETS && command->sets[s].set; s++)
			if (command->sets[s].set->check)
				command->sets[s].set->check(data_of(line, s), state);
		return 0;
	default:
		return find_and_take(line, key, argument, state) ? 0 : ARGP_ERR_UNKNOWN;
	}
}

int command_run(const struct command *command, int argc, char **argv)
{
	struct line line = { command, xcalloc(1, command->size), list_options(command) };
	const struct argp parser = { .options = line.options,
				     .parser = parse,
				     .args_doc = command->arguments,
				     .doc = command->doc };
	char *name = xasprintf("bpfdev %s", command->name);
	int status = COMMAND_FAILED;

	argv[0] = name;
	line.request->output.color = output_wants_color();
	line.request->paths = conf_paths_system;
	/* It has said what is wrong and ended the command, unless there was no memory. */
	if (argp_parse(&parser, argc, argv, 0, NULL, &line) != 0)
		memory_exhausted();
	if (!command->root || command_is_root(command->name, command->root))
		status = command->run(line.request);
	for (size_t i = 0; line.options[i].name; i++)
		free((char *)line.options[i].arg);
	free(line.options);
	free(line.request);
	free(name);
	return status;
}

size_t command_take_device(const struct command_options *options, size_t at, char *text,
			   size_t size)
{
	const char *const *words = options->words + at;
	bool two = device_is_type(words[0]) && words[1];

	snprintf(text, size, "%s%s%s", words[0], two ? " " : "", two ? words[1] : "");
	return two ? at + 2 : at + 1;
}

bool command_is_root(const char *subcommand, const char *what_for)
{
	if (geteuid() == 0)
		return true;
	output_error("%s needs root: %s (try: sudo bpfdev %s)", subcommand, what_for, subcommand);
	return false;
}

int command_load_policy(const struct command_options *options, struct conf **conf)
{
	struct conf_paths paths = options->paths;
	struct reason first;
	int ret;

	paths.patient = false;
	ret = conf_load(&paths, conf);
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
