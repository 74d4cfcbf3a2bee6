// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The lines about a user that do not decide, and why. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/explain/explain.h"

static bool has_device(const struct conf_statement *statement)
{
	return statement->verb == CONF_ALLOW || statement->verb == CONF_DENY;
}

void coverage_free(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++)
		device_patterns_free(&coverage->lines[i]);
	free(coverage->lines);
	*coverage = (struct coverage) { 0 };
}

int coverage_load(const struct asked *asked, const struct policy_survey *survey,
		  struct coverage *coverage, struct reason *why)
{
	const struct conf *conf = asked->conf;
	int ret = 0;

	*coverage = (struct coverage) {
		.lines = calloc(conf->statement_count + 1, sizeof(*coverage->lines)),
		.count = conf->statement_count,
	};
	if (!coverage->lines) {
		reason_set(why, "out of memory");
		*coverage = (struct coverage) { 0 };
		return -ENOMEM;
	}
	for (size_t i = 0; i < conf->statement_count && ret == 0; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if (survey->lines[i].standing != POLICY_OTHERS && has_device(statement))
			ret = policy_resolve(conf, asked->devices, &statement->device,
					     &coverage->lines[i], why);
		/* A line that does not count may stand for more than a line may. */
		if (ret == -E2BIG)
			ret = 0;
	}
	if (ret < 0)
		coverage_free(coverage);
	return ret;
}

/* Whether the rule for @pattern bears on all of the target's devices. */
static bool covers(const struct device_pattern *pattern, const struct table_view_row *target)
{
	return pattern->type == target->type &&
	       (pattern->major == BPFDEV_ANY || pattern->major == target->major_low) &&
	       (pattern->minor == BPFDEV_ANY || pattern->minor == target->minor_low);
}

/* The most specific of a line's patterns that cover the target, or NULL. */
static const struct device_pattern *find_best(const struct device_patterns *patterns,
					      const struct table_view_row *target)
{
	const struct device_pattern *best = NULL;

	for (size_t i = 0; i < patterns->count; i++)
		if (covers(&patterns->items[i], target) &&
		    (!best || table_specificity(&patterns->items[i]) > table_specificity(best)))
			best = &patterns->items[i];
	return best;
}

bool explain_covers(const struct device_patterns *patterns, const struct table_view_row *target)
{
	return find_best(patterns, target);
}

/* One target on its way through the lines. */
struct tracing {
	const struct asked *asked;
	const struct policy_survey *survey;
	const struct coverage *coverage;
	const struct table_view_row *target;
	struct trace *trace;
};

/* A line's rule for the target; a line that does not cover it has no devices. */
static bool make_rule(const struct tracing *tracing, size_t statement, struct table_rule *rule)
{
	const struct device_pattern *best =
		find_best(&tracing->coverage->lines[statement], tracing->target);

	*rule = (struct table_rule) { .rank = (uint8_t)tracing->survey->lines[statement].rank };
	if (best)
		rule->device = *best;
	return best;
}

/* One more bit of a line that is passed over. */
static int note(struct tracing *tracing, const struct passed *passed)
{
	struct trace *trace = tracing->trace;
	struct passed *grown;

	for (size_t i = trace->count; i > 0; i--) {
		struct passed *known = &trace->items[i - 1];

		if (known->statement != passed->statement)
			break;
		if (known->why == passed->why && known->by == passed->by) {
			known->bits |= passed->bits;
			return 0;
		}
	}
	grown = array_grow(trace->items, trace->count, &trace->capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	trace->items = grown;
	grown[trace->count++] = *passed;
	return 0;
}

/* A line that counts and covers the target, beside the one that decides. */
static int compare(struct tracing *tracing, struct passed *passed, const struct table_rule *rule,
		   uint32_t source)
{
	static const enum passed_why by_advantage[] = {
		[TABLE_BY_RANK] = PASSED_RANK,
		[TABLE_BY_DEVICE] = PASSED_DEVICE,
		[TABLE_BY_ORDER] = PASSED_ORDER,
	};
	const struct conf *conf = tracing->asked->conf;
	const struct conf_statement *decides = lines_find(conf, source);
	enum table_advantage advantage;
	struct table_rule winner;
	size_t place;

	if (!decides || decides == &conf->statements[passed->statement])
		return 0;
	place = (size_t)(decides - conf->statements);
	make_rule(tracing, place, &winner);
	table_compare_rules(&winner, place, rule, passed->statement, &advantage);
	passed->why = by_advantage[advantage];
	if (passed->why == PASSED_DEVICE)
		passed->by = table_specificity(&winner.device);
	return note(tracing, passed);
}

/* Whether the bit comes out so that an exempt or audit line could have changed that. */
static bool is_restricted(const struct tracing *tracing, int bit)
{
	const struct bpfdev_entry *entry = tracing->target->entry;

	return !(entry->allow & ~entry->audit & (1u << bit));
}

static int trace_bit(struct tracing *tracing, size_t i, int bit)
{
	const struct conf_statement *statement = &tracing->asked->conf->statements[i];
	const struct policy_line *line = &tracing->survey->lines[i];
	struct passed passed = { .statement = i, .bits = 1u << bit };
	struct table_rule rule;

	if (!has_device(statement)) {
		if (line->standing == POLICY_COUNTS || !is_restricted(tracing, bit))
			return 0;
	} else if (!(statement->access & passed.bits) || !make_rule(tracing, i, &rule)) {
		return 0;
	} else if (line->standing == POLICY_COUNTS) {
		passed.specificity = table_specificity(&rule.device);
		return compare(tracing, &passed, &rule, tracing->target->entry->source[bit]);
	}
	passed.why = line->standing == POLICY_EXEMPTED ? PASSED_EXEMPTED : PASSED_UNMET;
	return note(tracing, &passed);
}

int explain_trace(const struct asked *asked, const struct policy_survey *survey,
		  const struct coverage *coverage, const struct table_view_row *target,
		  uint32_t access, struct trace *trace)
{
	struct tracing tracing = { asked, survey, coverage, target, trace };
	int ret = 0;

	*trace = (struct trace) { 0 };
	if (!target->entry)
		return 0;
	for (size_t i = 0; i < asked->conf->statement_count; i++)
		for (int bit = 0; bit < BPFDEV_BITS && ret == 0; bit++)
			if ((access & (1u << bit)) && survey->lines[i].standing != POLICY_OTHERS)
				ret = trace_bit(&tracing, i, bit);
	return ret;
}
