// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Tables for people to read: the rows, their order, and what decided them. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "command/base/view.h"

#define CHAR(major_, minor_) .device = { BPFDEV_CHAR, major_, minor_, false }
#define BLOCK(major_, minor_) .device = { BPFDEV_BLOCK, major_, minor_, false }
#define ANY BPFDEV_ANY

static void name(const struct table_view_row *row, void *data, char *text, size_t size)
{
	assert_ptr_equal(data, "data");
	if (row->major_low == 10)
		snprintf(text, size, "misc \033[31m");
}

static void source(uint32_t number, void *data, char *text, size_t size)
{
	assert_ptr_equal(data, "data");
	snprintf(text, size, "file:%u", number);
}

static const struct output plain = { 0 };
static const struct table_view view = { &plain, name, source, "data" };

static struct table *fold(struct table_rule *rules, size_t count, enum table_rank audit)
{
	struct table *table;

	assert_int_equal(table_fold(rules, count, audit, &table, NULL), 0);
	return table;
}

/* What the rows are, a line each: "DEVICE ALLOWED AUDIT LINES". */
static void describe(const struct table *table, char *text, size_t size)
{
	json_t *rows = table_view_json(table, &view), *row, *line;
	size_t i, j, at = 0;

	assert_non_null(rows);
	json_array_foreach(rows, i, row)
	{
		at += snprintf(text + at, size - at, "%s %s %s",
			       json_string_value(json_object_get(row, "device")),
			       json_string_value(json_object_get(row, "allowed")),
			       json_string_value(json_object_get(row, "audit")));
		json_array_foreach(json_object_get(row, "lines"), j, line)
		{
			const char *where = json_string_value(json_object_get(line, "line"));

			at += snprintf(text + at, size - at, " %s=%s",
				       json_string_value(json_object_get(line, "access")),
				       where ? where : "none");
		}
		at += snprintf(text + at, size - at, "\n");
	}
	json_decref(rows);
}

static void check(struct table_rule *rules, size_t count, enum table_rank audit,
		  const char *expected)
{
	struct table *table = fold(rules, count, audit);
	char text[4096] = "";

	describe(table, text, sizeof(text));
	assert_string_equal(text, expected);
	table_free(table);
}

/* The defaults are in every table, and a major that differs in nothing is not shown. */
static void test_idle_majors_are_left_out(void **state)
{
	struct table_rule rules[] = {
		{ CHAR(ANY, ANY), BPFDEV_ACCESS, 1, TABLE_USER, 1 },
		{ CHAR(10, 229), BPFDEV_ACCESS, 2, TABLE_USER, 0 },
		{ CHAR(600, 1), BPFDEV_ACCESS, 3, TABLE_USER, 0 },
		{ CHAR(1, 3), BPFDEV_READ, BPFDEV_SOURCE_BASELINE, TABLE_BASELINE, 1 },
	};

	(void)state;
	check(NULL, 0, TABLE_BASELINE, "b *:* --- --- rwm=none\nc *:* --- --- rwm=none\n");
	check(rules, ARRAY_SIZE(rules), TABLE_BASELINE,
	      "c 10:229 --- --- rwm=file:2\nc 600:1 --- --- rwm=file:3\n"
	      "b *:* --- --- rwm=none\nc *:* rwm --- rwm=file:1\n");
}

static void test_most_specific_first(void **state)
{
	struct table_rule rules[] = {
		{ BLOCK(ANY, ANY), BPFDEV_READ, 1, TABLE_USER, 1 },
		{ CHAR(ANY, 5), BPFDEV_ACCESS, 2, TABLE_USER, 1 },
		{ CHAR(700, ANY), BPFDEV_WRITE, 3, TABLE_USER, 1 },
		{ CHAR(4, ANY), BPFDEV_MKNOD, 4, TABLE_USER, 1 },
		{ CHAR(700, 9), BPFDEV_READ, 5, TABLE_USER, 1 },
		{ BLOCK(7, 0), BPFDEV_WRITE, 6, TABLE_USER, 1 },
	};

	(void)state;
	check(rules, ARRAY_SIZE(rules), TABLE_BASELINE,
	      "b 7:0 rw- --- r--=file:1 -w-=file:6 --m=none\n"
	      "c 4:5 rwm --- rw-=file:2 --m=file:4\n"
	      "c 700:5 rwm --- r-m=file:2 -w-=file:3\n"
	      "c 700:9 rw- --- r--=file:5 -w-=file:3 --m=none\n"
	      "c 4:* --m --- rw-=none --m=file:4\n"
	      "c 700:* -w- --- r-m=none -w-=file:3\n"
	      "c *:5 rwm --- rwm=file:2\n"
	      "b *:* r-- --- r--=file:1 -wm=none\n"
	      "c *:* --- --- rwm=none\n");
}

/* Minors of one major, and majors, that follow each other and say the same. */
static void test_neighbours_are_joined(void **state)
{
	struct table_rule rules[] = {
		{ CHAR(1, 3), BPFDEV_READ, 1, TABLE_USER, 1 },
		{ CHAR(1, 4), BPFDEV_READ, 1, TABLE_USER, 1 },
		{ CHAR(1, 5), BPFDEV_READ, 1, TABLE_USER, 1 },
		{ CHAR(1, 7), BPFDEV_READ, 1, TABLE_USER, 1 },
		{ CHAR(1, 8), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ CHAR(2, 9), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ BLOCK(2, 10), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ CHAR(136, ANY), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ CHAR(137, ANY), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ CHAR(139, ANY), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ CHAR(511, ANY), BPFDEV_READ, 2, TABLE_USER, 1 },
		{ CHAR(512, ANY), BPFDEV_READ, 2, TABLE_USER, 1 },
	};

	(void)state;
	check(rules, ARRAY_SIZE(rules), TABLE_BASELINE,
	      "b 2:10 r-- --- r--=file:2 -wm=none\n"
	      "c 1:3-5 r-- --- r--=file:1 -wm=none\n"
	      "c 1:7 r-- --- r--=file:1 -wm=none\n"
	      "c 1:8 r-- --- r--=file:2 -wm=none\n"
	      "c 2:9 r-- --- r--=file:2 -wm=none\n"
	      "c 136-137:* r-- --- r--=file:2 -wm=none\n"
	      "c 139:* r-- --- r--=file:2 -wm=none\n"
	      "c 511-512:* r-- --- r--=file:2 -wm=none\n"
	      "b *:* --- --- rwm=none\nc *:* --- --- rwm=none\n");
}

/* Where "*:m" grants something, a major that differs in nothing else does not grant it. */
static void test_major_beside_a_minor_of_all_majors_is_shown(void **state)
{
	struct table_rule rules[] = {
		{ CHAR(ANY, 5), BPFDEV_ACCESS, 1, TABLE_ANYONE, 1 },
		{ CHAR(4, ANY), BPFDEV_ACCESS, 2, TABLE_USER, 0 },
	};

	(void)state;
	check(rules, ARRAY_SIZE(rules), TABLE_BASELINE,
	      "c 4:* --- --- rwm=file:2\nc *:5 rwm --- rwm=file:1\n"
	      "b *:* --- --- rwm=none\nc *:* --- --- rwm=none\n");
}

static void test_audit_and_baseline(void **state)
{
	struct table_rule rules[] = {
		{ CHAR(1, 3), BPFDEV_READ, BPFDEV_SOURCE_BASELINE, TABLE_BASELINE, 1 },
		{ CHAR(1, 3), BPFDEV_WRITE, 7, TABLE_ANYONE, 0 },
	};

	(void)state;
	check(rules, ARRAY_SIZE(rules), TABLE_GROUP,
	      "c 1:3 rwm -wm r--=baseline -w-=file:7 --m=none\n"
	      "b *:* rwm rwm rwm=none\nc *:* rwm rwm rwm=none\n");
}

/* What an exception lends is no line's doing. */
static void test_exceptions(void **state)
{
	struct table_rule rules[] = { { CHAR(10, 229), BPFDEV_READ, 1, TABLE_USER, 1 },
				      { CHAR(10, 230), BPFDEV_READ, 1, TABLE_USER, 1 } };
	struct table_rule granted[] = {
		{ CHAR(10, 229), BPFDEV_READ | BPFDEV_WRITE, 0, TABLE_USER, 1 },
		{ CHAR(10, 231), BPFDEV_READ | BPFDEV_WRITE, 0, TABLE_USER, 1 },
	};
	struct table *table = fold(rules, ARRAY_SIZE(rules), TABLE_BASELINE), *lending;
	struct table *lent = fold(granted, ARRAY_SIZE(granted), TABLE_BASELINE);
	char text[4096] = "";

	(void)state;
	assert_int_equal(
		table_lend(table, &(struct table_loan) { lent, UINT32_MAX }, 1, &lending, NULL), 0);
	describe(lending, text, sizeof(text));
	assert_string_equal(text, "c 10:229 rw- --- r--=file:1 -w-=exception --m=none\n"
				  "c 10:230 r-- --- r--=file:1 -wm=none\n"
				  "c 10:231 rw- --- rw-=exception --m=none\n"
				  "b *:* --- --- rwm=none\nc *:* --- --- rwm=none\n");
	table_free(table);
	table_free(lent);
	table_free(lending);
}

static void forgotten(uint32_t number, void *data, char *text, size_t size)
{
	(void)number;
	(void)data;
	snprintf(text, size, "changed since");
}

/* Lines of which nothing is known are said once. */
static void test_lines_that_are_called_the_same(void **state)
{
	struct table_rule rules[] = { { CHAR(10, 229), BPFDEV_READ, 1, TABLE_USER, 1 },
				      { CHAR(10, 229), BPFDEV_WRITE, 2, TABLE_USER, 1 } };
	struct table *table = fold(rules, ARRAY_SIZE(rules), TABLE_BASELINE);
	struct table_view changed = view;
	json_t *rows, *lines;

	(void)state;
	changed.source = forgotten;
	rows = table_view_json(table, &changed);
	lines = json_object_get(json_array_get(rows, 0), "lines");
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 0), "access")),
			    "rw-");
	json_decref(rows);
	table_free(table);
}

/* For any device, the first row that has it holds the entry that the table answers with. */
static void test_first_row_decides(void **state)
{
	struct table_rule rules[] = {
		{ CHAR(ANY, ANY), BPFDEV_READ, 1, TABLE_ANYONE, 1 },
		{ CHAR(ANY, 2), BPFDEV_WRITE, 2, TABLE_GROUP, 1 },
		{ CHAR(3, ANY), BPFDEV_MKNOD, 3, TABLE_ANYONE, 1 },
		{ CHAR(3, 1), BPFDEV_ACCESS, 4, TABLE_USER, 0 },
		{ CHAR(600, 2), BPFDEV_READ, 5, TABLE_USER, 0 },
	};
	static const uint32_t majors[] = { 0, 2, 3, 4, 511, 512, 600, 601 };
	struct table *table = fold(rules, ARRAY_SIZE(rules), TABLE_BASELINE);
	struct table_view_row *rows;
	size_t count, at;

	(void)state;
	rows = table_view_rows(table, &count);
	for (size_t i = 0; i < ARRAY_SIZE(majors); i++) {
		for (uint32_t minor = 0; minor < 4; minor++) {
			for (at = 0; at < count; at++)
				if (rows[at].type == BPFDEV_CHAR &&
				    (rows[at].major_low == ANY ||
				     (rows[at].major_low <= majors[i] &&
				      majors[i] <= rows[at].major_high)) &&
				    (rows[at].minor_low == ANY ||
				     (rows[at].minor_low <= minor && minor <= rows[at].minor_high)))
					break;
			assert_true(at < count);
			assert_int_equal(rows[at].entry->allow,
					 table_find(table, BPFDEV_CHAR, majors[i], minor)->allow);
		}
	}
	free(rows);
	table_free(table);
}

static void test_json_fields(void **state)
{
	struct table_rule rules[] = { { CHAR(10, 229), BPFDEV_ACCESS, 2, TABLE_USER, 1 } };
	struct table *table = fold(rules, ARRAY_SIZE(rules), TABLE_BASELINE);
	struct table_view nameless = view;
	json_t *rows = table_view_json(table, &view), *expected;

	(void)state;
	expected = json_pack("{ss ss s[ii] s[ii] ss ss ss s[{ssss}]}", "device", "c 10:229", "type",
			     "char", "major", 10, 10, "minor", 229, 229, "name", "misc \033[31m",
			     "allowed", "rwm", "audit", "---", "lines", "access", "rwm", "line",
			     "file:2");
	assert_true(json_equal(json_array_get(rows, 0), expected));
	json_decref(expected);
	expected = json_pack("{ss ss sn sn ss ss ss s[{sssn}]}", "device", "b *:*", "type", "block",
			     "major", "minor", "name", "all others", "allowed", "---", "audit",
			     "---", "lines", "access", "rwm", "line");
	assert_true(json_equal(json_array_get(rows, 1), expected));
	json_decref(expected);
	json_decref(rows);
	nameless.name = NULL;
	rows = table_view_json(table, &nameless);
	assert_null(json_object_get(json_array_get(rows, 0), "name"));
	json_decref(rows);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_majors_are_left_out),
		cmocka_unit_test(test_most_specific_first),
		cmocka_unit_test(test_neighbours_are_joined),
		cmocka_unit_test(test_major_beside_a_minor_of_all_majors_is_shown),
		cmocka_unit_test(test_audit_and_baseline),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_lines_that_are_called_the_same),
		cmocka_unit_test(test_first_row_decides),
		cmocka_unit_test(test_json_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
