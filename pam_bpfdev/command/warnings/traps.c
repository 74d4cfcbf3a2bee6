// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Lines that say something else than other programs have taught their writer: lines for all, or for a
 * group, that an "allow *" of a higher rank outranks, "allow *" as a reset; and files that look like a
 * part of the policy and are none.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/warnings/internal.h"

/* Each is held against each "allow *": of a longer policy, the first ones. */
#define DENIALS_MAX 200

/* Whether it is about all devices, in any of the ways to write that. */
static bool is_all(const struct device_spec *device)
{
	return device->kind == DEVICE_ALL ||
	       (device->kind == DEVICE_PATH && strcmp(device->text, "/dev/*") == 0) ||
	       (device->kind == DEVICE_NUMBERS && device->major.any && device->minor.any &&
		device->block && device->character);
}

/* Whether it is about all devices, or about all of a type. */
static bool is_wide(const struct device_spec *device)
{
	return is_all(device) ||
	       (device->kind == DEVICE_NUMBERS && device->major.any && device->minor.any) ||
	       (device->kind == DEVICE_DRIVER && strcmp(device->text, "*") == 0);
}

static bool is_allow_all(const struct conf_statement *line)
{
	return line->verb == CONF_ALLOW && is_wide(&line->device);
}

/* Whether a line can be about devices of that type; what it stands for now tells, if it does. */
static bool is_of_type(struct warnings_run *run, uint32_t statement, bool block)
{
	const struct device_spec *device = &warnings_statement(run, statement)->device;
	const struct device_patterns *patterns;

	if (device->kind == DEVICE_NUMBERS || device->kind == DEVICE_DRIVER)
		return block ? device->block : device->character;
	patterns = warnings_resolve(run, statement);
	for (size_t i = 0; i < patterns->count; i++)
		if ((patterns->items[i].type == BPFDEV_BLOCK) == block)
			return true;
	return !patterns->count;
}

/* Whether @allow may give what @denial takes, which is less than all that it gives. */
static bool gives_back(struct warnings_run *run, const struct conf_statement *allow,
		       uint32_t denial)
{
	const struct conf_statement *deny = warnings_statement(run, denial);

	if (!is_allow_all(allow) || deny->verb != CONF_DENY || is_all(&deny->device) ||
	    !(allow->access & deny->access))
		return false;
	/* char-* and a deny of block devices, char-* and char-*. */
	if (!is_all(&allow->device) &&
	    (is_wide(&deny->device) || !is_of_type(run, denial, allow->device.block)))
		return false;
	return allow->when.origin == CONF_ORIGIN_ANY || deny->when.origin == CONF_ORIGIN_ANY ||
	       allow->when.origin == deny->when.origin;
}

static bool holds_all(const struct device_patterns *wide, const struct device_patterns *narrow)
{
	for (size_t i = 0; i < narrow->count; i++) {
		bool held = false;

		for (size_t j = 0; j < wide->count && !held; j++)
			held = warnings_holds(&wide->items[j], &narrow->items[i]);
		if (!held)
			return false;
	}
	return narrow->count;
}

/* Whether the line denies all that @deny does. What stands for nothing now is compared as written. */
static bool denies_as_much(struct warnings_run *run, uint32_t statement, uint32_t deny)
{
	const struct conf_statement *line = warnings_statement(run, statement),
				    *what = warnings_statement(run, deny);

	if (line->verb != CONF_DENY || (what->access & ~line->access))
		return false;
	if (line->device.kind == what->device.kind && line->device.block == what->device.block &&
	    line->device.text && what->device.text &&
	    strcmp(line->device.text, what->device.text) == 0)
		return true;
	return holds_all(warnings_resolve(run, statement), warnings_resolve(run, deny));
}

/* Whether lines for all of @who, of that rank or a higher one, deny it, too. */
static bool is_said_again(struct warnings_run *run, size_t covering, uint32_t deny)
{
	for (size_t c = 0; c < covering; c++)
		for (size_t i = 0; i < run->covering[c]->count; i++)
			if (denies_as_much(run, run->covering[c]->lines[i].statement, deny))
				return true;
	return false;
}

/* Whether lines for "*" are about those whom @who, of a higher rank, names: they are not, of system
 * accounts. */
static bool are_regular(const struct warnings_run *run, const struct warnings_who *who)
{
	const struct policy_subject subject = { .uid = who->who->low,
						.uid_min = run->input->accounts->uid_min };
	const struct conf_who anyone = { .kind = CONF_ANYONE };

	return who->rank != TABLE_USER || policy_rank_by_id(&subject, &anyone) == TABLE_ANYONE;
}

/* The deny lines for "*", once: so many at most. */
static void list_denials(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;

	if (run->denials)
		return;
	run->denials = xcalloc(DENIALS_MAX, sizeof(*run->denials));
	for (uint32_t i = 0; i < conf->statement_count && run->denial_count < DENIALS_MAX; i++)
		if (conf->statements[i].verb == CONF_DENY &&
		    conf->statements[i].who.kind == CONF_ANYONE && !run->dead[i])
			run->denials[run->denial_count++] = i;
}

/* Those of the lines about @others that @allow, of a user, takes the effect from. */
static size_t count_outranked(struct warnings_run *run, const struct warnings_who *others,
			      const struct conf_statement *allow, size_t covering, uint32_t *first)
{
	size_t found = 0;

	for (size_t i = 0; i < others->count; i++) {
		uint32_t statement = others->lines[i].statement;

		if (!run->dead[statement] && gives_back(run, allow, statement) &&
		    !is_said_again(run, covering, statement) && !found++)
			*first = statement;
	}
	return found;
}

/* The same for groups and ranges that a user is in: their lines are outranked by the user's own. */
static size_t find_outranked_of_groups(struct warnings_run *run, const struct warnings_who *who,
				       const struct conf_statement *allow, size_t covering,
				       uint32_t *first)
{
	const struct accounts *accounts = run->input->accounts;
	struct policy_subject subject;
	size_t found = 0, count;
	uint32_t one = 0;
	struct reason why;
	int ret;

	if (who->who->kind != CONF_USER || run->lookup_failed)
		return 0;
	ret = xcheck(accounts->subject(accounts, who->who->name, &subject, &why));
	if (ret < 0)
		warnings_unknown(run, who->lines, &why);
	if (ret != 0)
		return 0;
	for (size_t i = 0; i < run->who_count; i++) {
		const struct warnings_who *others = &run->whos[i];

		if (others->rank != TABLE_GROUP || others->state == NAME_MISSING ||
		    others->state == NAME_UNKNOWN ||
		    policy_rank_by_id(&subject, others->who) == TABLE_BASELINE)
			continue;
		count = count_outranked(run, others, allow, covering, &one);
		if (count && (!found || one < *first))
			*first = one;
		found += count;
	}
	policy_subject_free(&subject);
	return found;
}

/* The lines for "*" that @allow, of @who, takes the effect from: how many, and the first one. */
static size_t find_outranked(struct warnings_run *run, const struct warnings_who *who,
			     const struct conf_statement *allow, uint32_t *first)
{
	size_t covering = warnings_cover(run, who), found = 0;

	list_denials(run);
	for (size_t i = 0; i < run->denial_count; i++)
		if (gives_back(run, allow, run->denials[i]) &&
		    !is_said_again(run, covering, run->denials[i]) && !found++)
			*first = run->denials[i];
	if (who->rank == TABLE_USER && !found)
		found = find_outranked_of_groups(run, who, allow, covering, first);
	return found;
}

static void warn_of_outranked(struct warnings_run *run, const struct conf_statement *allow,
			      uint32_t first, size_t count)
{
	const struct conf_statement *deny = warnings_statement(run, first);
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE], more[64] = "";
	const char *who = QUOTE(allow->text), *verb;

	conf_describe_statement(deny, text, sizeof(text));
	verb = strstr(text, " deny ");
	if (count > 1)
		snprintf(more, sizeof(more), " (and %zu more such line%s)", count - 1,
			 count == 2 ? "" : "s");
	warnings_add(run, &allow->place, allow->place.column, WARNING_OUTRANKS,
		     "this outranks %s%s: \"%s\" may use what it denies to \"%s\"; expected also a "
		     "line \"%s%s\", or \"%s exempt\" in the place of this one if that is meant",
		     warnings_place(run, &allow->place, first, place), more, who, QUOTE(deny->text),
		     who, verb ? verb : " deny ...", who);
}

void warnings_of_outranked(struct warnings_run *run, struct warnings_who *who)
{
	if (who->rank <= TABLE_ANYONE || (who->who->name && who->state != NAME_KNOWN) ||
	    who->state == NAME_MISSING || !who->allows || !are_regular(run, who))
		return;
	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement, first = 0;
		const struct conf_statement *allow = warnings_statement(run, statement);
		size_t count;

		if (!is_allow_all(allow) || run->dead[statement])
			continue;
		count = find_outranked(run, who, allow, &first);
		if (count)
			warn_of_outranked(run, allow, first, count);
	}
}

void warnings_of_resets(struct warnings_run *run, struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement;
		const struct conf_statement *allow = warnings_statement(run, statement);
		char place[LINES_PLACE_SIZE];
		size_t before = 0;
		uint32_t last = 0;

		if (!is_allow_all(allow) || run->dead[statement] || who->state == NAME_MISSING)
			continue;
		for (size_t j = 0; j < i; j++) {
			uint32_t other = who->lines[j].statement;

			if (run->dead[other] || !gives_back(run, allow, other))
				continue;
			before++;
			last = other;
		}
		if (!before)
			continue;
		warnings_place(run, &allow->place, last, place);
		warnings_add(run, &allow->place, allow->place.column, WARNING_NO_RESET,
			     "this does not undo what lines before it deny (%s%s): a more specific "
			     "device decides wherever its line stands; expected this line before "
			     "them, as they stay in force, or without them",
			     place, before > 1 ? " and others" : "");
	}
}

/* A file or folder that is not read, or has nothing to say. */
static void add_of_path(struct warnings_run *run, const char *path, enum warning_kind kind,
			const char *what)
{
	warnings_add(run, &(struct conf_place) { .file = UINT32_MAX }, 0, kind, "%s", what);
	run->found->items[run->found->count - 1].path = xstrdup(path);
}

static void warn_of_no_rules(struct warnings_run *run, const struct conf_paths *paths)
{
	const struct conf *conf = run->input->conf;
	size_t shipped = 0;

	for (size_t i = 0; i < conf->class_count; i++)
		shipped += warnings_is_shipped(run, &conf->classes[i]);
	/* A file with classes alone may be one of several. */
	if (conf->statement_count || (paths->main_required && shipped < conf->class_count))
		return;
	add_of_path(run, paths->main, WARNING_NO_RULES,
		    access(paths->main, F_OK) < 0 && errno == ENOENT
			    ? "there is no such file, so nobody is filtered; expected the rules in "
			      "it, as bpfdev.conf(5) says"
			    : "no line names anybody, so nobody is filtered; expected the rules "
			      "here, as bpfdev.conf(5) says");
}

/* What editors, package managers and people who put a file aside make of a name. */
static bool is_put_aside(const char *name)
{
	const char *ends = strcasestr(name, ".conf");

	return name[0] == '.' || strncmp(name, "README", strlen("README")) == 0 ||
	       (ends && ends[strlen(".conf")]);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

void warnings_of_files(struct warnings_run *run)
{
	const struct conf_paths *paths = run->input->paths;
	struct dirent **entries = NULL;
	int count;

	if (!paths)
		return;
	warn_of_no_rules(run, paths);
	count = paths->dropins ? scandir(paths->dropins, &entries, NULL, compare_names) : 0;
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name, *end = strrchr(name, '.');
		char *path = xasprintf("%s/%s", paths->dropins, name);
		struct stat st;

		if (is_put_aside(name) || lstat(path, &st) < 0)
			/* Nothing to say of it. */;
		else if (S_ISDIR(st.st_mode))
			add_of_path(run, path, WARNING_UNREAD,
				    "is a folder, so what is in it is not read; expected the files "
				    "themselves in the folder above");
		else if (!end || strcmp(end, ".conf") != 0)
			add_of_path(run, path, WARNING_UNREAD,
				    "is not read, as its name does not end in \".conf\"; expected "
				    "it to be renamed so, or to be somewhere else");
		free(path);
		free(entries[i]);
	}
	free(entries);
}
