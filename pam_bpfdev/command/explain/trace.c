// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What decides on each bit of a target, and the lines about the user that do not, and why. */
#include <errno.h>
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/explain/explain.h"

static enum outcome outcome_of(const struct bpfdev_entry *entry, uint32_t bit)
{
	if (!entry)
		return OUTCOME_ALLOWED;
	if (!(entry->allow & bit))
		return OUTCOME_DENIED;
	if (entry->lent & bit)
		return OUTCOME_LENT;
	return entry->audit & bit ? OUTCOME_AUDITED : OUTCOME_ALLOWED;
}

size_t explain_verdicts(const struct bpfdev_entry *entry, uint32_t access,
			struct verdict verdicts[BPFDEV_BITS])
{
	/* As people say it: r, w, m. */
	static const int order[BPFDEV_BITS] = { 1, 2, 0 };
	size_t count = 0, same;

	for (int i = 0; i < BPFDEV_BITS; i++) {
		uint32_t bit = 1u << order[i];
		struct verdict verdict = { bit, outcome_of(entry, bit),
					   entry ? entry->source[order[i]] : 0 };

		if (!(access & bit))
			continue;
		for (same = 0; same < count; same++)
			if (verdicts[same].outcome == verdict.outcome &&
			    verdicts[same].source == verdict.source)
				break;
		if (same < count)
			verdicts[same].bits |= bit;
		else
			verdicts[count++] = verdict;
	}
	return count;
}

const struct conf_statement *explain_line(const struct sources *sources, uint32_t source,
					  enum table_rank *rank)
{
	const struct conf_statement *statement =
		sources->conf ? lines_find(sources->conf, source) : NULL;

	if (statement)
		*rank = sources->survey->lines[statement - sources->conf->statements].rank;
	return statement;
}

bool explain_words(const struct sources *sources, uint32_t source, char *out)
{
	*out = '\0';
	return source && sources->table && rules_words(sources->table, source, out);
}

bool explain_differs(const struct explanation *explanation, const struct target *target)
{
	const struct bpfdev_entry *here = target->row.entry, *there = target->other;
	uint32_t access = explanation->explain->access;

	if (!explanation->has_other || !here || !there)
		return false;
	return ((here->allow ^ there->allow) & access) || ((here->audit ^ there->audit) & access);
}

static bool has_device(const struct conf_statement *statement)
{
	return statement->verb == CONF_ALLOW || statement->verb == CONF_DENY;
}

int explain_load_coverage(struct explanation *explanation)
{
	const struct asked *asked = &explanation->explain->asked;
	const struct conf *conf = asked->conf;
	struct reason why;

	explanation->coverage = xcalloc(conf->statement_count, sizeof(*explanation->coverage));
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];
		int ret = 0;

		if (explanation->answer.survey.lines[i].standing != POLICY_OTHERS &&
		    has_device(statement))
			ret = xcheck(policy_resolve_statement(conf, asked->devices, statement,
							      &explanation->coverage[i], &why));
		/* A line that does not count may stand for more than a line may. */
		if (ret < 0 && ret != -E2BIG) {
			output_error("%s", why.text);
			return COMMAND_FAILED;
		}
	}
	return COMMAND_YES;
}

void explain_free_coverage(struct explanation *explanation)
{
	const struct conf *conf = explanation->explain->asked.conf;

	for (size_t i = 0; explanation->coverage && i < conf->statement_count; i++)
		device_patterns_free(&explanation->coverage[i]);
	free(explanation->coverage);
	explanation->coverage = NULL;
}

/* The most specific of a line's patterns whose rule bears on all of the target's devices, or NULL. */
static const struct device_pattern *find_best(const struct device_patterns *patterns,
					      const struct table_view_row *target)
{
	const struct device_pattern *best = NULL;

	for (size_t i = 0; i < patterns->count; i++) {
		const struct device_pattern *pattern = &patterns->items[i];

		if (pattern->type == target->type &&
		    (pattern->major == BPFDEV_ANY || pattern->major == target->major_low) &&
		    (pattern->minor == BPFDEV_ANY || pattern->minor == target->minor_low) &&
		    (!best || table_specificity(pattern) > table_specificity(best)))
			best = pattern;
	}
	return best;
}

bool explain_covers(const struct device_patterns *patterns, const struct table_view_row *target)
{
	return find_best(patterns, target);
}

/* A line's rule for the target. Returns false: it has none, and covers no device. */
static bool make_rule(const struct explanation *explanation, size_t statement,
		      const struct table_view_row *target, struct table_rule *rule)
{
	const struct device_pattern *best = find_best(&explanation->coverage[statement], target);

	*rule = (struct table_rule) {
		.rank = (uint8_t)explanation->answer.survey.lines[statement].rank,
	};
	if (best)
		rule->device = *best;
	return best;
}

/*
 * Whether statement @i, which counts and has @rule for the target, is another one than that which
 * decides on the bit; then sets why.
 */
static bool is_outdone(const struct explanation *explanation, const struct table_view_row *target,
		       size_t i, int bit, const struct table_rule *rule, struct passed *passed)
{
	static const enum passed_why by_advantage[] = {
		[TABLE_BY_RANK] = PASSED_RANK,
		[TABLE_BY_DEVICE] = PASSED_DEVICE,
		[TABLE_BY_ORDER] = PASSED_ORDER,
	};
	const struct conf *conf = explanation->explain->asked.conf;
	const struct conf_statement *decides = lines_find(conf, target->entry->source[bit]);
	enum table_advantage advantage;
	struct table_rule winner;
	size_t place;

	if (!decides || decides == &conf->statements[i])
		return false;
	place = (size_t)(decides - conf->statements);
	make_rule(explanation, place, target, &winner);
	table_compare_rules(&winner, place, rule, i, &advantage);
	passed->why = by_advantage[advantage];
	passed->specificity = table_specificity(&rule->device);
	if (passed->why == PASSED_DEVICE)
		passed->by = table_specificity(&winner.device);
	return true;
}

/* Whether statement @i is passed over for a bit of the target; then sets why. */
static bool is_passed_over(const struct explanation *explanation,
			   const struct table_view_row *target, size_t i, int bit,
			   struct passed *passed)
{
	const struct conf_statement *statement = passed->statement;
	enum policy_standing standing = passed->line->standing;
	bool allowed = target->entry->allow & ~target->entry->audit & (1u << bit);
	struct table_rule rule;

	if (standing == POLICY_OTHERS)
		return false;
	if (has_device(statement)) {
		if (!(statement->access & (1u << bit)) || !make_rule(explanation, i, target, &rule))
			return false;
		if (standing == POLICY_COUNTS)
			return is_outdone(explanation, target, i, bit, &rule, passed);
	} else if (standing == POLICY_COUNTS || allowed) {
		/* An exempt or audit line could not have changed what is allowed. */
		return false;
	}
	passed->why = standing == POLICY_EXEMPTED ? PASSED_EXEMPTED : PASSED_UNMET;
	return true;
}

/* Adds a bit of a line that is passed over. */
static void note(struct trace *trace, const struct passed *passed)
{
	for (size_t i = trace->count; i > 0; i--) {
		struct passed *known = &trace->items[i - 1];

		if (known->statement != passed->statement)
			break;
		if (known->why == passed->why && known->by == passed->by) {
			known->bits |= passed->bits;
			return;
		}
	}
	*xappend(trace) = *passed;
}

void explain_trace(const struct explanation *explanation, const struct table_view_row *target,
		   struct trace *trace)
{
	const struct explain *explain = explanation->explain;
	const struct conf *conf = explain->asked.conf;

	*trace = (struct trace) { 0 };
	for (size_t i = 0; target->entry && i < conf->statement_count; i++) {
		for (int bit = 0; bit < BPFDEV_BITS; bit++) {
			struct passed passed = {
				.statement = &conf->statements[i],
				.line = &explanation->answer.survey.lines[i],
				.bits = 1u << bit,
			};

			if ((explain->access & passed.bits) &&
			    is_passed_over(explanation, target, i, bit, &passed))
				note(trace, &passed);
		}
	}
}
