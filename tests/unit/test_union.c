/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A union of tables allows what any of them allows, and marks what all that do mark; an intersection
 * allows what all of them allow, and marks what any marks.
 */
#include "check.h"

#include "bpfdev.h"
#include "table/table.h"
#include "dice.h"
#include "generate.h"

#define UNIONS 20000
#define REQUESTS_PER_UNION 60
#define TABLES_MAX 4
#define RULES_MAX 12

static uint64_t run_seed;

struct trial {
	uint64_t seed;
	struct dice dice;
	struct table *tables[TABLES_MAX];
	size_t count;
	struct table *united, *shared;
};

static struct table_rule random_rule(struct dice *dice, uint32_t source)
{
	struct table_rule rule = {
		.device = { dice_below(dice, BPFDEV_TYPES), BPFDEV_ANY, BPFDEV_ANY, false },
		.access = 1 + dice_below(dice, BPFDEV_ACCESS),
		.source = source,
		.rank = dice_below(dice, TABLE_USER + 1),
		.allow = dice_percent(dice, 60),
	};
	uint32_t form = dice_below(dice, 100);

	if (form < 75)
		rule.device.major = generate_major(dice);
	if (form < 55 || (form >= 75 && form < 90))
		rule.device.minor = generate_minor(dice);
	rule.device.each_major = form >= 97;
	return rule;
}

static struct table *random_table(struct dice *dice, uint32_t number)
{
	struct table_rule rules[RULES_MAX];
	size_t count = dice_below(dice, RULES_MAX + 1);
	enum table_rank audit =
		dice_percent(dice, 70) ? TABLE_BASELINE : dice_below(dice, TABLE_USER + 1);
	struct table *table = NULL;

	for (size_t i = 0; i < count; i++)
		rules[i] = random_rule(dice, number * 100 + (uint32_t)i + 1);
	if (dice_percent(dice, 2))
		assert_int_equal(table_allow_all(&table), 0);
	else
		assert_int_equal(table_fold(rules, count, audit, &table, NULL), 0);
	return table;
}

static void differ(const struct trial *trial, const struct naive_request *request, uint32_t bit,
		   const char *what)
{
	print_error("PAM_BPFDEV_SEED=%llu PAM_BPFDEV_UNIONS=1, %zu tables, type %d %u:%u bit %u\n",
		    (unsigned long long)trial->seed, trial->count, request->type, request->major,
		    request->minor, bit);
	fail_msg("%s", what);
}

static const struct bpfdev_entry *find(const struct table *table,
				       const struct naive_request *request)
{
	return table_find(table, request->type, request->major, request->minor);
}

static void check_bit(const struct trial *trial, const struct naive_request *request, int number)
{
	uint32_t bit = 1u << number;
	const struct bpfdev_entry *united = find(trial->united, request);
	bool allowed = false, plainly = false, known = false;

	for (size_t i = 0; i < trial->count; i++) {
		const struct bpfdev_entry *one = find(trial->tables[i], request);

		allowed = allowed || (one->allow & bit);
		plainly = plainly || ((one->allow & bit) && !(one->audit & bit));
		known = known || (one->source[number] == united->source[number] &&
				  (one->allow & bit) == (united->allow & bit) &&
				  (one->audit & bit) == (united->audit & bit));
	}
	if (allowed != !!(united->allow & bit))
		differ(trial, request, bit, allowed ? "must be allowed" : "must be denied");
	if ((allowed && !plainly) != !!(united->audit & bit))
		differ(trial, request, bit, plainly ? "must not be marked" : "must be marked");
	if (!known)
		differ(trial, request, bit, "no table gives this answer for this line");
}

static void check_shared_bit(const struct trial *trial, const struct naive_request *request,
			     int number)
{
	uint32_t bit = 1u << number;
	const struct bpfdev_entry *shared = find(trial->shared, request);
	bool allowed = true, marked = false, known = false;

	for (size_t i = 0; i < trial->count; i++) {
		const struct bpfdev_entry *one = find(trial->tables[i], request);

		allowed = allowed && (one->allow & bit);
		marked = marked || (one->audit & bit);
		known = known || (one->source[number] == shared->source[number] &&
				  (one->allow & bit) == (shared->allow & bit) &&
				  (one->audit & bit) == (shared->audit & bit));
	}
	if (allowed != !!(shared->allow & bit))
		differ(trial, request, bit, "all must allow it");
	if ((allowed && marked) != !!(shared->audit & bit))
		differ(trial, request, bit, "it is marked if any marks it");
	if (!known)
		differ(trial, request, bit, "no table gives this answer for this line");
}

static void check_request(struct trial *trial)
{
	struct naive_request request = generate_request(&trial->dice);
	uint32_t refused = request.access, refused_by_any = 0;

	for (size_t i = 0; i < trial->count; i++) {
		uint32_t bits = table_refused(trial->tables[i], request.type, request.major,
					      request.minor, request.access);

		refused &= bits;
		refused_by_any |= bits;
	}
	if (refused_by_any != table_refused(trial->shared, request.type, request.major,
					    request.minor, request.access))
		differ(trial, &request, request.access, "refuses other bits than any table does");
	if (refused != table_refused(trial->united, request.type, request.major, request.minor,
				     request.access))
		differ(trial, &request, request.access, "refuses other bits than all tables do");
	for (int number = 0; number < BPFDEV_BITS; number++) {
		check_bit(trial, &request, number);
		check_shared_bit(trial, &request, number);
	}
}

/* No rule repeats what is said of all other minors of its major. */
static void check_size(const struct trial *trial)
{
	static const uint32_t other_minor = 777777;

	for (uint32_t i = 0; i < trial->united->rule_count; i++) {
		const struct table_entry *rule = &trial->united->rules[i];
		const struct bpfdev_entry *general;

		if (rule->key.major == BPFDEV_ANY || rule->key.minor == BPFDEV_ANY)
			continue;
		general = table_find(trial->united, rule->key.type, rule->key.major, other_minor);
		assert_true(rule->entry.allow != general->allow ||
			    rule->entry.audit != general->audit ||
			    memcmp(rule->entry.source, general->source, sizeof(general->source)));
	}
}

static void run_trial(uint64_t seed)
{
	struct trial trial = { .seed = seed, .dice = dice_from_seed(seed) };

	trial.count = 1 + dice_below(&trial.dice, TABLES_MAX);
	for (size_t i = 0; i < trial.count; i++)
		trial.tables[i] = random_table(&trial.dice, (uint32_t)i);
	assert_int_equal(table_union((const struct table *const *)trial.tables, trial.count,
				     &trial.united, NULL),
			 0);
	assert_int_equal(table_intersection((const struct table *const *)trial.tables, trial.count,
					    &trial.shared, NULL),
			 0);
	for (int i = 0; i < REQUESTS_PER_UNION; i++)
		check_request(&trial);
	check_size(&trial);
	if (trial.count == 1)
		assert_true(table_digest(trial.united) == table_digest(trial.tables[0]));
	table_free(trial.united);
	table_free(trial.shared);
	for (size_t i = 0; i < trial.count; i++)
		table_free(trial.tables[i]);
}

static void any_table_may_allow(void **state)
{
	uint64_t count = dice_environment("PAM_BPFDEV_UNIONS", UNIONS);

	(void)state;
	for (uint64_t i = 0; i < count; i++)
		run_trial(run_seed + i);
	print_message("%llu requests\n", (unsigned long long)count * REQUESTS_PER_UNION);
}

/* The manager's filter is replaced only when it changes: uniting again must give the same. */
static void a_union_with_itself_is_itself(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 500; i++) {
		struct dice dice = dice_from_seed(run_seed + i);
		struct table *table = random_table(&dice, 1), *once = NULL, *twice = NULL;
		const struct table *both[] = { table, table };

		assert_int_equal(table_union(both, 1, &once, NULL), 0);
		assert_int_equal(table_union(both, 2, &twice, NULL), 0);
		assert_true(table_digest(once) == table_digest(twice));
		table_free(once);
		table_free(twice);
		table_free(table);
	}
}

static void everything_swallows_the_rest(void **state)
{
	static const struct table_rule deny = {
		{ BPFDEV_CHAR, 5, 1, false }, BPFDEV_ACCESS, 1, TABLE_USER, 0
	};
	struct table *all = NULL, *some = NULL, *united = NULL;
	const struct table *both[2];

	(void)state;
	assert_int_equal(table_allow_all(&all), 0);
	assert_int_equal(table_fold(&deny, 1, TABLE_ANYONE, &some, NULL), 0);
	both[0] = some;
	both[1] = all;
	assert_int_equal(table_union(both, 2, &united, NULL), 0);
	assert_int_equal(table_refused(united, BPFDEV_CHAR, 5, 1, BPFDEV_ACCESS), 0);
	assert_int_equal(table_find(united, BPFDEV_CHAR, 5, 1)->audit, 0);
	assert_int_equal(table_find(united, BPFDEV_BLOCK, 5, 1)->audit, 0);
	table_free(united);
	table_free(some);
	table_free(all);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_swallows_the_rest),
		cmocka_unit_test(a_union_with_itself_is_itself),
		cmocka_unit_test(any_table_may_allow),
	};

	run_seed = dice_run_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
