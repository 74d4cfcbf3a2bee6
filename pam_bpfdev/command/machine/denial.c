// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials in words and as JSON: bpfdev(8) has the fields. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command/base/json.h"
#include "command/machine/denial.h"

#define NANOSECONDS 1000000000ull

/* The inode of the namespace that the kernel itself makes (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE 0xeffffffcu

void denial_explain(struct machine *machine, const struct denial *row, struct denial_why *why)
{
	uint32_t source = row->denial->source;
	uint64_t digest = row->denial->digest;
	const struct conf_statement *statement = NULL;
	const struct conf *conf = NULL;

	*why = (struct denial_why) { .cause = DENIAL_NO_RULE, .place = "no rule" };
	if (!source)
		return;
	/* No digest: the lines are of several policies, as a manager's may be. */
	if (digest)
		conf = machine_policy_with(machine, &row->unit->info, digest);
	if (conf)
		statement = lines_find(conf, source);
	if (!statement) {
		why->cause = DENIAL_CHANGED;
		snprintf(why->place, sizeof(why->place), "changed since");
		return;
	}
	why->cause = DENIAL_LINE;
	lines_place(conf, statement, why->place);
	conf_describe_statement(statement, why->text, sizeof(why->text));
}

char *denial_process(const struct filter_denial *denial, char *text)
{
	if (denial->pid)
		snprintf(text, DENIAL_PROCESS_SIZE, "%.*s[%u]", (int)sizeof(denial->comm),
			 denial->comm, denial->pid);
	else
		snprintf(text, DENIAL_PROCESS_SIZE, "-");
	return text;
}

char *denial_device(const struct filter_denial *denial, const char *name, char *text)
{
	char numbers[NAMES_NUMBERS_SIZE];

	names_numbers(denial->type, denial->major, denial->minor, numbers);
	if (*name)
		snprintf(text, DENIAL_DEVICE_SIZE, "%s (%s)", name, numbers);
	else
		snprintf(text, DENIAL_DEVICE_SIZE, "%s", numbers);
	return text;
}

char *denial_by(const struct filter_denial *denial, uid_t uid, char *text)
{
	char process[DENIAL_PROCESS_SIZE];
	const struct passwd *entry;

	denial_process(denial, process);
	if (denial->uid == uid) {
		snprintf(text, DENIAL_BY_SIZE, "%s", process);
		return text;
	}
	entry = getpwuid(denial->uid);
	if (entry)
		snprintf(text, DENIAL_BY_SIZE, "%s by %s", process, entry->pw_name);
	else
		snprintf(text, DENIAL_BY_SIZE, "%s by :%u", process, denial->uid);
	return text;
}

char *denial_result(const struct filter_denial *denial, char *text)
{
	const char *result = denial_is_audit(denial) ? "audit" : "refused";
	uint32_t bits = denial_bits(denial);
	char letters[4];

	if (bits == denial->access)
		snprintf(text, DENIAL_RESULT_SIZE, "%s", result);
	else
		snprintf(text, DENIAL_RESULT_SIZE, "%s %s", result, output_letters(bits, letters));
	return text;
}

bool denial_pids_are_ours(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_NAMESPACE;
}

static json_t *text_or_null(const char *text)
{
	return *text ? output_string(text) : json_null();
}

json_t *denial_unit_json(const struct unit *unit)
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

static void add_why(json_t **object, struct machine *machine, const struct denial *row)
{
	static const char *const causes[] = {
		[DENIAL_NO_RULE] = "no rule",
		[DENIAL_LINE] = "line",
		[DENIAL_CHANGED] = "changed",
	};
	struct denial_why why;
	bool line;

	denial_explain(machine, row, &why);
	line = why.cause == DENIAL_LINE;
	json_build_set(object, "cause", json_string(causes[why.cause]));
	json_build_set(object, "line", line ? output_string(why.place) : json_null());
	json_build_set(object, "text", line ? output_string(why.text) : json_null());
}

json_t *denial_json(struct machine *machine, const struct denial *row)
{
	const struct filter_denial *denial = row->denial;
	json_t *object = denial_unit_json(&row->unit->unit);
	bool known = denial->pid;

	add_device(&object, machine->names, denial);
	add_answer(&object, denial);
	add_why(&object, machine, row);
	json_build_set(&object, "pid", known ? json_integer(denial->pid) : json_null());
	json_build_set(&object, "comm", known ? output_string(denial->comm) : json_null());
	json_build_set(&object, "process_uid", json_integer(denial->uid));
	json_build_set(&object, "count", json_integer((json_int_t)denial->count));
	json_build_set(&object, "first", json_integer((json_int_t)(row->first / NANOSECONDS)));
	json_build_set(&object, "last", json_integer((json_int_t)(row->last / NANOSECONDS)));
	return object;
}
