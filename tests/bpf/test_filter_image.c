// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The table as its map holds it, without a kernel: what is packed and unpacked is the same, nothing is
 * lost, and it is found where the program looks.
 */
#include "../unit/check.h"

#include <errno.h>
#include <time.h>

#define BPFDEV_DECIDE
#include "filter/kernel.h"

/* What the program does, with the packed table in the kernel's place. */

static struct bpfdev_entry *entries_of(const struct bpfdev_table *packed)
{
	return (struct bpfdev_entry *)&packed->buckets[packed->mask + 1];
}

BPFDEV_INLINE __u32 bpfdev_major(const void *tables, __u32 type, __u32 major)
{
	const struct bpfdev_table *packed = tables;
	const __u32 *high = (const __u32 *)&entries_of(packed)[packed->entry_count];

	if (major < BPFDEV_INDEXED_MAJORS)
		return packed->majors[type][major];
	return packed->high_count ? high[type * BPFDEV_MAJORS + major] : packed->others[type];
}

BPFDEV_INLINE void bpfdev_device(const void *tables, __u64 key, __u32 *verdict)
{
	const struct bpfdev_table *packed = tables;
	__u64 hash = bpfdev_hash(key);
	__u64 first = packed->buckets[bpfdev_first_place(hash, packed->mask)];
	__u64 second = packed->buckets[bpfdev_second_place(hash, packed->mask)];

	if ((first ^ key) << BPFDEV_VERDICT_SIZE == 0)
		*verdict = first >> BPFDEV_PACKED_SIZE;
	else if ((second ^ key) << BPFDEV_VERDICT_SIZE == 0)
		*verdict = second >> BPFDEV_PACKED_SIZE;
}

static void check_same(const struct table *table, const struct table *copy)
{
	assert_int_equal(copy->rule_count, table->rule_count);
	assert_int_equal(copy->slot_count, table->slot_count);
	assert_memory_equal(&copy->index, &table->index, sizeof(table->index));
	assert_memory_equal(copy->slots, table->slots, table->slot_count * sizeof(*table->slots));
	if (table->rule_count)
		assert_memory_equal(copy->rules, table->rules,
				    table->rule_count * sizeof(*table->rules));
	assert_memory_equal(copy->loans, table->loans, sizeof(table->loans));
}

/* Whether each rule's device gets its entry. */
static void check_found(const struct table *table, const struct bpfdev_table *packed)
{
	for (uint32_t i = 0; i < table->rule_count; i++) {
		const struct table_entry *rule = &table->rules[i];
		__u32 verdict = 0;

		if (rule->key.minor == BPFDEV_ANY)
			verdict = bpfdev_major(packed, rule->key.type, rule->key.major);
		else
			bpfdev_device(packed, bpfdev_pack(&rule->key), &verdict);
		if (memcmp(&entries_of(packed)[verdict >> BPFDEV_VERDICT_ENTRY], &rule->entry,
			   sizeof(rule->entry)) != 0)
			fail_msg("rule %u of %u is not in its places", i, table->rule_count);
	}
}

/* Returns how many buckets it took. */
static __u32 pack_and_unpack(const struct table *table)
{
	struct table copy = { .slot_count = 0 };
	struct filter_image image;
	__u32 count;

	assert_int_equal(filter_pack(table, &image), 0);
	count = image.table->mask + 1;
	assert_int_equal(count & (count - 1), 0);
	check_found(table, image.table);
	assert_int_equal(filter_unpack(&image, &copy), 0);
	check_same(table, &copy);
	free(copy.rules);
	free(copy.slots);
	free(image.table);
	return count;
}

/* The bits of @access that the program would refuse now, as it does: by the verdict, then the entry. */
static __u32 refused(const struct bpfdev_table *packed, __u32 type, __u32 major, __u32 minor,
		     __u32 access)
{
	__u32 verdict = bpfdev_find(packed, type, major, minor);

	if (bpfdev_is_plain(verdict, access))
		return 0;
	return bpfdev_refused_by(&entries_of(packed)[verdict >> BPFDEV_VERDICT_ENTRY],
				 packed->loans, access, 0);
}

static struct table make_rules(__u32 count)
{
	struct table table = { .rule_count = count };

	table.rules = calloc(count ? count : 1, sizeof(*table.rules));
	table.slots = calloc(BPFDEV_TYPES, sizeof(*table.slots));
	table.slot_count = BPFDEV_TYPES;
	assert_non_null(table.rules);
	assert_non_null(table.slots);
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
	buckets = pack_and_unpack(&table);
	/* What memory the policy's size must not cost: four times the least. */
	if (buckets > BPFDEV_BUCKETS_MIN && buckets > 16 * count)
		fail_msg("%u buckets for %u rules (run %u, step %u)", buckets, count, run, step);
	free(table.rules);
	free(table.slots);
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
	/* With less mixing these do not come together, or in many times the room. */
	check_runs(TABLE_RULES_MAX, 16384, 43);
	check_runs(197081, 2048, 505);
	check_runs(251959, 128, 1516);
	check_runs(259148, 32768, 5);
	check_runs(7882, 32, 323);
}

/*
 * Random rules for few majors and minors, indexed and high ones, so that all kinds of keys meet; asked at
 * each device, and beside them. What the program answers is what the table says.
 */
static void check_random(void)
{
	static const uint32_t majors[] = { 0, 1, 7, 511, 512, 513, 4095 };
	static const uint32_t minors[] = { 0, 1, 255, BPFDEV_MINORS - 1 };
	struct table_rule rules[40];
	struct filter_image image;
	struct table *table;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i] = (struct table_rule) {
			.device = { .type = rand() % BPFDEV_TYPES,
				    .major = rand() % 4 ? majors[rand() % ARRAY_SIZE(majors)]
							: BPFDEV_ANY,
				    .minor = rand() % 3 ? minors[rand() % ARRAY_SIZE(minors)]
							: BPFDEV_ANY },
			.access = 1 + rand() % BPFDEV_ACCESS,
			.source = i + 1,
			.rank = TABLE_ANYONE + rand() % 3,
			.allow = rand() % 2,
		};
	assert_int_equal(table_fold(rules, rand() % ARRAY_SIZE(rules), rand() % 2, &table, NULL),
			 0);
	pack_and_unpack(table);
	assert_int_equal(filter_pack(table, &image), 0);
	for (size_t i = 0; i < ARRAY_SIZE(majors) * ARRAY_SIZE(minors) * 16; i++) {
		uint32_t type = i % 2, access = i / 2 % 8;
		uint32_t major = majors[i / 16 % ARRAY_SIZE(majors)] ^ (rand() % 8 == 0);
		uint32_t minor = minors[i / 16 / ARRAY_SIZE(majors)] ^ (rand() % 8 == 0);

		assert_int_equal(refused(image.table, type, major, minor, access),
				 table_refused(table, type, major, minor, access));
	}
	free(image.table);
	table_free(table);
}

static void test_random(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 2000; i++)
		check_random();
}

/* Whoever is in the place of this program may have made anything: nothing is read beyond its value. */
static void test_not_ours(void **state)
{
	struct table table = make_rules(3), copy = { .slot_count = 0 };
	static const __u32 values[] = { 0xfffffff0, 0xffffffff, 0, 1, 0x7fffffff };
	struct filter_image image, again;

	(void)state;
	for (__u32 i = 0; i < 3; i++)
		table.rules[i].key = (struct bpfdev_key) { BPFDEV_CHAR, 600, i };
	assert_int_equal(filter_pack(&table, &image), 0);
	for (size_t at = 0; at < image.size; at += sizeof(__u32)) {
		__u32 *word = (__u32 *)((char *)image.table + at), was = *word;

		*word = values[at / sizeof(__u32) % ARRAY_SIZE(values)];
		if (filter_unpack(&image, &copy) == 0 && filter_pack(&copy, &again) == 0)
			free(again.table);
		free(copy.slots);
		free(copy.rules);
		copy = (struct table) { .slot_count = 0 };
		*word = was;
	}
	image.size -= sizeof(__u32);
	assert_int_equal(filter_unpack(&image, &copy), -EPROTO);
	free(image.table);
	free(table.rules);
	free(table.slots);
}

static void check_refused(const struct filter_image *image)
{
	struct table copy = { .slot_count = 0 };

	assert_int_equal(filter_unpack(image, &copy), -EPROTO);
	free(copy.rules);
	free(copy.slots);
}

/* A count that is not the value's: the right size alone would have more read than there is. */
static void test_wrong_counts(void **state)
{
	struct table table = make_rules(3);
	struct filter_image image;
	__u32 slots;

	(void)state;
	for (__u32 i = 0; i < 3; i++)
		table.rules[i].key = (struct bpfdev_key) { BPFDEV_CHAR, 7, i };
	assert_int_equal(filter_pack(&table, &image), 0);
	slots = image.table->slot_count;
	image.table->slot_count = image.table->entry_count + 1;
	check_refused(&image);
	/* No major has another slot than the first, so that it seems to be enough. */
	memset(image.table->majors, 0, sizeof(image.table->majors));
	image.table->slot_count = 1;
	check_refused(&image);
	image.table->slot_count = slots;
	image.table->high_count = 1;
	check_refused(&image);
	free(image.table);
	free(table.rules);
	free(table.slots);
}

/* Twice the buckets, and fewer entries by just what these take: the size is right, and all else wrong. */
static void test_lies_that_agree(void **state)
{
	struct table table = make_rules(8);
	struct filter_image image;
	__u32 buckets;

	(void)state;
	for (__u32 i = 0; i < 8; i++)
		table.rules[i].key = (struct bpfdev_key) { BPFDEV_CHAR, 7, i };
	assert_int_equal(filter_pack(&table, &image), 0);
	buckets = image.table->mask + 1;
	assert_int_equal(buckets * sizeof(__u64) % sizeof(struct bpfdev_entry), 0);
	image.table->entry_count -= buckets * sizeof(__u64) / sizeof(struct bpfdev_entry);
	image.table->mask = 2 * buckets - 1;
	check_refused(&image);
	free(image.table);
	free(table.rules);
	free(table.slots);
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
				if (minors[k] != BPFDEV_ANY ||
				    (majors[i] >= BPFDEV_INDEXED_MAJORS && majors[i] != BPFDEV_ANY))
					rule++->key =
						(struct bpfdev_key) { type, majors[i], minors[k] };
	table.rule_count = rule - table.rules;
	pack_and_unpack(&table);
	free(table.rules);
	free(table.slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),	     cmocka_unit_test(test_counts),
		cmocka_unit_test(test_random),	     cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_wrong_counts), cmocka_unit_test(test_lies_that_agree),
		cmocka_unit_test(test_extreme_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
