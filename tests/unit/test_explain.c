/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Random policies, users and devices: what is told of the lines agrees with a plain reading. */
#include "check.h"

#include "command/explain/explain.h"
#include "dice.h"
#include "generate.h"
#include "login.h"
#include "naive.h"

#define POLICIES 3000
#define SUBJECTS 4
#define REQUESTS 16

static uint64_t run_seed;

struct trial {
	struct dice dice;
	struct generated policy;
	struct conf *conf;
	struct generated_subject user;
	struct policy_session session;
	struct explain explain;
	struct explanation explanation;
};

static void decide(struct trial *trial)
{
	struct answer *answer = &trial->explanation.answer;

	trial->explain = (struct explain) {
		.asked = { trial->user.subject, trial->conf, &login_world.source },
		.access = BPFDEV_ACCESS,
		.join = true,
	};
	trial->explanation = (struct explanation) { .explain = &trial->explain };
	assert_int_equal(policy_decide(trial->conf, &login_world.source, &trial->user.subject,
				       &trial->session, &answer->result, NULL),
			 0);
	assert_int_equal(policy_survey(trial->conf, &trial->user.subject, &trial->session,
				       &answer->survey, NULL),
			 0);
	assert_int_equal(explain_load_coverage(&trial->explanation), COMMAND_YES);
	assert_int_equal(answer->survey.kind, answer->result.kind);
}

static void forget(struct trial *trial)
{
	explain_free_coverage(&trial->explanation);
	answer_free(&trial->explanation.answer);
}

static void each_trial(void (*check)(struct trial *trial))
{
	static struct trial trial;

	for (uint64_t i = 0; i < POLICIES; i++) {
		trial.dice = dice_from_seed(run_seed + i);
		generate_policy(&trial.dice, &login_world, &trial.policy);
		assert_int_equal(conf_parse("random", trial.policy.text, trial.policy.length, false,
					    &trial.conf),
				 0);
		for (int j = 0; j < SUBJECTS; j++) {
			generate_subject(&trial.dice, &login_world, &trial.user);
			trial.session = generate_session(&trial.dice);
			trial.session.kind =
				dice_percent(&trial.dice, 25) ? POLICY_JOB : POLICY_LOGIN;
			decide(&trial);
			check(&trial);
			forget(&trial);
		}
		conf_free(trial.conf);
	}
}

/* The lines that count, without conditions and without the others. */
static size_t keep_counting(const struct trial *trial, struct conf_statement *kept)
{
	size_t count = 0;

	for (size_t i = 0; i < trial->conf->statement_count; i++) {
		if (trial->explanation.answer.survey.lines[i].standing != POLICY_COUNTS)
			continue;
		kept[count] = trial->conf->statements[i];
		kept[count++].when = (struct conf_when) { 0 };
	}
	return count;
}

static void check_the_rest_is_nothing(struct trial *trial)
{
	struct conf_statement kept[GENERATED_LINES_MAX];
	struct conf counting = *trial->conf;
	struct policy_result result;

	if (trial->explanation.answer.result.kind != POLICY_RULES)
		return;
	counting.statements = kept;
	counting.statement_count = keep_counting(trial, kept);
	/* An allow line that does not hold may be all that restricts. */
	if (!counting.statement_count)
		return;
	assert_int_equal(policy_decide(&counting, &login_world.source, &trial->user.subject,
				       &trial->session, &result, NULL),
			 0);
	if (result.kind == POLICY_RULES)
		assert_int_equal(table_digest(result.table),
				 table_digest(trial->explanation.answer.result.table));
	policy_result_free(&result);
}

static void lines_that_do_not_count_change_nothing(void **state)
{
	(void)state;
	each_trial(check_the_rest_is_nothing);
}

/* What the trace says of a statement and a bit, as a mask of reasons. */
static unsigned int reasons(const struct trace *trace, const struct conf_statement *statement,
			    uint32_t bit)
{
	unsigned int found = 0;

	for (size_t j = 0; j < trace->count; j++)
		if (trace->items[j].statement == statement && (trace->items[j].bits & bit))
			found |= 1u << trace->items[j].why;
	return found;
}

/* Why statement @i does not decide on the bit, as the plain reading of the text has it. */
static unsigned int naive_reasons(const struct trial *trial, const struct naive_request *request,
				  size_t i, int bit, uint32_t source)
{
	const struct conf_statement *line = &trial->conf->statements[i];
	const struct policy_line *here = &trial->explanation.answer.survey.lines[i], *there;
	const struct conf_statement *decides;
	int specificity, other;

	if ((line->verb != CONF_ALLOW && line->verb != CONF_DENY) || !(line->access & (1u << bit)))
		return 0;
	specificity = (int)naive_covers(&login_world, trial->conf, &line->device,
					line->verb == CONF_DENY, request);
	if (here->standing == POLICY_OTHERS || specificity == COVERS_NOT)
		return 0;
	if (here->standing != POLICY_COUNTS)
		return 1u << (here->standing == POLICY_UNMET ? PASSED_UNMET : PASSED_EXEMPTED);
	decides = lines_find(trial->conf, source);
	if (!decides || decides == line)
		return 0;
	there = &trial->explanation.answer.survey.lines[decides - trial->conf->statements];
	other = (int)naive_covers(&login_world, trial->conf, &decides->device,
				  decides->verb == CONF_DENY, request);
	if (here->rank != there->rank)
		return here->rank < there->rank ? 1u << PASSED_RANK : ~0u;
	if (specificity != other)
		return specificity < other ? 1u << PASSED_DEVICE : ~0u;
	return line < decides ? 1u << PASSED_ORDER : ~0u;
}

static void check_request(struct trial *trial)
{
	struct naive_request request = generate_request(&trial->dice);
	const struct bpfdev_entry *entry = table_find(trial->explanation.answer.result.table,
						      request.type, request.major, request.minor);
	struct table_view_row row = {
		.type = request.type,
		.major_low = request.major,
		.major_high = request.major,
		.minor_low = request.minor,
		.minor_high = request.minor,
		.entry = entry,
	};
	struct trace trace;

	explain_trace(&trial->explanation, &row, &trace);
	for (size_t i = 0; i < trial->conf->statement_count; i++) {
		enum conf_verb verb = trial->conf->statements[i].verb;

		for (int bit = 0; bit < BPFDEV_BITS; bit++)
			if (verb == CONF_ALLOW || verb == CONF_DENY)
				assert_int_equal(
					reasons(&trace, &trial->conf->statements[i], 1u << bit),
					naive_reasons(trial, &request, i, bit, entry->source[bit]));
	}
	free(trace.items);
}

static void check_requests(struct trial *trial)
{
	for (int i = 0; i < REQUESTS && trial->explanation.answer.result.kind != POLICY_NONE; i++)
		check_request(trial);
}

static void lines_are_passed_over_for_the_reasons_that_are_told(void **state)
{
	(void)state;
	each_trial(check_requests);
}

static void check_target(const struct trial *trial, const struct targets *targets,
			 const struct naive_request *request)
{
	const struct table_view_row *row = NULL;
	const struct table *table = trial->explanation.answer.result.table;

	for (size_t i = 0; i < targets->count && !row; i++) {
		const struct table_view_row *one = &targets->items[i].row;

		if (one->type == request->type &&
		    (one->major_low == BPFDEV_ANY ||
		     (one->major_low <= request->major && request->major <= one->major_high)) &&
		    (one->minor_low == BPFDEV_ANY ||
		     (one->minor_low <= request->minor && request->minor <= one->minor_high)))
			row = one;
	}
	assert_non_null(row);
	assert_memory_equal(row->entry,
			    table_find(table, request->type, request->major, request->minor),
			    offsetof(struct bpfdev_entry, flags));
}

/* Of many devices, the first target that has one says what the table says of it. */
static void check_targets(struct trial *trial)
{
	static const struct device_pattern all[] = {
		{ BPFDEV_BLOCK, BPFDEV_ANY, BPFDEV_ANY, false },
		{ BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, false },
	};
	struct explain *explain = &trial->explain;
	struct targets targets;

	if (trial->explanation.answer.result.kind != POLICY_RULES)
		return;
	explain->patterns.items = (struct device_pattern *)all;
	explain->patterns.count = ARRAY_SIZE(all);
	explain_targets(explain, trial->explanation.answer.result.table, NULL, &targets);
	for (int i = 0; i < REQUESTS; i++) {
		struct naive_request request = generate_request(&trial->dice);

		check_target(trial, &targets, &request);
	}
	free(targets.items);
}

static void targets_say_what_the_table_says(void **state)
{
	(void)state;
	each_trial(check_targets);
}

/*
 * Major 7 comes out as all others do, by the same line; but there that is more specific than the
 * line on minor 5 of all majors.
 */
static void a_major_that_a_minor_of_all_majors_does_not_reach_is_told(void **state)
{
	static struct trial trial;
	struct naive_request request = { BPFDEV_CHAR, 7, 5, BPFDEV_ACCESS };
	static const struct device_pattern all = { BPFDEV_CHAR, BPFDEV_ANY, BPFDEV_ANY, false };
	struct explain *explain = &trial.explain;
	struct targets targets;

	(void)state;
	trial.conf = login_policy("class x c 7:* c *:*\nalice deny @x\nalice allow c *:5\n");
	trial.user.subject = alice;
	trial.session = local;
	decide(&trial);
	explain->patterns.items = (struct device_pattern *)&all;
	explain->patterns.count = 1;
	explain_targets(explain, trial.explanation.answer.result.table, NULL, &targets);
	assert_int_equal(table_refused(trial.explanation.answer.result.table, BPFDEV_CHAR, 7, 5, R),
			 R);
	assert_int_equal(table_refused(trial.explanation.answer.result.table, BPFDEV_CHAR, 8, 5, R),
			 0);
	check_target(&trial, &targets, &request);
	request.major = 8;
	check_target(&trial, &targets, &request);
	free(targets.items);
	forget(&trial);
	conf_free(trial.conf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_do_not_count_change_nothing),
		cmocka_unit_test(lines_are_passed_over_for_the_reasons_that_are_told),
		cmocka_unit_test(targets_say_what_the_table_says),
		cmocka_unit_test(a_major_that_a_minor_of_all_majors_does_not_reach_is_told),
	};

	run_seed = dice_run_seed();
	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
