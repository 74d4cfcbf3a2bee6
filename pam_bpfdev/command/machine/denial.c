// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials in words and as JSON: bpfdev(8) has the fields. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "command/machine/denial.h"

/* The inode of the namespace that the kernel itself makes (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE 0xeffffffcu

void denial_explain(struct machine *machine, const struct denial *row, struct denial_why *why)
{
	uint32_t source = row->denial->source;
	uint64_t digest = row->denial->digest;
	const struct conf_statement *statement = NULL;
	const struct conf *conf;

	*why = (struct denial_why) { .cause = DENIAL_NO_RULE, .place = "no rule" };
	if (!source)
		return;
	conf = conf_store_find(&machine->decider.policies,
			       row->copy ? &row->copy->info : &row->unit->info, digest);
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
	if (denial->door)
		snprintf(text, DENIAL_PROCESS_SIZE, "%.*s for %u", (int)sizeof(denial->comm),
			 denial->comm, denial->pid);
	else if (denial->pid)
		snprintf(text, DENIAL_PROCESS_SIZE, "%.*s[%u]", (int)sizeof(denial->comm),
			 denial->comm, denial->pid);
	else
		snprintf(text, DENIAL_PROCESS_SIZE, "-");
	return text;
}

char *denial_name(const struct filter_denial *denial, struct names *names, char *out)
{
	if (!names_gone(names, denial->type, denial->major, denial->minor, denial->last, out))
		names_best(names, denial->type, denial->major, denial->minor, out);
	return out;
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

static void describe_unit(struct row *row, const struct unit *unit)
{
	char id[UNIT_ID_SIZE];

	if (row_field(row, "user", "USER", 0))
		row_text(row, "%s", unit->user);
	if (row_field(row, "uid", NULL, 0))
		row_number(row, unit->uid);
	if (row_field(row, "session", "SESSION", 0))
		row_text(row, "%s", unit_id(unit, id));
	if (row_field(row, "unit", NULL, 0))
		row_text(row, "%s", unit->name);
}

static void describe_process(struct row *row, const struct filter_denial *denial, uid_t uid)
{
	char by[DENIAL_BY_SIZE];

	if (row_field(row, NULL, "PROCESS", SCOLS_FL_TRUNC))
		row_text(row, "%s", denial_by(denial, uid, by));
	if (row_field(row, "pid", NULL, 0) && denial->pid)
		row_number(row, denial->pid);
	if (row_field(row, "comm", NULL, 0) && denial->pid && !denial->door)
		row_text(row, "%.*s", (int)sizeof(denial->comm), denial->comm);
	if (row_field(row, "door", NULL, 0) && denial->door)
		row_text(row, "%.*s", (int)sizeof(denial->comm), denial->comm);
	if (row_field(row, "process_uid", NULL, 0))
		row_number(row, denial->uid);
}

static void describe_device(struct row *row, struct names *names,
			    const struct filter_denial *denial)
{
	uint32_t type = denial->type, major = denial->major, minor = denial->minor;
	char text[DENIAL_DEVICE_SIZE], name[NAMES_BEST_SIZE];
	bool gone;

	if (row_field(row, "device", "DEVICE", SCOLS_FL_TRUNC)) {
		row_text(row, "%s", names_numbers(type, major, minor, text));
		row_cell(row, "%s", denial_device(denial, denial_name(denial, names, name), text));
	}
	if (row_field(row, "type", NULL, 0))
		row_text(row, type == BPFDEV_CHAR ? "char" : "block");
	if (row_field(row, "major", NULL, 0))
		row_number(row, major);
	if (row_field(row, "minor", NULL, 0))
		row_number(row, minor);
	gone = names_gone(names, type, major, minor, denial->last, name);
	if (row_field(row, "was", NULL, 0) && gone)
		row_text(row, "%s", name);
	if (row_field(row, "path", NULL, 0) && !gone && names_path(names, type, major, minor, name))
		row_text(row, "%s", name);
	if (row_field(row, "driver", NULL, 0) && names_drivers(names, type, major, name))
		row_text(row, "%s", name);
}

static void describe_answer(struct row *row, const struct filter_denial *denial)
{
	bool audit = denial_is_audit(denial);
	char text[DENIAL_RESULT_SIZE];

	if (row_field(row, "access", "ACCESS", 0)) {
		row_text(row, "%s", output_access(denial->access, text));
		row_cell(row, "%s", output_letters(denial->access, text));
	}
	if (row_field(row, "refused", NULL, 0))
		row_text(row, "%s", output_access(denial->refused, text));
	if (row_field(row, "audited", NULL, 0))
		row_text(row, "%s", output_access(denial->audited, text));
	if (row_field(row, "result", "RESULT", 0)) {
		row_text(row, audit ? "audit" : "refused");
		row_cell(row, "%s", denial_result(denial, text));
		row_tone(row, audit ? OUTPUT_WARNING : OUTPUT_BAD);
	}
}

static void describe_why(struct row *row, struct machine *machine, const struct denial *denial)
{
	static const char *const causes[] = {
		[DENIAL_NO_RULE] = "no rule",
		[DENIAL_LINE] = "line",
		[DENIAL_CHANGED] = "changed",
	};
	struct denial_why why;

	denial_explain(machine, denial, &why);
	if (row_field(row, "cause", NULL, 0))
		row_text(row, "%s", causes[why.cause]);
	if (row_field(row, "line", "WHY", SCOLS_FL_TRUNC)) {
		if (why.cause == DENIAL_LINE)
			row_text(row, "%s", why.place);
		row_cell(row, "%s%s%s%s", why.place, denial->copy ? " (rules of " : "",
			 denial->copy ? denial->copy->info.user : "", denial->copy ? ")" : "");
	}
	if (row_field(row, "rules_of", NULL, 0) && denial->copy)
		row_text(row, "%s", denial->copy->info.user);
	if (row_field(row, "text", NULL, 0) && why.cause == DENIAL_LINE)
		row_text(row, "%s", why.text);
}

void denial_describe(struct row *row, struct machine *machine, const struct denial *denial)
{
	const struct unit *unit = &denial->unit->unit;

	if (row_field(row, "last", "WHEN", 0))
		row_time(row, denial->last / CLOCK_NS_PER_S);
	if (row_field(row, "first", NULL, 0))
		row_time(row, denial->first / CLOCK_NS_PER_S);
	describe_unit(row, unit);
	describe_process(row, denial->denial, unit->uid);
	describe_device(row, machine->names, denial->denial);
	describe_answer(row, denial->denial);
	describe_why(row, machine, denial);
	if (row_field(row, "count", "COUNT", SCOLS_FL_RIGHT))
		row_number(row, denial->denial->count);
}

json_t *denial_json(struct machine *machine, const struct denial *denial)
{
	struct row row = row_object();

	denial_describe(&row, machine, denial);
	return row.object;
}

json_t *denial_unit_json(const struct unit *unit)
{
	struct row row = row_object();

	describe_unit(&row, unit);
	return row.object;
}
