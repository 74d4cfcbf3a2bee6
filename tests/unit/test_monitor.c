// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev monitor: what is new in a look at the filters, what is told of it, what is forgotten. */
#include "check.h"

#include "command/base/memory.h"
#include "command/monitor/monitor.h"

static const struct machine_unit unit; /* that it is there, is all that matters */

/* A kind that differs from others in its minor alone. */
static struct monitor_kind seen(uint64_t cgroup, uint32_t minor, uint64_t count)
{
	return (struct monitor_kind) {
		.cgroup = cgroup,
		.denial = { .type = BPFDEV_CHAR,
			    .major = 81,
			    .minor = minor,
			    .access = BPFDEV_READ,
			    .refused = BPFDEV_READ,
			    .count = count,
			    .first = 1000 },
		.unit = &unit,
	};
}

static void look(struct monitor_kinds *kinds, const struct monitor_kind *list, size_t count,
		 bool known)
{
	struct monitor_kinds found = { 0 };

	for (size_t i = 0; i < count; i++)
		*xappend(&found) = list[i];
	monitor_kinds_update(kinds, &found, known);
	assert_null(found.items);
	assert_int_equal(found.count, 0);
}

/* One kind alone. */
static void look_at(struct monitor_kinds *kinds, struct monitor_kind kind)
{
	look(kinds, &kind, 1, false);
}

/* What is new in the one kind that there is. */
static void check_one(const struct monitor_kinds *kinds, uint64_t more, uint64_t pending)
{
	assert_int_equal(kinds->count, 1);
	assert_int_equal(kinds->items[0].more, more);
	assert_int_equal(kinds->items[0].pending, pending);
}

static void test_what_was_there_is_no_news(void **state)
{
	struct monitor_kind before[] = { seen(1, 0, 5) },
			    later[] = { seen(1, 1, 3), seen(1, 0, 7) };
	struct monitor_kinds kinds = { 0 };

	(void)state;
	look(&kinds, before, ARRAY_SIZE(before), true);
	check_one(&kinds, 0, 0);
	look(&kinds, later, ARRAY_SIZE(later), false);
	assert_int_equal(kinds.count, 2);
	assert_int_equal(kinds.items[0].more, 2);
	assert_int_equal(kinds.items[1].more, 3);
	monitor_kinds_free(&kinds);
}

static void test_what_was_there_is_news_if_asked_for(void **state)
{
	struct monitor_kinds kinds = { 0 };

	(void)state;
	look_at(&kinds, seen(1, 0, 5));
	check_one(&kinds, 5, 5);
	monitor_kinds_free(&kinds);
}

static void test_counts_add_up(void **state)
{
	static const uint64_t counts[] = { 1, 1, 4, 1000000, 1ull << 63, UINT64_MAX };
	struct monitor_kinds kinds = { 0 };
	uint64_t sum = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		look_at(&kinds, seen(1, 0, counts[i]));
		check_one(&kinds, counts[i] - sum, kinds.items[0].more);
		sum += kinds.items[0].more;
		kinds.items[0].pending = 0;
	}
	assert_true(sum == UINT64_MAX);
	monitor_kinds_free(&kinds);
}

/* What nobody has told of stays new. */
static void test_pending_goes_on(void **state)
{
	struct monitor_kinds kinds = { 0 };

	(void)state;
	look_at(&kinds, seen(1, 0, 5));
	look_at(&kinds, seen(1, 0, 7));
	check_one(&kinds, 2, 7);
	kinds.items[0].pending = 0;
	kinds.items[0].told = 99;
	look_at(&kinds, seen(1, 0, 8));
	check_one(&kinds, 1, 1);
	assert_int_equal(kinds.items[0].told, 99);
	assert_int_equal(kinds.items[0].denial.count, 8);
	monitor_kinds_free(&kinds);
}

/* A manager whose user logged out and in again: the same cgroup, another filter. */
static void test_new_filter_starts_anew(void **state)
{
	struct monitor_kind again = seen(1, 0, 9), lost = seen(1, 0, 9);
	struct monitor_kinds kinds = { 0 };

	(void)state;
	look_at(&kinds, seen(1, 0, 7));
	look_at(&kinds, seen(1, 0, 2));
	check_one(&kinds, 2, 9);
	again.denial.first = 2000;
	look_at(&kinds, again);
	check_one(&kinds, 9, 18);
	/* Another processor was earlier, and wrote that later. */
	again.denial.first = 1999;
	again.denial.count = 11;
	look_at(&kinds, again);
	check_one(&kinds, 2, 20);
	monitor_kinds_free(&kinds);

	lost.lost = true;
	lost.denial = (struct filter_denial) { .count = 9 };
	look_at(&kinds, lost);
	lost.denial.count = 4;
	look_at(&kinds, lost);
	check_one(&kinds, 4, 13);
	monitor_kinds_free(&kinds);
}

/* Each differs from the first in one thing, and is another kind for it. */
static void test_kinds_are_told_apart(void **state)
{
	enum { KINDS = 9 };
	struct monitor_kind list[KINDS];
	struct monitor_kinds kinds = { 0 };

	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		list[i] = seen(2, 7, i + 1);
	list[1].cgroup = 1;
	list[2].lost = true;
	list[3].denial.type = BPFDEV_BLOCK;
	list[4].denial.major = 80;
	list[5].denial.minor = 8;
	list[6].denial.access = BPFDEV_READ | BPFDEV_WRITE;
	list[7].denial.refused = 0;
	list[8].denial.audited = BPFDEV_READ;
	look(&kinds, list, KINDS, false);
	assert_int_equal(kinds.count, KINDS);
	/* In another order they are the same. */
	for (size_t i = 0; i < KINDS / 2; i++) {
		struct monitor_kind swapped = list[i];

		list[i] = list[KINDS - 1 - i];
		list[KINDS - 1 - i] = swapped;
	}
	for (size_t i = 0; i < KINDS; i++)
		list[i].denial.count += 100;
	look(&kinds, list, KINDS, false);
	assert_int_equal(kinds.count, KINDS);
	for (size_t i = 0; i < KINDS; i++)
		assert_int_equal(kinds.items[i].more, 100);
	monitor_kinds_free(&kinds);
}

/* As long as a filter may be missing while another takes its place, not longer. */
static void test_what_is_gone_is_forgotten(void **state)
{
	struct monitor_kinds kinds = { 0 };

	(void)state;
	look_at(&kinds, seen(1, 0, 5));
	kinds.items[0].words = calloc(1, sizeof(struct monitor_words));
	kinds.items[0].words->place = strdup("freed");
	for (unsigned int i = 1; i <= MONITOR_KINDS_GRACE; i++) {
		look(&kinds, NULL, 0, false);
		check_one(&kinds, 0, 5);
		assert_null(kinds.items[0].unit);
		assert_int_equal(kinds.items[0].missed, i);
	}
	look_at(&kinds, seen(1, 0, 6));
	check_one(&kinds, 1, 6);
	assert_ptr_equal(kinds.items[0].unit, &unit);
	assert_int_equal(kinds.items[0].missed, 0);
	for (unsigned int i = 0; i <= MONITOR_KINDS_GRACE; i++)
		look(&kinds, NULL, 0, false);
	assert_int_equal(kinds.count, 0);
	look_at(&kinds, seen(1, 0, 6));
	check_one(&kinds, 6, 6);
	assert_null(kinds.items[0].words);
	monitor_kinds_free(&kinds);
}

/* Sessions come and go, each with all that a filter can count. */
static void test_table_does_not_grow(void **state)
{
	enum { KINDS = BPFDEV_DENIALS_MAX };
	struct monitor_kind list[KINDS];
	struct monitor_kinds kinds = { 0 };

	(void)state;
	for (uint64_t cgroup = 1; cgroup < 500; cgroup++) {
		for (uint32_t minor = 0; minor < KINDS; minor++)
			list[minor] = seen(cgroup, minor, 1);
		look(&kinds, list, KINDS, false);
		assert_between(kinds.count, KINDS, (MONITOR_KINDS_GRACE + 1) * KINDS);
		assert_between(kinds.capacity, kinds.count, (MONITOR_KINDS_GRACE + 2) * KINDS + 1);
	}
	monitor_kinds_free(&kinds);
}

static void test_repeats_are_told_after_a_pause(void **state)
{
	struct monitor_kind kind = seen(1, 0, 5);

	(void)state;
	assert_false(monitor_kinds_is_due(&kind, 1000, 60));
	kind.pending = 1;
	assert_true(monitor_kinds_is_due(&kind, 1000, 60));
	assert_true(monitor_kinds_is_due(&kind, 1, 60));
	kind.told = 1000;
	assert_false(monitor_kinds_is_due(&kind, 1000, 60));
	assert_false(monitor_kinds_is_due(&kind, 1059, 60));
	assert_true(monitor_kinds_is_due(&kind, 1060, 60));
	assert_true(monitor_kinds_is_due(&kind, 1000, 0));
	kind.unit = NULL;
	assert_true(monitor_kinds_is_due(&kind, 1001, 60));
	kind.pending = 0;
	assert_false(monitor_kinds_is_due(&kind, 9999, 60));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_there_is_no_news),
		cmocka_unit_test(test_what_was_there_is_news_if_asked_for),
		cmocka_unit_test(test_counts_add_up),
		cmocka_unit_test(test_pending_goes_on),
		cmocka_unit_test(test_new_filter_starts_anew),
		cmocka_unit_test(test_kinds_are_told_apart),
		cmocka_unit_test(test_what_is_gone_is_forgotten),
		cmocka_unit_test(test_table_does_not_grow),
		cmocka_unit_test(test_repeats_are_told_after_a_pause),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
