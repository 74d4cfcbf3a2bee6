// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found: kept, and printed as lines or JSON. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/doctor/doctor.h"

static const struct {
	const char *mark;
	enum output_tone tone;
} looks[] = {
	[DOCTOR_OK] = { "ok", OUTPUT_GOOD },	    [DOCTOR_NOTE] = { "note", OUTPUT_STRONG },
	[DOCTOR_WARN] = { "warn", OUTPUT_WARNING }, [DOCTOR_BLIND] = { "warn", OUTPUT_WARNING },
	[DOCTOR_MISTAKE] = { "bad", OUTPUT_BAD },   [DOCTOR_BAD] = { "bad", OUTPUT_BAD },
};

static void free_finding(struct doctor_finding *finding)
{
	free(finding->subject);
	free(finding->message);
	free(finding->advice);
}

void doctor_findings_free(struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free_finding(&findings->items[i]);
	free(findings->items);
	*findings = (struct doctor_findings) { 0 };
}

/* Takes @finding over. Returns 0 or -ENOMEM. */
static int add(struct doctor_findings *findings, struct doctor_finding finding)
{
	struct doctor_finding *grown =
		array_grow(findings->items, findings->count, &findings->capacity, sizeof(*grown));

	if (grown)
		findings->items = grown;
	if (!grown || !finding.subject || !finding.message) {
		free_finding(&finding);
		return -ENOMEM;
	}
	grown[findings->count++] = finding;
	return 0;
}

void doctor_find(struct doctor *doctor, enum doctor_level level, const char *topic,
		 const char *subject, const char *format, ...)
{
	struct doctor_finding finding = { level, topic, strdup(subject), NULL, NULL };
	va_list args;

	va_start(args, format);
	if (vasprintf(&finding.message, format, args) < 0)
		finding.message = NULL;
	va_end(args);
	if (add(&doctor->findings, finding) < 0)
		doctor->error = -ENOMEM;
}

void doctor_advise(struct doctor *doctor, const char *format, ...)
{
	struct doctor_findings *findings = &doctor->findings;
	struct doctor_finding *last;
	va_list args;

	if (!findings->count || doctor->error)
		return;
	last = &findings->items[findings->count - 1];
	va_start(args, format);
	if (vasprintf(&last->advice, format, args) < 0) {
		last->advice = NULL;
		doctor->error = -ENOMEM;
	}
	va_end(args);
}

bool doctor_has(const struct doctor *doctor, enum doctor_level level)
{
	for (size_t i = 0; i < doctor->findings.count; i++)
		if (doctor->findings.items[i].level == level)
			return true;
	return false;
}

static bool is_shown(const struct doctor *doctor, const struct doctor_finding *finding)
{
	return !doctor->quiet || finding->level != DOCTOR_OK;
}

static json_t *finding_json(const struct doctor_finding *finding)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "topic", finding->topic, "level",
			 looks[finding->level].mark, "subject", output_string(finding->subject),
			 "message", output_string(finding->message), "advice",
			 finding->advice ? output_string(finding->advice) : json_null());
}

static int print_json(const struct doctor *doctor)
{
	json_t *list = json_array();
	int failed = 0;

	for (size_t i = 0; i < doctor->findings.count && !failed; i++)
		if (is_shown(doctor, &doctor->findings.items[i]))
			failed = json_array_append_new(list,
						       finding_json(&doctor->findings.items[i]));
	if (failed) {
		json_decref(list);
		return output_json(NULL);
	}
	return output_json(json_pack("{s:o, s:b}", "findings", list, "lets_out",
				     doctor_has(doctor, DOCTOR_BAD)));
}

static bool are_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Whether they can share a line. */
static bool are_alike(const struct doctor_finding *a, const struct doctor_finding *b)
{
	return a->level == b->level && are_equal(a->topic, b->topic) && *a->subject &&
	       *b->subject && are_equal(a->message, b->message) && are_equal(a->advice, b->advice);
}

/* Appends @subject to *@list. Returns 0 or -ENOMEM. */
static int list_subject(char **list, const char *subject)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? ", " : "", subject) < 0)
		return -ENOMEM;
	free(*list);
	*list = longer;
	return 0;
}

/* "sshd, login: MESSAGE" of all findings like the one at @first, which is the first of them. */
static char *sentence(const struct doctor_findings *findings, size_t first)
{
	const struct doctor_finding *finding = &findings->items[first];
	char *subjects = NULL, *text = NULL;
	int ret = list_subject(&subjects, finding->subject);

	for (size_t i = first + 1; i < findings->count && ret == 0; i++)
		if (are_alike(finding, &findings->items[i]))
			ret = list_subject(&subjects, findings->items[i].subject);
	if (ret == 0 &&
	    asprintf(&text, "%s%s%s", subjects, *subjects ? ": " : "", finding->message) < 0)
		text = NULL;
	free(subjects);
	return text;
}

static bool was_shown(const struct doctor_findings *findings, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (are_alike(&findings->items[i], &findings->items[at]))
			return true;
	return false;
}

static int add_rows(const struct doctor *doctor, struct libscols_table *table, size_t at)
{
	const struct doctor_finding *finding = &doctor->findings.items[at];
	struct libscols_line *line = output_row(table);
	char *text = sentence(&doctor->findings, at);
	int ret = line && text ? 0 : -ENOMEM;

	if (ret == 0)
		ret = output_cell(line, 0, "%s", looks[finding->level].mark);
	if (ret == 0)
		ret = output_cell(line, 1, "%s", finding->topic);
	if (ret == 0)
		ret = output_cell(line, 2, "%s", text);
	free(text);
	if (ret < 0)
		return ret;
	output_cell_tone(&doctor->options.output, line, 0, looks[finding->level].tone);
	if (!finding->advice)
		return 0;
	line = output_row(table);
	return output_cell(line, 2, "  %s", finding->advice);
}

static int print_lines(const struct doctor *doctor)
{
	static const struct output_column columns[] = { { "MARK", 4, 0 },
							{ "TOPIC", 9, 0 },
							{ "TEXT", 0.8, SCOLS_FL_WRAP } };
	struct libscols_table *table = output_table(&doctor->options.output, columns, 3);
	int ret = table ? 0 : -ENOMEM;

	if (table)
		scols_table_enable_noheadings(table, 1);
	for (size_t i = 0; i < doctor->findings.count && ret == 0; i++)
		if (is_shown(doctor, &doctor->findings.items[i]) &&
		    !was_shown(&doctor->findings, i))
			ret = add_rows(doctor, table, i);
	if (ret < 0 && table)
		scols_unref_table(table);
	return output_print_table(ret < 0 ? NULL : table);
}

int doctor_print(const struct doctor *doctor)
{
	return doctor->options.output.json ? print_json(doctor) : print_lines(doctor);
}
