// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* One description of a row, as JSON and as a line of a table. */
#include "check.h"

#include <stdlib.h>

#include "command/base/row.h"

struct thing {
	const char *name; /* NULL: none */
	uint64_t count;
	bool odd;
};

static void describe(struct row *row, const struct thing *thing)
{
	if (row_field(row, "name", "NAME", 0))
		row_text_or_null(row, thing->name);
	if (row_field(row, "count", "COUNT", SCOLS_FL_RIGHT))
		row_number(row, thing->count);
	if (row_field(row, "odd", NULL, 0))
		row_bool(row, thing->odd);
	if (row_field(row, "more", NULL, ROW_OPTIONAL) && thing->odd)
		row_text(row, "%s has more", thing->name);
	if (thing->odd && row_field(row, NULL, "NOTE", 0))
		row_cell(row, "note\n");
	if (row_field(row, "since", NULL, 0))
		row_time(row, 86400);
}

static void assert_json(const struct thing *thing, const char *expected)
{
	struct row row = row_object();
	char *text;

	describe(&row, thing);
	text = json_dumps(row.object, JSON_COMPACT);
	assert_string_equal(text, expected);
	free(text);
	json_decref(row.object);
}

static void test_json(void **state)
{
	(void)state;
	assert_json(&(struct thing) { "a", 3, true },
		    "{\"name\":\"a\",\"count\":3,\"odd\":true,\"more\":\"a has more\","
		    "\"since\":86400}");
	assert_json(&(struct thing) { "", 0, false },
		    "{\"name\":null,\"count\":0,\"odd\":false,\"since\":86400}");
	assert_json(&(struct thing) { "\xff", UINT32_MAX, false },
		    "{\"name\":\"\\\\xff\",\"count\":4294967295,\"odd\":false,\"since\":86400}");
}

static void test_more(void **state)
{
	json_t *object = json_object();
	struct row row = row_more(object);
	char *text;

	(void)state;
	row_put(object, "first", json_true());
	describe(&row, &(struct thing) { NULL, 1, false });
	text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(
		text, "{\"first\":true,\"name\":null,\"count\":1,\"odd\":false,\"since\":86400}");
	free(text);
	json_decref(object);
}

/* A column that only the second line has; a name that is no text; one that is cut. */
static void test_table(void **state)
{
	const struct output output = { 0 };
	struct row_table table = row_table(&output);
	struct row row = row_line(&table);
	char *text;

	(void)state;
	describe(&row, &(struct thing) { "plain", 3, false });
	row = row_line(&table);
	describe(&row, &(struct thing) { "\033[1m", 12, true });
	text = row_table_text(&table, 80);
	assert_string_equal(text, "NAME    COUNT NOTE\n"
				  "plain       3 \n"
				  "\\x1b[1m    12 note\\x0a");
	free(text);
}

static void test_no_lines(void **state)
{
	const struct output output = { 0 };
	struct row_table table = row_table(&output);
	char *text = row_table_text(&table, 80);

	(void)state;
	assert_string_equal(text, "");
	free(text);
}

static void test_tone_and_hidden_column(void **state)
{
	const struct output output = { .color = true };
	struct row_table table = row_table(&output);
	struct row row = row_line(&table);
	char *text;

	(void)state;
	describe(&row, &(struct thing) { "x", 1, false });
	row_field(&row, NULL, "STATE", 0);
	row_text(&row, "bad");
	row_tone(&row, OUTPUT_BAD);
	row_table_hide(&table, "COUNT");
	row_table_hide(&table, "OTHER");
	text = row_table_text(&table, 80);
	assert_string_equal(text, "NAME STATE\nx    \033[31mbad\033[0m");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_more),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_no_lines),
		cmocka_unit_test(test_tone_and_hidden_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
