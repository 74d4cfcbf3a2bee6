// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev explain says to people of a login that could be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/explain/print.h"

static void print_line(const struct explanation *explanation, const char *begin,
		       const struct conf_statement *statement)
{
	const struct conf *conf = explanation->explain->asked.conf;
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	output_line("%s%s: %s", begin, lines_place(conf, statement, place),
		    conf_describe_statement(statement, text, sizeof(text)));
}

/* Why a line does not decide. */
static void describe_why(const struct explanation *explanation, const struct passed *passed,
			 char *out, size_t size)
{
	static const char *const devices[] = { "all devices", "a minor of all majors",
					       "a whole major", "this device" };
	const struct conf *conf = explanation->explain->asked.conf;
	const struct policy_survey *survey = &explanation->answer.survey;
	const struct policy_line *line = &survey->lines[passed->statement];
	const struct conf_statement *exempt = asking_highest(conf, survey, CONF_EXEMPT);
	char text[LINES_CONDITIONS_SIZE];

	if (passed->why == PASSED_EXEMPTED)
		snprintf(out, size, "exempt, by %s", exempt ? lines_place(conf, exempt, text) : "");
	else if (passed->why == PASSED_UNMET)
		snprintf(out, size, "%s: %s",
			 line->unmet & POLICY_UNMET_SESSION ? "needs a session that is"
							    : "condition not met",
			 lines_conditions(&conf->statements[passed->statement], line->unmet, text));
	else if (passed->why == PASSED_RANK)
		snprintf(out, size, "lower rank: a line for %s", lines_rank_words(line->rank));
	else if (passed->why == PASSED_DEVICE)
		snprintf(out, size, "less specific: %s, not %s", devices[passed->specificity],
			 devices[passed->by]);
	else
		snprintf(out, size, "earlier: of lines alike the last one decides");
}

static int print_passed(const struct explanation *explanation, const struct target *target)
{
	const struct explain *explain = explanation->explain;
	struct trace trace;
	int ret = explain_trace(&explain->asked, &explanation->answer.survey,
				&explanation->coverage, &target->row, explain->access, &trace);

	if (ret == 0 && trace.count)
		output_line("  passed over:");
	for (size_t i = 0; i < trace.count && ret == 0; i++) {
		char access[4], begin[16], why[LINES_CONDITIONS_SIZE + 64];

		snprintf(begin, sizeof(begin), "    %s  ",
			 output_access(trace.items[i].bits, access));
		print_line(explanation, begin,
			   &explain->asked.conf->statements[trace.items[i].statement]);
		describe_why(explanation, &trace.items[i], why, sizeof(why));
		output_line("         %s", why);
	}
	free(trace.items);
	return ret;
}

static void print_turned(const struct explanation *explanation, const struct target *target)
{
	const struct explain *explain = explanation->explain;
	const struct sources sources = { explain->asked.conf, &explanation->other.survey,
					 "restricts such a login", "", 0 };

	if (explain_differs(explanation, target))
		explain_print_verdicts(explain, target->other, &sources,
				       explanation->turned.remote ? "  with --remote: "
								  : "  with --local: ");
}

static int print_target(const struct explanation *explanation, const struct target *target)
{
	const struct explain *explain = explanation->explain;
	const struct sources sources = { explain->asked.conf, &explanation->answer.survey,
					 "restricts this login", "", 0 };
	int ret;

	output_line("%s", "");
	explain_print_title(explain, target, "");
	explain_print_verdicts(explain, target->row.entry, &sources, "  ");
	ret = print_passed(explanation, target);
	print_turned(explanation, target);
	return ret;
}

int explain_print_text(const struct explanation *explanation)
{
	int ret = 0;

	if (explanation->answer.result.kind == POLICY_NONE) {
		asking_print_none(&explanation->explain->asked);
		return COMMAND_YES;
	}
	asking_print_head(&explanation->explain->asking, &explanation->explain->asked,
			  &explanation->answer.survey);
	for (size_t i = 0; i < explanation->targets.count && ret == 0; i++)
		ret = print_target(explanation, &explanation->targets.items[i]);
	if (ret < 0)
		output_error("out of memory");
	return ret < 0 ? COMMAND_FAILED : COMMAND_YES;
}
