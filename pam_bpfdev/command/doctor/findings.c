// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was found: kept, and printed as lines or JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/doctor/doctor.h"

static const struct {
	const char *mark;
	enum output_tone tone;
} looks[] = {
	[DOCTOR_OK] = { "ok", OUTPUT_GOOD },	    [DOCTOR_NOTE] = { "note", OUTPUT_STRONG },
	[DOCTOR_WARN] = { "warn", OUTPUT_WARNING }, [DOCTOR_BLIND] = { "warn", OUTPUT_WARNING },
	[DOCTOR_MISTAKE] = { "bad", OUTPUT_BAD },   [DOCTOR_BAD] = { "bad", OUTPUT_BAD },
};

void doctor_find(struct doctor *doctor, enum doctor_level level, const char *topic,
		 const char *subject, const char *format, ...)
{
	struct doctor_finding *finding = xappend(&doctor->findings);
	va_list args;

	*finding = (struct doctor_finding) { level, topic, xstrdup(subject), NULL, NULL };
	va_start(args, format);
	finding->message = xvasprintf(format, args);
	va_end(args);
}

void doctor_advise(struct doctor *doctor, const char *format, ...)
{
	struct doctor_findings *findings = &doctor->findings;
	va_list args;

	va_start(args, format);
	findings->items[findings->count - 1].advice = xvasprintf(format, args);
	va_end(args);
}

void doctor_tally(struct doctor_tallies *tallies, const struct doctor_tally *like,
		  const char *subject, const char *message)
{
	struct doctor_tally *tally;

	for (size_t i = 0; i < tallies->count; i++) {
		tally = &tallies->items[i];
		if (strcmp(tally->subject, subject) == 0 && strcmp(tally->message, message) == 0) {
			/* A process may have several such descriptors, by threads of its own. */
			tally->count += tally->last != like->pid;
			tally->last = like->pid;
			return;
		}
	}
	tally = xappend(tallies);
	*tally = *like;
	tally->subject = xstrdup(subject);
	tally->message = xstrdup(message);
	tally->count = 1;
	tally->last = like->pid;
}

void doctor_tell_tallies(struct doctor *doctor, struct doctor_tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++) {
		struct doctor_tally *tally = &tallies->items[i];

		if (tally->count == 1)
			doctor_find(doctor, tally->level, tally->topic, tally->subject,
				    "%s: process %d (%s)", tally->message, tally->pid, tally->comm);
		else
			doctor_find(doctor, tally->level, tally->topic, tally->subject,
				    "%s: %zu processes, %d (%s) one of them", tally->message,
				    tally->count, tally->pid, tally->comm);
		doctor_advise(doctor, "%s", tally->advice);
		free(tally->subject);
		free(tally->message);
	}
	free(tallies->items);
	*tallies = (struct doctor_tallies) { 0 };
}

void doctor_findings_free(struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].subject);
		free(findings->items[i].message);
		free(findings->items[i].advice);
	}
	free(findings->items);
	*findings = (struct doctor_findings) { 0 };
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

/* @text: for a table, what it says of this finding and of those like it. */
static void describe(struct row *row, const struct doctor_finding *finding, const char *text)
{
	if (row_field(row, NULL, "MARK", 0)) {
		row_cell(row, "%-4s", looks[finding->level].mark);
		row_tone(row, looks[finding->level].tone);
	}
	if (row_field(row, "topic", "TOPIC", 0)) {
		row_text(row, "%s", finding->topic);
		row_cell(row, "%-9s", finding->topic);
	}
	if (row_field(row, "level", NULL, 0))
		row_text(row, "%s", looks[finding->level].mark);
	if (row_field(row, "subject", NULL, 0))
		row_text(row, "%s", finding->subject);
	if (row_field(row, "message", NULL, 0))
		row_text(row, "%s", finding->message);
	if (row_field(row, "advice", NULL, 0))
		row_text_or_null(row, finding->advice);
	if (row_field(row, NULL, "TEXT", SCOLS_FL_WRAP))
		row_cell(row, "%s", text);
}

static int print_json(const struct doctor *doctor)
{
	json_t *list = json_array(), *object = json_object();

	for (size_t i = 0; i < doctor->findings.count; i++) {
		struct row row = row_object();

		if (!is_shown(doctor, &doctor->findings.items[i]))
			continue;
		describe(&row, &doctor->findings.items[i], NULL);
		row_append(list, row.object);
	}
	row_put(object, "findings", list);
	row_put(object, "lets_out", json_boolean(doctor_has(doctor, DOCTOR_BAD)));
	return output_json(object);
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

/* "sshd, login: MESSAGE" of all findings like the one at @first, which is the first of them. */
static char *sentence(const struct doctor_findings *findings, size_t first)
{
	const struct doctor_finding *finding = &findings->items[first];
	char *subjects = xstrdup(finding->subject), *text;

	for (size_t i = first + 1; i < findings->count; i++) {
		if (!are_alike(finding, &findings->items[i]))
			continue;
		text = xasprintf("%s, %s", subjects, findings->items[i].subject);
		free(subjects);
		subjects = text;
	}
	text = xasprintf("%s%s%s", subjects, *subjects ? ": " : "", finding->message);
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

static void print_lines(const struct doctor *doctor)
{
	const struct doctor_findings *findings = &doctor->findings;
	struct row_table table = row_table(&doctor->options.output);

	table.no_headings = true;
	for (size_t i = 0; i < findings->count; i++) {
		struct row row;
		char *text;

		if (!is_shown(doctor, &findings->items[i]) || was_shown(findings, i))
			continue;
		row = row_line(&table);
		text = sentence(findings, i);
		describe(&row, &findings->items[i], text);
		free(text);
		if (!findings->items[i].advice)
			continue;
		row = row_line(&table);
		if (row_field(&row, NULL, "TEXT", SCOLS_FL_WRAP))
			row_cell(&row, "  %s", findings->items[i].advice);
	}
	row_table_print(&table);
}

int doctor_print(const struct doctor *doctor)
{
	if (doctor->options.output.json)
		return print_json(doctor);
	print_lines(doctor);
	return 0;
}
