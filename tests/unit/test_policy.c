/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* When a line counts, and what the lines that count come to. */
#include "check.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <errno.h>
#include <unistd.h>

#include "bpfdev.h"
#include "table/table.h"
#include "login.h"

/* Ends a program that would never end; seconds. */
#define WATCHDOG 60

/* A list of what is allowed is one whether or not its conditions hold. */
static void conditional_allow_lines_restrict_where_they_do_not_hold(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("alice allow c 240:* rw local", &alice, &local), M);
	assert_int_equal(login_outcome("alice allow c 240:* rw local", &alice, &remote), R | W | M);
	assert_int_equal(login_outcome("@disk allow * service=gdm", &alice, &remote), R | W | M);
	assert_int_equal(login_outcome("* allow * remote\nalice deny * remote", &alice, &local),
			 R | W | M);
	assert_int_equal(login_outcome("* allow * remote\n@disk exempt", &alice, &local),
			 EVERYTHING);
	assert_int_equal(login_outcome("bob allow * remote\nalice deny * remote", &alice, &local),
			 EVERYTHING);
	assert_int_equal(login_outcome("alice audit remote", &alice, &local), EVERYTHING);
}

static void all_conditions_of_a_line_must_hold(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("alice deny * local", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice deny * local", &alice, &remote), EVERYTHING);
	assert_int_equal(login_outcome("alice deny * remote", &alice, &local), EVERYTHING);
	assert_int_equal(login_outcome("alice deny * remote", &alice, &remote), R | W | M);
	assert_int_equal(login_outcome("alice deny * service=login", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice deny * service=log", &alice, &local), EVERYTHING);
	assert_int_equal(login_outcome("alice deny * service=x,log*", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice deny * service=logi[mn]", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice deny * tty=tty?", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice deny * tty=tty2,tty1", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice deny * tty=tty", &alice, &local), EVERYTHING);
	assert_int_equal(login_outcome("alice deny * local tty=tty1 service=su", &alice, &local),
			 EVERYTHING);
	assert_int_equal(login_outcome("alice deny *\nalice allow c 240:1 local", &alice, &local),
			 0);
	assert_int_equal(login_outcome("alice deny *\nalice allow c 240:1 local", &alice, &remote),
			 R | W | M);
}

static void exempt_drops_its_rank_and_lower_ones(void **state)
{
	(void)state;
	assert_int_equal(
		login_outcome("alice exempt\n* deny *\n@disk deny *\nalice deny *", &alice, &local),
		EVERYTHING);
	assert_int_equal(login_outcome("alice exempt", &alice, &local), EVERYTHING);
	assert_int_equal(login_outcome("bob exempt", &alice, &local), NO_FILTER);
	assert_int_equal(login_outcome("@disk exempt\n* deny *\n1000: deny *", &alice, &local),
			 EVERYTHING);
	assert_int_equal(login_outcome("@disk exempt\n* allow *\nalice allow * r", &alice, &local),
			 W | M);
	assert_int_equal(login_outcome("* exempt\n* deny *\n@disk allow * r", &alice, &local),
			 W | M);
	assert_int_equal(login_outcome("alice exempt\nalice audit\nalice deny *", &alice, &local),
			 EVERYTHING);
	assert_int_equal(login_outcome("alice exempt remote\n* deny *", &alice, &local), R | W | M);
	assert_int_equal(login_outcome("alice exempt remote\n* deny *", &alice, &remote),
			 EVERYTHING);
}

static void audit_takes_the_force_of_its_rank_and_lower_ones(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("alice audit\nalice deny *", &alice, &local), 0);
	assert_int_equal(login_outcome("alice audit", &alice, &local), 0);
	assert_int_equal(login_outcome("* audit\n* deny *\nalice deny * r", &alice, &local), R);
	assert_int_equal(login_outcome("* audit\n@disk allow c 1:1", &alice, &local), 0);
	assert_int_equal(login_outcome("@disk audit remote\n@disk deny *", &alice, &local),
			 R | W | M);
	assert_int_equal(login_outcome("@disk audit remote\n@disk deny *", &alice, &remote), 0);
	assert_int_equal(login_outcome("@disk exempt\n* audit\nalice deny * w", &alice, &local),
			 R | W | M);
}

static bool is_audit(const char *text, const struct policy_session *session)
{
	struct policy_result result;
	struct conf *conf = login_policy(text);
	bool audit;

	assert_int_equal(policy_decide(conf, &login_world.source, &alice, session, &result, NULL),
			 0);
	audit = result.audit;
	policy_result_free(&result);
	conf_free(conf);
	return audit;
}

static void audit_is_told_where_it_counts(void **state)
{
	(void)state;
	assert_true(is_audit("* audit\n* deny *", &local));
	assert_true(is_audit("alice audit", &local));
	assert_false(is_audit("alice deny *", &local));
	assert_false(is_audit("bob audit\nalice deny *", &local));
	assert_false(is_audit("* audit remote\n* deny *", &local));
	assert_true(is_audit("* audit remote\n* deny *", &remote));
	assert_false(is_audit("alice exempt\nalice audit\nalice deny *", &local));
}

static void the_manager_has_what_every_session_has(void **state)
{
	(void)state;
	assert_int_equal(login_outcome("alice allow * r\nalice deny * r remote", &alice, NULL),
			 R | W | M);
	assert_int_equal(login_outcome("alice deny * \nalice allow * local", &alice, NULL),
			 R | W | M);
	assert_int_equal(
		login_outcome("alice deny *\nalice allow * r service=systemd-user", &alice, NULL),
		W | M);
	assert_int_equal(login_outcome("alice deny *\nalice allow * r service=login,systemd-*",
				       &alice, NULL),
			 W | M);
	assert_int_equal(login_outcome("alice deny *\nalice exempt service=login", &alice, NULL),
			 R | W | M);
	assert_int_equal(
		login_outcome("alice deny *\nalice exempt service=systemd-user", &alice, NULL),
		EVERYTHING);
	assert_int_equal(login_outcome("alice deny *\nalice exempt", &alice, NULL), EVERYTHING);
	assert_int_equal(login_outcome("alice deny *\nalice audit tty=tty1", &alice, NULL),
			 R | W | M);
	assert_int_equal(login_outcome("alice deny *\nalice audit", &alice, NULL), 0);
	assert_int_equal(login_outcome("alice allow * r local", &alice, NULL), R | W | M);
	assert_int_equal(login_outcome("alice deny * tty=tty1", &alice, NULL), R | W | M);
	assert_int_equal(login_outcome("bob deny *", &alice, NULL), NO_FILTER);
}

static void check_baseline(const struct table *table)
{
	static const uint32_t devices[][2] = { { 1, 3 },	 { 1, 5 }, { 1, 7 }, { 1, 8 },
					       { 1, 9 },	 { 5, 0 }, { 5, 2 }, { 136, 0 },
					       { 143, 1048575 }, { 0, 0 } };
	static const uint32_t others[][2] = { { 1, 1 },	  { 1, 11 },   { 5, 1 }, { 135, 0 },
					      { 144, 0 }, { 10, 200 }, { 0, 1 }, { 4, 1 } };

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		assert_int_equal(
			table_refused(table, BPFDEV_CHAR, devices[i][0], devices[i][1], R | W | M),
			M);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(
			table_refused(table, BPFDEV_CHAR, others[i][0], others[i][1], R | W | M),
			R | W | M);
	assert_int_equal(table_refused(table, BPFDEV_BLOCK, 0, 0, R | W | M), M);
	assert_int_equal(table_refused(table, BPFDEV_BLOCK, 1, 3, R | W | M), R | W | M);
	assert_int_equal(table_find(table, BPFDEV_CHAR, 1, 3)->source[1], BPFDEV_SOURCE_BASELINE);
}

static void the_baseline_is_what_every_shell_needs(void **state)
{
	struct conf *conf = login_policy("alice allow c 240:1\nalice allow b 7:0-3");
	struct policy_result result;
	struct table *table = NULL;

	(void)state;
	assert_int_equal(policy_baseline(&table), 0);
	check_baseline(table);
	table_free(table);
	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &local, &result, NULL),
			 0);
	check_baseline(result.table);
	assert_int_equal(result.rule_count, 5);
	policy_result_free(&result);
	policy_result_free(&result);
	conf_free(conf);
}

static void any_line_outweighs_the_baseline(void **state)
{
	struct conf *conf = login_policy("* deny *\n* allow c 1:3 m");
	struct policy_result result;

	(void)state;
	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &local, &result, NULL),
			 0);
	assert_int_equal(table_refused(result.table, BPFDEV_CHAR, 1, 3, R | W | M), R | W);
	assert_int_equal(table_refused(result.table, BPFDEV_CHAR, 136, 0, R), R);
	policy_result_free(&result);
	conf_free(conf);
}

static void a_policy_with_mistakes_decides_nothing(void **state)
{
	static const char text[] = "alice allow *\nbob alow *\n";
	struct conf *conf = NULL;
	struct policy_result result;
	struct reason why = { "" };

	(void)state;
	assert_int_equal(conf_parse("p.conf", text, sizeof(text) - 1, false, &conf), 0);
	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &local, &result, &why),
			 -EINVAL);
	assert_contains(why.text, "p.conf:2:5: unknown verb");
	assert_null(result.table);
	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &policy_manager_session,
				       &result, &why),
			 -EINVAL);
	conf_free(conf);
}

static void a_device_that_is_too_many_is_a_mistake_of_its_line(void **state)
{
	struct conf *conf = login_policy("alice allow c 1:1\nalice allow @big\n"
					 "class big c 0-4095:* c 1:1\n");
	struct policy_result result;
	struct reason why = { "" };

	(void)state;
	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &local, &result, &why),
			 -EINVAL);
	assert_int_equal(conf->error_count, 1);
	assert_int_equal(conf->errors[0].place.line, 2);
	assert_int_equal(conf->errors[0].place.column, 13);
	assert_contains(conf->errors[0].what.text, "4096");
	assert_contains(why.text, "policy:2:13: ");
	conf_free(conf);
}

static void classes_stand_for_their_devices(void **state)
{
	static const char nested[] =
		"class a c 1:1 @b\nclass b char-zork @c\nclass c b 9:9 c 240:2\n"
		"alice allow @a r\n";

	(void)state;
	assert_int_equal(login_outcome(nested, &alice, &local), W | M);
	assert_int_equal(
		login_outcome("alice allow @a\nclass a c 240:1\nclass a c 240:2", &alice, &local),
		R | W | M);
}

/* Eight times eight times eight... is far more than a login can wait for. */
static void classes_in_classes_do_not_explode(void **state)
{
	char text[4096] = "alice allow @c0\nclass c12 char-no-such-driver\n";
	struct policy_result result;
	struct conf *conf;

	(void)state;
	for (int i = 0; i < 12; i++) {
		sprintf(text + strlen(text), "class c%d", i);
		for (int j = 0; j < 8; j++)
			sprintf(text + strlen(text), " @c%d", i + 1);
		strcat(text, "\n");
	}
	alarm(WATCHDOG);
	conf = login_policy(text);
	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &local, &result, NULL),
			 0);
	alarm(0);
	assert_int_equal(result.kind, POLICY_RULES);
	policy_result_free(&result);
	conf_free(conf);
}

/* How often the file or folder itself was opened since it is watched. */
static int count_opens(int watching)
{
	char buffer[65536] __attribute__((aligned(8)));
	ssize_t length = read(watching, buffer, sizeof(buffer));
	int count = 0;

	for (ssize_t at = 0; at < length;) {
		const struct inotify_event *event = (const void *)(buffer + at);

		count += (event->mask & IN_OPEN) && !event->len;
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	return count;
}

static int opens_of(const char *path)
{
	int watching = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), count;

	assert_true(watching >= 0);
	assert_true(inotify_add_watch(watching, path, IN_OPEN | IN_CLOSE) >= 0);
	login_outcome("alice allow char-zork\nalice deny char-zap*\nalice allow /dev/zork0\n"
		      "alice deny /dev/link\nalice allow block-quux\nalice deny /dev/empty",
		      &alice, &local);
	count = count_opens(watching);
	close(watching);
	return count;
}

static void what_names_are_looked_up_in_is_opened_once(void **state)
{
	(void)state;
	assert_int_equal(opens_of(login_world.proc_devices), 1);
	assert_int_equal(opens_of(login_world.dev), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditional_allow_lines_restrict_where_they_do_not_hold),
		cmocka_unit_test(what_names_are_looked_up_in_is_opened_once),
		cmocka_unit_test(all_conditions_of_a_line_must_hold),
		cmocka_unit_test(exempt_drops_its_rank_and_lower_ones),
		cmocka_unit_test(audit_takes_the_force_of_its_rank_and_lower_ones),
		cmocka_unit_test(audit_is_told_where_it_counts),
		cmocka_unit_test(the_manager_has_what_every_session_has),
		cmocka_unit_test(the_baseline_is_what_every_shell_needs),
		cmocka_unit_test(any_line_outweighs_the_baseline),
		cmocka_unit_test(a_policy_with_mistakes_decides_nothing),
		cmocka_unit_test(a_device_that_is_too_many_is_a_mistake_of_its_line),
		cmocka_unit_test(classes_stand_for_their_devices),
		cmocka_unit_test(classes_in_classes_do_not_explode),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
