/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "check.h"

#include "warned.h"

#include <errno.h>

const struct warned_user warned_users[] = {
	{ "root", 0, { "root" } },	     { "daemon", 1, { "daemon" } },
	{ "greeter", 120, { "greeter" } },   { "alice", 1000, { "alice", "students" } },
	{ "bob", 1001, { "bob", "staff" } }, { "carol", 1002, { "carol", "students", "staff" } },
	{ "carola", 1002, { "carol" } },     { "gdm-greeter", 60578, { "greeter" } },
	{ "4711", 1003, { "staff" } },	     { "zo\nra", 1004, { "staff" } },
};
const size_t warned_user_count = ARRAY_SIZE(warned_users);

static const struct {
	const char *name;
	gid_t gid;
} groups[] = {
	{ "root", 0 },	      { "daemon", 1 },	 { "adm", 4 },	  { "tty", 5 },
	{ "disk", 6 },	      { "audio", 29 },	 { "video", 44 }, { "users", 100 },
	{ "greeter", 120 },   { "alice", 1000 }, { "bob", 1001 }, { "carol", 1002 },
	{ "students", 2000 }, { "staff", 2001 },
};

struct world warned_world;
struct warned_database warned_database;
const char *warned_pam_root;

static int answer(const struct accounts *accounts, const char *name, struct reason *why)
{
	assert_ptr_equal(accounts, &warned_database.accounts);
	warned_database.look_ups++;
	if (!warned_database.down)
		return 1;
	reason_set(why, "user \"%s\" cannot be looked up: Connection refused", name);
	return -ECONNREFUSED;
}

static int user_id(const struct accounts *accounts, const char *name, uid_t *id, struct reason *why)
{
	int ret = answer(accounts, name, why);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < warned_user_count; i++) {
		if (strcmp(warned_users[i].name, name) == 0) {
			*id = warned_users[i].uid;
			return 1;
		}
	}
	return 0;
}

static int group_id(const struct accounts *accounts, const char *name, gid_t *id,
		    struct reason *why)
{
	int ret = answer(accounts, name, why);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (strcmp(groups[i].name, name) == 0) {
			*id = groups[i].gid;
			return 1;
		}
	}
	return 0;
}

static void fill_subject(struct policy_subject *subject, size_t user)
{
	subject->name = strdup(warned_users[user].name);
	subject->uid = warned_users[user].uid;
	subject->groups = calloc(3, sizeof(*subject->groups));
	assert_non_null(subject->groups);
	while (subject->group_count < 3 && warned_users[user].groups[subject->group_count]) {
		group_id(&warned_database.accounts, warned_users[user].groups[subject->group_count],
			 &subject->groups[subject->group_count], NULL);
		subject->group_count++;
	}
	subject->gid = subject->groups[0];
	subject->uid_min = 1000;
}

static int load_subject(const struct accounts *accounts, const char *name,
			struct policy_subject *subject, struct reason *why)
{
	int ret = answer(accounts, name, why);

	*subject = (struct policy_subject) { 0 };
	for (size_t i = 0; i < warned_user_count && ret == 1; i++) {
		if (strcmp(warned_users[i].name, name) == 0) {
			fill_subject(subject, i);
			return 0;
		}
	}
	return ret < 0 ? ret : -ENOENT;
}

static void list_users(const struct accounts *accounts, struct name_list *list)
{
	(void)accounts;
	if (!warned_database.lists)
		return;
	for (size_t i = 0; i < warned_user_count; i++)
		name_list_add(list, warned_users[i].name, warned_users[i].uid);
}

static void list_groups(const struct accounts *accounts, struct name_list *list)
{
	(void)accounts;
	if (!warned_database.lists)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		name_list_add(list, groups[i].name, groups[i].gid);
}

int warned_reset_database(void **state)
{
	(void)state;
	warned_database = (struct warned_database) {
		.accounts = { 1000, user_id, group_id, load_subject, list_users, list_groups },
		.lists = true,
	};
	return 0;
}

struct conf *warned_parse(const char *text)
{
	struct conf *conf = NULL;

	assert_int_equal(conf_parse("policy", text, strlen(text), false, &conf), 0);
	if (conf->error_count)
		fail_msg("%s", conf->errors[0].what.text);
	return conf;
}

struct warnings warned_find(struct conf *conf, const char *vendor)
{
	struct warnings_input input = { conf,	&warned_world.source, &warned_database.accounts,
					vendor, warned_pam_root,      NULL };
	struct reason why = { "" };
	struct warnings warnings;
	int ret = warnings_find(&input, &warnings, &why);

	if (ret)
		fail_msg("%d: %s", ret, why.text);
	return warnings;
}

void warned_describe(const struct warnings *warnings, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < warnings->count; i++) {
		const struct warning *warning = &warnings->items[i];

		used += (size_t)snprintf(out + used, size - used, "%s%u:%u %s", i ? ", " : "",
					 warning->place.line, warning->place.column,
					 warning_kind_name(warning->kind));
		assert_true(used < size);
	}
}

void warned_expect(const char *text, const char *expected, const char *file, int line)
{
	struct conf *conf = warned_parse(text);
	struct warnings warnings = warned_find(conf, NULL);
	char found[2048];

	warned_describe(&warnings, found, sizeof(found));
	if (strcmp(found, expected) != 0) {
		print_error("%s\nfound \"%s\", expected \"%s\"\n", text, found, expected);
		for (size_t i = 0; i < warnings.count; i++)
			print_error("%s\n", warnings.items[i].what.text);
		_fail(file, line);
	}
	warnings_free(&warnings);
	conf_free(conf);
}

void warned_expect_text(const char *text, const char *fragment, const char *file, int line)
{
	struct conf *conf = warned_parse(text);
	struct warnings warnings = warned_find(conf, NULL);

	if (warnings.count != 1) {
		print_error("%zu warnings, expected one\n", warnings.count);
		_fail(file, line);
	}
	check_contains(warnings.items[0].what.text, fragment, file, line);
	warnings_free(&warnings);
	conf_free(conf);
}

int warned_make_world(void **state)
{
	(void)state;
	world_make(&warned_world);
	return 0;
}

int warned_remove_world(void **state)
{
	(void)state;
	world_remove(&warned_world);
	return 0;
}
