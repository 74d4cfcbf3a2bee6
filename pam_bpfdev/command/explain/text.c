// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev explain says to people: of a login that could be, and of a session that is open. */
#include <stdio.h>
#include <stdlib.h>

#include "command/explain/session.h"

/* A place, a text and some words around them. */
#define BY_SIZE (LINES_PLACE_SIZE + LINES_TEXT_SIZE + 128)

/* "b 8:0 /dev/sda (block-sd) usb:46f4:0001:A1" on a line of its own, behind @indent. */
static void print_title(const struct explain *explain, const struct table_view_row *row,
			const char *indent)
{
	char device[64], path[NAMES_PATH_SIZE], drivers[NAMES_DRIVERS_SIZE],
		driver[NAMES_BEST_SIZE];
	char usb[DEVICE_SERIAL_SIZE];
	const char *found = explain_path(explain, row, path);

	*driver = '\0';
	table_view_device(row, device);
	if (row->major_low == row->major_high &&
	    names_drivers(explain->names, row->type, row->major_low, drivers))
		snprintf(driver, sizeof(driver), " (%s-%s)",
			 row->type == BPFDEV_CHAR ? "char" : "block", drivers);
	explain_usb(explain, row, usb);
	output_line("%s%s%s%s%s%s%s", indent, device, *found ? " " : "", found, driver,
		    *usb ? " " : "", usb);
}

/* What decided. */
static void describe_source(const struct sources *sources, const struct verdict *verdict, char *out)
{
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE], words[RULES_WORDS_SIZE];
	enum table_rank rank;
	const struct conf_statement *statement = explain_line(sources, verdict->source, &rank);

	if (statement)
		snprintf(out, BY_SIZE, "by %s, a line for %s: %s",
			 lines_place(sources->conf, statement, place), lines_rank_words(rank),
			 conf_describe_statement(statement, text, sizeof(text)));
	else if (verdict->source == BPFDEV_SOURCE_BASELINE)
		snprintf(out, BY_SIZE, "by the baseline, which is what every shell needs");
	else if (verdict->source && explain_words(sources, verdict->source, words))
		snprintf(out, BY_SIZE, "%s: %s", sources->unnamed, words);
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

/* A line for each verdict on explain->access: "rw-  denied by FILE:LINE, ...", behind @begin. */
static void print_verdicts(const struct explain *explain, const struct bpfdev_entry *entry,
			   const struct sources *sources, const char *begin)
{
	static const enum output_tone tones[] = {
		[OUTCOME_ALLOWED] = OUTPUT_GOOD,
		[OUTCOME_LENT] = OUTPUT_WARNING,
		[OUTCOME_AUDITED] = OUTPUT_WARNING,
		[OUTCOME_DENIED] = OUTPUT_BAD,
	};
	const struct output *output = &explain->options.output;
	struct verdict verdicts[BPFDEV_BITS];
	size_t count = explain_verdicts(entry, explain->access, verdicts);

	for (size_t i = 0; i < count; i++) {
		enum outcome outcome = verdicts[i].outcome;
		char access[4], by[BY_SIZE], middle[128];

		describe_source(sources, &verdicts[i], by);
		describe_outcome(sources, outcome, middle, sizeof(middle));
		/* All our own text: needs no escaping. What follows does. */
		printf("%s%s  %s%s%s", begin, output_access(verdicts[i].bits, access),
		       output_tone(output, tones[outcome]),
		       outcome == OUTCOME_DENIED ? "denied" : "allowed",
		       output_tone(output, OUTPUT_PLAIN));
		output_line("%s %s", middle, by);
	}
}

/* Why a line does not decide. */
static void describe_why(const struct explanation *explanation, const struct passed *passed,
			 char *out, size_t size)
{
	static const char *const devices[] = { "all devices", "a minor of all majors",
					       "a whole major", "this device" };
	const struct conf *conf = explanation->explain->asked.conf;
	const struct conf_statement *exempt =
		asking_highest(conf, &explanation->answer.survey, CONF_EXEMPT);
	char text[LINES_CONDITIONS_SIZE];

	if (passed->why == PASSED_EXEMPTED)
		snprintf(out, size, "exempt, by %s", exempt ? lines_place(conf, exempt, text) : "");
	else if (passed->why == PASSED_UNMET)
		snprintf(out, size, "%s: %s",
			 passed->line->unmet & POLICY_UNMET_SESSION ? "needs a session that is"
								    : "condition not met",
			 lines_conditions(passed->statement, passed->line->unmet, text));
	else if (passed->why == PASSED_RANK)
		snprintf(out, size, "lower rank: a line for %s",
			 lines_rank_words(passed->line->rank));
	else if (passed->why == PASSED_DEVICE)
		snprintf(out, size, "less specific: %s, not %s", devices[passed->specificity],
			 devices[passed->by]);
	else
		snprintf(out, size, "earlier: of lines alike the last one decides");
}

static void print_passed(const struct explanation *explanation, const struct table_view_row *row)
{
	const struct conf *conf = explanation->explain->asked.conf;
	struct trace trace;

	explain_trace(explanation, row, &trace);
	if (trace.count)
		output_line("  passed over:");
	for (size_t i = 0; i < trace.count; i++) {
		const struct passed *passed = &trace.items[i];
		char access[4], place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
		char why[LINES_CONDITIONS_SIZE + 64];

		output_line("    %s  %s: %s", output_access(passed->bits, access),
			    lines_place(conf, passed->statement, place),
			    conf_describe_statement(passed->statement, text, sizeof(text)));
		describe_why(explanation, passed, why, sizeof(why));
		output_line("         %s", why);
	}
	free(trace.items);
}

void explain_print_text(const struct explanation *explanation)
{
	const struct explain *explain = explanation->explain;
	const struct conf *conf = explain->asked.conf;
	const struct sources here = { .conf = conf,
				      .survey = &explanation->answer.survey,
				      .restricts = "restricts this login" };
	const struct sources there = { .conf = conf,
				       .survey = &explanation->other.survey,
				       .restricts = "restricts such a login" };

	if (explanation->answer.result.kind == POLICY_NONE) {
		asking_print_none(&explain->asked, &explanation->answer.survey);
		return;
	}
	asking_print_head(&explain->asking, &explain->asked, &explanation->answer.survey);
	for (size_t i = 0; i < explanation->targets.count; i++) {
		const struct target *target = &explanation->targets.items[i];

		output_line("%s", "");
		print_title(explain, &target->row, "");
		print_verdicts(explain, target->row.entry, &here, "  ");
		print_passed(explanation, &target->row);
		if (explain_differs(explanation, target))
			print_verdicts(explain, target->other, &there,
				       explanation->turned.remote ? "  with --remote: "
								  : "  with --local: ");
		explain_print_doors(&target->row, "  ");
	}
}

/* "session 3, service sshd, tty ssh, from 10.0.0.5, since 2026-11-22 03:50" */
static void print_head(const struct place *place)
{
	const struct bpfdev_info *info = &place->unit->info;
	char id[UNIT_ID_SIZE], since[32];

	unit_id(&place->unit->unit, id);
	if (place_is_manager(place))
		output_line("the user's systemd manager");
	else if (!place->table)
		output_line("session %s", id);
	else
		output_line("session %s, service %s%s%s%s%s, since %s%s%s", id, info->service,
			    *info->tty ? ", tty " : "", info->tty, *info->rhost ? ", from " : "",
			    info->rhost, output_time(info->opened, since),
			    info->flags & BPFDEV_NO_LOGIN ? ", by su or the like" : "",
			    info->flags & BPFDEV_CLOSED ? ", closed, with processes left" : "");
}

/* How the place stands to the files, or to the sessions that it is to be the union of. */
static void print_agreement(const struct explain *explain, const struct place *place)
{
	const char *user = explain->asked.subject.name;
	bool agrees = place->conf && place_agrees_on_all(explain, place);

	if (!place->conf)
		output_line("  it cannot be compared with the files: %s", place->unlike.text);
	else if (agrees && place->united)
		output_line("  it is the union of what the open sessions may do");
	else if (agrees)
		output_line("  the filter and the files agree%s",
			    place->changed ? ", though the policy has changed since" : "");
	else if (place->united)
		output_line("  it is not the union of what the open sessions may do: bpfdev reload "
			    "%s mends it",
			    user);
	else
		output_line("  the filter and the files differ: bpfdev reload %s puts the policy "
			    "in force",
			    user);
}

void place_print(const struct explain *explain, const struct place *place)
{
	print_head(place);
	for (size_t i = 0; i < place->targets.count; i++) {
		const struct target *target = &place->targets.items[i];
		struct sources kernel = place_sources(explain, place, target, false);
		struct sources files = place_sources(explain, place, target, true);

		print_title(explain, &target->row, "  ");
		print_verdicts(explain, target->row.entry, &kernel, "    ");
		if (place->conf && !place_agrees(explain, target))
			print_verdicts(explain, target->other, &files,
				       place->united ? "    the open sessions: "
						     : "    the files: ");
		explain_print_doors(&target->row, "    ");
	}
	if (*place->unread.text)
		output_line("  its filter cannot be read: %s", place->unread.text);
	else
		print_agreement(explain, place);
	for (size_t i = 0; i < place->programs.count; i++) {
		const struct other_program *other = &place->programs.items[i];

		output_line("  also asked: program %u \"%s\" on %s (not ours: it can refuse too)",
			    other->program.id, other->program.name,
			    other->cgroup ? other->cgroup : "a cgroup further up, out of sight");
	}
}
