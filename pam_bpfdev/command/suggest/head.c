// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What stands above the lines: what they were made from, and what to do with them. */
#include <stdio.h>
#include <string.h>

#include "command/suggest/print.h"

#define PORTABLE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* The name of a file, without ".conf". */
static const char *file_name(const struct suggestion *suggestion)
{
	const struct suggest_request *request = &suggestion->request;
	const char *name = "suggested";

	if (request->who)
		name = request->who + (*request->who == '@');
	else if (request->user_count == 1)
		name = request->users[0].subject.name;
	if (!*name || strspn(name, PORTABLE) != strlen(name) || strchr(".-", *name))
		return "suggested";
	return name;
}

/* Among equals the last line read decides, so these had better be the last. */
static bool is_last(const struct suggestion *suggestion, const char *path)
{
	const struct conf *conf = suggestion->request.conf;
	size_t folder = strlen(suggestion->paths.dropins);

	for (size_t i = 0; i < conf->file_count; i++)
		if (strncmp(conf->files[i].path, path, folder) == 0 &&
		    strcmp(conf->files[i].path, path) > 0)
			return false;
	return true;
}

char *suggest_file(const struct suggestion *suggestion, char *out)
{
	const char *folder = suggestion->paths.dropins, *name = file_name(suggestion);

	if (!folder) {
		snprintf(out, SUGGEST_FILE_SIZE, "%s", suggestion->paths.main);
		return out;
	}
	snprintf(out, SUGGEST_FILE_SIZE, "%s/%s.conf", folder, name);
	if (!is_last(suggestion, out))
		snprintf(out, SUGGEST_FILE_SIZE, "%s/zz-%s.conf", folder, name);
	return out;
}

bool suggest_is_audit(const struct suggestion *suggestion, size_t statement)
{
	const struct suggest_request *request = &suggestion->request;

	if (request->conf->statements[statement].verb != CONF_AUDIT)
		return false;
	for (size_t i = 0; i < request->user_count; i++)
		if (request->users[i].survey.lines[statement].rank != TABLE_BASELINE)
			return true;
	return false;
}

static void print_unit(const struct machine_unit *unit)
{
	const struct bpfdev_info *info = &unit->info;
	char id[UNIT_ID_SIZE], time[32];

	output_time(info->opened, time);
	if (unit->unit.role == BPFDEV_MANAGER)
		output_line("#   the manager of %s, since %s", unit->unit.user, time);
	else
		output_line("#   session %s of %s, by %s%s%s, since %s", unit_id(&unit->unit, id),
			    unit->unit.user, info->service, *info->rhost ? " from " : "",
			    info->rhost, time);
}

static void print_audit(const struct suggestion *suggestion)
{
	const struct conf *conf = suggestion->request.conf;
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
	bool any = false;

	for (size_t i = 0; i < conf->statement_count; i++) {
		if (!suggest_is_audit(suggestion, i))
			continue;
		if (!any)
			output_line("# Before the last one, take out what lets everything pass:");
		output_line("#   %s: %s", lines_place(conf, &conf->statements[i], place),
			    conf_describe_statement(&conf->statements[i], text, sizeof(text)));
		any = true;
	}
}

/*
 * No command that asks again: what was denied since would come with it, and nobody would have read
 * that.
 */
static void print_way_on(const struct suggestion *suggestion)
{
	const char *conf = suggestion->paths.dropins ? NULL : suggestion->paths.main;
	char file[SUGGEST_FILE_SIZE];

	output_line("# To have this allowed, as you read it (asked again, there may be more):");
	output_line("#   add it to %s", suggest_file(suggestion, file));
	output_line("#   bpfdev check%s%s", conf ? " --conf=" : "", conf ? conf : "");
	output_line("#   bpfdev reload");
	print_audit(suggestion);
}

static void print_lost(const struct suggestion *suggestion)
{
	if (suggestion->machine.lost)
		output_line("# %llu questions more were of other kinds than the filters have room "
			    "for: ask again when these lines are in force.",
			    (unsigned long long)suggestion->machine.lost);
}

/* What the policy has for all of them is better than a line for each. */
static void print_together(const struct suggestion *suggestion)
{
	if (!suggestion->who && suggestion->request.user_count > 1)
		output_line(
			"# For more than one user, such as a group: bpfdev suggest --who=@GROUP");
}

/*
 * Whom --who names, of whom most have perhaps no session; and whom it does not name: what they were
 * denied is in the lines, but they are not helped.
 */
static void print_others(const struct suggestion *suggestion)
{
	const struct suggest *suggest = &suggestion->suggest;
	const struct suggest_request *request = &suggestion->request;

	if (!request->who)
		return;
	if (suggest->line_count)
		output_line("# Whomever %s names may use what lines allow, and no more: also those "
			    "who have no rules now",
			    request->who);
	for (size_t i = 0; i < request->user_count; i++)
		if (suggest->whos[0].ranks[i] == TABLE_BASELINE)
			output_line("# Lines for %s are not for %s, who was denied a part of this",
				    request->who, request->users[i].subject.name);
}

void suggest_print_head(const struct suggestion *suggestion)
{
	output_line("# Suggested by bpfdev from what was denied, or passed for audit only, in");
	for (size_t i = 0; i < suggestion->unit_count; i++)
		print_unit(suggestion->units[i]);
	if (suggestion->suggest.line_count)
		print_way_on(suggestion);
	print_together(suggestion);
	print_others(suggestion);
	print_lost(suggestion);
}
