/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lines that are suggested: for whom they are, and what stands against them. */
#include "check.h"

#include "scene.h"

#define C BPFDEV_CHAR

static struct scene scene;
static gid_t bobs_groups[1];
static struct policy_subject bob = {
	(char[]) { "bob" }, 1001, 0, bobs_groups, 1, 1000, NULL, 0, true
};

static int setup(void **state)
{
	int ret = login_setup(state);

	/* alice is of disk and audio */
	bobs_groups[0] = world_gid(&login_world, "audio");
	return ret;
}

static void needs_nodes(void)
{
	if (!login_world.has_nodes)
		cannot_run("device nodes cannot be made here");
}

static void deny(uint32_t type, uint32_t major, uint32_t minor, uint32_t access)
{
	scene_deny(&scene, 0, type, major, minor, access);
}

/* Whatever they have in common: more than they were denied is nobody's but by --who. */
static void each_user_has_lines_of_their_own(void **state)
{
	size_t other;

	(void)state;
	scene_begin_alice(&scene, "@audio audit\n");
	other = scene_login(&scene, &bob, &remote);
	deny(C, 700, 1, R);
	scene_deny(&scene, other, C, 700, 1, W);
	scene_deny(&scene, other, C, 700, 9, R);
	scene_end_with(&scene, "alice allow c 700:1 r\nbob allow c 700:1 w\nbob allow c 700:9 r\n");
}

static void a_deny_line_for_one_device_outweighs_the_driver(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\nalice deny c 240:0\n");
	for (uint32_t minor = 0; minor < 3; minor++)
		deny(C, 240, minor, R);
	scene_end_with(&scene, "alice allow char-zork r\nalice allow usb:0403:6001:FT:1 r\n");
}

static void deny_lines_are_named(void **state)
{
	bool denies[4] = { false };

	(void)state;
	scene_begin_alice(&scene,
			  "alice audit\nalice deny c 700:1 r\n@audio deny c 700:* w\n* deny *\n");
	deny(C, 700, 1, R | W);
	scene_lines(&scene);
	suggest_deniers(&scene.suggest, &scene.suggest.wishes[0], denies);
	assert_true(!denies[0] && denies[1] && denies[2] && !denies[3]);
	scene_end(&scene);
}

static void lines_for_whoever_is_asked_for(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "@audio audit\n");
	scene_deny(&scene, scene_login(&scene, &bob, &local), C, 700, 2, R);
	deny(C, 700, 1, R);
	scene.request.who = "@1000:2000";
	scene_end_with(&scene, "@1000:2000 allow c 700:1-2 r\n");
}

/* Nothing that is said of the group helps alice. */
static void what_no_line_can_allow_is_not_suggested(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "@audio audit\nalice audit\nalice deny c 700:1\n");
	scene_deny(&scene, scene_login(&scene, &bob, &local), C, 700, 2, R);
	deny(C, 700, 1, R);
	scene.request.who = "@audio";
	assert_string_equal(scene_lines(&scene), "@audio allow c 700:2 r\n");
	assert_int_equal(scene_blocked(&scene), 1);
	assert_int_equal(scene.suggest.wishes[0].source & 0xfffff, 3);
	scene_end(&scene);
}

static void what_can_be_a_first_field(void **state)
{
	static const char *const good[] = { "alice", "@audio", ":1000", "@:5", "1000:", "*" };
	static const char *const bad[] = { "",	     "alice bob",     "alice\n*",  "#x",
					   "%audio", "class x",	      "class",	   "10:5",
					   "@",	     "alice audit #", "* audit\n#" };
	struct reason why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(suggest_who_is_one(good[i], &why));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(suggest_who_is_one(bad[i], &why));
}

/* The name of a user, or what would be read as something else. */
static void names_that_mean_something_else_are_quoted_or_numbers(void **state)
{
	static const char *const names[] = { "class", "10:20", "*", "a b", "#", "@audio", "a\"b" };
	char line[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct policy_subject odd = alice;

		odd.name = (char *)names[i];
		scene_begin(&scene, ":1000 audit\n");
		scene_login(&scene, &odd, &local);
		deny(C, 700, 1, R);
		snprintf(line, sizeof(line), "\"%s\" allow c 700:1 r\n", names[i]);
		scene_end_with(&scene, i < 5 ? line : ":1000 allow c 700:1 r\n");
	}
}

/* What a session may do, it may; but none is open for ever. */
static void a_manager_has_rules_of_its_own(void **state)
{
	size_t manager;

	(void)state;
	scene_begin_alice(&scene, "alice allow c 700:* r service=login\nalice audit\n");
	manager = scene_login(&scene, &alice, &policy_manager_session);
	scene_deny(&scene, manager, C, 700, 1, R);
	scene_end_with(&scene, "alice allow c 700:1 r\n");
	scene_begin_alice(&scene, "alice allow c 700:* r service=systemd-user\nalice audit\n");
	manager = scene_login(&scene, &alice, &policy_manager_session);
	scene_deny(&scene, manager, C, 700, 1, R);
	scene_end_with(&scene, "alice allow c 700:1 r\n");
}

static void conditions_that_do_not_hold_anywhere_else(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice deny c 700:1\n");
	deny(C, 700, 1, R);
	scene_lines(&scene);
	assert_false(suggest_restricts(&scene.suggest, 0));
	scene_end(&scene);
	/* By ssh, she may do everything; not any more when there is a line for her. */
	scene_begin_alice(&scene, "alice deny c 700:1 local\n");
	deny(C, 700, 1, R);
	scene_lines(&scene);
	assert_true(suggest_restricts(&scene.suggest, 0));
	scene_end(&scene);
	scene_begin_alice(&scene, "@audio allow c 700:2\n@audio exempt remote\n");
	deny(C, 700, 1, R);
	scene_lines(&scene);
	assert_true(suggest_restricts(&scene.suggest, 0));
	scene_end(&scene);
	/* The exempt line would cover hers. */
	scene_begin_alice(&scene, "@audio allow c 700:2\nalice exempt remote\n");
	deny(C, 700, 1, R);
	scene_lines(&scene);
	assert_false(suggest_restricts(&scene.suggest, 0));
	scene_end(&scene);
}

/* Who took the audit line out, and has nothing else yet. */
static void a_policy_that_has_no_line_any_more(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "");
	deny(C, 700, 1, R);
	assert_string_equal(scene_lines(&scene), "alice allow c 700:1 r\n");
	assert_false(suggest_restricts(&scene.suggest, 0));
	scene_end(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_user_has_lines_of_their_own),
		cmocka_unit_test(a_deny_line_for_one_device_outweighs_the_driver),
		cmocka_unit_test(deny_lines_are_named),
		cmocka_unit_test(lines_for_whoever_is_asked_for),
		cmocka_unit_test(what_no_line_can_allow_is_not_suggested),
		cmocka_unit_test(what_can_be_a_first_field),
		cmocka_unit_test(names_that_mean_something_else_are_quoted_or_numbers),
		cmocka_unit_test(a_manager_has_rules_of_its_own),
		cmocka_unit_test(conditions_that_do_not_hold_anywhere_else),
		cmocka_unit_test(a_policy_that_has_no_line_any_more),
	};

	return cmocka_run_group_tests(tests, setup, login_teardown);
}
