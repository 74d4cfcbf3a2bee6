/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Whom a line names, and which rank it has. */
#include "check.h"

#include "bpfdev.h"
#include "login.h"

static struct policy_subject with_uid(uid_t uid)
{
	struct policy_subject subject = alice;

	subject.uid = uid;
	return subject;
}

static int outcome_for_uid(const char *text, uid_t uid)
{
	struct policy_subject subject = with_uid(uid);

	return login_outcome(text, &subject, &local);
}

static void lines_name_users(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("alice allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome(":1000 allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("1000:1000 allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("999:1001 allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("1000: allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("* allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("bob allow *", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("alic allow *", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("ALICE allow *", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome(":1001 allow *", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("1001: allow *", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("class alice *", &alice, &local), NO_FILTER);
}

static void lines_name_groups(void **state)
{
	struct policy_subject other = alice;
	char text[64];

	(void)state;
	assert_int_equal(login_outcome("@disk allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("@audio allow c 240:1 r", &alice, &local), W | M);
	assert_int_equal(login_outcome("@video allow c 240:1 r", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("@no-such-group allow *", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("@alice allow *", &alice, &local), NO_FILTER);
	snprintf(text, sizeof(text), "@:%u allow c 240:1 r", alice.groups[0]);
	assert_int_equal(login_outcome(text, &alice, &local), W | M);
	snprintf(text, sizeof(text), "@%u:%u allow c 240:1 r", alice.groups[1], alice.groups[1]);
	assert_int_equal(login_outcome(text, &alice, &local), W | M);
	other.group_count = 1;
	assert_int_equal(login_outcome("@audio allow *", &other, &local), NO_FILTER);
}

static void a_line_for_the_user_outranks_one_for_a_group(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("alice allow * r\n@disk deny c 240:1", &alice, &local),
			 W | M);
	assert_int_equal(login_outcome(":1000 allow * r\n1000:1000 deny c 240:1", &alice, &local),
			 W | M);
	assert_int_equal(login_outcome("@disk allow * r\n* deny c 240:1", &alice, &local), W | M);
	assert_int_equal(login_outcome("1000: allow * r\n* deny c 240:1", &alice, &local), W | M);
	assert_int_equal(login_outcome("@disk deny c 240:1\n@0: allow c 240:1", &alice, &local), 0);
	assert_int_equal(login_outcome("1000: deny c 240:1\n@disk allow c 240:1", &alice, &local),
			 0);
	assert_int_equal(login_outcome("alice deny c 240:1\n:1000 allow c 240:1", &alice, &local),
			 0);
	assert_int_equal(login_outcome(":1000 allow c 240:1\nalice deny c 240:1", &alice, &local),
			 R | W | M);
}

static void root_is_named_by_name_or_uid_only(void **state)
{
	struct policy_subject root = with_uid(0);

	(void)state;
	root.name = (char[]) { "root" };
	assert_int_equal(login_outcome("* deny *", &root, &local), NO_FILTER);
	assert_int_equal(login_outcome("0: deny *", &root, &local), NO_FILTER);
	assert_int_equal(login_outcome("0:0 deny *", &root, &local), NO_FILTER);
	assert_int_equal(login_outcome("@disk deny *", &root, &local), NO_FILTER);
	assert_int_equal(login_outcome("@0: deny *", &root, &local), NO_FILTER);
	assert_int_equal(login_outcome("root deny *", &root, &local), R | W | M);
	assert_int_equal(login_outcome(":0 deny * r", &root, &local), R | W | M);
	root.uid_min = 0;
	assert_int_equal(login_outcome("* deny *", &root, &local), NO_FILTER);
}

static void system_accounts_too(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("* deny *", &daemon_account, &local), NO_FILTER);
	assert_int_equal(login_outcome("0:999 deny *", &daemon_account, &local), NO_FILTER);
	assert_int_equal(login_outcome("@disk deny *", &daemon_account, &local), NO_FILTER);
	assert_int_equal(login_outcome("daemon deny *", &daemon_account, &local), R | W | M);
	assert_int_equal(login_outcome(":1 deny *", &daemon_account, &local), R | W | M);
	assert_int_equal(
		login_outcome("* deny *\n0: deny *\ndaemon audit", &daemon_account, &local), 0);
}

static void regular_accounts_begin_at_uid_min(void **state)
{
	struct policy_subject user = with_uid(500);

	(void)state;
	assert_int_equal(outcome_for_uid("* deny *", 999), NO_FILTER);
	assert_int_equal(outcome_for_uid("* deny *", 1000), R | W | M);
	assert_int_equal(login_outcome("* deny *", &user, &local), NO_FILTER);
	user.uid_min = 500;
	assert_int_equal(login_outcome("* deny *", &user, &local), R | W | M);
	assert_int_equal(login_outcome("@disk deny *", &user, &local), R | W | M);
}

static void accounts_that_only_look_regular(void **state)
{
	(void)state;
	assert_int_equal(outcome_for_uid("* deny *", 65534), NO_FILTER);
	assert_int_equal(outcome_for_uid(":65534 deny *", 65534), R | W | M);
	assert_int_equal(outcome_for_uid("* deny *", 60577), R | W | M);
	assert_int_equal(outcome_for_uid("* deny *", 60578), NO_FILTER);
	assert_int_equal(outcome_for_uid("1000: deny *", 60705), NO_FILTER);
	assert_int_equal(outcome_for_uid(":60705 deny *", 60705), R | W | M);
	assert_int_equal(outcome_for_uid("* deny *", 60706), R | W | M);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_name_users),
		cmocka_unit_test(lines_name_groups),
		cmocka_unit_test(a_line_for_the_user_outranks_one_for_a_group),
		cmocka_unit_test(root_is_named_by_name_or_uid_only),
		cmocka_unit_test(system_accounts_too),
		cmocka_unit_test(regular_accounts_begin_at_uid_min),
		cmocka_unit_test(accounts_that_only_look_regular),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
