/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The search for what is not meant takes twice the work for twice as many lines. Work is what can be
 * counted, as in test_growth.c: comparisons of names, conditions, rules and those whom lines are about,
 * and files and folders that are opened.
 */
#include "check.h"

#include <dirent.h>

#include "command/warnings/internal.h"
#include "warned.h"

static size_t work;

#define COUNTED(type, name, parameters, ...)                                                       \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		work++;                                                                            \
		return __real_##name(__VA_ARGS__);                                                 \
	}

COUNTED(int, strcmp, (const char *a, const char *b), a, b)
COUNTED(int, fnmatch, (const char *glob, const char *text, int flags), glob, text, flags)
COUNTED(FILE *, fopen, (const char *path, const char *mode), path, mode)
COUNTED(FILE *, fopen64, (const char *path, const char *mode), path, mode)
COUNTED(DIR *, opendir, (const char *path), path)
COUNTED(bool, warnings_implies, (const struct conf_statement *a, const struct conf_statement *b), a,
	b)
COUNTED(bool, warnings_implies_in_session,
	(const struct conf_statement *a, const struct conf_statement *b), a, b)
COUNTED(size_t, warnings_cover, (struct warnings_run * run, const struct warnings_who *who), run,
	who)
COUNTED(enum table_rank, policy_rank_by_id,
	(const struct policy_subject *subject, const struct conf_who *who), subject, who)

/* @lines: formats for a number each, of @count times as many lines. */
static size_t work_of(const char *const lines[2], size_t count)
{
	size_t room = count * 200 + 1, used = 0;
	char *text = malloc(room);
	struct conf *conf;
	struct warnings warnings;

	assert_non_null(text);
	for (unsigned int i = 1; i <= count; i++)
		for (size_t l = 0; l < 2; l++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			used += (size_t)snprintf(text + used, room - used, lines[l], i, i);
#pragma GCC diagnostic pop
			used += (size_t)snprintf(text + used, room - used, "\n");
			assert_true(used < room);
		}
	conf = warned_parse(text);
	work = 0;
	warnings = warned_find(conf, NULL);
	warnings_free(&warnings);
	conf_free(conf);
	free(text);
	return work;
}

#define FEW 500

static void expect_linear(const char *line, const char *other)
{
	const char *const lines[2] = { line, other };
	size_t once = work_of(lines, FEW), twice = work_of(lines, 2 * FEW);

	print_message("%s, %s: %zu, %zu\n", line, other, once, twice);
	/* What is sorted takes a little more than twice. */
	assert_between(twice, 0, once * 5 / 2 + 1000);
}

static void names_are_not_held_against_all_others(void **state)
{
	(void)state;
	expect_linear("* allow char-nobodys-%u", "* deny block-nobodys-%u");
	expect_linear("* allow /dev/nobodys-%u-*", "* deny /dev/nobodys-%u-1");
	expect_linear("* allow usb:46f4:*:NOBODYS-%u", "* deny usb:46f4:0001:NOBODYS-%u");
	expect_linear("* allow tag:nobodys-%u", "* deny tag:others-%u");
}

static void conditions_are_not_held_against_all_others(void **state)
{
	(void)state;
	expect_linear("* allow c 13:1 service=nobodys-%u", "* deny c 13:1 tty=nobodys-%u");
	expect_linear("* allow char-nobodys service=a-%u", "* deny char-nobodys service=b-%u");
}

static void those_whom_lines_name_are_not_held_against_all_others(void **state)
{
	(void)state;
	expect_linear("@:7%04u deny c 13:1", "@:8%04u allow c 13:1");
	expect_linear(":7%04u deny c 13:1", ":8%04u allow c 13:1");
	expect_linear("%u0000:%u9000 deny c 13:1", "@%u0000:%u9000 deny c 13:1");
	expect_linear("%u0000:%u9000 deny c 13:1", "@:9%04u exempt service=x");
}

static void what_a_shell_needs_is_not_held_against_all_lines(void **state)
{
	(void)state;
	expect_linear("* deny c *:%u", "* allow c 136:%u w");
	expect_linear("* deny c 1:3 service=a-%u", "* allow c 1:3 service=b-%u");
}

static bool holds(const struct range *range, uint32_t low, uint32_t high)
{
	return range->low <= low && range->high >= high;
}

/* Against all of them, one after another. */
static void ranges_find_what_holds_another(void **state)
{
	struct ranges ranges = { 0 };
	uint32_t seed = 1;
	size_t found = 0;

	(void)state;
	for (uint32_t low = 0; low < 300; low += 1 + (seed >> 20) % 3) {
		seed = seed * 1664525 + 1013904223;
		ranges_add(&ranges, &(struct range) { low, low + (seed >> 16) % 40, NULL });
	}
	ranges_ready(&ranges);
	for (uint32_t low = 0; low < 350; low++)
		for (uint32_t high = low > 5 ? low - 5 : 0; high < low + 40; high++) {
			size_t at = ranges_next(&ranges, 0, low, high);

			for (size_t i = 0; i < ranges.count; i++) {
				if (!holds(&ranges.items[i], low, high))
					continue;
				assert_int_equal(at, i);
				at = ranges_next(&ranges, at + 1, low, high);
				found++;
			}
			assert_int_equal(at, RANGES_NONE);
		}
	assert_true(found > 1000);
	ranges_free(&ranges);
	ranges_ready(&ranges);
	assert_int_equal(ranges_next(&ranges, 0, 5, 5), RANGES_NONE);
	ranges_free(&ranges);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		warned_test(names_are_not_held_against_all_others),
		warned_test(conditions_are_not_held_against_all_others),
		warned_test(those_whom_lines_name_are_not_held_against_all_others),
		warned_test(what_a_shell_needs_is_not_held_against_all_lines),
		warned_test(ranges_find_what_holds_another),
	};

	return cmocka_run_group_tests(tests, warned_make_world, warned_remove_world);
}
