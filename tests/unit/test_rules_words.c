/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the lines that a filter carries say, without the policy that they stood in. */
#include "check.h"

#include "bpfdev.h"
#include "rules/rules.h"
#include "world.h"

static struct world world;

static void add(struct rules *rules, uint32_t source, bool allow, const char *word,
		const char *numbers)
{
	struct rules_line line = {
		.source = source, .access = BPFDEV_READ, .rank = TABLE_USER, .allow = allow
	};
	int used;

	assert_int_equal(device_parse(word, numbers, &line.device, &used, NULL), 0);
	assert_int_equal(rules_add(rules, &line), 0);
}

static struct table *fold(struct rules *rules)
{
	struct table *table;

	assert_int_equal(rules_resolve(rules, &world.source, NULL, NULL), 0);
	assert_int_equal(rules_fold(rules, NULL, &table, NULL), 0);
	rules_free(rules);
	return table;
}

static void expect(const struct table *table, uint32_t source, const char *words)
{
	char out[RULES_WORDS_SIZE];

	assert_int_equal(rules_words(table, source, out), *words != '\0');
	assert_string_equal(out, words);
}

static void lines_say_what_they_said(void **state)
{
	struct rules rules = { 0 };
	struct table *table;

	(void)state;
	add(&rules, 4, true, "*", NULL);
	add(&rules, 7, false, "usb:46f4:0001:A?B", NULL);
	add(&rules, 9, false, "b", "8:0-15");
	add(&rules, 11, false, "tag:lab", NULL);
	table = fold(&rules);
	expect(table, 4, "allow *");
	expect(table, 7, "deny usb:46f4:0001:A?B");
	expect(table, 9, "deny b 8:0-15");
	expect(table, 11, "deny tag:lab");
	expect(table, 5, "");
	table_free(table);
}

static void class_says_its_first_devices(void **state)
{
	struct rules rules = { 0 };
	struct table *table;

	(void)state;
	add(&rules, 4, false, "tag:one", NULL);
	add(&rules, 5, true, "tag:other", NULL);
	add(&rules, 4, false, "tag:two", NULL);
	add(&rules, 4, false, "tag:three", NULL);
	table = fold(&rules);
	expect(table, 4, "deny tag:one, tag:two, tag:three");
	table_free(table);
	for (int i = 0; i < 5; i++)
		add(&rules, 4, false, "tag:more", NULL);
	table = fold(&rules);
	expect(table, 4, "deny tag:more, tag:more, tag:more and 2 more");
	table_free(table);
}

static void long_names_are_not_cut(void **state)
{
	char word[1000] = "/dev/";
	struct rules rules = { 0 };
	struct table *table;

	(void)state;
	memset(word + 5, 'x', 900);
	for (int i = 0; i < 9; i++)
		add(&rules, 4, true, word, NULL);
	table = fold(&rules);
	expect(table, 4, "allow a long name, a long name, a long name and 6 more");
	table_free(table);
}

/* Whether a table with rules for these devices, each with its numbers or NULL, follows what comes and goes. */
static bool follows(const char *const devices[][2], size_t count)
{
	struct rules rules = { 0 };
	struct table *table;
	bool ret;

	for (size_t i = 0; i < count; i++)
		add(&rules, (uint32_t)i + 1, false, devices[i][0], devices[i][1]);
	table = fold(&rules);
	ret = rules_table_follows(table);
	table_free(table);
	return ret;
}

static void tables_know_whether_they_follow(void **state)
{
	static const char *const fixed[][2] = {
		{ "*" }, { "b", "8:0-15" }, { "char-mem" }, { "c", "*:*" }, { "block-*" },
	};
	static const char *const following[][2] = {
		{ "tag:lab" },
		{ "usb:46f4:*" },
		{ "/dev/null" },
	};
	const char *devices[ARRAY_SIZE(fixed) + 1][2];

	(void)state;
	memcpy(devices, fixed, sizeof(fixed));
	assert_false(follows(fixed, ARRAY_SIZE(fixed)));
	for (size_t i = 0; i < ARRAY_SIZE(following); i++) {
		memcpy(devices[ARRAY_SIZE(fixed)], following[i], sizeof(following[i]));
		assert_true(follows(devices, ARRAY_SIZE(devices)));
		assert_true(follows(&following[i], 1));
	}
}

/* Nobody may go on with less than there is. */
static void damaged_tables_follow(void **state)
{
	struct rules rules = { 0 };
	struct table *table, part;

	(void)state;
	add(&rules, 1, false, "b", "8:0-15");
	add(&rules, 2, false, "char-mem", NULL);
	table = fold(&rules);
	part = *table;
	assert_false(rules_table_follows(&part));
	while (part.origin_size--)
		assert_true(rules_table_follows(&part));
	part.origin = NULL;
	assert_false(rules_table_follows(&part));
	table_free(table);
}

static void table_without_rules_says_nothing(void **state)
{
	struct table table = { .origin = NULL };
	char byte = 1;

	(void)state;
	expect(&table, 4, "");
	table.origin = &byte;
	table.origin_size = 1;
	expect(&table, 4, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_say_what_they_said),
		cmocka_unit_test(class_says_its_first_devices),
		cmocka_unit_test(long_names_are_not_cut),
		cmocka_unit_test(tables_know_whether_they_follow),
		cmocka_unit_test(damaged_tables_follow),
		cmocka_unit_test(table_without_rules_says_nothing),
	};

	int failed;

	world_make(&world);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	world_remove(&world);
	return failed;
}
