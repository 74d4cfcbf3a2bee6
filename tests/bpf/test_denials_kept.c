// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What sessions and managers were denied stays known, whatever changes their rules. */
#include "slice.h"

#include <fcntl.h>
#include <unistd.h>

#include "filter/filter.h"
#include "denials.h"
#include "tables.h"

static const char policy[] = "root allow c 510:1 r\n"
			     "root deny c 510:2 r\n";
static const char changed[] = "# another line\n"
			      "root deny c 510:2 r\n"
			      "root allow c 510:3 r\n";

/* How often a minor was refused in the unit: one digit for each of 1 to 7. */
static void check_counts(const struct slice *slice, const char *unit, const char *counts)
{
	char found[] = "0000000";
	struct denials denials;

	slice_read_denials(slice, unit, &denials);
	for (size_t i = 0; i < denials.count; i++) {
		assert_int_equal(denials.items[i].major, SLICE_MAJOR);
		assert_between(denials.items[i].minor, 1, 7);
		found[denials.items[i].minor - 1] += (char)denials.items[i].count;
	}
	assert_string_equal(found, counts);
	denials_free(&denials);
}

static struct filter_denial denial_of(const struct slice *slice, const char *unit, uint32_t minor)
{
	struct filter_denial denial;
	struct denials denials;

	slice_read_denials(slice, unit, &denials);
	denial = *denials_of(&denials, BPFDEV_CHAR, SLICE_MAJOR, minor, BPFDEV_READ);
	denials_free(&denials);
	return denial;
}

static uint32_t line_of(uint32_t source)
{
	return source & ((1u << BPFDEV_SOURCE_LINE_BITS) - 1);
}

/* Each count goes on, and says of which policy its line is. */
static void test_reload(void **state)
{
	struct slice slice;
	uint64_t before, after;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	before = slice_info(&slice, ONE).policy_digest;
	assert_reads(&slice, ONE, "1");
	assert_reads(&slice, SLICE_MANAGER, "1");
	assert_int_equal(line_of(denial_of(&slice, ONE, 2).source), 2);
	slice_policy(&slice, changed);
	slice_reload(&slice);
	assert_outcome(&slice, ONE, ENFORCE_CHANGED);
	after = slice_info(&slice, ONE).policy_digest;
	check_counts(&slice, ONE, "0111111");
	check_counts(&slice, SLICE_MANAGER, "0111111");
	assert_int_equal(denial_of(&slice, ONE, 2).digest, before);
	assert_reads(&slice, ONE, "3");
	assert_reads(&slice, SLICE_MANAGER, "3");
	check_counts(&slice, ONE, "1212222");
	check_counts(&slice, SLICE_MANAGER, "1212222");
	assert_int_equal(denial_of(&slice, ONE, 2).digest, after);
	assert_int_equal(denial_of(&slice, SLICE_MANAGER, 2).digest, after);
	assert_int_equal(line_of(denial_of(&slice, SLICE_MANAGER, 2).source), 2);
	assert_int_equal(denial_of(&slice, ONE, 3).digest, before);
	assert_int_equal(denial_of(&slice, SLICE_MANAGER, 3).digest, before);
	slice_free(&slice);
}

/* What an exception allows is not denied for as long as it does. */
static void test_exception(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_open(&slice, ONE);
	assert_reads(&slice, ONE, "1");
	slice_lend(&slice, "c 510:2", 100);
	assert_reads(&slice, ONE, "12");
	check_counts(&slice, ONE, "0122222");
	slice_reclaim(&slice, NULL);
	assert_reads(&slice, ONE, "1");
	check_counts(&slice, ONE, "0233333");
	slice_free(&slice);
}

/* The manager's filter is another one with each session that differs. */
static void test_manager(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow c 510:1 r\nroot allow c 510:2 r service=sshd\n");
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	assert_reads(&slice, SLICE_MANAGER, "1");
	slice_open_as(&slice, TWO, "sshd");
	assert_reads(&slice, SLICE_MANAGER, "12");
	slice_kill_last(&slice, TWO);
	slice_reload(&slice);
	assert_reads(&slice, SLICE_MANAGER, "1");
	check_counts(&slice, SLICE_MANAGER, "0233333");
	slice_free(&slice);
}

/* Whose line it is that decided for a manager, as far as there is one policy. */
static void test_policy_of_manager(void **state)
{
	struct slice slice;
	uint64_t digest;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	digest = slice_info(&slice, ONE).policy_digest;
	assert_int_equal(slice_info(&slice, SLICE_MANAGER).policy_digest, digest);
	slice_policy(&slice, changed);
	slice_open(&slice, TWO);
	assert_int_equal(slice_info(&slice, SLICE_MANAGER).policy_digest, 0);
	slice_reload(&slice);
	digest = slice_info(&slice, TWO).policy_digest;
	assert_int_equal(slice_info(&slice, SLICE_MANAGER).policy_digest, digest);
	/* The same rules of another text: lines may have moved. */
	slice_policy(&slice, "# another line\nroot deny c 510:2 r\nroot allow c 510:3 r # more\n");
	slice_reload(&slice);
	assert_outcome(&slice, SLICE_MANAGER, ENFORCE_SAME);
	assert_int_not_equal(slice_info(&slice, SLICE_MANAGER).policy_digest, digest);
	digest = slice_info(&slice, TWO).policy_digest;
	assert_int_equal(slice_info(&slice, SLICE_MANAGER).policy_digest, digest);
	slice_kill_last(&slice, TWO);
	slice_kill_last(&slice, ONE);
	slice_reload(&slice);
	assert_int_equal(slice_info(&slice, SLICE_MANAGER).policy_digest, digest);
	slice_free(&slice);
}

static int close_session(void *data)
{
	const struct slice *slice = data;
	struct enforce_report report;

	if (enforce_close(&slice->options, &slice->subject, true, &report, NULL) != 0)
		return 1;
	return report.outcome == ENFORCE_KEPT ? 0 : 2;
}

static void test_close_with_processes_left(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_open(&slice, ONE);
	assert_reads(&slice, ONE, "1");
	assert_int_equal(slice_run(&slice, ONE, close_session, &slice), 0);
	assert_true(slice_info(&slice, ONE).flags & BPFDEV_CLOSED);
	assert_reads(&slice, ONE, "1");
	check_counts(&slice, ONE, "0222222");
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_reload),
		scratch_test(test_exception),
		scratch_test(test_manager),
		scratch_test(test_policy_of_manager),
		scratch_test(test_close_with_processes_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
