/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Users and groups of a directory, which takes many spellings for one account, has two names for
 * one uid, and falls silent. It stands in the place of the C library's: the functions have its names.
 */
#include "check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <strings.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "world.h"

#define CARLA 5000
#define LOCAL 5001
#define STUDENTS 7000
#define TUTORS 7001

static bool silent; /* in the way of nslcd: ENOENT, for what only the directory knows */
static bool kept;   /* but what it said of accounts is kept, by one of their spellings */
static struct world world;

static const struct account {
	const char *spelling, *canonical;
	uid_t uid;
	bool local;
} accounts[] = {
	{ "carla@example.org", "carla@example.org", CARLA, false },
	{ "carla", "carla@example.org", CARLA, false },
	{ "Carla@Example.org", "carla@example.org", CARLA, false },
	{ "EXAMPLE\\carla", "carla@example.org", CARLA, false },
	{ "carla-lab", "carla-lab", CARLA, false },
	{ "jane doe", "jane doe", 5002, false },
	{ "lou", "lou", LOCAL, true },
	{ "lou2", "lou2", LOCAL, true },
	{ "greeter", "greeter", 100, true },
	{ "gdm-greeter", "gdm-greeter", 60578, true }, /* made while gdm runs */
	{ "root", "root", 0, true },
};

static int give(const struct account *account, struct passwd *entry, struct passwd **found)
{
	*found = NULL;
	if (silent && !(account && account->local) &&
	    !(account && kept && account->spelling == account->canonical))
		return ENOENT;
	if (!account)
		return 0;
	*entry = (struct passwd) { .pw_name = (char *)account->canonical,
				   .pw_uid = account->uid,
				   .pw_gid = 100 };
	*found = entry;
	return 0;
}

int getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
	       struct passwd **found)
{
	(void)buffer, (void)size;
	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++)
		if (strcmp(accounts[i].spelling, name) == 0)
			return give(&accounts[i], entry, found);
	return give(NULL, entry, found);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
	(void)buffer, (void)size;
	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++)
		if (accounts[i].uid == uid)
			return give(&accounts[i], entry, found);
	return give(NULL, entry, found);
}

/* What /etc/passwd has: the accounts that are local. */
static FILE *local_accounts(void)
{
	static char text[] = "# 5001: may be lou's\n"
			     "lou:x:5001:100::/:/bin/sh\n"
			     "other:x:15001:5001::/home/5001:/bin/sh\n"
			     "lou2:x:05001:100::/:/bin/sh\n"
			     "greeter:x:100:100::/:/bin/sh\n"
			     "gdm-greeter:x:60578:100::/:/bin/sh\n"
			     "root:x:0:0::/root:/bin/sh\n"
			     "+::::::\n";

	return fmemopen(text, strlen(text), "r");
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
	return strcmp(path, "/etc/passwd") == 0 ? local_accounts() : __real_fopen(path, mode);
}

/* So it is called where files may be large. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return strcmp(path, "/etc/passwd") == 0 ? local_accounts() : __real_fopen64(path, mode);
}

/* The first name of an account is a student's, the second one a tutor's. */
int getgrouplist(const char *name, gid_t gid, gid_t *groups, int *count)
{
	groups[0] = gid;
	groups[1] = strcmp(name, "carla-lab") == 0 || strcmp(name, "lou2") == 0 ? TUTORS : STUDENTS;
	*count = 2;
	return 2;
}

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
	       struct group **found)
{
	static char *nobody[] = { NULL };

	(void)buffer, (void)size;
	*found = NULL;
	if (silent)
		return ENOENT;
	*entry = (struct group) { .gr_name = (char *)name, .gr_mem = nobody };
	if (strcasecmp(name, "students") == 0 || strcmp(name, "domain students") == 0)
		entry->gr_gid = STUDENTS;
	else if (strcmp(name, "tutors") == 0)
		entry->gr_gid = TUTORS;
	else
		return 0;
	*found = entry;
	return 0;
}

#define NOT_REFUSED 100

/* What the user is refused of c 240:1 under the policy; NOT_REFUSED: no filter; or what failed. */
static int refused(const char *name, const char *text)
{
	const struct policy_session session = { "login", "tty1", "", "", POLICY_LOGIN };
	struct policy_subject subject;
	struct policy_result result;
	struct conf *conf;
	int ret;

	assert_int_equal(policy_subject_load(name, &subject, NULL), 0);
	assert_int_equal(conf_parse("policy", text, strlen(text), false, &conf), 0);
	ret = policy_decide(conf, &world.source, &subject, &session, &result, NULL);
	if (ret == 0)
		ret = result.kind == POLICY_NONE
			      ? NOT_REFUSED
			      : (int)table_refused(result.table, BPFDEV_CHAR, 240, 1, BPFDEV_READ);
	policy_result_free(&result);
	conf_free(conf);
	policy_subject_free(&subject);
	return ret;
}

static void a_line_is_about_an_account_however_it_is_spelt(void **state)
{
	static const char *const spellings[] = { "carla@example.org", "carla", "Carla@Example.org",
						 "EXAMPLE\\carla" };
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(spellings); j++) {
			snprintf(text, sizeof(text), "* allow *\n%s deny *", spellings[j]);
			assert_int_equal(refused(spellings[i], text), BPFDEV_READ);
			snprintf(text, sizeof(text), "%s deny *", spellings[j]);
			assert_int_equal(refused("lou", text), NOT_REFUSED);
		}
	}
	assert_int_equal(refused("jane doe", "\"jane doe\" deny *"), BPFDEV_READ);
	assert_int_equal(refused("carla", "\"EXAMPLE\\carla\" deny *"), BPFDEV_READ);
}

static void two_names_of_one_uid_have_the_rules_of_both(void **state)
{
	(void)state;
	assert_int_equal(refused("carla-lab", "carla deny *"), BPFDEV_READ);
	assert_int_equal(refused("carla", "carla-lab deny *"), BPFDEV_READ);
	assert_int_equal(refused("lou2", "lou deny *"), BPFDEV_READ);
	assert_int_equal(refused("lou2", "@:5001 deny *"), NOT_REFUSED);
	assert_int_equal(refused("carla-lab", "@tutors deny *"), BPFDEV_READ);
	/* Of the name that the directory has first for the uid, too. */
	assert_int_equal(refused("carla-lab", "@students deny *"), BPFDEV_READ);
	assert_int_equal(refused("lou2", "@students deny *"), BPFDEV_READ);
	assert_int_equal(refused("lou2", "@students deny *\n@tutors exempt"), 0);
}

static void a_group_is_the_same_however_it_is_spelt(void **state)
{
	(void)state;
	assert_int_equal(refused("carla", "@Students deny *"), BPFDEV_READ);
	assert_int_equal(refused("carla", "@\"domain students\" deny *"), BPFDEV_READ);
	assert_int_equal(refused("carla", "@tutors deny *"), NOT_REFUSED);
}

/* That is no "there is no such user". */
static void a_directory_that_is_silent_has_not_said_that_there_is_no_user(void **state)
{
	struct policy_subject subject;
	struct reason why = { "" };

	(void)state;
	assert_int_equal(policy_subject_load("nobody-at-all", &subject, &why), 1);
	assert_contains(why.text, "there is no user");
	silent = true;
	assert_true(policy_subject_load("carla", &subject, &why) < 0);
	assert_contains(why.text, "the directory does not answer");
	silent = false;
}

/*
 * Whom it would have named, nobody knows. Whoever is in the file of this machine, it is not them; but
 * whoever is known from somewhere else may have that name, too.
 */
static void a_name_that_a_silent_directory_cannot_tell_could_be_anyones(void **state)
{
	(void)state;
	silent = kept = true;
	assert_true(refused("carla@example.org", "EXAMPLE\\carla deny *") < 0);
	assert_true(refused("jane doe", "carla deny *") < 0);
	assert_int_equal(refused("jane doe", "\"jane doe\" deny *\n:5000 deny *"), BPFDEV_READ);
	assert_int_equal(refused("lou", "carla deny *\nlou deny *"), BPFDEV_READ);
	assert_int_equal(refused("lou", "carla deny *"), NOT_REFUSED);
	assert_true(refused("lou", "@students deny *") < 0);
	silent = kept = false;
	assert_int_equal(refused("jane doe", "carla deny *\nno-such-user deny *"), NOT_REFUSED);
}

static void mistakes_are_nothing_to_a_greeter(void **state)
{
	(void)state;
	assert_int_equal(refused("greeter", "* alow *"), NOT_REFUSED);
	assert_int_equal(refused("gdm-greeter", "* alow *"), NOT_REFUSED);
	assert_true(refused("gdm-greeter", ":60578 alow *") < 0);
	assert_int_equal(refused("greeter", "* deny *\n@students deny @no-such-class"),
			 NOT_REFUSED);
	assert_int_equal(refused("greeter", "class x y"), NOT_REFUSED);
	assert_int_equal(refused("greeter", "* deny * \x01"), NOT_REFUSED);
	assert_true(refused("greeter", "greeter deny *\n* alow *") < 0);
	assert_true(refused("greeter", ":100 deny *\n* alow *") < 0);
	assert_true(refused("greeter", "greeter alow *") < 0);
	assert_true(refused("greeter", "greeter deny * \x01") < 0);
	assert_true(refused("greeter", "greeter deny @no-such-class") < 0);
	assert_true(refused("greeter", "gree*ter deny *") < 0);
	assert_true(refused("greeter", "gree\x01ter deny *") < 0);
	assert_true(refused("greeter", "* deny *\n\"greeter deny *") < 0);
	assert_true(refused("lou", "* alow *") < 0);
	assert_true(refused("lou", "carla alow *") < 0);
	assert_true(refused("root", "* alow *") < 0);
	silent = true;
	assert_int_equal(refused("greeter", "carla alow *"), NOT_REFUSED);
	silent = false;
}

static int setup(void **state)
{
	(void)state;
	world_make(&world);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_remove(&world);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_about_an_account_however_it_is_spelt),
		cmocka_unit_test(two_names_of_one_uid_have_the_rules_of_both),
		cmocka_unit_test(a_group_is_the_same_however_it_is_spelt),
		cmocka_unit_test(a_directory_that_is_silent_has_not_said_that_there_is_no_user),
		cmocka_unit_test(a_name_that_a_silent_directory_cannot_tell_could_be_anyones),
		cmocka_unit_test(mistakes_are_nothing_to_a_greeter),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
