// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The rules map's contents, without a kernel: every rule is in one of its two places, none is lost. */
#include "../unit/check.h"

#include "filter/kernel.h"

#define MASK(buckets) ((buckets)->count - 1)

static bool holds(const struct filter_buckets *buckets, __u32 place, const struct table_entry *rule)
{
	const struct bpfdev_bucket *bucket = &buckets->items[place];

	return bucket->key == bpfdev_pack(&rule->key) &&
	       memcmp(&bucket->entry, &rule->entry, sizeof(rule->entry)) == 0;
}

static bool is_found(const struct filter_buckets *buckets, const struct table_entry *rule)
{
	__u64 hash = bpfdev_hash(bpfdev_pack(&rule->key));

	return holds(buckets, BPFDEV_FIRST_PLACE(hash, MASK(buckets)), rule) ||
	       holds(buckets, BPFDEV_SECOND_PLACE(hash, MASK(buckets)), rule);
}

/* Places the rules, which are sorted, and collects them again. Returns how many buckets it took. */
static __u32 place_and_collect(const struct table *table)
{
	struct filter_buckets buckets;
	struct table copy = { 0 };
	__u32 count;

	assert_int_equal(filter_place_rules(table, &buckets), 0);
	count = buckets.count;
	assert_int_equal(count & (count - 1), 0);
	assert_int_equal(count % BPFDEV_ROW, 0);
	for (__u32 i = 0; i < table->rule_count; i++)
		if (!is_found(&buckets, &table->rules[i]))
			fail_msg("rule %u of %u is not in its places", i, table->rule_count);
	assert_int_equal(filter_collect_rules(&buckets, &copy), 0);
	assert_int_equal(copy.rule_count, table->rule_count);
	if (table->rule_count)
		assert_memory_equal(copy.rules, table->rules,
				    table->rule_count * sizeof(*table->rules));
	free(copy.rules);
	free(buckets.items);
	return count;
}

static struct table make_rules(__u32 count)
{
	struct table table = { .rule_count = count };

	table.rules = calloc(count ? count : 1, sizeof(*table.rules));
	assert_non_null(table.rules);
	for (__u32 i = 0; i < count; i++)
		table.rules[i].entry.source[0] = i + 1;
	return table;
}

/* Runs of minors, as ranges and drivers make them: @run of each major in turn, @step apart. */
static void check_runs(__u32 count, __u32 run, __u32 step)
{
	struct table table = make_rules(count);
	__u32 buckets;

	for (__u32 i = 0; i < count; i++)
		table.rules[i].key = (struct bpfdev_key) { .type = BPFDEV_CHAR,
							   .major = i / run,
							   .minor = i % run * step };
	buckets = place_and_collect(&table);
	/* What memory the policy's size must not cost: four times the least. */
	if (buckets > BPFDEV_ROW && buckets > 16 * count)
		fail_msg("%u buckets for %u rules (run %u, step %u)", buckets, count, run, step);
	free(table.rules);
}

static void test_runs(void **state)
{
	static const __u32 runs[] = { 64, 256, 1000, 4096 }, steps[] = { 1, 2, 7, 16, 64, 256 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		for (size_t k = 0; k < ARRAY_SIZE(steps); k++)
			for (__u32 count = 1; count <= 4096; count = count * 3 / 2 + 1)
				check_runs(count, runs[i], steps[k]);
}

/* All that fills the first rows to the brim, and the most that a table may hold. */
static void test_counts(void **state)
{
	(void)state;
	for (__u32 count = 0; count <= 300; count++)
		check_runs(count, 16, 1);
	check_runs(TABLE_RULES_MAX, 1u << 20, 1);
	check_runs(TABLE_RULES_MAX, 64, 16384);
	check_runs(TABLE_RULES_MAX, 1000, 1);
}

/* The ends of all ranges, in the table's order: BPFDEV_ANY is the last. */
static void test_extreme_keys(void **state)
{
	static const __u32 majors[] = { 0, 1, 511, 512, BPFDEV_MAJORS - 1, BPFDEV_ANY };
	static const __u32 minors[] = { 0, 1, 255, BPFDEV_MINORS - 1, BPFDEV_ANY };
	struct table table = make_rules(BPFDEV_TYPES * ARRAY_SIZE(majors) * ARRAY_SIZE(minors));
	struct table_entry *rule = table.rules;

	(void)state;
	for (__u32 type = 0; type < BPFDEV_TYPES; type++)
		for (size_t i = 0; i < ARRAY_SIZE(majors); i++)
			for (size_t k = 0; k < ARRAY_SIZE(minors); k++)
				rule++->key = (struct bpfdev_key) { type, majors[i], minors[k] };
	place_and_collect(&table);
	free(table.rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_extreme_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
