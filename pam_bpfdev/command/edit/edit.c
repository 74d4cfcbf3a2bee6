// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * bpfdev edit and bpfdev install: a new version of a policy's file is checked, told of, and put in
 * its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/edit/edit.h"
#include "command/machine/change.h"
#include "command/warnings/warnings.h"

/* What is to be thought of a copy. */
struct verdict {
	bool usable;
	size_t sessions; /* that are open, of users whose rules change */
	char *text;	 /* what was judged */
	size_t length;
};

static size_t count_mistakes(const struct conf *conf, const char *path, bool in_it)
{
	size_t kept = conf->error_count < CONF_ERRORS_MAX ? conf->error_count : CONF_ERRORS_MAX;
	size_t count = 0;

	for (size_t i = 0; i < kept; i++)
		count += (strcmp(conf->files[conf->errors[i].place.file].path, path) == 0) == in_it;
	return count;
}

static void print_mistakes(const struct conf *conf)
{
	size_t kept = conf->error_count < CONF_ERRORS_MAX ? conf->error_count : CONF_ERRORS_MAX;
	struct reason what;

	for (size_t i = 0; i < kept; i++) {
		conf_describe_error(conf, &conf->errors[i], &what);
		output_line("%s", what.text);
	}
	if (kept < conf->error_count)
		output_line("and %zu more", conf->error_count - kept);
}

/* Also adds mistakes that show only on this machine. */
static void print_warnings(const struct place *place, struct conf *conf)
{
	struct warnings warnings = { 0 };
	struct accounts accounts;
	struct warnings_input input = { .conf = conf,
					.devices = &device_source_system,
					.accounts = &accounts,
					.vendor = place->paths.vendor };
	struct reason why;
	int ret = accounts_system(&accounts, &why);

	if (ret == 0)
		ret = warnings_find(&input, &warnings, &why);
	if (xcheck(ret) < 0 && !conf->error_count)
		output_error("%s", why.text);
	for (size_t i = 0; i < warnings.count; i++) {
		const struct warning *warning = &warnings.items[i];

		output_line("%s:%u:%u: warning: %s", conf->files[warning->place.file].path,
			    warning->place.line, warning->place.column, warning->what.text);
	}
	warnings_free(&warnings);
}

/*
 * Mistakes in other files are no reason to refuse, if they were there before: who has two files to
 * mend begins with one of them.
 */
static void judge_policies(const struct place *place, const struct output *output,
			   struct verdict *verdict)
{
	struct conf *before = place_load(place, false), *after = place_load(place, true);

	if (!after->error_count)
		print_warnings(place, after);
	print_mistakes(after);
	verdict->usable = !count_mistakes(after, place->path, true) &&
			  (!after->error_count || count_mistakes(before, place->path, false));
	if (verdict->usable && after->error_count)
		output_line("%s has no mistakes, but others do: the policy cannot be used yet",
			    place->path);
	else if (verdict->usable && before->error_count)
		output_line("the policy has mistakes now: what changes for whom cannot be told");
	else if (verdict->usable)
		verdict->sessions = changes_print(place, output, before, after);
	conf_free(before);
	conf_free(after);
}

/* Reads the copy, and says what there is to say of it. Returns whether it could be read. */
static bool judge(const struct place *place, const struct output *output, struct verdict *verdict)
{
	free(verdict->text);
	*verdict = (struct verdict) { .usable = false };
	if (!place_read_copy(place, &verdict->text, &verdict->length))
		return false;
	judge_policies(place, output, verdict);
	return true;
}

/* Whether the copy says what the file does. */
static bool is_same_text(const struct place *place, const char *text, size_t length)
{
	return place->exists && length == place->length && memcmp(text, place->text, length) == 0;
}

static bool put_in_place(struct place *place, const struct verdict *verdict)
{
	if (!place_install(place, verdict->text, verdict->length))
		return false;
	place_drop_copy(place);
	change_log(true, "the policy %s was replaced", place->path);
	change_record(&(struct change_record) { .op = CHANGE_EDIT, .file = place->path });
	output_line("%s is in place", place->path);
	return true;
}

static int keep(const struct place *place, int status)
{
	/* The editor has removed it, and left nothing beside it. */
	if (rmdir(place->staging) == 0)
		output_line("%s is as it was", place->path);
	else
		output_line("%s is as it was; the copy is kept in %s", place->path, place->copy);
	return status;
}

static int drop(struct place *place, int status)
{
	place_drop_copy(place);
	output_line("%s is as it was", place->path);
	return status;
}

static int offer_reload(const struct verdict *verdict)
{
	char question[160];
	int ret;

	if (!verdict->sessions)
		return COMMAND_YES;
	snprintf(question, sizeof(question),
		 "%zu open session%s the former rules. Apply the policy now? [y/n]",
		 verdict->sessions, verdict->sessions == 1 ? " has" : "s have");
	if (editor_ask(question, "yn") != 'y') {
		output_line("bpfdev reload applies it");
		return COMMAND_YES;
	}
	ret = editor_run_own("reload");
	return ret < 0 ? COMMAND_FAILED : ret;
}

/* What is to become of a copy that was judged. Returns 'e' to go on, or 0 with *@status. */
static char settle(struct place *place, const struct verdict *verdict, int *status)
{
	int refused = verdict->usable ? COMMAND_NO : COMMAND_MISTAKES;
	char answer;

	if (verdict->usable)
		answer = editor_ask("Put it in place? [y]es, [e]dit again, [k]eep the copy and "
				    "quit, [q]uit without it:",
				    "yekq");
	else
		answer = editor_ask("It cannot be used so. [e]dit again, [k]eep the copy and quit, "
				    "[q]uit without it:",
				    "ekq");
	if (answer == 'e')
		return 'e';
	if (answer == 'q')
		*status = drop(place, refused);
	else if (answer != 'y')
		*status = keep(place, answer ? refused : COMMAND_FAILED);
	else if (put_in_place(place, verdict))
		*status = offer_reload(verdict);
	else
		*status = keep(place, COMMAND_FAILED);
	return 0;
}

static int edit(struct place *place, const struct output *output)
{
	struct verdict verdict = { .usable = false };
	int status = COMMAND_FAILED;
	char *text;
	size_t length;
	bool same;

	do {
		bool well = editor_run(place->copy);

		if (!place_read_copy(place, &text, &length)) {
			status = keep(place, COMMAND_FAILED);
			break;
		}
		same = is_same_text(place, text, length) || (!place->exists && !length);
		free(text);
		if (same) {
			status = drop(place, well ? COMMAND_YES : COMMAND_FAILED);
			break;
		}
		if (!well || !judge(place, output, &verdict)) {
			status = keep(place, COMMAND_FAILED);
			break;
		}
	} while (settle(place, &verdict, &status));
	free(verdict.text);
	return status;
}

static int run_edit(void *request)
{
	struct command_options *options = request;
	struct place place;
	int status = COMMAND_FAILED;

	umask(077);
	editor_catch_signals();
	if (place_open(&place, options->words[0]) &&
	    place_make_copy(&place, place.text, place.length))
		status = edit(&place, &options->output);
	place_close(&place);
	return status;
}

struct install {
	struct command_options options; /* words: SOURCE [FILE] */
	bool dry_run, reload;
};

/* All of SOURCE, or of standard input. Returns NULL, having said why. */
static char *read_source(const char *source, size_t *length)
{
	FILE *file = strcmp(source, "-") == 0 ? stdin : fopen(source, "re");
	char *text;

	if (!file) {
		output_error("%s: %s", source, strerror(errno));
		return NULL;
	}
	text = xmalloc(CONF_FILE_MAX + 1);
	*length = fread(text, 1, CONF_FILE_MAX + 1, file);
	if (ferror(file))
		output_error("%s: %s", source, strerror(errno));
	else if (*length > CONF_FILE_MAX)
		output_error("%s: expected at most %d bytes", source, CONF_FILE_MAX);
	if (ferror(file) || *length > CONF_FILE_MAX) {
		free(text);
		text = NULL;
	}
	if (file != stdin)
		fclose(file);
	return text;
}

static int install(const struct install *install, struct place *place)
{
	struct verdict verdict = { .usable = false };
	int status = COMMAND_FAILED;

	if (judge(place, &install->options.output, &verdict)) {
		if (!verdict.usable) {
			status = drop(place, COMMAND_MISTAKES);
		} else if (install->dry_run) {
			status = drop(place, COMMAND_YES);
		} else if (put_in_place(place, &verdict)) {
			status = COMMAND_YES;
			if (verdict.sessions && !install->reload)
				output_line("%zu open session%s the former rules; bpfdev reload "
					    "applies the policy",
					    verdict.sessions,
					    verdict.sessions == 1 ? " has" : "s have");
		}
	}
	if (place->staging)
		place_drop_copy(place);
	free(verdict.text);
	return status;
}

static int run_install(void *request)
{
	const struct install *options = request;
	const char *const *words = options->options.words;
	int status = COMMAND_FAILED, ret;
	struct place place;
	size_t length;
	char *text;

	umask(077);
	/* Who writes it may take a while, in which others edit. */
	text = read_source(words[0], &length);
	if (!text)
		return COMMAND_FAILED;
	if (!place_open(&place, words[1])) {
		free(text);
		place_close(&place);
		return COMMAND_FAILED;
	}
	if (is_same_text(&place, text, length)) {
		output_line("%s is as it was: it has the same text", place.path);
		status = COMMAND_YES;
	} else if (place_make_copy(&place, text, length)) {
		status = install(options, &place);
	}
	free(text);
	place_close(&place);
	if (status != COMMAND_YES || !options->reload || options->dry_run)
		return status;
	ret = editor_run_own("reload");
	return ret < 0 ? COMMAND_FAILED : ret;
}

const struct command command_edit = {
	.name = "edit",
	.summary = "change the policy, with a check before it counts",
	.arguments = "[FILE]",
	.doc = "Opens a copy of the policy, or of FILE, in an editor. When that ends, the copy is checked; "
	       "then you see whose rules change, and it is put in place in one step if you say so.\v"
	       "FILE may be a drop-in, also a new one, or a policy that PAM lines name with conf=. The "
	       "editor is VISUAL, EDITOR or the system's; it must not return before you are done. "
	       "Whatever happens before it is in place, the copy is kept, and its path is said.\n\n"
	       "Exit status: 0 it is in place, or nothing was changed; 1 you left it as it was, 2 it has "
	       "mistakes, 3 it could not be done.",
	.root = "the policy is root's",
	.words_max = 1,
	.sets = { { &command_color_set, 0 } },
	.size = sizeof(struct command_options),
	.run = run_edit,
};

static const struct command_option install_options[] = {
	{ "dry-run", 'n', NULL, "check it and say what would change, and change nothing",
	  offsetof(struct install, dry_run), NULL },
	{ "reload", 'r', NULL, "apply the policy to the sessions that are open, then",
	  offsetof(struct install, reload), NULL },
	{ 0 },
};

static const struct command_set install_set = { install_options, 0, NULL };

const struct command command_install = {
	.name = "install",
	.summary = "put a new policy in place, with a check before it counts",
	.arguments = "SOURCE [FILE]",
	.doc = "Checks SOURCE as a new version of the policy, or of FILE, says whose rules change, and puts "
	       "it in place in one step: root's, mode 0600. SOURCE may be -, standard input. What "
	       "bpfdev edit does, for scripts.\v"
	       "FILE may be a drop-in, also a new one, or a policy that PAM lines name with conf=. "
	       "SOURCE stays as it is.\n\n"
	       "Exit status: 0 it is in place, or was before; 2 it has mistakes, 3 it could not be done; "
	       "with --reload, what bpfdev reload says. With mistakes nothing is changed.",
	.root = "the policy is root's",
	.words_min = 1,
	.words_max = 2,
	.missing = "expected a file to put in place",
	.sets = { { &install_set, 0 }, { &command_color_set, 0 } },
	.size = sizeof(struct install),
	.run = run_install,
};
