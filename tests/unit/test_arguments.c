// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The module's arguments, and cgroups by pattern. */
#include "check.h"

#include <string.h>

#include "conf/arguments.h"
#include "conf/cgroups.h"

#define JOBS "/system.slice/*slurmstepd.scope/job_*"

static void nosession_has_three_forms(void **state)
{
	struct arguments arguments = { 0 };
	struct reason why;

	(void)state;
	assert_true(arguments_parse("nosession=ignore", &arguments, &why));
	assert_true(arguments.nosession_ignore);
	assert_true(arguments_parse("nosession=ignore:" JOBS, &arguments, &why));
	assert_false(arguments.nosession_ignore);
	assert_string_equal(arguments.left_alone, JOBS);
	assert_true(arguments_parse("nosession=deny", &arguments, &why));
	assert_null(arguments.left_alone);
	assert_false(arguments.nosession_ignore);
}

/* Whatever stood before, nobody runs without rules by a mistake. */
static void a_mistake_in_nosession_is_deny(void **state)
{
	static const char *const mistakes[][2] = {
		{ "nosession=maybe", "expected deny, ignore or ignore:PATTERN" },
		{ "nosession=", "expected deny" },
		{ "nosession=ignore:", "pattern \"\" is empty" },
		{ "nosession=ignore:/a,", "pattern \"\" is empty" },
		{ "nosession=ignore:,/a", "pattern \"\" is empty" },
		{ "nosession=ignore:a/b", "pattern \"a/b\" must begin with a slash" },
		{ "nosession=ignore:/a/b,c", "pattern \"c\" must begin with a slash" },
		{ "nosession=ignore:/", "a slash too many" },
		{ "nosession=ignore:/a//b", "a slash too many" },
		{ "nosession=ignore:/a/", "a slash too many" },
		{ "nosession=ignore:/a/../b", "must not have . and .." },
		{ "nosession=ignore:/a/.", "must not have . and .." },
		{ "nosession=ignore:/*", "must name what is at the top" },
		{ "nosession=ignore:/?ser.slice/a", "must name what is at the top" },
		{ "nosession=ignore:/user.slice", "is about user.slice" },
		{ "nosession=ignore:/lxc/user.slice/a", "is about user.slice" },
		{ "nosession=Ignore", "expected deny" },
		{ "nosession=deny:/a", "expected deny" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		struct arguments arguments = { .nosession_ignore = true, .left_alone = "/x" };
		struct reason why = { "" };

		assert_false(arguments_parse(mistakes[i][0], &arguments, &why));
		assert_false(arguments.nosession_ignore);
		assert_null(arguments.left_alone);
		assert_non_null(strstr(why.text, "is taken for nosession=deny: "));
		if (!strstr(why.text, mistakes[i][1]))
			fail_msg("%s: %s", mistakes[i][0], why.text);
	}
}

static void what_is_not_known_changes_nothing(void **state)
{
	struct arguments arguments = { .nosession_ignore = true };
	struct reason why;

	(void)state;
	assert_false(arguments_parse("nosesion=deny", &arguments, &why));
	assert_true(arguments.nosession_ignore);
	assert_non_null(
		strstr(why.text, "unknown argument \"nosesion=deny\" skipped; expected conf=/"));
}

static void check_fits(const char *patterns, const char *cgroup, bool expected)
{
	if (cgroups_fit(patterns, cgroup) != expected)
		fail_msg("%s and %s", patterns, cgroup);
}

static void a_pattern_is_for_a_cgroup_and_what_is_below(void **state)
{
	(void)state;
	check_fits(JOBS, "/system.slice/slurmstepd.scope/job_1", true);
	check_fits(JOBS, "/system.slice/n1_slurmstepd.scope/job_1/step_extern/user/task_special",
		   true);
	check_fits("/system.slice/slurmstepd.scope/*", "/system.slice/slurmstepd.scope/job_1/x",
		   true);
	check_fits("/htcondor", "/htcondor/slot1", true);
	check_fits("/htcondor", "/htcondor", true);
	check_fits("/a,/b/*", "/b/c/d", true);
	check_fits("/a/x\\x2dy.service", "/a/x\\x2dy.service/b", true);

	check_fits(JOBS, "/system.slice/slurmstepd.scope", false);
	check_fits(JOBS, "/system.slice/n1_slurmstepd.scope/system", false);
	check_fits(JOBS, "/system.slice/ssh.service", false);
	check_fits("/htcondor", "/htcondor2", false);
	check_fits("/htcondor", "/", false);
	check_fits("/a/*/b", "/a/x/y/b", false);
	check_fits("/a/*", "/a", false);
	check_fits("/a", "/x/a", false);
	check_fits("/a,b", "", false);
}

/* Users' managers make cgroups of any name there, and only there. */
static void no_pattern_fits_what_users_can_make(void **state)
{
	static const char own[] = "/user.slice/user-1000.slice/user@1000.service/";

	(void)state;
	check_fits("/lxc/*", "/lxc/user.slice/user-1000.slice/user@1000.service/job_1", false);
	check_fits("/lxc/*/*/*/*", "/lxc/user.slice/user-1000.slice/a/b", false);
	check_fits("/lxc/*", "/lxc/x/user.slice", false);
	check_fits("/user.slic[e]", own, false);
	check_fits("/a", "/../a", false);
	check_fits("/a", "/a/..", false);
	check_fits("/a", "/a/../user.slice", false);
	check_fits("/a/*", "/a/user.slices", true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nosession_has_three_forms),
		cmocka_unit_test(a_mistake_in_nosession_is_deny),
		cmocka_unit_test(what_is_not_known_changes_nothing),
		cmocka_unit_test(a_pattern_is_for_a_cgroup_and_what_is_below),
		cmocka_unit_test(no_pattern_fits_what_users_can_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
