// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "../unit/check.h"

#include "base/reason.h"

static const struct {
	const char *text, *expected;
} quotes[] = {
	{ "", "" },
	{ "user \"bob\" \\x", "user \"bob\" \\x" },
	{ "a\nb\r\tc\x7f\x1b[31m", "a\\x0ab\\x0d\\x09c\\x7f\\x1b[31m" },
	{ "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x92\xbe",
	  "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x92\xbe" },
	/* a continuation alone, a sequence cut short, Latin-1 */
	{ "\x80 \xe2\x82 \xfc", "\\x80 \\xe2\\x82 \\xfc" },
	{ "\xc3", "\\xc3" },
	/* longer than need be, a surrogate, beyond Unicode */
	{ "\xc0\xaf \xe0\x80\xaf", "\\xc0\\xaf \\xe0\\x80\\xaf" },
	{ "\xed\xa0\x80 \xf4\x90\x80\x80", "\\xed\\xa0\\x80 \\xf4\\x90\\x80\\x80" },
	/* CSI in Latin-1, a line separator, a change of direction */
	{ "\xc2\x9b"
	  "31m",
	  "\\xc2\\x9b31m" },
	{ "\xe2\x80\xa8 \xe2\x80\xae \xe2\x81\xa6",
	  "\\xe2\\x80\\xa8 \\xe2\\x80\\xae \\xe2\\x81\\xa6" },
	{ "\xc2\xa0", "\xc2\xa0" },
};

static void test_quote(void **state)
{
	char out[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quotes); i++) {
		reason_quote(out, sizeof(out), quotes[i].text, strlen(quotes[i].text));
		assert_string_equal(out, quotes[i].expected);
	}
	assert_ptr_equal(reason_quote(out, sizeof(out), "a\0b", 3), out);
	assert_string_equal(out, "a\\x00b");
	/* Only what the length names is looked at. */
	assert_string_equal(reason_quote(out, sizeof(out), "\xe2\x82\xac", 2), "\\xe2\\x82");
}

static void check_cut(size_t size, const char *text, const char *expected)
{
	char out[32];

	memset(out, '#', sizeof(out));
	reason_quote(out, size, text, strlen(text));
	assert_string_equal(out, expected);
	for (size_t i = size; i < sizeof(out); i++)
		assert_int_equal(out[i], '#');
}

static void test_cut(void **state)
{
	char none = '#';

	(void)state;
	check_cut(6, "abcde", "abcde");
	check_cut(6, "abcdef", "ab...");
	/* Neither characters nor escapes are cut in two. */
	check_cut(8,
		  "abc\xe2\x82\xac"
		  "de",
		  "abc...");
	check_cut(8, "a\n\n", "a...");
	check_cut(11, "a\n\nbc", "a\\x0a...");
	check_cut(4, "abcd", "...");
	check_cut(3, "abcd", "..");
	check_cut(1, "abcd", "");
	reason_quote(&none, 0, "abcd", 4);
	assert_int_equal(none, '#');
}

static void test_set(void **state)
{
	struct reason why;
	char longest[2000];

	(void)state;
	reason_set(&why, "%s:%d: %s", "file", 7, "a\nb");
	assert_string_equal(why.text, "file:7: a\\x0ab");
	/* A reason may go into the next one. */
	reason_set(&why, "user %s: %s", "bob", why.text);
	assert_string_equal(why.text, "user bob: file:7: a\\x0ab");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	reason_set(&why, "%s", longest);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
	assert_string_equal(why.text + sizeof(why.text) - 5, "x...");
	reason_set(NULL, "%s", longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
