/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Users as NSS knows them. */
#include "check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void mount_over(const char *path, const char *text)
{
	char file[] = "/tmp/bpfdev-subject-XXXXXX";
	int fd = mkstemp(file);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fchmod(fd, 0644) ||
	    mount(file, path, NULL, MS_BIND, NULL))
		_exit(2);
	unlink(file);
	close(fd);
}

/* Runs @look in a child that has a mount namespace of its own. */
static void apart(void (*look)(void))
{
	pid_t child;
	int status;

	if (geteuid())
		skip();
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
			_exit(3);
		look();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 3)
		skip();
	assert_int_equal(status, 0);
}

static void expect_uid_min(const char *text, uid_t expected)
{
	uid_t found = 0;

	mount_over("/etc/login.defs", text);
	if (policy_uid_min(&found, NULL) || found != expected) {
		print_error("%s: %u, expected %u\n", text, found, expected);
		_exit(1);
	}
	umount("/etc/login.defs");
}

static void look_at_uid_min(void)
{
	expect_uid_min("UID_MIN 0x3E8\n", 1000);
	expect_uid_min("UID_MIN\t 0764\n", 500);
	expect_uid_min("  UID_MIN \"2000\" \n", 2000);
	expect_uid_min("UID_MIN 500\nUID_MIN 600", 600);
	expect_uid_min("# UID_MIN 5\nUID_MINIMUM 7\nSYS_UID_MIN 9\n", 1000);
	expect_uid_min("UID_MIN none\n", 1000);
	expect_uid_min("UID_MIN -1\n", 1000);
	expect_uid_min("UID_MIN 99999999999\n", 1000);
	expect_uid_min("UID_MIN 0\n", 0);
}

static void uid_min_is_read_as_shadow_does(void **state)
{
	(void)state;
	apart(look_at_uid_min);
}

static void look_at_aliases(void)
{
	struct policy_subject subject;

	mount_over("/etc/passwd", "root:x:0:0::/:/bin/sh\nlou:x:5001:5001::/:/bin/sh\n"
				  "a line that is none\nlou2:x:5001:5002::/:/bin/sh\n"
				  "max:x:5003:5003::/:/bin/sh\n");
	mount_over("/etc/group", "root:x:0:\nstudents:x:7000:lou\ntutors:x:7001:lou2\n");
	if (policy_subject_load("lou", &subject, NULL) || subject.alias_count != 1 ||
	    strcmp(subject.aliases[0], "lou2") != 0 || subject.group_count != 4)
		_exit(1);
	policy_subject_free(&subject);
	if (policy_subject_load("lou2", &subject, NULL) || subject.alias_count != 1 ||
	    strcmp(subject.aliases[0], "lou") != 0 || subject.group_count != 4 ||
	    subject.gid != 5002)
		_exit(1);
	policy_subject_free(&subject);
	if (policy_subject_load("max", &subject, NULL) || subject.alias_count)
		_exit(1);
	policy_subject_free(&subject);
}

static void all_names_of_a_uid_are_found(void **state)
{
	(void)state;
	apart(look_at_aliases);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_are_found_by_name),
		cmocka_unit_test(the_primary_group_is_among_the_groups),
		cmocka_unit_test(accounts_that_do_not_exist_are_not_found),
		cmocka_unit_test(uid_min_is_that_of_login_defs),
		cmocka_unit_test(uid_min_is_read_as_shadow_does),
		cmocka_unit_test(all_names_of_a_uid_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
