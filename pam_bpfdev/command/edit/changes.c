// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Whose rules become others with a new policy. Both are decided for each user as a login would be,
 * at the machine and from another one, and the tables that follow are compared device by device.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/edit/edit.h"
#include "command/machine/machine.h"
#include "command/warnings/warnings.h"

/* So many users are compared: a directory may have any number. */
#define USERS_MAX 1000

#define TIGHTER 1u
#define WIDER 2u

struct numbers {
	uint32_t *items;
	size_t count, capacity;
};

static bool has_number(const struct numbers *numbers, uint32_t number)
{
	for (size_t i = 0; i < numbers->count; i++)
		if (numbers->items[i] == number)
			return true;
	return false;
}

static void add_number(struct numbers *numbers, uint32_t number)
{
	if (!has_number(numbers, number))
		*xappend(numbers) = number;
}

/* A number, @from or less, that no rule names: it stands for all of these. */
static uint32_t other_than(const struct numbers *named, uint32_t from)
{
	while (has_number(named, from))
		from--;
	return from;
}

/* The numbers that rules of a type name. */
static void name_numbers(const struct table *table, uint32_t type, struct numbers *majors,
			 struct numbers *minors)
{
	const struct bpfdev_key *last = NULL;

	for (uint32_t major = 0; major < BPFDEV_INDEXED_MAJORS; major++)
		if (table->index.slot[type][major] != BPFDEV_DEFAULT_SLOT(type))
			add_number(majors, major);
	for (uint32_t i = 0; i < table->rule_count; i++) {
		const struct bpfdev_key *key = &table->rules[i].key;

		if (key->type != type)
			continue;
		/* They are sorted: most are of the major before. */
		if (key->major != BPFDEV_ANY && (!last || last->major != key->major))
			add_number(majors, key->major);
		if (key->major == BPFDEV_ANY && key->minor != BPFDEV_ANY)
			add_number(minors, key->minor);
		last = key;
	}
}

static unsigned int compare_at(const struct table *before, const struct table *after, uint32_t type,
			       uint32_t major, uint32_t minor)
{
	uint32_t was = table_find(before, type, major, minor)->allow;
	uint32_t is = table_find(after, type, major, minor)->allow;

	return (was & ~is ? TIGHTER : 0) | (is & ~was ? WIDER : 0);
}

/* At the devices that a table's rules name. */
static unsigned int compare_rules(const struct table *rules, const struct table *before,
				  const struct table *after)
{
	unsigned int change = 0;

	for (uint32_t i = 0; i < rules->rule_count; i++) {
		const struct bpfdev_key *key = &rules->rules[i].key;

		if (key->major != BPFDEV_ANY && key->minor != BPFDEV_ANY)
			change |= compare_at(before, after, key->type, key->major, key->minor);
	}
	return change;
}

static unsigned int compare_tables(const struct table *before, const struct table *after)
{
	unsigned int change =
		compare_rules(before, before, after) | compare_rules(after, before, after);

	for (uint32_t type = 0; type < BPFDEV_TYPES; type++) {
		struct numbers majors = { 0 }, minors = { 0 };

		name_numbers(before, type, &majors, &minors);
		name_numbers(after, type, &majors, &minors);
		*xappend(&majors) = other_than(&majors, 4095);
		/* Of minors that only some majors' rules name, one was compared with these. */
		*xappend(&minors) = other_than(&minors, 0xfffff);
		for (size_t i = 0; i < majors.count; i++)
			for (size_t j = 0; j < minors.count; j++)
				change |= compare_at(before, after, type, majors.items[i],
						     minors.items[j]);
		free(majors.items);
		free(minors.items);
	}
	return change;
}

/* The table that a login gets: without a filter, everything is allowed. NULL, having said why. */
static struct table *decide_login(struct conf *conf, const struct policy_subject *subject,
				  const struct policy_session *session)
{
	struct policy_result result = { .kind = POLICY_NONE };
	struct table *table;
	struct reason why;
	int ret = policy_decide(conf, &device_source_system, subject, session, &result, &why);

	if (xcheck(ret) < 0) {
		output_error("%s: %s", subject->name, why.text);
		return NULL;
	}
	if (result.table)
		return result.table;
	xcheck(table_allow_all(&table));
	return table;
}

static unsigned int compare_logins(struct conf *before, struct conf *after,
				   const struct policy_subject *subject,
				   const struct policy_session *session)
{
	struct table *was = decide_login(before, subject, session);
	struct table *is = was ? decide_login(after, subject, session) : NULL;
	unsigned int change = is ? compare_tables(was, is) : 0;

	table_free(was);
	table_free(is);
	return change;
}

struct words {
	const char **items;
	size_t count, capacity;
};

static void add_word(struct words *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return;
	*xappend(words) = word;
}

/* The names in conditions such as "gdm-password,login", as far as they are no patterns. */
static void add_condition(struct words *words, struct words *owned, const char *globs)
{
	char *text, *rest;

	if (!globs)
		return;
	text = rest = xstrdup(globs);
	*xappend(owned) = text;
	while (rest) {
		char *word = strsep(&rest, ",");

		if (*word && !strpbrk(word, "*?[\\"))
			add_word(words, word);
	}
}

struct changes {
	const struct place *place;
	struct conf *before, *after;
	struct words services, terminals;
	struct words owned; /* what these point into */
	struct machine machine;
};

static void add_conditions(struct changes *changes, const struct conf *conf)
{
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_when *when = &conf->statements[i].when;

		add_condition(&changes->services, &changes->owned, when->service);
		add_condition(&changes->terminals, &changes->owned, when->tty);
	}
}

static unsigned int compare_side(struct changes *changes, const struct policy_subject *subject,
				 bool remote)
{
	unsigned int change = 0;

	for (size_t i = 0; i < changes->services.count; i++)
		for (size_t j = 0; j < changes->terminals.count; j++) {
			struct policy_session session = {
				.service = changes->services.items[i],
				.tty = changes->terminals.items[j],
				.rhost = remote ? "remote" : "",
				.kind = POLICY_LOGIN,
			};

			change |=
				compare_logins(changes->before, changes->after, subject, &session);
		}
	return change;
}

/* Whether the filter of an open session is made from the policy at hand. */
static bool is_of_policy(const struct changes *changes, const struct machine_unit *unit)
{
	bool own = unit->known && unit->info.flags & BPFDEV_CONF;

	if (unit->unit.role != BPFDEV_SESSION || !unit->filters)
		return false;
	if (changes->place->paths.dropins)
		return !own;
	return own && strcmp(unit->info.policy, changes->place->path) == 0;
}

static size_t count_sessions(const struct changes *changes, uid_t uid)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->machine.unit_count; i++) {
		const struct machine_unit *unit = &changes->machine.units[i];

		count += unit->unit.uid == uid && is_of_policy(changes, unit);
	}
	return count;
}

static const char *name_change(unsigned int change)
{
	static const char *const names[] = { "as before", "tighter", "wider", "tighter and wider" };

	return names[change];
}

static void describe(struct row *row, const char *name, unsigned int local, unsigned int remote,
		     size_t sessions)
{
	if (row_field(row, NULL, "USER", 0))
		row_text(row, "%s", name);
	if (row_field(row, NULL, "LOCAL", 0))
		row_text(row, "%s", name_change(local));
	if (row_field(row, NULL, "REMOTE", 0))
		row_text(row, "%s", name_change(remote));
	if (row_field(row, NULL, "SESSIONS", SCOLS_FL_RIGHT))
		row_number(row, sessions);
}

/* Adds a line for the user, if anything changes. Returns how many sessions are open then. */
static size_t compare_user(struct changes *changes, struct row_table *table, const char *name)
{
	struct policy_subject subject;
	unsigned int local, remote;
	size_t sessions = 0;
	struct reason why;
	struct row row;
	int ret = xcheck(policy_subject_load(name, &subject, &why));

	if (ret < 0)
		output_error("%s", why.text);
	if (ret != 0)
		return 0;
	local = compare_side(changes, &subject, false);
	remote = compare_side(changes, &subject, true);
	if (local | remote) {
		sessions = count_sessions(changes, subject.uid);
		row = row_line(table);
		describe(&row, name, local, remote, sessions);
	}
	policy_subject_free(&subject);
	return sessions;
}

/* Users whom lines name by name. */
static void add_named(struct name_list *users, const struct conf *conf)
{
	for (size_t i = 0; i < conf->statement_count; i++)
		if (conf->statements[i].who.kind == CONF_USER)
			name_list_add(users, conf->statements[i].who.name, 0);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name_entry *)a)->name, ((const struct name_entry *)b)->name);
}

/* Whom lines name, who is logged in, and the others that the user database lists; each once. */
static struct name_list find_users(const struct changes *changes)
{
	struct name_list users = { 0 };
	struct accounts accounts;
	struct reason why;
	size_t kept = 0;

	add_named(&users, changes->before);
	add_named(&users, changes->after);
	for (size_t i = 0; i < changes->machine.unit_count; i++)
		name_list_add(&users, changes->machine.units[i].unit.user, 0);
	if (xcheck(accounts_system(&accounts, &why)) == 0)
		accounts.list_users(&accounts, &users);
	if (users.count)
		qsort(users.items, users.count, sizeof(*users.items), compare_names);
	for (size_t i = 0; i < users.count; i++) {
		if (kept && strcmp(users.items[kept - 1].name, users.items[i].name) == 0)
			free(users.items[i].name);
		else
			users.items[kept++] = users.items[i];
	}
	users.count = kept;
	return users;
}

size_t changes_print(const struct place *place, const struct output *output, struct conf *before,
		     struct conf *after)
{
	struct changes changes = { .place = place, .before = before, .after = after };
	struct row_table table = row_table(output);
	struct name_list users;
	size_t sessions = 0;
	struct reason why;

	add_word(&changes.services, "login");
	add_word(&changes.services, "sshd");
	add_word(&changes.terminals, "tty1");
	add_conditions(&changes, before);
	add_conditions(&changes, after);
	if (machine_open(&changes.machine, &why) < 0 ||
	    machine_look(&changes.machine, NULL, 0, &why) < 0)
		output_error("open sessions are not known: %s", why.text);
	users = find_users(&changes);
	for (size_t i = 0; i < users.count && i < USERS_MAX; i++)
		sessions += compare_user(&changes, &table, users.items[i].name);
	if (!table.count)
		output_line("the rules of all users are as before");
	row_table_print(&table);
	if (users.count > USERS_MAX)
		output_line("only the first %d of %zu users were looked at", USERS_MAX,
			    users.count);
	name_list_free(&users);
	machine_close(&changes.machine);
	for (size_t i = 0; i < changes.owned.count; i++)
		free((char *)changes.owned.items[i]);
	free(changes.owned.items);
	free(changes.services.items);
	free(changes.terminals.items);
	return sessions;
}
