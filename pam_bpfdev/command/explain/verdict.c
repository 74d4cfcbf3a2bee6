// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Verdicts as text. */
#include <stdio.h>
#include <string.h>

#include "command/explain/print.h"

/* A place, a text and some words around them. */
#define BY_SIZE (LINES_PLACE_SIZE + LINES_TEXT_SIZE + 128)

const char *explain_path(const struct explain *explain, const struct table_view_row *row,
			 char *path)
{
	*path = '\0';
	if (explain->path)
		return explain->path;
	if (row->minor_low == row->minor_high && row->major_low == row->major_high)
		names_path(explain->names, row->type, row->major_low, row->minor_low, path);
	return path;
}

bool explain_drivers(const struct explain *explain, const struct table_view_row *row, char *drivers)
{
	*drivers = '\0';
	return row->major_low == row->major_high &&
	       names_drivers(explain->names, row->type, row->major_low, drivers);
}

void explain_print_title(const struct explain *explain, const struct target *target,
			 const char *indent)
{
	const struct table_view_row *row = &target->row;
	char device[64], path[NAMES_PATH_SIZE], drivers[NAMES_DRIVERS_SIZE];
	const char *found = explain_path(explain, row, path);

	table_view_device(row, device);
	if (explain_drivers(explain, row, drivers))
		output_line("%s%s%s%s (%s-%s)", indent, device, *found ? " " : "", found,
			    row->type == BPFDEV_CHAR ? "char" : "block", drivers);
	else
		output_line("%s%s%s%s", indent, device, *found ? " " : "", found);
}

static void describe_line(const struct sources *sources, const struct conf_statement *statement,
			  char *out)
{
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
	size_t i = (size_t)(statement - sources->conf->statements);

	lines_place(sources->conf, statement, place);
	conf_describe_statement(statement, text, sizeof(text));
	snprintf(out, BY_SIZE, "by %s, a line for %s: %s", place,
		 lines_rank_words(sources->survey->lines[i].rank), text);
}

/* What decided. */
static void describe_source(const struct sources *sources, const struct verdict *verdict, char *out)
{
	const struct conf_statement *statement =
		sources->conf ? lines_find(sources->conf, verdict->source) : NULL;

	if (statement)
		describe_line(sources, statement, out);
	else if (verdict->source == BPFDEV_SOURCE_BASELINE)
		snprintf(out, BY_SIZE, "by the baseline, which is what every shell needs");
	else if (verdict->source)
		snprintf(out, BY_SIZE, "%s", sources->unnamed);
	else if (verdict->outcome == OUTCOME_ALLOWED)
		snprintf(out, BY_SIZE, "as no line %s", sources->restricts);
	else
		snprintf(out, BY_SIZE, "as no line allows it");
}

/* What stands between the outcome's word and what decided. */
static void describe_outcome(const struct sources *sources, enum outcome outcome, char *out,
			     size_t size)
{
	char until[32];

	*out = '\0';
	if (outcome == OUTCOME_AUDITED)
		snprintf(out, size, " for audit only; would be denied");
	else if (outcome == OUTCOME_LENT && sources->until)
		snprintf(out, size, " for a time by an exception, until %s; otherwise denied",
			 output_time(sources->until, until));
	else if (outcome == OUTCOME_LENT)
		snprintf(out, size, " for a time by an exception; otherwise denied");
}

static void print_verdict(const struct explain *explain, const struct verdict *verdict,
			  const struct sources *sources, const char *begin)
{
	const struct output *output = &explain->options.output;
	bool denied = verdict->outcome == OUTCOME_DENIED;
	enum output_tone tone = denied				      ? OUTPUT_BAD
				: verdict->outcome == OUTCOME_ALLOWED ? OUTPUT_GOOD
								      : OUTPUT_WARNING;
	char access[4], by[BY_SIZE], middle[128];

	describe_source(sources, verdict, by);
	describe_outcome(sources, verdict->outcome, middle, sizeof(middle));
	/* Nothing here is anybody's but ours. */
	printf("%s%s  %s%s%s", begin, output_access(verdict->bits, access),
	       output_tone(output, tone), denied ? "denied" : "allowed",
	       output_tone(output, OUTPUT_PLAIN));
	output_line("%s %s", middle, by);
}

void explain_print_verdicts(const struct explain *explain, const struct bpfdev_entry *entry,
			    const struct sources *sources, const char *begin)
{
	struct verdict verdicts[BPFDEV_BITS];
	size_t count = explain_verdicts(entry, explain->access, verdicts);

	for (size_t i = 0; i < count; i++)
		print_verdict(explain, &verdicts[i], sources, begin);
}
