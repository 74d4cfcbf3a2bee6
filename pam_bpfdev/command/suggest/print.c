// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A part of a policy, ready to be pasted: also on a terminal it is just that. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest/print.h"

#define COLUMNS 100

/* "# BEFORE FILE:LINE BEHIND: TEXT" */
static void print_statement(const struct conf *conf, const char *before,
			    const struct conf_statement *statement, const char *behind)
{
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	output_line("# %s%s%s: %s", before, lines_place(conf, statement, place), behind,
		    conf_describe_statement(statement, text, sizeof(text)));
}

/* @what: a line, or what is not suggested. */
static int print_asked(const struct suggestion *suggestion, const char *what,
		       const struct suggest_wish *const *wishes, size_t count)
{
	char *names = suggest_names(suggestion, wishes, count);
	char *asked = suggest_asked(suggestion, wishes, count);
	int ret = names && asked ? 0 : -ENOMEM;

	if (ret == 0 && strlen(names) + strlen(what) + strlen(asked) + strlen("# : ") <= COLUMNS) {
		output_line("# %s%s: %s", names, what, asked);
	} else if (ret == 0) {
		output_line("# %s%s:", names, what);
		output_line("#   %s", asked);
	}
	free(names);
	free(asked);
	return ret;
}

/* Each line of the policy once, whichever of the wishes it stands against. */
static int print_deniers(const struct suggestion *suggestion,
			 const struct suggest_wish *const *wishes, size_t count)
{
	const struct conf *conf = suggestion->request.conf;
	bool *denies = suggest_denying(suggestion, wishes, count);

	if (!denies)
		return -ENOMEM;
	for (size_t i = 0; i < conf->statement_count; i++)
		if (denies[i])
			print_statement(conf, "denied by ", &conf->statements[i],
					", which this line outweighs");
	free(denies);
	return 0;
}

/* What the first line for @who does beside what it says. */
static void print_who(const struct suggest *suggest, size_t who)
{
	const char *text = suggest->whos[who].text;

	if (suggest_restricts(suggest, who))
		output_line("# WARNING: some sessions of %s have no rules now, as conditions of "
			    "lines do not hold there; with a line for %s, all have",
			    text, text);
}

/* @used: how many of its devices were asked for. */
static void print_allow(const struct suggest *suggest, const struct suggest_line *line, size_t used)
{
	const struct suggest_target *target = &suggest->targets[line->target];
	const char *who = suggest->whos[line->who].text;
	char device[SUGGEST_DEVICE_SIZE], letters[4];

	if (target->devices > used)
		output_line("# %zu of the %zu devices that %s stands for here", used,
			    target->devices, target->text);
	if (line == suggest->lines || line[-1].who != line->who)
		print_who(suggest, line->who);
	if (line->warning)
		output_line("# WARNING: %s", line->warning);
	output_line("%-13s %-8s %-28s %s", who, "allow", suggest_device(suggest, line, device),
		    output_letters(line->access, letters));
}

static int print_line(const struct suggestion *suggestion, const struct suggest_line *line,
		      const struct suggest_wish **wishes)
{
	size_t count = suggest_wishes_of(suggestion, line, wishes);
	int ret;

	output_line("%s", "");
	ret = print_asked(suggestion, "", wishes, count);
	if (ret == 0)
		ret = print_deniers(suggestion, wishes, count);
	if (ret == 0)
		print_allow(&suggestion->suggest, line, suggest_count_devices(wishes, count));
	return ret;
}

static int print_blocked(const struct suggestion *suggestion, const struct suggest_wish *wish)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct conf *conf = suggestion->request.conf;
	const struct conf_statement *line = lines_find(conf, wish->source);
	char letters[4], what[8];
	int ret;

	snprintf(what, sizeof(what), " %s", output_letters(wish->access, letters));
	output_line("%s", "");
	ret = print_asked(suggestion, what, &wish, 1);
	if (line) {
		print_statement(conf, "denied by ", line, "");
		output_line("# No line for %s outweighs that: remove it, if it is not meant",
			    suggest->whos[wish->who].text);
	} else {
		output_line("# No line for %s would allow it", suggest->whos[wish->who].text);
	}
	return ret;
}

static int print_lines(const struct suggestion *suggestion, const struct suggest_wish **wishes)
{
	const struct suggest *suggest = &suggestion->suggest;
	int ret = 0;

	if (suggest->line_count) {
		output_line("#");
		output_line("# %-11s %-8s %-28s %s", "who", "verb", "device", "access");
	}
	for (size_t i = 0; i < suggest->line_count && ret == 0; i++)
		ret = print_line(suggestion, &suggest->lines[i], wishes);
	for (size_t i = 0; i < suggest->wish_count && ret == 0; i++)
		if (suggest->wishes[i].blocked)
			ret = print_blocked(suggestion, &suggest->wishes[i]);
	return ret;
}

/* Sessions and managers with rules, of those that were asked about. */
static size_t count_filtered(const struct machine *machine)
{
	size_t count = 0;

	for (size_t i = 0; i < machine->unit_count; i++)
		count += machine->units[i].wanted && machine->units[i].filters > 0;
	return count;
}

/* Still a part of a policy, if one that says nothing. */
static void print_nothing(const struct suggestion *suggestion)
{
	const char *wanted = suggestion->wanted;
	size_t allowed = suggestion->suggest.allowed;

	if (allowed)
		output_line("# All of it (%zu device%s) is allowed by the policy as it is now: "
			    "nothing to suggest",
			    allowed, allowed == 1 ? "" : "s");
	else if (suggestion->machine.denial_count)
		output_line("# What was denied is left out, as was said: nothing to suggest");
	else if (count_filtered(&suggestion->machine))
		output_line("# Nothing was denied%s%s: nothing to suggest", wanted ? " to " : "",
			    wanted ? wanted : "");
	else
		output_line("# No session%s%s has device rules: nothing to suggest",
			    wanted ? " of " : "", wanted ? wanted : "");
}

int suggest_print(const struct suggestion *suggestion)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct suggest_wish **wishes = calloc(suggest->wish_count + 1, sizeof(void *));
	int ret = wishes ? 0 : -ENOMEM;

	if (suggestion->unit_count)
		suggest_print_head(suggestion);
	if (!suggest->wish_count)
		print_nothing(suggestion);
	if (ret == 0)
		ret = print_lines(suggestion, wishes);
	if (ret < 0)
		output_error("out of memory");
	free(wishes);
	return ret;
}
