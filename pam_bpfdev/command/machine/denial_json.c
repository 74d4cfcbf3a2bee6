// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was denied, for programs: bpfdev(8) has the fields. */
#include <string.h>

#include "command/machine/denial_json.h"
#include "command/base/json.h"

#define NANOSECONDS 1000000000ull

static json_t *text_or_null(const char *text)
{
	return *text ? output_string(text) : json_null();
}

json_t *denials_unit_json(const struct unit *unit)
{
	json_t *object = json_object();
	char id[UNIT_ID_SIZE];

	json_build_set(&object, "session", output_string(unit_id(unit, id)));
	json_build_set(&object, "unit", output_string(unit->name));
	json_build_set(&object, "user", output_string(unit->user));
	json_build_set(&object, "uid", json_integer(unit->uid));
	return object;
}

static void add_device(json_t **object, struct names *names, const struct filter_denial *denial)
{
	char numbers[NAMES_NUMBERS_SIZE], path[NAMES_PATH_SIZE], driver[NAMES_DRIVERS_SIZE];

	names_numbers(denial->type, denial->major, denial->minor, numbers);
	names_path(names, denial->type, denial->major, denial->minor, path);
	names_drivers(names, denial->type, denial->major, driver);
	json_build_set(object, "device", json_string(numbers));
	json_build_set(object, "type", json_string(denial->type == BPFDEV_CHAR ? "char" : "block"));
	json_build_set(object, "major", json_integer(denial->major));
	json_build_set(object, "minor", json_integer(denial->minor));
	json_build_set(object, "path", text_or_null(path));
	json_build_set(object, "driver", text_or_null(driver));
}

static void add_answer(json_t **object, const struct filter_denial *denial)
{
	char access[4];

	json_build_set(object, "access", json_string(output_access(denial->access, access)));
	json_build_set(object, "refused", json_string(output_access(denial->refused, access)));
	json_build_set(object, "audited", json_string(output_access(denial->audited, access)));
	json_build_set(object, "result",
		       json_string(denial_is_audit(denial) ? "audit" : "refused"));
}

static void add_why(json_t **object, struct denials *denials, const struct denial *row)
{
	static const char *const causes[] = {
		[DENIAL_NO_RULE] = "no rule",
		[DENIAL_LINE] = "line",
		[DENIAL_CHANGED] = "changed",
	};
	struct denial_why why;
	bool line;

	denial_explain(denials, row, &why);
	line = why.cause == DENIAL_LINE;
	json_build_set(object, "cause", json_string(causes[why.cause]));
	json_build_set(object, "line", line ? output_string(why.place) : json_null());
	json_build_set(object, "text", line ? output_string(why.text) : json_null());
}

static void add_process(json_t **object, const struct filter_denial *denial)
{
	bool known = denial->pid;

	json_build_set(object, "pid", known ? json_integer(denial->pid) : json_null());
	json_build_set(object, "comm", known ? output_string(denial->comm) : json_null());
	json_build_set(object, "process_uid", json_integer(denial->uid));
}

json_t *denials_row_json(struct denials *denials, const struct denial *row)
{
	const struct filter_denial *denial = row->denial;
	json_t *object = denials_unit_json(&row->unit->unit);

	add_device(&object, denials->names, denial);
	add_answer(&object, denial);
	add_why(&object, denials, row);
	add_process(&object, denial);
	json_build_set(&object, "count", json_integer((json_int_t)denial->count));
	json_build_set(&object, "first", json_integer((json_int_t)(row->first / NANOSECONDS)));
	json_build_set(&object, "last", json_integer((json_int_t)(row->last / NANOSECONDS)));
	return object;
}

/* What there is nothing to be told of: "lost" and "unreadable". */
static void add_rest(json_t **root, const struct denials *denials)
{
	json_t *lost = json_array(), *unreadable = json_array();

	for (size_t i = 0; i < denials->unit_count; i++) {
		const struct denial_unit *unit = &denials->units[i];
		json_t *object = denials_unit_json(&unit->unit);

		if (unit->wanted && unit->lost) {
			json_build_set(&object, "count", json_integer((json_int_t)unit->lost));
			json_build_append(&lost, object);
		} else if (unit->wanted && unit->filtered && !unit->known) {
			json_build_append(&unreadable, object);
		} else {
			json_decref(object);
		}
	}
	json_build_set(root, "lost", lost);
	json_build_set(root, "unreadable", unreadable);
}

int denials_print_json(struct denials *denials)
{
	json_t *rows = json_array(), *root = json_object();

	for (size_t i = 0; i < denials->count; i++)
		json_build_append(&rows, denials_row_json(denials, &denials->rows[i]));
	json_build_set(&root, "denials", rows);
	add_rest(&root, denials);
	return output_json(root);
}
