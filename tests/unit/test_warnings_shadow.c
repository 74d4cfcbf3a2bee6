/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lines that never decide. */
#include "check.h"

#include <unistd.h>

#include "table/table.h"
#include "generate.h"
#include "warned.h"

/* Policies of the search for a line that is called dead and is not. */
#define POLICIES 3000
#define LOGINS 40
/* Of a long policy, and what ends a search that does not end; seconds. */
#define LONG_LINES 50000
#define WATCHDOG 60

static void lines_that_a_later_one_covers(void **state)
{
	(void)state;
	expect("* allow c 240:1\n* deny c 240:1\n", "1:1 shadowed");
	expect("* allow c 240:1 r\n* deny c 240:1\n", "1:1 shadowed");
	expect("* allow c 240:1\n* deny c 240:1 r\n", "");
	expect("* allow c 240:1\n* allow c 240:2\n* deny c 240:1-2\n",
	       "1:1 shadowed, 2:1 shadowed");
	expect("* allow c 240:1-2\n* deny c 240:2\n", "");
	expect("* allow c 240:1\n* deny c 240:*\n", "");
	expect("* allow c 240:*\n* deny c 240:1\n", "");
	expect("* allow c 240:1\n* deny b 240:1\n", "");
	expect("* allow a 240:1\n* deny b 240:1\n", "");
	expect("* allow a 240:1\n* deny b 240:1\n* deny c 240:1\n", "1:1 shadowed");
	expect("* allow *\n* allow * r\n", "");
	expect("* allow *\n* allow * r\n* deny * r\n* allow c 1:* rw\n* allow c 5:* rw\n"
	       "* allow c 136:* rw\n",
	       "2:1 shadowed");
	expect("* allow *\n* audit\n* audit\n", "3:1 shadowed");
	expect("* allow *\n* audit\n* audit local\n", "3:1 shadowed");
	expect("* allow *\n* audit local\n* audit\n", "2:1 shadowed");
	expect("* allow *\n* audit local\n* audit remote\n", "");
	expect("* allow *\n@staff audit\n", "");
}

static void lines_that_more_specific_ones_cover(void **state)
{
	static const char base[] = "* allow c 1:* rw\n* allow c 5:* rw\n* allow c 136:* rw\n";
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), "%s* allow *\n* deny block-*\n", base);
	expect(text, "");
	snprintf(text, sizeof(text), "* deny block-*\n* deny char-*\n%s* allow *\n", base);
	expect(text, "6:1 shadowed");
	snprintf(text, sizeof(text), "* deny block-*\n* deny char-*\n%s* allow c *:3\n", base);
	expect(text, "6:1 shadowed");
	snprintf(text, sizeof(text), "* deny block-*\n* deny char-*\n%s* allow c 240:*\n", base);
	expect(text, "");
	snprintf(text, sizeof(text), "* allow c 240:*\n* deny char-*\n%s", base);
	expect(text, "1:1 shadowed");
	snprintf(text, sizeof(text), "* allow c 240:1\n* deny char-*\n%s", base);
	expect(text, "");
	expect_text("* deny block-*\n* allow b *:*\n* allow c *:*\n",
		    "never decides: line 1 covers all of it and is more specific");
}

static void names_of_drivers_and_paths_are_covered_by_their_likes_only(void **state)
{
	(void)state;
	expect("* allow char-zorkctl\n* deny char-zorkctl\n", "1:1 shadowed");
	expect("* allow char-zorkctl\n* deny char-zork?tl\n", "1:1 shadowed");
	expect("* allow char-zork?tl\n* deny char-zorkctl\n", "");
	/* A line that denies also refuses unknown majors, which none that allows gives back. */
	expect("* allow c 1:*\n* deny char-zorkctl\n* deny char-zork?tl\n", "2:1 shadowed");
	expect("* deny char-zorkctl\n* allow char-zorkctl\n", "");
	expect("* deny char-zork?tl\n* allow char-zork*\n", "");
	expect("* deny usb:46f4:0001\n* allow usb:46f4:0001\n", "1:1 shadowed");
	expect("* allow block-zorkblk\n* deny block-*\n", "1:1 shadowed");
	expect("* allow block-quux*\n* deny block-quux?\n", "");
	/* Its majors are what they are today. */
	expect("* allow char-zork\n* deny c 240:*\n* deny c 241:*\n* allow c 5:*\n", "");
	expect("* allow c 241:*\n* deny char-zorkctl\n", "");
	/* These are what they will always be. */
	expect("* allow c 81:*\n* deny char-video4linux\n", "1:1 shadowed");
	if (!warned_world.has_nodes)
		return;
	expect("* allow /dev/zork0\n* deny /dev/zork0\n", "1:1 shadowed");
	expect("* allow /dev/zork0\n* deny /dev/zork*\n", "1:1 shadowed");
	expect("* allow /dev/sub/a0\n* deny /dev/z*0\n", "");
	expect("* allow /dev/zork0\n* deny c 240:0\n", "");
	expect("* allow c 240:0\n* deny /dev/zork0\n", "");
}

static void classes_are_covered_when_their_devices_are(void **state)
{
	(void)state;
	expect("class a c 240:1 @b\nclass b c 240:2\n* allow @a\n* deny @a\n", "3:1 shadowed");
	expect("class a c 240:1 @b\nclass b c 240:2\n* allow @a\n* deny @b\n", "");
	expect("class a c 240:1 @b\nclass b c 240:2\n* allow @b\n* deny @a\n", "3:1 shadowed");
	expect("class a c 240:1 @b\nclass b c 240:2\n* allow @a\n* deny @b\n* deny c 240:1\n",
	       "3:1 shadowed");
}

static void lines_about_others_do_not_cover(void **state)
{
	(void)state;
	expect("alice allow c 240:1\nbob deny *\nbob allow a *:*\n", "2:1 shadowed");
	expect("* allow c 240:1\nalice allow *\nalice deny c 240:1\n", "");
	expect("alice allow c 240:1\n* allow *\n* deny c 240:1\n", "");
	expect("@students allow c 240:1\n@staff allow *\n@staff deny c 240:1\n", "");
	expect(":1000 allow c 240:1\nalice allow *\nalice deny c 240:1\n", "");
	/* These name at least the same. */
	expect("alice allow c 240:1\n:1000 allow *\n:1000 deny c 240:1\n", "1:1 shadowed");
	expect("@students allow c 240:1\n@:2000 allow *\n@:2000 deny c 240:1\n", "1:1 shadowed");
	expect("@students allow c 240:1\n@1999:2001 allow *\n@1999:2001 deny c 240:1\n",
	       "1:1 shadowed");
	expect("@1999:2001 allow c 240:1\n@students allow *\n@students deny c 240:1\n", "");
	expect("1000:1005 allow c 240:1\n1000:1010 allow *\n1000:1010 deny c 240:1\n",
	       "1:1 shadowed");
	expect("@students allow c 240:1\n1000: allow *\n1000: deny c 240:1\n", "1:1 shadowed");
	expect("@students allow c 240:1\n1001: allow *\n1001: deny c 240:1\n", "");
	expect("* allow c 240:1\n1000: allow *\n1000: deny c 240:1\n", "");
}

static void conditions_must_be_as_wide(void **state)
{
	(void)state;
	expect("* allow c 240:1 local\n* deny c 240:1\n", "1:1 shadowed");
	expect("* allow c 240:1\n* deny c 240:1 local\n", "");
	expect("* allow c 240:1 local\n* deny c 240:1 remote\n", "");
	expect("* allow c 240:1 local\n* deny c 240:1 local\n", "1:1 shadowed");
	expect("* allow c 240:1 local tty=tty1\n* deny c 240:1 local\n", "1:1 shadowed");
	expect("* allow c 240:1 local\n* deny c 240:1 local tty=tty1\n", "");
	expect("* allow c 240:1 tty=tty1\n* deny c 240:1 tty=tty*\n", "");
	expect("* allow c 240:1 service=login\n* deny c 240:1 service=login\n", "1:1 shadowed");
	/* Where there is no session, the deny line counts and the allow line does not. */
	expect("* deny c 240:1 local\n* allow c 240:1 local\n", "");
	expect("* allow c 240:1 service=cron local\n* allow c 240:1 local\n", "");
	expect("* allow c 240:1 service=cron local\n* allow c 240:1 service=cron\n",
	       "1:1 shadowed");
}

static void exempt_lines_cover_all_of_their_rank_and_below(void **state)
{
	(void)state;
	expect("alice deny c 240:1\nalice exempt\nalice audit\n", "1:1 shadowed, 3:1 shadowed");
	expect("alice allow *\nalice exempt local\nalice deny c 240:1\n", "");
	expect("alice exempt\nalice exempt local\nalice exempt\n", "2:1 shadowed, 3:1 shadowed");
	expect("alice deny *\n:1000 exempt\n", "1:1 shadowed");
	expect("1000: exempt\n* deny c 1:3\n@staff deny *\n", "2:1 shadowed, 3:1 shadowed");
	expect("2000: exempt\n* allow *\n", "");
	expect("alice allow *\n@students exempt\n", "");
	expect("* exempt\n@students allow *\n", "");
	expect_text("alice deny c 240:1\nalice exempt\n", "never counts: line 2 exempts the same");
}

static void several_lines_cover_together(void **state)
{
	(void)state;
	expect("* allow c 240:1-3\n* deny c 240:1-2\n* deny c 240:3\n", "1:1 shadowed");
	expect("* allow c 240:1-3 rw\n* deny c 240:* r\n* deny c 240:1-3 r\n* allow c 240:1-3 w\n",
	       "1:1 shadowed");
	expect_text("* allow c 240:1 rw\n* deny c 240:1 r\n* deny c 240:1 w\n",
		    "other lines, the last of them line 3, cover all of it together");
}

/* Whether a line decides anything in a table. */
static bool decides(const struct table *table, uint32_t source)
{
	for (uint32_t i = 0; i < table->slot_count; i++)
		for (int bit = 0; bit < BPFDEV_BITS; bit++)
			if (table->slots[i].source[bit] == source)
				return true;
	for (uint32_t i = 0; i < table->rule_count; i++)
		for (int bit = 0; bit < BPFDEV_BITS; bit++)
			if (table->rules[i].entry.source[bit] == source)
				return true;
	return false;
}

/* The lines that are called dead. */
struct dead {
	const struct conf_statement *lines[GENERATED_LINES_MAX];
	size_t count;
};

static void find_dead(const struct conf *conf, const struct warnings *warnings, struct dead *dead)
{
	dead->count = 0;
	for (size_t i = 0; i < warnings->count; i++)
		for (size_t j = 0; j < conf->statement_count; j++)
			if (warnings->items[i].kind == WARNING_SHADOWED &&
			    conf->statements[j].place.line == warnings->items[i].place.line)
				dead->lines[dead->count++] = &conf->statements[j];
}

/* Users of the database have its uids, as in life; others have any. */
static void random_subject(struct dice *dice, struct generated_subject *subject)
{
	generate_subject(dice, &warned_world, subject);
	subject->subject.uid_min = 1000;
	if (subject->subject.uid && dice_percent(dice, 30)) {
		strcpy(subject->name, "stranger");
		return;
	}
	for (size_t i = 0; i < warned_user_count; i++)
		if (strcmp(warned_users[i].name, subject->name) == 0)
			subject->subject.uid = warned_users[i].uid;
}

static void expect_undecided(const struct dead *dead, const struct policy_result *result,
			     const struct generated *policy)
{
	for (size_t i = 0; i < dead->count && result->table; i++)
		if (decides(result->table, policy_source(dead->lines[i])))
			fail_msg("line %u decides:\n%.*s", dead->lines[i]->place.line,
				 (int)policy->length, policy->text);
}

static void log_in(struct dice *dice, struct conf *conf, const struct dead *dead,
		   const struct generated *policy)
{
	struct policy_session session = generate_session(dice);
	struct generated_subject subject;
	struct policy_result result;

	random_subject(dice, &subject);
	assert_int_equal(policy_decide(conf, &warned_world.source, &subject.subject, &session,
				       &result, NULL),
			 0);
	expect_undecided(dead, &result, policy);
	policy_result_free(&result);
	session.kind = POLICY_JOB;
	assert_int_equal(policy_decide(conf, &warned_world.source, &subject.subject, &session,
				       &result, NULL),
			 0);
	expect_undecided(dead, &result, policy);
	policy_result_free(&result);
}

static size_t try_policy(struct dice *dice, const struct generated *policy)
{
	struct warnings_input input = {
		NULL, &warned_world.source, &warned_database.accounts, NULL, NULL, NULL
	};
	struct dead dead = { .count = 0 };
	struct warnings warnings;
	struct reason why;
	struct conf *conf;

	assert_int_equal(conf_parse("policy", policy->text, policy->length, false, &conf), 0);
	assert_int_equal(conf->error_count, 0);
	input.conf = conf;
	if (warnings_find(&input, &warnings, &why) == 0)
		find_dead(conf, &warnings, &dead);
	for (size_t i = 0; i < LOGINS && dead.count; i++)
		log_in(dice, conf, &dead, policy);
	warnings_free(&warnings);
	conf_free(conf);
	return dead.count;
}

static void names_of_what_a_device_is_are_covered_by_wider_ones(void **state)
{
	(void)state;
	expect("* allow usb:46f4:0001:A\n* deny usb:46f4:0001\n", "1:1 shadowed");
	expect("* allow usb:46f4:0001:A\n* deny usb:46F4:*:A\n", "1:1 shadowed");
	expect("* allow usb:46f4:0001:A1\n* deny usb:*:*:A?\n", "1:1 shadowed");
	expect("* allow usb:46f4:0001\n* deny usb:46f4:0001:*\n", "1:1 shadowed");
	expect("* allow usb:46f4:0001\n* deny usb:46f4:0001:A\n", "");
	expect("* allow usb:46f4:*\n* deny usb:46f4:0001\n", "");
	expect("* allow usb:46f4:0001:A?\n* deny usb:*:*:A[12]\n", "");
	expect("* allow usb:46f4:0001:A\n* deny usb:46f4:0002\n", "");
	expect("* allow usb:46f4:0001 r\n* deny c 189:*\n", "");
	expect("* allow tag:lab\n* deny tag:lab\n", "1:1 shadowed");
	expect("* allow tag:lab\n* deny tag:labs\n", "");
	expect("* allow tag:lab\n* deny usb:*:*\n", "");
}

static void what_is_called_dead_is(void **state)
{
	struct dice dice = dice_from_seed(dice_run_seed());
	struct accounts system;
	size_t dead = 0;

	(void)state;
	assert_int_equal(accounts_system(&system, NULL), 0);
	/* The groups are the system's, as policy_decide() asks for those. */
	warned_database.accounts.group_id = system.group_id;
	for (size_t i = 0; i < POLICIES; i++) {
		struct generated policy;

		generate_policy(&dice, &warned_world, &policy);
		dead += try_policy(&dice, &policy);
	}
	print_message("%zu dead lines in %d policies\n", dead, POLICIES);
	assert_true(dead > POLICIES / 20);
}

/* As programs write them. Pairs of lines would be 10^10 here. */
static void long_policies_take_no_longer_than_a_login(void **state)
{
	char *text = malloc(LONG_LINES * 32), *end = text;
	struct conf *conf;
	struct warnings warnings;

	(void)state;
	assert_non_null(text);
	end += sprintf(end, "* deny b 3:0\n");
	for (int i = 0; i < LONG_LINES / 2; i++)
		end += sprintf(end, ":%d allow b 8:%d\n", 2000 + i, i);
	for (int i = 0; i < LONG_LINES / 2; i++)
		end += sprintf(end, "* allow b 8:%d\n", i);
	sprintf(end, "* deny b 3:0\n");
	conf = warned_parse(text);
	alarm(WATCHDOG);
	warnings = warned_find(conf, NULL);
	alarm(0);
	assert_int_equal(warnings.count, 1);
	assert_int_equal(warnings.items[0].place.line, 1);
	warnings_free(&warnings);
	conf_free(conf);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		warned_test(lines_that_a_later_one_covers),
		warned_test(lines_that_more_specific_ones_cover),
		warned_test(names_of_drivers_and_paths_are_covered_by_their_likes_only),
		warned_test(names_of_what_a_device_is_are_covered_by_wider_ones),
		warned_test(classes_are_covered_when_their_devices_are),
		warned_test(lines_about_others_do_not_cover),
		warned_test(conditions_must_be_as_wide),
		warned_test(exempt_lines_cover_all_of_their_rank_and_below),
		warned_test(several_lines_cover_together),
		warned_test(what_is_called_dead_is),
		warned_test(long_policies_take_no_longer_than_a_login),
	};

	return cmocka_run_group_tests(tests, warned_make_world, warned_remove_world);
}
