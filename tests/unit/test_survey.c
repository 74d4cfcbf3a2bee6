/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What each line of a policy is to one login, and which of two rules precedes. */
#include "check.h"

#include <errno.h>

#include "command/asking/asking.h"
#include "dice.h"
#include "login.h"

/* The same as local, without a session. */
static const struct policy_session job = { "login", "tty1", "", "", POLICY_JOB };

/* The standings of a policy's lines, a letter each: Others, Exempted, Unmet, Counts. */
static void expect(const char *text, const struct policy_session *session, enum policy_kind kind,
		   const char *standings)
{
	static const char letters[] = "OEUC";
	struct conf *conf = login_policy(text);
	struct policy_survey survey;
	char found[64] = "";

	assert_int_equal(policy_survey(conf, &alice, session, &survey, NULL), 0);
	for (size_t i = 0; i < conf->statement_count; i++)
		found[i] = letters[survey.lines[i].standing];
	assert_string_equal(found, standings);
	assert_int_equal(survey.kind, kind);
	policy_survey_free(&survey);
	conf_free(conf);
}

static void lines_stand_as_they_say(void **state)
{
	(void)state;
	expect("bob deny *\n@nosuchgroup deny *\n", &local, POLICY_NONE, "OO");
	expect("alice deny *\n@disk deny *\n* deny *\nbob deny *", &local, POLICY_RULES, "CCCO");
	expect("alice deny * remote\nalice deny * tty=tty2", &local, POLICY_UNRESTRICTED, "UU");
	expect("alice allow * r\nalice audit remote\n", &remote, POLICY_RULES, "CC");
}

/* An exempt line covers its rank and those below, but not itself. */
static void exempt_lines_stand_above_what_they_cover(void **state)
{
	(void)state;
	expect("@disk exempt\nalice deny *\n@disk deny *\n@audio exempt\n* exempt\n* audit\n",
	       &local, POLICY_RULES, "CCECEE");
	expect("alice exempt\nalice deny * remote\n* deny *", &local, POLICY_UNRESTRICTED, "CEE");
	expect("@disk exempt\n@disk exempt remote\n* exempt remote", &local, POLICY_UNRESTRICTED,
	       "CEE");
	expect("alice exempt remote\n@disk deny *", &local, POLICY_RULES, "UC");
}

/* An allow line that does not hold restricts everywhere; one that is exempted does not. */
static void lines_stand_otherwise_without_a_session(void **state)
{
	(void)state;
	expect("alice allow * local\n", &job, POLICY_RULES, "U");
	expect("alice allow * local\n", &remote, POLICY_RULES, "U");
	expect("alice exempt\nalice allow * local\n", &remote, POLICY_UNRESTRICTED, "CE");
	expect("alice exempt\nalice allow * local\n", &job, POLICY_UNRESTRICTED, "CE");
	expect("alice deny * remote\nalice audit local\nalice exempt local", &job, POLICY_RULES,
	       "CUU");
	expect("alice allow * service=login\nalice allow * service=x", &job, POLICY_RULES, "CU");
}

static unsigned int unmet(const char *text, const struct policy_session *session)
{
	struct conf *conf = login_policy(text);
	struct policy_survey survey;
	unsigned int result;

	assert_int_equal(policy_survey(conf, &alice, session, &survey, NULL), 0);
	result = survey.lines[0].unmet;
	policy_survey_free(&survey);
	conf_free(conf);
	return result;
}

static void conditions_that_fail_are_named(void **state)
{
	(void)state;
	assert_int_equal(unmet("alice deny * local service=login tty=tty1", &local), 0);
	assert_int_equal(unmet("alice deny * local service=login tty=tty1", &remote),
			 POLICY_UNMET_ORIGIN | POLICY_UNMET_SERVICE | POLICY_UNMET_TTY);
	assert_int_equal(unmet("alice deny * remote tty=tty1", &local), POLICY_UNMET_ORIGIN);
	assert_int_equal(unmet("alice allow * tty=tty1", &job), POLICY_UNMET_SESSION);
	assert_int_equal(unmet("alice allow * remote service=login", &job), POLICY_UNMET_ORIGIN);
	assert_int_equal(unmet("alice deny * tty=tty9", &job), 0);
}

static void the_highest_ranks_are_told(void **state)
{
	struct conf *conf = login_policy("* audit\n@disk audit\n@disk audit remote\nalice audit "
					 "remote\n* exempt\nalice deny *");
	struct policy_survey survey;

	(void)state;
	assert_int_equal(policy_survey(conf, &alice, &local, &survey, NULL), 0);
	assert_int_equal(survey.exempt, TABLE_ANYONE);
	assert_int_equal(survey.audit, TABLE_GROUP);
	assert_ptr_equal(asking_highest(conf, &survey, CONF_EXEMPT), &conf->statements[4]);
	assert_ptr_equal(asking_highest(conf, &survey, CONF_AUDIT), &conf->statements[1]);
	policy_survey_free(&survey);
	conf_free(conf);
}

/* Of two rules on one device, that which precedes is that which the fold keeps. */
static void rules_precede_as_they_are_folded(void **state)
{
	struct dice dice = dice_from_seed(dice_run_seed());

	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct table_rule rules[2];
		enum table_advantage by;
		struct table *table;
		int first;

		for (uint32_t j = 0; j < 2; j++)
			rules[j] = (struct table_rule) {
				.device = { BPFDEV_CHAR, dice_percent(&dice, 50) ? 7 : BPFDEV_ANY,
					    dice_percent(&dice, 50) ? 3 : BPFDEV_ANY, false },
				.access = BPFDEV_READ,
				.source = j + 1,
				.rank = (uint8_t)(1 + dice_below(&dice, 3)),
				.allow = 1,
			};
		first = table_compare_rules(&rules[0], 0, &rules[1], 1, &by);
		assert_int_equal(table_compare_rules(&rules[1], 1, &rules[0], 0, &by), -first);
		assert_int_equal(table_fold(rules, 2, TABLE_BASELINE, &table, NULL), 0);
		assert_int_equal(table_find(table, BPFDEV_CHAR, 7, 3)->source[1],
				 first > 0 ? 1 : 2);
		assert_int_equal(by, rules[0].rank != rules[1].rank ? TABLE_BY_RANK
				     : table_specificity(&rules[0].device) !=
						     table_specificity(&rules[1].device)
					     ? TABLE_BY_DEVICE
					     : TABLE_BY_ORDER);
		table_free(table);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_stand_as_they_say),
		cmocka_unit_test(exempt_lines_stand_above_what_they_cover),
		cmocka_unit_test(lines_stand_otherwise_without_a_session),
		cmocka_unit_test(conditions_that_fail_are_named),
		cmocka_unit_test(the_highest_ranks_are_told),
		cmocka_unit_test(rules_precede_as_they_are_folded),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
