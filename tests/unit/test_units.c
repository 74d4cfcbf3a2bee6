/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What sessions are called, which ones an argument names, and what is said of a denial. */
#include "check.h"

#include <errno.h>

#include "command/machine/denial.h"

#define SESSION(uid, user, name)                                                                   \
	{                                                                                          \
		BPFDEV_SESSION, uid, user, name                                                    \
	}
#define MANAGER(uid, user, name)                                                                   \
	{                                                                                          \
		BPFDEV_MANAGER, uid, user, name                                                    \
	}

/* In order. One user has a session that is another one's uid, one is known by name only. */
static const struct unit units[] = {
	SESSION(4242, ":4242", "session-7.scope"), SESSION(4001, "ann", "session-2.scope"),
	SESSION(4001, "ann", "session-10.scope"),  SESSION(4001, "ann", "session-c9.scope"),
	MANAGER(4001, "ann", "user@4001.service"), SESSION(4002, "bert", "session-4001.scope"),
	SESSION(0, "root", "session-3.scope"),
};

/* The places of those that are chosen: "013"; or "" if there are none. */
static const char *chosen(const char *wanted)
{
	static char text[32];
	struct machine_unit all[ARRAY_SIZE(units)] = { 0 };
	struct machine machine = { .units = all, .unit_count = ARRAY_SIZE(units) };
	char *end = text;
	bool any;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		all[i].unit = units[i];
		all[i].name = (char *)units[i].name;
	}
	any = machine_want(&machine, wanted, false);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (all[i].wanted)
			*end++ = (char)('0' + i);
	*end = '\0';
	assert_int_equal(any, end != text);
	free(machine.denials);
	free(machine.wanted.one);
	return text;
}

static void sessions_by_number_and_name(void **state)
{
	(void)state;
	assert_string_equal(chosen("2"), "1");
	assert_string_equal(chosen("session-2.scope"), "1");
	assert_string_equal(chosen("c9"), "3");
	assert_string_equal(chosen("user@4001.service"), "4");
	/* A number that is a session's is that. */
	assert_string_equal(chosen("4001"), "5");
	/* There may be many managers. */
	assert_string_equal(chosen("manager"), "");
}

static void users_by_name_and_uid(void **state)
{
	(void)state;
	assert_string_equal(chosen("ann"), "1234");
	assert_string_equal(chosen(":4001"), "1234");
	assert_string_equal(chosen("4242"), "0");
	assert_string_equal(chosen(":4242"), "0");
	assert_string_equal(chosen("root"), "6");
	assert_string_equal(chosen("0"), "6");
}

static void what_is_not_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		static const char *const wanted[] = { "nobody-knows-this", "",	 ":", "-1",
						      "4294967295",	   "0x0" };

		assert_string_equal(chosen(wanted[i]), "");
	}
}

static void units_have_an_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		for (size_t j = 0; j < ARRAY_SIZE(units); j++) {
			int order = unit_compare(&units[i], &units[j]);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
}

static void units_have_ids(void **state)
{
	static const char *const ids[][2] = {
		{ "session-3.scope", "3" },
		{ "session-c12.scope", "c12" },
		{ "session-.scope", "session-.scope" },
		{ "user-1001.slice", "user-1001.slice" },
		{ "s", "s" },
	};
	const struct unit manager = MANAGER(4001, "ann", "user@4001.service");
	char id[UNIT_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const struct unit unit = SESSION(4001, "ann", ids[i][0]);

		assert_string_equal(unit_id(&unit, id), ids[i][1]);
	}
	assert_string_equal(unit_id(&manager, id), "manager");
}

static const char *process(const char *comm, uint32_t pid)
{
	static char text[DENIAL_PROCESS_SIZE];
	struct filter_denial denial = { .pid = pid };

	memcpy(denial.comm, comm, strnlen(comm, sizeof(denial.comm)));
	return denial_process(&denial, text);
}

static void processes_are_shown_by_name_and_number(void **state)
{
	(void)state;
	assert_string_equal(process("cheese", 42), "cheese[42]");
	assert_string_equal(process("", 42), "[42]");
	assert_string_equal(process("", 0), "-");
	/* As long as they can be. */
	assert_string_equal(process("0123456789abcdef", 4194304), "0123456789abcdef[4194304]");
}

static void a_service_is_shown_with_the_process_that_it_asked_for(void **state)
{
	char text[DENIAL_PROCESS_SIZE];
	struct filter_denial denial = { .pid = 4194304, .comm = "0123456789abcde", .door = true };

	(void)state;
	assert_string_equal(denial_process(&denial, text), "0123456789abcde for 4194304");
}

static void bits_are_those_that_were_refused_or_would_have_been(void **state)
{
	struct filter_denial denial = { .access = BPFDEV_READ | BPFDEV_WRITE,
					.refused = BPFDEV_WRITE,
					.audited = BPFDEV_READ };

	(void)state;
	assert_int_equal(denial_bits(&denial), BPFDEV_WRITE);
	assert_false(denial_is_audit(&denial));
	denial.refused = 0;
	assert_int_equal(denial_bits(&denial), BPFDEV_READ);
	assert_true(denial_is_audit(&denial));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_by_number_and_name),
		cmocka_unit_test(users_by_name_and_uid),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(units_have_an_order),
		cmocka_unit_test(units_have_ids),
		cmocka_unit_test(processes_are_shown_by_name_and_number),
		cmocka_unit_test(a_service_is_shown_with_the_process_that_it_asked_for),
		cmocka_unit_test(bits_are_those_that_were_refused_or_would_have_been),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
