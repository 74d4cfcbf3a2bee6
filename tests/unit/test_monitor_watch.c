/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* bpfdev monitor, where there are many sessions: when it looks at all of them, and when at counts alone. */
#include "check.h"

#include "command/monitor/monitor.h"

/* What tests.mk puts in the place of the kernel and the clock. */
static uint32_t newest;
static uint64_t counts[2000], clock_now;
static size_t asked;
static int failure;

int __wrap_filter_newest(uint32_t *id);
int __wrap_filter_moved(int watch_fd, uint64_t *count);
uint64_t __wrap_monitor_clock(void);

int __wrap_filter_newest(uint32_t *id)
{
	if (newest > *id)
		*id = newest;
	return 0;
}

int __wrap_filter_moved(int watch_fd, uint64_t *count)
{
	asked++;
	*count = counts[watch_fd];
	return failure;
}

uint64_t __wrap_monitor_clock(void)
{
	return clock_now;
}

static struct machine_watched watched[ARRAY_SIZE(counts)];
static struct machine machine;
static struct monitor_watch watch;

/* A look that took so many milliseconds. */
static void look(uint64_t took)
{
	monitor_watch_look(&watch);
	clock_now += took;
	monitor_watch_looked(&watch);
}

/* Two looks of 100 ms at many sessions. */
static int begin(void **state)
{
	(void)state;
	newest = 7;
	asked = 0;
	failure = 0;
	clock_now = 1000;
	memset(counts, 0, sizeof(counts));
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		watched[i] = (struct machine_watched) { (int)i, 0 };
	machine = (struct machine) { .watched = watched, .watched_count = ARRAY_SIZE(watched) };
	watch = (struct monitor_watch) { 0 };
	look(100);
	look(100);
	return 0;
}

static bool is_quiet(void)
{
	return monitor_watch_is_quiet(&watch, &machine);
}

static void quiet_costs_one_question_for_each_filter(void **state)
{
	(void)state;
	assert_true(is_quiet());
	assert_int_equal(asked, ARRAY_SIZE(watched));
}

static void what_is_denied_is_looked_at(void **state)
{
	(void)state;
	counts[ARRAY_SIZE(counts) - 1] = 1;
	assert_false(is_quiet());
	watched[ARRAY_SIZE(counts) - 1].count = 1;
	assert_true(is_quiet());
}

static void what_cannot_be_seen_is_looked_at(void **state)
{
	(void)state;
	machine.overlooks = true;
	assert_false(is_quiet());
	machine.overlooks = false;
	failure = -1;
	assert_false(is_quiet());
}

/* The look that follows may be too early: it has been made, and is attached in a moment. */
static void a_new_filter_is_looked_for_twice(void **state)
{
	(void)state;
	newest = 8;
	assert_false(is_quiet());
	look(100);
	assert_false(is_quiet());
	look(100);
	assert_true(is_quiet());
}

static void from_time_to_time_all_is_looked_at(void **state)
{
	(void)state;
	clock_now += WATCH_PAUSE * 100 - 1;
	assert_true(is_quiet());
	clock_now += 1;
	assert_false(is_quiet());
}

static void what_takes_no_time_is_done_each_time(void **state)
{
	(void)state;
	look(2);
	assert_true(is_quiet());
	clock_now += 1000;
	assert_false(is_quiet());
}

static void whether_one_session_is_over_is_looked_at(void **state)
{
	(void)state;
	machine.wanted.one = (char[]) { "session-3.scope" };
	assert_false(is_quiet());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(quiet_costs_one_question_for_each_filter, begin),
		cmocka_unit_test_setup(what_is_denied_is_looked_at, begin),
		cmocka_unit_test_setup(what_cannot_be_seen_is_looked_at, begin),
		cmocka_unit_test_setup(a_new_filter_is_looked_for_twice, begin),
		cmocka_unit_test_setup(from_time_to_time_all_is_looked_at, begin),
		cmocka_unit_test_setup(what_takes_no_time_is_done_each_time, begin),
		cmocka_unit_test_setup(whether_one_session_is_over_is_looked_at, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
