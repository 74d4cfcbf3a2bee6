/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Users as NSS knows them. */
#include "check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "policy/policy.h"

static void expect_account(const struct passwd *account, const struct policy_subject *subject)
{
	gid_t groups[1024];
	int count = ARRAY_SIZE(groups);

	assert_string_equal(subject->name, account->pw_name);
	assert_int_equal(subject->uid, account->pw_uid);
	assert_int_equal(subject->gid, account->pw_gid);
	assert_true(getgrouplist(account->pw_name, account->pw_gid, groups, &count) >= 0);
	assert_int_equal(subject->group_count, count);
	assert_memory_equal(subject->groups, groups, (size_t)count * sizeof(*groups));
}

static void accounts_are_found_by_name(void **state)
{
	static const char *const names[] = { "root", "daemon", "nobody" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct passwd *account = getpwnam(names[i]);
		struct policy_subject subject;

		assert_non_null(account);
		assert_int_equal(policy_subject_load(names[i], &subject, NULL), 0);
		expect_account(account, &subject);
		policy_subject_free(&subject);
	}
}

static void the_primary_group_is_among_the_groups(void **state)
{
	struct policy_subject subject;
	bool found = false;

	(void)state;
	assert_int_equal(policy_subject_load("nobody", &subject, NULL), 0);
	for (int i = 0; i < subject.group_count; i++)
		found = found || subject.groups[i] == subject.gid;
	assert_true(found);
	policy_subject_free(&subject);
}

static void expect_missing(const char *name)
{
	struct policy_subject subject;
	struct reason why = { "" };

	assert_int_equal(policy_subject_load(name, &subject, &why), 1);
	assert_contains(why.text, "no user");
	policy_subject_free(&subject);
}

static void accounts_that_do_not_exist_are_not_found(void **state)
{
	struct policy_subject subject;
	struct reason why = { "" };
	char long_name[5000];

	(void)state;
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	expect_missing("no-such-user-at-all");
	expect_missing("");
	expect_missing("root\nroot");
	expect_missing("0");
	expect_missing(long_name);
	assert_int_equal(policy_subject_load("no-such-user-at-all", &subject, &why), 1);
	assert_contains(why.text, "no-such-user-at-all");
	policy_subject_free(&subject);
	policy_subject_free(&subject);
}

/* login.defs(5): the last line counts. */
static unsigned long configured_uid_min(void)
{
	FILE *file = fopen("/etc/login.defs", "re");
	unsigned long value = 1000;
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		char *word = line + strspn(line, " \t");

		if (strncmp(word, "UID_MIN", 7) == 0 && strchr(" \t", word[7]))
			value = strtoul(word + 7, NULL, 10);
	}
	if (file)
		fclose(file);
	return value;
}

static void uid_min_is_that_of_login_defs(void **state)
{
	struct policy_subject subject;

	(void)state;
	assert_int_equal(policy_subject_load("root", &subject, NULL), 0);
	assert_int_equal(subject.uid_min, configured_uid_min());
	policy_subject_free(&subject);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_are_found_by_name),
		cmocka_unit_test(the_primary_group_is_among_the_groups),
		cmocka_unit_test(accounts_that_do_not_exist_are_not_found),
		cmocka_unit_test(uid_min_is_that_of_login_defs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
