// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Users and groups that a policy names: those that are not there, and those that are better not
 * named. */
#include <errno.h>
#include <stdio.h>

#include "command/warnings/internal.h"

int warnings_list_users(struct warnings_run *run)
{
	if (run->users_listed)
		return 0;
	run->users_listed = true;
	return run->input->accounts->list_users(run->input->accounts, &run->users);
}

static int list_groups(struct warnings_run *run)
{
	if (run->groups_listed)
		return 0;
	run->groups_listed = true;
	return run->input->accounts->list_groups(run->input->accounts, &run->groups);
}

/* The user or group that was probably meant, or NULL: there is none like it. */
static int find_near(struct warnings_run *run, bool group, const char *name, const char **near)
{
	int ret = group ? list_groups(run) : warnings_list_users(run);

	*near = NULL;
	return ret < 0 ? ret : name_list_nearest(group ? &run->groups : &run->users, name, near);
}

/* 1: found with *@id; 0: there is none; or a negative errno with @why. */
static int find_id(const struct warnings_run *run, bool group, const char *name, uint32_t *id,
		   struct reason *why)
{
	const struct accounts *accounts = run->input->accounts;

	return group ? accounts->group_id(accounts, name, id, why)
		     : accounts->user_id(accounts, name, id, why);
}

/* What to write instead: " (did you mean ...?)", or "". */
static int hint(struct warnings_run *run, bool group, const char *name, char *out, size_t size)
{
	const char *near;
	uint32_t id;
	int ret;

	*out = '\0';
	if (name[strspn(name, "0123456789")] == '\0') {
		snprintf(out, size, " (did you mean \"%s:%s\", by number?)", group ? "@" : "",
			 QUOTE(name));
		return 0;
	}
	if (find_id(run, !group, name, &id, NULL) == 1) {
		snprintf(out, size, " (did you mean the %s, \"%s%s\"?)", group ? "user" : "group",
			 group ? "" : "@", QUOTE(name));
		return 0;
	}
	ret = find_near(run, group, name, &near);
	if (ret == 0 && near)
		snprintf(out, size, " (did you mean \"%s%s\"?)", group ? "@" : "", QUOTE(near));
	return ret;
}

static const char *names_nobody(size_t lines, char *out, size_t size)
{
	if (lines == 1)
		return "this line names nobody";
	snprintf(out, size, "this line and %zu more name nobody", lines - 1);
	return out;
}

static int warn_missing(struct warnings_run *run, const struct warnings_line *lines, size_t count)
{
	const struct conf_statement *first = warnings_statement(run, lines->statement);
	const char *name = lines->who.name;
	bool group = lines->who.kind == CONF_GROUP;
	char meant[160], nobody[64];
	int ret = hint(run, group, name, meant, sizeof(meant));

	if (ret < 0)
		return ret;
	return warnings_add(
		run, &first->place, first->place.column, group ? WARNING_NO_GROUP : WARNING_NO_USER,
		"there is no %s \"%s\", so %s; expected one that the %s database has%s",
		group ? "group" : "user", QUOTE(name), names_nobody(count, nobody, sizeof(nobody)),
		group ? "group" : "user", meant);
}

/* A directory that is down says so once: each further question may take its whole patience. */
static int warn_unknown(struct warnings_run *run, const struct warnings_line *line,
			const struct reason *why)
{
	const struct conf_statement *first = warnings_statement(run, line->statement);

	run->lookup_failed = true;
	return warnings_add(run, &first->place, first->place.column, WARNING_LOOKUP,
			    "%s, so the names in the policy cannot be checked; expected a user "
			    "database that answers: try again when it does",
			    why->text);
}

int warnings_look_up(struct warnings_run *run, struct warnings_line *lines, size_t count)
{
	bool group = lines->who.kind == CONF_GROUP;
	enum name_state state = NAME_UNKNOWN;
	const char *name = lines->who.name;
	struct reason why = { "" };
	uint32_t id = 0;
	int found = 0, ret = 0;

	if (!name)
		return 0;
	if (!run->lookup_failed) {
		found = find_id(run, group, name, &id, &why);
		if (found == -ENOMEM)
			return found;
		state = found == 1 ? NAME_KNOWN : found == 0 ? NAME_MISSING : NAME_UNKNOWN;
		if (state == NAME_MISSING)
			ret = warn_missing(run, lines, count);
		else if (state == NAME_UNKNOWN)
			ret = warn_unknown(run, lines, &why);
	}
	for (size_t i = 0; i < count; i++) {
		lines[i].state = state;
		if (state == NAME_KNOWN && group)
			lines[i].who = (struct conf_who) { CONF_GID_RANGE, NULL, id, id };
		else if (state == NAME_KNOWN)
			lines[i].who.low = id;
	}
	return ret;
}

/* Root's uid has more names than one on some systems. */
static bool is_root(const struct warnings_who *who)
{
	if (who->who->kind == CONF_USER)
		return strcmp(who->who->name, "root") == 0 ||
		       (who->state == NAME_KNOWN && who->who->low == 0);
	return who->who->kind == CONF_UID && who->who->low == 0;
}

static int warn_of_root(struct warnings_run *run, const struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++) {
		const struct conf_statement *line =
			warnings_statement(run, who->lines[i].statement);

		if (line->verb == CONF_EXEMPT)
			continue;
		return warnings_add(
			run, &line->place, line->place.column, WARNING_ROOT,
			"\"%s\" names root, so root's own logins are filtered, and who "
			"mends this machine may find its devices locked; expected lines "
			"for other users only: root is free where no line names it",
			QUOTE(line->text));
	}
	return 0;
}

/*
 * Whether a range names no account that lines for ranges can name. System accounts are those below
 * UID_MIN and a range above it, so if neither an end nor UID_MIN is regular, nothing between is.
 */
static bool is_system_only(const struct warnings_run *run, const struct conf_who *who)
{
	uid_t uid_min = run->input->accounts->uid_min;
	const uid_t uids[] = { who->low, who->high, uid_min };
	struct policy_subject subject = { .uid_min = uid_min };

	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		subject.uid = uids[i];
		if (policy_rank_by_id(&subject, who) != TABLE_BASELINE)
			return false;
	}
	return true;
}

int warnings_of_who(struct warnings_run *run, struct warnings_who *who)
{
	const struct conf_statement *first = warnings_statement(run, who->lines->statement);

	if (is_root(who))
		return warn_of_root(run, who);
	if (who->who->kind != CONF_UID_RANGE || !is_system_only(run, who->who))
		return 0;
	who->state = NAME_MISSING;
	return warnings_add(run, &first->place, first->place.column, WARNING_SYSTEM,
			    "only system accounts have a uid in %s, and lines for ranges do not "
			    "name those; expected uids from %u (UID_MIN) on, or lines with the "
			    "name of an account or its :uid",
			    QUOTE(first->text), run->input->accounts->uid_min);
}
