/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Twice as many lines are twice the work. Work is what can be counted, as tests.mk has the linker put
 * the functions below in the place of the C library's: names that are compared, and files, folders and
 * groups that are looked up. Not time.
 */
#include "check.h"

#include <dirent.h>
#include <grp.h>

#include "base/lookup.h"
#include "login.h"

static struct work {
	size_t compared, opened, groups;
} work;

int __real_strcmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);
int __real_fnmatch(const char *glob, const char *text, int flags);
int __wrap_fnmatch(const char *glob, const char *text, int flags);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
int __real_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
		      struct group **found);
int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
		      struct group **found);

int __wrap_strcmp(const char *a, const char *b)
{
	work.compared++;
	return __real_strcmp(a, b);
}

int __wrap_fnmatch(const char *glob, const char *text, int flags)
{
	work.compared++;
	return __real_fnmatch(glob, text, flags);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	work.opened++;
	return __real_fopen(path, mode);
}

/* So it is called where files may be large. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
	work.opened++;
	return __real_fopen64(path, mode);
}

DIR *__wrap_opendir(const char *path)
{
	work.opened++;
	return __real_opendir(path);
}

/* No group is looked up on the machine. */
int __wrap_getgrnam_r(const char *name, struct group *group, char *buffer, size_t size,
		      struct group **found)
{
	(void)name;
	(void)group;
	(void)buffer;
	(void)size;
	work.groups++;
	*found = NULL;
	return 0;
}

/* A policy of @count lines: @line, a format, with the line's number in it; twice. */
static char *write_policy(const char *line, size_t count)
{
	size_t room = count * (strlen(line) + 40) + 1, used = 0;
	char *text = malloc(room);

	assert_non_null(text);
	*text = '\0';
	for (unsigned int i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		used += (size_t)snprintf(text + used, room - used, line, i, i);
#pragma GCC diagnostic pop
		used += (size_t)snprintf(text + used, room - used, "\n");
	}
	return text;
}

/* What a login takes. The parser's work is not counted. */
static struct work work_of_login(const char *line, size_t count)
{
	char *text = write_policy(line, count);
	struct conf *conf = login_policy(text);
	struct policy_result result;
	struct reason why = { "" };

	work = (struct work) { 0 };
	if (policy_decide(conf, &login_world.source, &alice, &local, &result, &why) < 0)
		fail_msg("%s", why.text);
	policy_result_free(&result);
	conf_free(conf);
	free(text);
	return work;
}

#define FEW 1000

/* Of lines that all name somebody else, or nothing that is there. */
static void expect_linear(const char *line)
{
	struct work once = work_of_login(line, FEW), twice = work_of_login(line, 2 * FEW);

	print_message("%s: %zu and %zu comparisons, %zu and %zu files\n", line, once.compared,
		      twice.compared, once.opened, twice.opened);
	assert_between(twice.compared, 0, 2 * once.compared + 200);
	assert_int_equal(twice.opened, once.opened);
	assert_between(once.opened, 0, 2);
}

static void a_login_looks_each_group_up_once(void **state)
{
	(void)state;
	assert_int_equal(work_of_login("@group-%u allow c 13:1", FEW).groups, FEW);
	assert_int_equal(work_of_login("@group-of-all allow c 13:%u", FEW).groups, 1);
	expect_linear("@group-%u allow c 13:1");
}

static void a_login_reads_the_drivers_once(void **state)
{
	(void)state;
	expect_linear("* allow char-nobodys-%u");
	expect_linear("* deny block-nobodys-%u");
	expect_linear("* deny char-nobodys-%u-*");
}

static void a_login_lists_the_usb_devices_once(void **state)
{
	(void)state;
	expect_linear("* allow usb:46f4:*:NOBODYS-%u");
}

static void numbers_need_no_file(void **state)
{
	(void)state;
	assert_int_equal(work_of_login("* allow c 13:%u", FEW).opened, 0);
	expect_linear("* allow c 13:%u");
}

/* Places by digests that collide, and by many that do not. */
static void a_lookup_finds_what_was_added(void **state)
{
	struct lookup lookup = { 0 };
	size_t at = 0, found = 0;

	(void)state;
	assert_int_equal(lookup_next(&lookup, 7, &at), LOOKUP_NONE);
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(lookup_add(&lookup, i % 2 ? 7 : i * 0x9e3779b97f4a7c15ull, i), 0);
	for (at = 0; lookup_next(&lookup, 7, &at) != LOOKUP_NONE; found++)
		;
	assert_int_equal(found, 2500);
	for (size_t i = 0; i < 5000; i += 2) {
		at = 0;
		assert_int_equal(lookup_next(&lookup, i * 0x9e3779b97f4a7c15ull, &at), i);
		assert_int_equal(lookup_next(&lookup, i * 0x9e3779b97f4a7c15ull, &at), LOOKUP_NONE);
	}
	at = 0;
	assert_int_equal(lookup_next(&lookup, 8, &at), LOOKUP_NONE);
	lookup_free(&lookup);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_looks_each_group_up_once),
		cmocka_unit_test(a_login_reads_the_drivers_once),
		cmocka_unit_test(a_login_lists_the_usb_devices_once),
		cmocka_unit_test(numbers_need_no_file),
		cmocka_unit_test(a_lookup_finds_what_was_added),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
