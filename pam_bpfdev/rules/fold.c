// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From resolved lines to a table. */
#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "rules/rules.h"

/* Rules for numbers, as they are collected. */
struct numbers {
	struct table_rule *items;
	size_t count, capacity;
};

#define BASELINE_ROOM 32 /* enough for all of it, see add_baseline() */

/*
 * Makes room for what the lines of one loan are likely to come to, the baseline among it: an array that grows
 * is copied, and each page that it is copied to costs a login more than the copying.
 */
static int reserve(struct numbers *numbers, const struct rules *rules, uint8_t loan)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++)
		if (rules->items[i].loan == loan)
			count += rules->items[i].found.count + 1;
	if (count)
		count += BASELINE_ROOM +
			 (rules->has_free ? BPFDEV_TYPES * BPFDEV_INDEXED_MAJORS : 0);
	numbers->items = count ? reallocarray(NULL, count, sizeof(*numbers->items)) : NULL;
	numbers->capacity = numbers->items ? count : 0;
	return numbers->capacity == count ? 0 : -ENOMEM;
}

static int add(struct numbers *numbers, const struct table_rule *rule)
{
	struct table_rule *grown =
		array_grow(numbers->items, numbers->count, &numbers->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	numbers->items = grown;
	grown[numbers->count++] = *rule;
	return 0;
}

/* Documentation/admin-guide/devices.txt; 0:0 is what systemd puts over InaccessiblePaths=. */
static const struct {
	uint32_t type, low, high, minor;
} baseline[] = {
	{ BPFDEV_CHAR, 1, 1, 3 },	       /* /dev/null */
	{ BPFDEV_CHAR, 1, 1, 5 },	       /* /dev/zero */
	{ BPFDEV_CHAR, 1, 1, 7 },	       /* /dev/full */
	{ BPFDEV_CHAR, 1, 1, 8 },	       /* /dev/random */
	{ BPFDEV_CHAR, 1, 1, 9 },	       /* /dev/urandom */
	{ BPFDEV_CHAR, 5, 5, 0 },	       /* /dev/tty */
	{ BPFDEV_CHAR, 5, 5, 2 },	       /* /dev/ptmx */
	{ BPFDEV_CHAR, 136, 143, BPFDEV_ANY }, /* /dev/pts */
	{ BPFDEV_CHAR, 0, 0, 0 },
	{ BPFDEV_BLOCK, 0, 0, 0 },
};

static int add_baseline(struct numbers *numbers)
{
	for (size_t i = 0; i < sizeof(baseline) / sizeof(baseline[0]); i++) {
		for (uint32_t major = baseline[i].low; major <= baseline[i].high; major++) {
			struct table_rule rule = {
				.device = { baseline[i].type, major, baseline[i].minor, false },
				.access = BPFDEV_READ | BPFDEV_WRITE,
				.source = BPFDEV_SOURCE_BASELINE,
				.rank = TABLE_BASELINE,
				.allow = 1,
			};
			if (add(numbers, &rule) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static struct table_rule rule_of(const struct rules_line *line)
{
	return (struct table_rule) {
		.access = line->access,
		.source = line->source,
		.rank = line->rank,
		.allow = line->allow,
	};
}

static uint32_t type_of(const struct rules_line *line)
{
	return line->device.block ? BPFDEV_BLOCK : BPFDEV_CHAR;
}

/*
 * For each rank, type and bit of access the last line of a loan that awaits a driver. It alone must deny
 * the majors that are free: what lines before it would deny, it decides anyway.
 */
struct awaiting {
	size_t last[TABLE_USER + 1][BPFDEV_TYPES][BPFDEV_BITS]; /* plus one; 0: there is none */
};

static void find_awaiting(const struct rules *rules, uint8_t loan, struct awaiting *awaiting)
{
	*awaiting = (struct awaiting) { 0 };
	for (size_t i = 0; i < rules->count; i++) {
		const struct rules_line *line = &rules->items[i];

		for (int bit = 0; bit < BPFDEV_BITS && line->awaits && line->loan == loan; bit++)
			if (line->access & (1u << bit))
				awaiting->last[line->rank][type_of(line)][bit] = i + 1;
	}
}

static int add_free(struct numbers *numbers, const struct rules *rules, size_t place,
		    const struct awaiting *awaiting)
{
	const struct rules_line *line = &rules->items[place];
	struct table_rule rule = rule_of(line);

	rule.access = 0;
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (awaiting->last[line->rank][type_of(line)][bit] == place + 1)
			rule.access |= (uint8_t)(1u << bit);
	for (uint32_t major = 0; rule.access && major < BPFDEV_INDEXED_MAJORS; major++) {
		rule.device = (struct device_pattern) { type_of(line), major, BPFDEV_ANY, false };
		if (rules->free[type_of(line)][major] && add(numbers, &rule) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Adds the lines of one loan; 0: those of the policy. */
static int add_lines(struct numbers *numbers, const struct rules *rules, uint8_t loan)
{
	struct awaiting awaiting;
	int ret = reserve(numbers, rules, loan);

	find_awaiting(rules, loan, &awaiting);
	for (size_t i = 0; i < rules->count && ret == 0; i++) {
		const struct rules_line *line = &rules->items[i];
		struct table_rule rule = rule_of(line);

		if (line->loan != loan)
			continue;
		/* Before what the line names: that is more than what nobody has. */
		ret = add_free(numbers, rules, i, &awaiting);
		for (size_t j = 0; j < line->found.count && ret == 0; j++) {
			rule.device = line->found.items[j];
			ret = add(numbers, &rule);
		}
	}
	return ret;
}

int rules_patterns(const struct rules *rules, struct device_patterns *patterns, struct reason *why)
{
	struct numbers numbers = { 0 };
	int ret = add_lines(&numbers, rules, 0);

	if (ret < 0)
		reason_set(why, "out of memory");
	for (size_t i = 0; i < numbers.count && ret == 0; i++)
		ret = device_add(patterns, &numbers.items[i].device, why);
	free(numbers.items);
	return ret;
}

static int out_of_memory(struct reason *why)
{
	reason_set(why, "out of memory");
	return -ENOMEM;
}

static int fold_policy(const struct rules *rules, struct table **table, struct reason *why)
{
	struct numbers numbers = { 0 };
	int ret;

	if (rules->unrestricted)
		return table_allow_all(table) < 0 ? out_of_memory(why) : 0;
	ret = add_lines(&numbers, rules, 0);
	if (ret == 0)
		ret = add_baseline(&numbers);
	ret = ret < 0 ? out_of_memory(why)
		      : table_fold(numbers.items, numbers.count, rules->audit, table, why);
	free(numbers.items);
	return ret;
}

/* Sets loan->table to what one exception lends; NULL: nothing. */
static int fold_loan(const struct rules *rules, uint8_t loan, struct table **table,
		     struct reason *why)
{
	struct numbers numbers = { 0 };
	int ret = add_lines(&numbers, rules, loan);

	*table = NULL;
	if (ret < 0)
		out_of_memory(why);
	else if (numbers.count)
		ret = table_fold(numbers.items, numbers.count, TABLE_BASELINE, table, why);
	free(numbers.items);
	return ret;
}

static int lend(const struct rules *rules, const struct bpfdev_exception *exceptions,
		const struct table *base, struct table **table, struct reason *why)
{
	struct table_loan loans[BPFDEV_EXCEPTIONS];
	size_t count = 0;
	int ret = 0;

	for (uint8_t i = 0; i < BPFDEV_EXCEPTIONS && ret == 0; i++) {
		ret = fold_loan(rules, i + 1, &loans[count].table, why);
		loans[count].until = exceptions[i].until;
		count += ret == 0 && loans[count].table;
	}
	if (ret == 0)
		ret = table_lend(base, loans, count, table, why);
	while (count)
		table_free(loans[--count].table);
	return ret;
}

static bool lends(const struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->items[i].loan)
			return true;
	return false;
}

int rules_fold(const struct rules *rules, const struct bpfdev_exception *exceptions,
	       struct table **table, struct reason *why)
{
	struct table *base, *made;
	int ret = fold_policy(rules, &base, why);

	if (ret < 0)
		return ret;
	made = base;
	if (exceptions && lends(rules)) {
		ret = lend(rules, exceptions, base, &made, why);
		table_free(base);
	}
	if (ret < 0)
		return ret;
	ret = rules_pack(rules, &made->origin, &made->origin_size);
	if (ret < 0) {
		table_free(made);
		return out_of_memory(why);
	}
	*table = made;
	return 0;
}
