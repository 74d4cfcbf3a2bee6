/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lengths of time on the command line. */
#include "check.h"

#include "command/base/duration.h"

static void good_ones(void **state)
{
	static const struct {
		const char *text;
		uint64_t seconds;
	} cases[] = {
		{ "1", 1 },
		{ "90", 90 },
		{ "90s", 90 },
		{ "5sec", 5 },
		{ "1second", 1 },
		{ "2seconds", 2 },
		{ "15m", 900 },
		{ "15min", 900 },
		{ "1minute", 60 },
		{ "15minutes", 900 },
		{ "2h", 7200 },
		{ "2hr", 7200 },
		{ "1hour", 3600 },
		{ "2hours", 7200 },
		{ "1d", 86400 },
		{ "1day", 86400 },
		{ "2days", 172800 },
		{ "1h30m", 5400 },
		{ "1h30", 3630 },
		{ "1h 30min", 5400 },
		{ "1 hour 30 minutes 1 second", 5401 },
		{ "15 min ", 900 },
		{ "30m1h", 5400 },
		{ "1m1m1m", 180 },
		{ "0h5m", 300 },
		{ "007", 7 },
		{ "7d", DURATION_MAX },
		{ "604800", DURATION_MAX },
		{ "6d23h59m60s", DURATION_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t seconds = 0;

		if (!duration_parse(cases[i].text, &seconds))
			fail_msg("\"%s\" is refused", cases[i].text);
		if (seconds != cases[i].seconds)
			fail_msg("\"%s\" is %llu s", cases[i].text, (unsigned long long)seconds);
	}
}

static void bad_ones(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"0",
		"0s",
		"0h0m",
		"h",
		"s5",
		"-5",
		"+5",
		"-1h",
		" 5m",
		"5 m x",
		"1.5h",
		"1,5h",
		"1:30",
		"5M",
		"5H",
		"5ms",
		"5us",
		"5month",
		"5y",
		"5minx",
		"5min,",
		"5\tmin",
		"5\n",
		"1h\x1b[31m",
		"infinity",
		"0x10",
		"1e3",
		"7d1",
		"8d",
		"604801",
		"1d 6d 1s",
		"4294967296",
		"18446744073709551616",
		"18446744073709551617s",
		"213503982334601d",
		"99999999999999999999999999999999999999999h",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t seconds = 42;

		if (duration_parse(texts[i], &seconds))
			fail_msg("\"%s\" is taken as %llu s", texts[i],
				 (unsigned long long)seconds);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones),
		cmocka_unit_test(bad_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
