/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A table that lends grants besides its own what the lent one grants, marks it, and gives it back. */
#include "check.h"

#include <errno.h>
#include <time.h>

#include "bpfdev.h"
#include "table/table.h"
#include "dice.h"
#include "generate.h"

#define LOANS 2000
#define REQUESTS_PER_LOAN 60
#define RULES_MAX 12
#define FOREVER UINT32_MAX

static uint64_t run_seed;

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

static struct table *fold(const struct table_rule *rules, size_t count, enum table_rank audit)
{
	struct table *table = NULL;

	assert_int_equal(table_fold(rules, count, audit, &table, NULL), 0);
	return table;
}

static struct table *random_table(struct dice *dice, uint32_t number, uint32_t audit_percent)
{
	struct table_rule rules[RULES_MAX];
	size_t count = dice_below(dice, RULES_MAX + 1);
	struct table *all = NULL;
	enum table_rank audit = TABLE_BASELINE;

	for (size_t i = 0; i < count; i++)
		rules[i] = random_rule(dice, number * 100 + (uint32_t)i + 1);
	if (dice_percent(dice, audit_percent))
		audit = dice_below(dice, TABLE_USER + 1);
	if (!dice_percent(dice, 2))
		return fold(rules, count, audit);
	assert_int_equal(table_allow_all(&all), 0);
	return all;
}

/* @lent: NULL: nothing. */
static int lend_until(const struct table *base, struct table *lent, uint64_t until,
		      struct table **lending, struct reason *why)
{
	const struct table_loan loan = { lent, until };

	return table_lend(base, &loan, lent ? 1 : 0, lending, why);
}

static struct table *lend(const struct table *base, struct table *lent)
{
	struct table *table = NULL;

	assert_int_equal(lend_until(base, lent, FOREVER, &table, NULL), 0);
	return table;
}

static struct table *unite(const struct table *first, const struct table *second)
{
	const struct table *both[] = { first, second };
	struct table *table = NULL;

	assert_int_equal(table_union(both, 2, &table, NULL), 0);
	return table;
}

static void assert_same(const struct table *one, const struct table *other)
{
	assert_true(table_digest(one) == table_digest(other));
}

/* A table, what it lends, and what comes of it. */
struct trial {
	uint64_t seed;
	struct dice dice;
	struct table *base, *lent, *lending;
};

static void differ(const struct trial *trial, const struct naive_request *request, const char *what)
{
	print_error("PAM_BPFDEV_SEED=%llu PAM_BPFDEV_LOANS=1, type %d %u:%u\n",
		    (unsigned long long)trial->seed, request->type, request->major, request->minor);
	fail_msg("%s", what);
}

static const struct bpfdev_entry *find(const struct table *table,
				       const struct naive_request *request)
{
	return table_find(table, request->type, request->major, request->minor);
}

static void check_request(struct trial *trial)
{
	struct naive_request request = generate_request(&trial->dice);
	const struct bpfdev_entry *base = find(trial->base, &request);
	const struct bpfdev_entry *lent = find(trial->lent, &request);
	const struct bpfdev_entry *lending = find(trial->lending, &request);

	if (lending->allow != (base->allow | lent->allow))
		differ(trial, &request, "allows something else than both");
	if (lending->lent != (lent->allow & ~base->allow))
		differ(trial, &request, "other bits are lent than the exception alone grants");
	if (lending->audit != base->audit)
		differ(trial, &request, "what is for audit has changed");
	if (memcmp(lending->source, base->source, sizeof(base->source)) != 0)
		differ(trial, &request, "the lines have changed");
	if (table_refused(trial->lending, request.type, request.major, request.minor,
			  request.access) !=
	    (request.access & ~(uint32_t)(base->allow | lent->allow)))
		differ(trial, &request, "refuses something else");
}

static void check_equal(struct trial *trial, const struct table *one, const struct table *other,
			const char *what)
{
	for (int i = 0; i < REQUESTS_PER_LOAN; i++) {
		struct naive_request request = generate_request(&trial->dice);
		struct bpfdev_entry a = *find(one, &request), b = *find(other, &request);

		/* Which of its keys a table was asked by is its own affair. */
		a.flags = b.flags = 0;
		if (memcmp(&a, &b, sizeof(a)) != 0)
			differ(trial, &request, what);
	}
}

/* A major that was lent may keep entries of its own, which say what the others do. */
static void check_return(struct trial *trial)
{
	struct table *rest = lend(trial->lending, NULL), *again = lend(trial->lending, trial->lent);

	check_equal(trial, rest, trial->base, "the end of a loan is not the beginning");
	assert_same(again, trial->lending);
	table_free(rest);
	table_free(again);
	rest = lend(trial->base, NULL);
	assert_same(rest, trial->base);
	table_free(rest);
}

/* Another loan takes the place of the first. */
static void check_other_loan(struct trial *trial)
{
	struct table *other = random_table(&trial->dice, 3, 0);
	struct table *first = lend(trial->base, other), *second = lend(trial->lending, other);

	check_equal(trial, first, second, "of the first loan something is left");
	table_free(first);
	table_free(second);
	table_free(other);
}

/* Of two sessions of a user, as the manager has it. */
static void check_manager(struct trial *trial)
{
	struct table *other = random_table(&trial->dice, 4, 30);
	struct table *united = unite(trial->lending, other), *plain = unite(trial->base, other);

	for (int i = 0; i < REQUESTS_PER_LOAN; i++) {
		struct naive_request request = generate_request(&trial->dice);
		const struct bpfdev_entry *both = find(united, &request);
		uint32_t lent = find(trial->lent, &request)->allow;
		uint32_t granted = find(plain, &request)->allow;

		if (both->allow != (granted | lent) || both->lent != (lent & ~granted) ||
		    both->audit != find(plain, &request)->audit)
			differ(trial, &request, "a union is not that of the parts");
	}
	table_free(united);
	table_free(plain);
	table_free(other);
}

static void run_trial(uint64_t seed)
{
	struct trial trial = { .seed = seed, .dice = dice_from_seed(seed) };

	trial.base = random_table(&trial.dice, 1, 30);
	trial.lent = random_table(&trial.dice, 2, 0);
	trial.lending = lend(trial.base, trial.lent);
	for (int i = 0; i < REQUESTS_PER_LOAN; i++)
		check_request(&trial);
	check_return(&trial);
	check_other_loan(&trial);
	check_manager(&trial);
	table_free(trial.base);
	table_free(trial.lent);
	table_free(trial.lending);
}

static void what_is_lent_comes_on_top(void **state)
{
	uint64_t count = dice_environment("PAM_BPFDEV_LOANS", LOANS);

	(void)state;
	for (uint64_t i = 0; i < count; i++)
		run_trial(run_seed + i);
	print_message("%llu requests\n", (unsigned long long)count * REQUESTS_PER_LOAN);
}

#define EVENT                                                                                      \
	{                                                                                          \
		BPFDEV_CHAR, 13, 64, false                                                         \
	}

#define READ_WRITE (BPFDEV_READ | BPFDEV_WRITE)

static const struct table_rule grant = { EVENT, READ_WRITE, 7, TABLE_USER, 1 };
static const struct table_rule refuse = { EVENT, BPFDEV_ACCESS, 8, TABLE_USER, 0 };

static const struct bpfdev_entry *event(const struct table *table)
{
	return table_find(table, BPFDEV_CHAR, 13, 64);
}

static void check_event(const struct table *table, uint32_t allow, uint32_t audit, uint32_t lent)
{
	assert_int_equal(event(table)->allow, allow);
	assert_int_equal(event(table)->audit, audit);
	assert_int_equal(event(table)->lent, lent);
}

/* Both orders: the manager's tables come in no order that means anything. */
static void check_union(const struct table *one, const struct table *other, uint32_t allow,
			uint32_t audit, uint32_t lent)
{
	struct table *united = unite(one, other), *turned = unite(other, one);

	check_event(united, allow, audit, lent);
	check_event(turned, allow, audit, lent);
	table_free(united);
	table_free(turned);
}

/* What one session may do for good and the other for a time, the manager may do for good. */
static void a_union_is_marked_as_its_best_table(void **state)
{
	struct table *plain = fold(&grant, 1, TABLE_BASELINE);
	struct table *none = fold(&refuse, 1, TABLE_BASELINE),
		     *audited = fold(&refuse, 1, TABLE_USER);
	struct table *lending = lend(none, plain);

	(void)state;
	check_event(plain, READ_WRITE, 0, 0);
	check_event(lending, READ_WRITE, 0, READ_WRITE);
	assert_int_equal(event(lending)->source[1], 8);
	check_union(lending, plain, READ_WRITE, 0, 0);
	check_union(lending, none, READ_WRITE, 0, READ_WRITE);
	check_union(lending, lending, READ_WRITE, 0, READ_WRITE);
	/* What is for audit is allowed by the policy. */
	check_union(lending, audited, BPFDEV_ACCESS, BPFDEV_ACCESS, 0);
	table_free(lending);
	table_free(audited);
	table_free(none);
	table_free(plain);
}

static void what_audit_allows_is_not_lent(void **state)
{
	struct table *plain = fold(&grant, 1, TABLE_BASELINE);
	struct table *audited = fold(&refuse, 1, TABLE_USER), *lending = lend(audited, plain);

	(void)state;
	check_event(lending, BPFDEV_ACCESS, BPFDEV_ACCESS, 0);
	assert_same(lending, audited);
	table_free(lending);
	table_free(audited);
	table_free(plain);
}

/* Every other minor of each of many majors, from @first. */
static struct table *large_table(uint32_t count, uint32_t first)
{
	struct table_rule *rules = calloc(count, sizeof(*rules));
	struct table *table;

	assert_non_null(rules);
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct table_rule) {
			{ BPFDEV_CHAR, 1 + i % 500, first + i / 500 * 2, false },
			BPFDEV_ACCESS,
			1,
			TABLE_USER,
			1,
		};
	table = fold(rules, count, TABLE_BASELINE);
	free(rules);
	return table;
}

static void too_many_entries_are_refused(void **state)
{
	struct table *base = large_table(TABLE_RULES_MAX - 500, 0), *lent, *lending = NULL;
	struct reason why = { "" };

	(void)state;
	lent = large_table(500, 1);
	assert_int_equal(lend_until(base, lent, FOREVER, &lending, &why), 0);
	table_free(lending);
	table_free(lent);
	lent = large_table(501, 1);
	assert_int_equal(lend_until(base, lent, FOREVER, &lending, &why), -E2BIG);
	assert_contains(why.text, "262144");
	table_free(lent);
	/* The same devices again need no room. */
	lent = large_table(TABLE_RULES_MAX - 500, 0);
	assert_int_equal(lend_until(base, lent, FOREVER, &lending, &why), 0);
	assert_same(lending, base);
	table_free(lending);
	table_free(lent);
	table_free(base);
}

static uint32_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint32_t)time.tv_sec;
}

static uint32_t until(const struct table *table, uint32_t access)
{
	const struct bpfdev_entry *entry = event(table);

	return table->loans[entry->loan].until[__builtin_ctz(access)];
}

static void a_loan_ends_by_itself(void **state)
{
	struct table *none = fold(&refuse, 1, TABLE_BASELINE), *plain = fold(&grant, 1, 0);
	struct table *over, *lasting;

	(void)state;
	/* The clock of a machine that was just started may be at 0, and a loan of 0 is none. */
	assert_int_equal(lend_until(none, plain, 0, &over, NULL), 0);
	assert_int_equal(lend_until(none, plain, now() + 1000, &lasting, NULL), 0);
	check_event(over, READ_WRITE, 0, READ_WRITE);
	assert_int_equal(table_refused(over, BPFDEV_CHAR, 13, 64, READ_WRITE), READ_WRITE);
	assert_int_equal(table_refused(lasting, BPFDEV_CHAR, 13, 64, READ_WRITE), 0);
	table_end_loans(over);
	table_end_loans(lasting);
	check_event(over, 0, 0, 0);
	check_event(lasting, READ_WRITE, 0, READ_WRITE);
	table_free(over);
	table_free(lasting);
	table_free(none);
	table_free(plain);
}

/* However specific the device of each is. */
static void of_several_loans_the_last_counts(void **state)
{
	const struct table_rule wide = {
		{ BPFDEV_CHAR, 13, BPFDEV_ANY, false }, BPFDEV_READ, 0, TABLE_USER, 1
	};
	struct table *none = fold(&refuse, 1, TABLE_BASELINE), *lending, *other, *united;
	struct table_loan loans[] = { { fold(&wide, 1, TABLE_BASELINE), 500 },
				      { fold(&grant, 1, TABLE_BASELINE), 300 } };

	(void)state;
	assert_int_equal(table_lend(none, loans, 2, &lending, NULL), 0);
	check_event(lending, READ_WRITE, 0, READ_WRITE);
	assert_int_equal(until(lending, BPFDEV_READ), 500);
	assert_int_equal(until(lending, BPFDEV_WRITE), 300);
	assert_int_equal(lend_until(none, loans[1].table, 400, &other, NULL), 0);
	united = unite(other, lending);
	assert_int_equal(until(united, BPFDEV_READ), 500);
	assert_int_equal(until(united, BPFDEV_WRITE), 400);
	assert_int_not_equal(table_digest(lending), table_digest(other));
	table_free(united);
	table_free(other);
	table_free(lending);
	table_free(none);
	table_free(loans[0].table);
	table_free(loans[1].table);
}

/* As many sessions, each with a loan that ends at a time of its own, as no table can tell apart. */
static void nothing_is_lent_longer_than_it_was(void **state)
{
	struct table *none = fold(&refuse, 1, TABLE_BASELINE), *tables[2 * BPFDEV_LOANS], *united;
	uint32_t lent = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(tables); i++) {
		struct table_rule rule = {
			{ BPFDEV_CHAR, 100 + i, 0, false }, BPFDEV_READ, 0, TABLE_USER, 1
		};
		struct table *plain = fold(&rule, 1, TABLE_BASELINE);

		assert_int_equal(lend_until(none, plain, 1000 - i, &tables[i], NULL), 0);
		table_free(plain);
	}
	assert_int_equal(
		table_union((const struct table *const *)tables, ARRAY_SIZE(tables), &united, NULL),
		0);
	for (uint32_t i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct bpfdev_entry *entry = table_find(united, BPFDEV_CHAR, 100 + i, 0);

		if (entry->lent)
			assert_true(united->loans[entry->loan].until[1] <= 1000 - i);
		assert_int_equal(entry->allow, entry->lent);
		lent += entry->lent != 0;
		table_free(tables[i]);
	}
	assert_true(lent >= BPFDEV_LOANS - 1);
	table_free(united);
	table_free(none);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_union_is_marked_as_its_best_table),
		cmocka_unit_test(what_audit_allows_is_not_lent),
		cmocka_unit_test(a_loan_ends_by_itself),
		cmocka_unit_test(of_several_loans_the_last_counts),
		cmocka_unit_test(nothing_is_lent_longer_than_it_was),
		cmocka_unit_test(too_many_entries_are_refused),
		cmocka_unit_test(what_is_lent_comes_on_top),
	};

	run_seed = dice_run_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
