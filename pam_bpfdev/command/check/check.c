// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev check: what is wrong with a policy, and what in it is surely not meant. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/command.h"
#include "command/base/row.h"
#include "command/warnings/warnings.h"

struct check {
	struct command_options options;
	bool strict, quiet;
};

static const struct command_option check_options[] = {
	{ "strict", 's', NULL, "exit with 1 if there are warnings", offsetof(struct check, strict),
	  NULL },
	{ "quiet", 'q', NULL, "print mistakes and warnings only, no last line",
	  offsetof(struct check, quiet), NULL },
	{ 0 },
};

static void check_line(void *data, struct argp_state *state)
{
	const struct check *check = data;

	if (check->options.words[0] && check->options.conf)
		argp_error(state, "both FILE and --conf; expected one of them");
}

static const struct command_set check_set = { check_options, 0, check_line };

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void print_mistakes(const struct check *check, const struct conf *conf)
{
	size_t kept = conf->error_count < CONF_ERRORS_MAX ? conf->error_count : CONF_ERRORS_MAX;
	struct reason what;

	for (size_t i = 0; i < kept; i++) {
		conf_describe_error(conf, &conf->errors[i], &what);
		output_line("%s", what.text);
	}
	if (kept < conf->error_count)
		output_line("and %zu more mistake%s", conf->error_count - kept,
			    plural(conf->error_count - kept));
	if (check->quiet)
		return;
	/* The count is ours, so it needs no escaping. */
	printf("%s%zu mistake%s%s: warnings are looked for when there is none\n",
	       output_tone(&check->options.output, OUTPUT_BAD), conf->error_count,
	       plural(conf->error_count), output_tone(&check->options.output, OUTPUT_PLAIN));
}

/* Paths and texts of warnings are escaped here, so that only the tone's sequences are left. */
static void print_warnings(const struct check *check, const struct conf *conf,
			   const struct warnings *warnings)
{
	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *warning = &warnings->items[i];
		struct reason place;

		if (warning->path)
			reason_set(&place, "%s", warning->path);
		else
			reason_set(&place, "%s:%u:%u", conf->files[warning->place.file].path,
				   warning->place.line, warning->place.column);
		printf("%s: %swarning:%s %s\n", place.text,
		       output_tone(&check->options.output, OUTPUT_WARNING),
		       output_tone(&check->options.output, OUTPUT_PLAIN), warning->what.text);
	}
}

static void print_summary(const struct check *check, const struct conf *conf,
			  const struct warnings *warnings)
{
	if (check->quiet)
		return;
	printf("%zu file%s, %zu line%s with rules, %zu class%s: no mistakes", conf->file_count,
	       plural(conf->file_count), conf->statement_count, plural(conf->statement_count),
	       conf->class_count, conf->class_count == 1 ? "" : "es");
	if (warnings->count)
		printf(", %zu warning%s", warnings->count, plural(warnings->count));
	putchar('\n');
}

static json_t *json_finding(const char *path, const struct conf_place *place,
			    const struct reason *what)
{
	json_t *object = json_object();

	row_put(object, "file", output_string(path));
	row_put(object, "line", json_integer(place->line));
	row_put(object, "column", json_integer(place->column));
	row_put(object, "message", output_string(what->text));
	return object;
}

static json_t *json_counts(const struct conf *conf, const struct warnings *warnings)
{
	json_t *counts = json_object();

	row_put(counts, "files", json_integer((json_int_t)conf->file_count));
	row_put(counts, "rules", json_integer((json_int_t)conf->statement_count));
	row_put(counts, "classes", json_integer((json_int_t)conf->class_count));
	row_put(counts, "mistakes", json_integer((json_int_t)conf->error_count));
	row_put(counts, "warnings", json_integer((json_int_t)warnings->count));
	return counts;
}

static int print_json(const struct conf *conf, const struct warnings *warnings)
{
	size_t kept = conf->error_count < CONF_ERRORS_MAX ? conf->error_count : CONF_ERRORS_MAX;
	json_t *files = json_array(), *mistakes = json_array(), *array = json_array();
	json_t *object = json_object();

	for (size_t i = 0; i < conf->file_count; i++)
		row_append(files, output_string(conf->files[i].path));
	for (size_t i = 0; i < kept; i++)
		row_append(mistakes, json_finding(conf->files[conf->errors[i].place.file].path,
						  &conf->errors[i].place, &conf->errors[i].what));
	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *warning = &warnings->items[i];
		const char *path =
			warning->path ? warning->path : conf->files[warning->place.file].path;
		json_t *finding = json_finding(path, &warning->place, &warning->what);

		row_put(finding, "kind", json_string(warning_kind_name(warning->kind)));
		row_append(array, finding);
	}
	row_put(object, "files", files);
	row_put(object, "mistakes", mistakes);
	row_put(object, "warnings", array);
	row_put(object, "counts", json_counts(conf, warnings));
	return output_json(object);
}

/* Returns 0 or a negative errno, having said so. */
static int print(const struct check *check, const struct conf *conf,
		 const struct warnings *warnings)
{
	if (check->options.output.json)
		return print_json(conf, warnings);
	if (conf->error_count) {
		print_mistakes(check, conf);
		return 0;
	}
	print_warnings(check, conf, warnings);
	print_summary(check, conf, warnings);
	return 0;
}

/* Mistakes that show only on this machine are added to @conf. Returns 0 or -1, having said why. */
static int find_warnings(const struct check *check, struct conf *conf, struct warnings *warnings)
{
	struct accounts accounts;
	struct warnings_input input = { .conf = conf,
					.devices = &device_source_system,
					.accounts = &accounts,
					.vendor = check->options.paths.vendor,
					.pam_root = "",
					.paths = &check->options.paths };
	struct reason why;
	int ret = accounts_system(&accounts, &why);

	if (ret == 0)
		ret = warnings_find(&input, warnings, &why);
	if (ret == 0 || (ret == -EINVAL && conf->error_count))
		return 0;
	output_error("%s", why.text);
	return -1;
}

static int exit_of(const struct check *check, const struct conf *conf,
		   const struct warnings *warnings)
{
	if (conf->error_count)
		return COMMAND_MISTAKES;
	/* A machine without rules yet, as the package leaves it, is worth a word and no failure. */
	for (size_t i = 0; i < warnings->count && check->strict; i++)
		if (warnings->items[i].kind != WARNING_NO_RULES)
			return COMMAND_NO;
	return COMMAND_YES;
}

static int check_policy(const struct check *check)
{
	struct conf_paths paths = check->options.paths;
	struct warnings warnings = { 0 };
	int status = COMMAND_FAILED;
	struct conf *conf;
	int ret;

	paths.patient = false;
	ret = conf_load(&paths, &conf);

	if (ret < 0) {
		output_error("the policy cannot be read: %s", strerror(-ret));
		return COMMAND_FAILED;
	}
	if (conf->error_count == 0)
		ret = find_warnings(check, conf, &warnings);
	if (ret == 0 && print(check, conf, &warnings) == 0)
		status = exit_of(check, conf, &warnings);
	warnings_free(&warnings);
	conf_free(conf);
	return status;
}

static int run(void *request)
{
	struct check *check = request;
	const char *file = check->options.words[0];

	if (!file) {
		if (!command_is_root("check",
				     "the policy is root's; a file of your own can be named"))
			return COMMAND_FAILED;
		return check_policy(check);
	}
	/* Of the system's policy that would be a mistake; here the command line is wrong. */
	if (access(file, R_OK) < 0) {
		output_error("%s: %s", file, strerror(errno));
		return COMMAND_FAILED;
	}
	check->options.paths = conf_paths_of(file);
	check->options.paths.owner = getuid();
	return check_policy(check);
}

const struct command command_check = {
	.name = "check",
	.summary = "look for mistakes in the policy, and for what is surely not meant",
	.arguments = "[FILE]",
	.doc = "Looks for mistakes in the device rules, and for what is legal in them and surely not "
	       "meant.\vWithout FILE it looks at all files of the system's policy, and needs root. "
	       "With FILE it looks at that file alone, together with the classes that ship; it may "
	       "be a file of your own.\n\nExit status: 0 no mistakes, 1 warnings (with --strict), 2 "
	       "mistakes, 3 it could not be looked at.",
	.words_max = 1,
	.too_many = "too many files; expected one, or none for the system's",
	.sets = { { &check_set, 0 }, { &command_output_set, 0 }, { &command_conf_set, 0 } },
	.size = sizeof(struct check),
	.run = run,
};
