/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is legal in a policy and surely not meant: names, devices, root. */
#include "check.h"

#include <errno.h>
#include <unistd.h>

#include "policy_files.h"
#include "warned.h"

static void nothing_is_said_of_what_is_meant(void **state)
{
	(void)state;
	expect("", "");
	expect("@students allow *\n@students deny block-*\n@students deny char-video4linux rw\n"
	       "@students deny char-drm rw remote\nbob allow c 226:128 rw service=login tty=tty1\n"
	       "carol exempt\n@staff audit\n",
	       "");
	expect("* allow *\n* deny block-*\n@staff allow block-sr r\nbob deny b 11:0\n", "");
	expect("alice allow c 1:11 r\nalice allow c 1:* w\n", "");
	expect("alice allow *\nalice deny char-drm w\nalice allow c 226:128 rw\n", "");
	expect("greeter allow *\ndaemon allow c 1:3\n", "");
	expect("class a char-zork\nclass b @a c 10:1\n* allow @b\n", "");
}

static void names_that_do_not_exist(void **state)
{
	(void)state;
	expect("alise allow *\n@studnets allow *\nalise deny block-*\n",
	       "1:1 no-user, 2:1 no-group");
	expect_text("alise allow *\n",
		    "there is no user \"alise\", so this line names nobody; "
		    "expected one that the user database has (did you mean \"alice\"?)");
	expect_text("alise allow *\nalise deny block-*\nalise deny *\n",
		    "so this line and 2 more name nobody");
	expect_text("@studnets allow *\n", "there is no group \"studnets\"");
	expect_text("@studnets allow *\n", "(did you mean \"@students\"?)");
	expect_text("students allow *\n", "(did you mean the group, \"@students\"?)");
	expect_text("@gdm-greeter allow *\n", "(did you mean the user, \"gdm-greeter\"?)");
	expect_text("1042 allow *\n", "(did you mean \":1042\", by number?)");
	expect_text("ALL allow *\n", "(did you mean \"*\", every regular account?)");
	expect_text("@any allow *\n", "(did you mean \"*\", every regular account?)");
	expect_text("@1042 allow *\n", "(did you mean \"@:1042\", by number?)");
	expect_text("wolfgang-amadeus allow *\n", "one that the user database has");
	expect("4711 allow *\n", "");
	expect(":1042 allow *\n@:1042 allow *\n", "");
	warned_database.lists = false;
	expect_text("alise allow *\n", "expected one that the user database has");
}

static void a_database_that_is_down_is_no_answer(void **state)
{
	(void)state;
	warned_database.down = true;
	expect_text("alise allow *\nbob allow *\nbob deny c 240:1\n@students deny block-*\n",
		    "user \"alise\" cannot be looked up: Connection refused, so the names in the "
		    "policy cannot be checked");
	expect("alise allow *\nbob deny c 240:1\n@students deny c 240:1\n", "1:1 lookup");
	warned_database.look_ups = 0;
	expect("alice allow *\nbob allow *\ncarol allow *\n@students allow *\n", "1:1 lookup");
	assert_int_equal(warned_database.look_ups, 1);
	/* What needs no names is found all the same. */
	expect("alice allow c 240:1\nalice allow *\nalice deny c 240:1\n",
	       "1:1 shadowed, 1:1 lookup");
}

static void root_is_better_not_named(void **state)
{
	(void)state;
	expect("root allow *\n", "1:1 root");
	expect("root allow *\n:0 allow *\n", "1:1 shadowed, 1:1 root, 2:1 root");
	expect("root exempt\n", "");
	expect("root allow *\nroot audit\n", "1:1 root");
	expect("0: allow *\n@root allow *\n0:2000 allow *\n@0: allow *\n", "2:1 shadowed");
	expect_text("root audit\n", "names root, so root's own logins are filtered");
}

static void ranges_of_system_accounts_only(void **state)
{
	(void)state;
	expect("0:999 deny *\n", "1:1 system-accounts");
	expect("0:1000 allow *\n", "");
	expect("999:999 allow *\n1000:1000 allow *\n", "1:1 system-accounts");
	expect("60578:60705 allow *\n60578:60706 allow *\n60577:60705 allow *\n",
	       "1:1 system-accounts");
	expect("500:60600 allow *\n", "");
	expect("@0:99 allow *\n", "");
	expect(":999 allow *\n", "");
	expect_text("0:999 allow *\n", "expected uids from 1000 (UID_MIN) on");
	warned_database.accounts.uid_min = 500;
	expect("0:999 allow *\n0:499 allow *\n", "2:1 system-accounts");
}

static void drivers_that_are_not_there(void **state)
{
	(void)state;
	expect("* allow char-*\n* allow char-zork\n* allow block-quux\n* allow char-video4linux\n",
	       "");
	expect("* allow char-zonk\n", "1:9 no-driver");
	expect_text("* allow char-zonk\n", "no driver \"char-zonk\" is loaded, and the kernel has "
					   "assigned it no major: until it comes, a line that");
	expect_text("* allow char-zonk\n", "(did you mean \"char-zork\"?)");
	expect_text("* allow char-video4linu\n", "(did you mean \"char-video4linux\"?)");
	expect_text("* allow block-zorkctl\n", "(did you mean \"char-zorkctl\"?)");
	expect_text("* allow char-quuxp\n", "(did you mean \"block-quuxp\"?)");
	expect_text("* allow char-media\n", "of a driver that is loaded when it is needed");
}

static void paths_that_are_not_there(void **state)
{
	(void)state;
	expect("* allow /dev/absent\n", "1:9 no-path");
	expect_text("* allow /dev/absent*\n", "\"/dev/absent*\" leads to no device");
	expect_text("* allow /dev/sub\n", "\"/dev/sub\" is a folder, so it stands for nothing; "
					  "expected \"/dev/sub/*\"");
	if (warned_world.has_nodes)
		expect("* allow /dev/zork*\n* allow /dev/sub/*\n", "");
}

static void classes_that_stand_for_nothing(void **state)
{
	struct conf *conf;
	struct warnings warnings;
	char found[256];

	(void)state;
	expect("class a char-zonk /dev/absent\n* allow @a\n* deny @a r\n",
	       "1:9 no-driver, 1:19 no-path, 2:9 empty-class, 3:8 empty-class");
	expect("class a char-zonk c 1:1\n* allow @a\n", "1:9 no-driver");
	expect("class a char-zonk c 1:1\nclass a c 1:1\n* allow @a\n", "2:1 shadowed");
	expect("class a @b\nclass b char-zonk\n* allow @a\n", "2:9 no-driver, 3:9 empty-class");
	/* Those that ship name drivers that few machines have. */
	files_setup(NULL);
	files_write("vendor/a.conf", "class a char-zonk char-zork\nclass b char-zonk\n");
	files_write("main.conf", "class c char-zonk\n* allow @a\n* deny @b\n");
	conf = files_load();
	warnings = warned_find(conf, files_vendor);
	warned_describe(&warnings, found, sizeof(found));
	assert_string_equal(found, "1:9 no-driver, 3:8 empty-class");
	warnings_free(&warnings);
	conf_free(conf);
	files_teardown(NULL);
}

static void places_in_other_files_are_named(void **state)
{
	struct conf *conf;
	struct warnings warnings;
	char place[2 * PATH_MAX];

	(void)state;
	files_setup(NULL);
	files_write("main.conf", "* allow c 240:1\n");
	files_write("drop/a.conf", "# first\n* deny c 240:1\n");
	conf = files_load();
	warnings = warned_find(conf, files_vendor);
	assert_int_equal(warnings.count, 1);
	snprintf(place, sizeof(place), "%s:2 covers all of it", files_at("drop/a.conf"));
	assert_contains(warnings.items[0].what.text, place);
	warnings_free(&warnings);
	conf_free(conf);
	files_teardown(NULL);
}

static void too_many_rules_are_a_mistake(void **state)
{
	struct conf *conf =
		warned_parse("* allow c 1:1\n* deny @big\nclass big c 0-4095:* c 1:1\n");
	struct warnings_input input = {
		conf, &warned_world.source, &warned_database.accounts, NULL, NULL, NULL
	};
	struct reason why = { "" };
	struct warnings warnings;

	(void)state;
	assert_int_equal(warnings_find(&input, &warnings, &why), -EINVAL);
	assert_int_equal(conf->error_count, 1);
	assert_int_equal(conf->errors[0].place.line, 2);
	assert_int_equal(conf->errors[0].place.column, 8);
	warnings_free(&warnings);
	conf_free(conf);
}

static void what_cannot_be_looked_at_is_not_absent(void **state)
{
	struct device_source source = { .proc_devices = "/nonexistent/devices",
					.dev = warned_world.dev };
	struct conf *conf = warned_parse("* allow c 1:1\n* deny char-zork\n");
	struct warnings_input input = {
		conf, &source, &warned_database.accounts, NULL, NULL, NULL
	};
	struct warnings warnings;
	char found[256];

	(void)state;
	assert_int_equal(warnings_find(&input, &warnings, NULL), 0);
	warned_describe(&warnings, found, sizeof(found));
	assert_string_equal(found, "2:8 lookup");
	assert_contains(warnings.items[0].what.text, "/nonexistent/devices cannot be read");
	warnings_free(&warnings);
	conf_free(conf);
}

static void names_print_harmlessly(void **state)
{
	(void)state;
	expect_text("zora allow *\n", "(did you mean \"zo\\x0ara\"?)");
}

static void this_systems_accounts_are_those_of_nss(void **state)
{
	struct accounts system;
	struct name_list list = { 0 };
	struct policy_subject subject;
	uint32_t id = 1;

	(void)state;
	assert_int_equal(accounts_system(&system, NULL), 0);
	assert_int_equal(system.user_id(&system, "root", &id, NULL), 1);
	assert_int_equal(id, 0);
	assert_int_equal(system.user_id(&system, "no-such-user-at-all", &id, NULL), 0);
	id = 1;
	assert_int_equal(system.group_id(&system, "root", &id, NULL), 1);
	assert_int_equal(id, 0);
	assert_int_equal(system.group_id(&system, "no-such-group-at-all", &id, NULL), 0);
	assert_int_equal(system.subject(&system, "root", &subject, NULL), 0);
	assert_int_equal(subject.uid, 0);
	policy_subject_free(&subject);
	system.list_users(&system, &list);
	assert_true(list.count > 0 && list.count <= ACCOUNTS_LISTED_MAX);
	name_list_free(&list);
	system.list_groups(&system, &list);
	assert_true(list.count > 0);
	name_list_free(&list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		warned_test(nothing_is_said_of_what_is_meant),
		warned_test(names_that_do_not_exist),
		warned_test(a_database_that_is_down_is_no_answer),
		warned_test(root_is_better_not_named),
		warned_test(ranges_of_system_accounts_only),
		warned_test(drivers_that_are_not_there),
		warned_test(paths_that_are_not_there),
		warned_test(classes_that_stand_for_nothing),
		warned_test(places_in_other_files_are_named),
		warned_test(too_many_rules_are_a_mistake),
		warned_test(what_cannot_be_looked_at_is_not_absent),
		warned_test(names_print_harmlessly),
		warned_test(this_systems_accounts_are_those_of_nss),
	};

	return cmocka_run_group_tests(tests, warned_make_world, warned_remove_world);
}
