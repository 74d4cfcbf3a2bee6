/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The corners of folding: bits on their own, wildcards against each other, ranks, limits. */
#include "check.h"

#include <errno.h>

#include "bpfdev.h"
#include "table/table.h"

#define R BPFDEV_READ
#define W BPFDEV_WRITE
#define M BPFDEV_MKNOD
#define ANY BPFDEV_ANY
#define CHAR BPFDEV_CHAR
#define BLOCK BPFDEV_BLOCK

#define RULE(type, major, minor, bits, rank, allow)                                                \
	{                                                                                          \
		{ (type), (major), (minor), false }, (bits), __LINE__, (rank), (allow)             \
	}
#define ALLOW(major, minor, bits) RULE(CHAR, major, minor, bits, TABLE_ANYONE, 1)
#define DENY(major, minor, bits) RULE(CHAR, major, minor, bits, TABLE_ANYONE, 0)

static struct table *fold_audited(const struct table_rule *rules, size_t count,
				  enum table_rank audit)
{
	struct table *table = NULL;
	struct reason why = { "" };

	assert_int_equal(table_fold(rules, count, audit, &table, &why), 0);
	assert_non_null(table);
	return table;
}

static struct table *fold(const struct table_rule *rules, size_t count)
{
	return fold_audited(rules, count, TABLE_BASELINE);
}

/* Every test folds one array called rules. */
#define FOLD(...)                                                                                  \
	const struct table_rule rules[] = { __VA_ARGS__ };                                         \
	struct table *table = fold(rules, ARRAY_SIZE(rules))

static uint32_t refused(const struct table *table, uint32_t major, uint32_t minor)
{
	return table_refused(table, CHAR, major, minor, R | W | M);
}

static void no_rules_deny_everything(void **state)
{
	struct table *table = fold(NULL, 0);

	(void)state;
	assert_int_equal(refused(table, 1, 3), R | W | M);
	assert_int_equal(refused(table, 4095, 1048575), R | W | M);
	assert_int_equal(table_refused(table, BLOCK, 0, 0, R), R);
	assert_int_equal(table_find(table, CHAR, 1, 3)->source[0], 0);
	table_free(table);
	table_free(NULL);
}

static void no_bits_always_pass(void **state)
{
	FOLD(DENY(ANY, ANY, R | W | M));

	(void)state;
	assert_int_equal(table_refused(table, CHAR, 1, 3, 0), 0);
	table_free(table);
}

static void all_is_allowed_where_nothing_counts(void **state)
{
	struct table *table = NULL;

	(void)state;
	assert_int_equal(table_allow_all(&table), 0);
	assert_int_equal(refused(table, 0, 0), 0);
	assert_int_equal(refused(table, 4095, 1048575), 0);
	assert_int_equal(table_refused(table, BLOCK, 511, 1, R | W | M), 0);
	assert_int_equal(table_find(table, BLOCK, 8, 0)->audit, 0);
	table_free(table);
}

static void bits_add_up_across_rules(void **state)
{
	FOLD(ALLOW(1, 5, R), ALLOW(1, ANY, W));

	(void)state;
	assert_int_equal(table_refused(table, CHAR, 1, 5, R | W), 0);
	assert_int_equal(refused(table, 1, 5), M);
	assert_int_equal(refused(table, 1, 6), R | M);
	assert_int_equal(refused(table, 2, 5), R | W | M);
	table_free(table);
}

static void denying_one_bit_leaves_the_others(void **state)
{
	FOLD(ALLOW(1, ANY, R | W), DENY(1, 5, W));

	(void)state;
	assert_int_equal(refused(table, 1, 5), W | M);
	assert_int_equal(refused(table, 1, 6), M);
	table_free(table);
}

static void a_more_specific_device_decides_whatever_the_order(void **state)
{
	FOLD(ALLOW(1, 3, R), DENY(1, ANY, R), ALLOW(ANY, 3, R | W), DENY(ANY, ANY, R | W));

	(void)state;
	assert_int_equal(refused(table, 1, 3), M);
	assert_int_equal(refused(table, 1, 4), R | W | M);
	assert_int_equal(refused(table, 2, 3), M);
	assert_int_equal(refused(table, 2, 4), R | W | M);
	table_free(table);
}

static void a_major_outweighs_a_minor(void **state)
{
	FOLD(DENY(240, ANY, R), ALLOW(ANY, 7, R | W), DENY(600, ANY, R));

	(void)state;
	assert_int_equal(refused(table, 240, 7), R | M);
	assert_int_equal(refused(table, 600, 7), R | M);
	assert_int_equal(refused(table, 241, 7), M);
	assert_int_equal(refused(table, 601, 7), M);
	assert_int_equal(refused(table, 240, 8), R | W | M);
	assert_int_equal(refused(table, 600, 8), R | W | M);
	table_free(table);
}

static void the_last_of_equals_decides(void **state)
{
	FOLD(DENY(1, 3, R | W), ALLOW(1, 3, R), ALLOW(1, ANY, R), DENY(1, ANY, R));

	(void)state;
	assert_int_equal(refused(table, 1, 3), W | M);
	assert_int_equal(refused(table, 1, 4), R | W | M);
	table_free(table);
}

static void a_higher_rank_outweighs_a_more_specific_device(void **state)
{
	FOLD(RULE(CHAR, ANY, ANY, R, TABLE_USER, 1), RULE(CHAR, ANY, 3, R | W, TABLE_GROUP, 0),
	     RULE(CHAR, 1, ANY, W | M, TABLE_ANYONE, 1), RULE(CHAR, 1, 3, M, TABLE_BASELINE, 0));

	(void)state;
	assert_int_equal(refused(table, 1, 3), W);
	assert_int_equal(refused(table, 1, 4), 0);
	assert_int_equal(refused(table, 2, 3), W | M);
	assert_int_equal(refused(table, 2, 4), W | M);
	table_free(table);
}

static void types_are_apart(void **state)
{
	FOLD(ALLOW(8, 0, R), RULE(BLOCK, 8, 0, W, TABLE_ANYONE, 1),
	     RULE(BLOCK, 8, ANY, M, TABLE_ANYONE, 1));

	(void)state;
	assert_int_equal(refused(table, 8, 0), W | M);
	assert_int_equal(table_refused(table, BLOCK, 8, 0, R | W | M), R);
	assert_int_equal(table_refused(table, BLOCK, 8, 1, R | W | M), R | W);
	table_free(table);
}

static void majors_that_no_driver_can_have_are_decided_too(void **state)
{
	FOLD(ALLOW(511, 1, R), ALLOW(512, 1, R), ALLOW(512, ANY, W), ALLOW(4095, 1048575, R),
	     ALLOW(ANY, 9, M), ALLOW(1000, ANY, R));

	(void)state;
	assert_int_equal(refused(table, 511, 1), W | M);
	assert_int_equal(refused(table, 511, 9), R | W);
	assert_int_equal(refused(table, 512, 1), M);
	assert_int_equal(refused(table, 512, 9), R);
	assert_int_equal(refused(table, 512, 2), R | M);
	assert_int_equal(refused(table, 4095, 1048575), W | M);
	assert_int_equal(refused(table, 4095, 9), R | W);
	assert_int_equal(refused(table, 1000, 9), W);
	assert_int_equal(refused(table, 1001, 9), R | W);
	table_free(table);
}

/* "char-*" is a rule for every major there is: on a par with "M:*", above "*:m". */
static void every_major_is_as_specific_as_one(void **state)
{
	static const struct device_pattern every = { CHAR, ANY, ANY, true };
	FOLD(ALLOW(1, ANY, R), { every, R | W, 2, TABLE_ANYONE, 0 }, ALLOW(2, ANY, W),
	     ALLOW(ANY, 3, R | W), ALLOW(4, 4, R));

	(void)state;
	assert_int_equal(refused(table, 1, 3), R | W | M);
	assert_int_equal(refused(table, 2, 3), R | M);
	assert_int_equal(refused(table, 900, 3), R | W | M);
	assert_int_equal(refused(table, 4, 4), W | M);
	table_free(table);
}

static void each_bit_names_the_line_that_decided_it(void **state)
{
	static const struct table_rule rules[] = {
		{ { CHAR, 1, ANY, false }, R | W, 10, TABLE_ANYONE, 1 },
		{ { CHAR, 1, 3, false }, W, 11, TABLE_ANYONE, 0 },
	};
	struct table *table = fold(rules, 2);
	const struct bpfdev_entry *entry = table_find(table, CHAR, 1, 3);

	(void)state;
	assert_int_equal(entry->source[0], 0);
	assert_int_equal(entry->source[1], 10);
	assert_int_equal(entry->source[2], 11);
	assert_int_equal(table_find(table, CHAR, 1, 4)->source[2], 10);
	table_free(table);
}

static void audit_allows_and_marks_what_would_be_denied(void **state)
{
	static const struct table_rule rules[] = {
		RULE(CHAR, 1, 3, R, TABLE_USER, 0),   RULE(CHAR, 1, 3, W, TABLE_GROUP, 0),
		RULE(CHAR, 1, 4, R, TABLE_ANYONE, 0), RULE(CHAR, 1, 5, R, TABLE_BASELINE, 1),
		RULE(CHAR, 1, 6, R, TABLE_USER, 1),
	};
	struct table *table = fold_audited(rules, ARRAY_SIZE(rules), TABLE_GROUP);

	(void)state;
	assert_int_equal(refused(table, 1, 3), R);
	assert_int_equal(table_find(table, CHAR, 1, 3)->audit, W | M);
	assert_int_equal(refused(table, 1, 4), 0);
	assert_int_equal(table_find(table, CHAR, 1, 4)->audit, R | W | M);
	assert_int_equal(table_find(table, CHAR, 1, 5)->audit, W | M);
	assert_int_equal(table_find(table, CHAR, 1, 6)->audit, W | M);
	assert_int_equal(table_find(table, BLOCK, 9, 9)->audit, R | W | M);
	assert_int_equal(table_find(table, BLOCK, 9, 9)->allow, R | W | M);
	table_free(table);
}

static void equal_tables_have_equal_digests(void **state)
{
	struct table_rule rules[] = { ALLOW(1, 3, R), ALLOW(2, ANY, R), ALLOW(600, 1, R) };
	struct table *first = fold(rules, 3), *second = fold(rules, 3), *other;

	(void)state;
	assert_true(table_digest(first) == table_digest(second));
	table_free(second);
	rules[2].access = W;
	other = fold(rules, 3);
	assert_true(table_digest(first) != table_digest(other));
	table_free(other);
	other = fold(rules, 2);
	assert_true(table_digest(first) != table_digest(other));
	table_free(other);
	other = fold(rules, 1);
	assert_true(table_digest(first) != table_digest(other));
	table_free(other);
	table_free(first);
}

static struct table_rule *many_rules(size_t count)
{
	struct table_rule *rules = calloc(count, sizeof(*rules));

	assert_non_null(rules);
	for (size_t i = 0; i < count; i++)
		rules[i] = (struct table_rule) {
			.device = { CHAR, (uint32_t)(i >> 14), (uint32_t)(i & 0x3fff), false },
			.access = R | (i & 1 ? W : M),
			.source = (uint32_t)i + 1,
			.rank = TABLE_ANYONE,
			.allow = 1,
		};
	return rules;
}

static void many_rules_are_fine(void **state)
{
	struct table_rule *rules = many_rules(100000);
	struct table *table = fold(rules, 100000);

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		assert_int_equal(refused(table, i >> 14, i & 0x3fff), i & 1 ? M : W);
		assert_int_equal(table_find(table, CHAR, i >> 14, i & 0x3fff)->source[1], i + 1);
	}
	assert_int_equal(refused(table, 0, 0x4000), R | W | M);
	table_free(table);
	free(rules);
}

static void too_many_rules_are_refused(void **state)
{
	size_t count = TABLE_RULES_MAX + 1;
	struct table_rule *rules = many_rules(count);
	struct table *table = NULL;
	struct reason why = { "" };

	(void)state;
	assert_int_equal(table_fold(rules, count, TABLE_BASELINE, &table, &why), -E2BIG);
	assert_contains(why.text, "262144");
	assert_int_equal(table_fold(rules, count, TABLE_BASELINE, &table, NULL), -E2BIG);
	table = fold(rules, count - 1);
	assert_int_equal(table->rule_count, TABLE_RULES_MAX);
	table_free(table);
	free(rules);
}

/* Rules that say nothing new cost nothing. */
static void rules_without_effect_take_no_room(void **state)
{
	FOLD(DENY(1, 3, R), DENY(1, ANY, R), DENY(700, 3, R), DENY(ANY, ANY, R | W));

	(void)state;
	assert_true(table->slot_count <= TABLE_SLOTS_MAX);
	assert_true(table->rule_count <= ARRAY_SIZE(rules));
	assert_int_equal(refused(table, 700, 3), R | W | M);
	table_free(table);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rules_deny_everything),
		cmocka_unit_test(no_bits_always_pass),
		cmocka_unit_test(all_is_allowed_where_nothing_counts),
		cmocka_unit_test(bits_add_up_across_rules),
		cmocka_unit_test(denying_one_bit_leaves_the_others),
		cmocka_unit_test(a_more_specific_device_decides_whatever_the_order),
		cmocka_unit_test(a_major_outweighs_a_minor),
		cmocka_unit_test(the_last_of_equals_decides),
		cmocka_unit_test(a_higher_rank_outweighs_a_more_specific_device),
		cmocka_unit_test(types_are_apart),
		cmocka_unit_test(majors_that_no_driver_can_have_are_decided_too),
		cmocka_unit_test(every_major_is_as_specific_as_one),
		cmocka_unit_test(each_bit_names_the_line_that_decided_it),
		cmocka_unit_test(audit_allows_and_marks_what_would_be_denied),
		cmocka_unit_test(equal_tables_have_equal_digests),
		cmocka_unit_test(many_rules_are_fine),
		cmocka_unit_test(too_many_rules_are_refused),
		cmocka_unit_test(rules_without_effect_take_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
