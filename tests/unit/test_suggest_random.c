/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random policies, users and devices: what is suggested, read as a text behind the policy, allows
 * what was denied, and nothing that has to do with none of it.
 */
#include "check.h"

#include "trial.h"

#define TRIALS 300
#define TRIES (TRIAL_REQUESTS * 4)
#define REAL_NODES 10 /* of the world: the rest are links */

static uint64_t run_seed;

static void each_trial(void (*check)(struct trial *trial))
{
	static struct trial trial;

	for (uint64_t i = 0; i < TRIALS; i++) {
		trial_begin(&trial, run_seed + i);
		check(&trial);
		trial_end(&trial);
	}
}

static void fail_for(const struct trial *trial, size_t login, const char *what,
		     const struct naive_request *request)
{
	const struct suggest_login *asked = &trial->scene.logins[login];
	const struct policy_subject *user = &trial->scene.users[asked->user].subject;

	print_error("%s (%u) by %s from \"%s\" on %s\n", user->name, user->uid,
		    asked->session.service, asked->session.rhost, asked->session.tty);
	fail_msg("%s: %c %u:%u, access %u\n%.*s\n-- suggested:\n%s", what,
		 request->type == BPFDEV_CHAR ? 'c' : 'b', request->major, request->minor,
		 request->access, (int)trial->policy.length, trial->policy.text,
		 trial->scene.lines);
}

static bool is_device_of(const struct trial *trial, size_t line, uint32_t type, uint32_t major,
			 uint32_t minor)
{
	size_t first = trial->with->statement_count - trial->scene.suggest.line_count;
	struct device_patterns patterns = { 0 };
	bool found = false;

	assert_int_equal(policy_resolve(trial->with, &login_world.source,
					&trial->with->statements[first + line].device, &patterns,
					NULL),
			 0);
	for (size_t i = 0; i < patterns.count; i++)
		found |=
			patterns.items[i].type == type && patterns.items[i].major == major &&
			(patterns.items[i].minor == BPFDEV_ANY || patterns.items[i].minor == minor);
	device_patterns_free(&patterns);
	return found;
}

/* The comments of a line are on the wishes that it grants. */
static void check_line_of(const struct trial *trial, const struct suggest_wish *wish)
{
	const struct suggest_line *line = &trial->scene.suggest.lines[wish->line];

	assert_int_equal(line->who, wish->who);
	assert_int_equal(wish->access & ~line->access, 0);
	assert_true(is_device_of(trial, wish->line, wish->device.type, wish->device.major,
				 wish->device.minor));
}

static void check_denied_is_allowed(struct trial *trial)
{
	assert_int_equal(scene_blocked(&trial->scene), 0);
	for (size_t i = 0; i < trial->scene.suggest.wish_count; i++)
		check_line_of(trial, &trial->scene.suggest.wishes[i]);
	for (size_t i = 0; i < trial->denied_count; i++)
		if (trial_denied_after(trial, trial->logins[i], &trial->denied[i]))
			fail_for(trial, trial->logins[i], "still denied", &trial->denied[i]);
}

/* The same when the audit lines have been taken out. */
static void check_without_audit(struct trial *trial)
{
	struct conf *with = trial->with;
	size_t kept = 0;

	for (size_t i = 0; i < with->statement_count; i++)
		if (with->statements[i].verb != CONF_AUDIT)
			with->statements[kept++] = with->statements[i];
	with->statement_count = kept;
	trial_forget(trial);
	trial_decide(trial);
	check_denied_is_allowed(trial);
}

static bool is_of_line(const struct trial *trial, size_t line, size_t login,
		       const struct naive_request *request)
{
	const struct suggest *suggest = &trial->scene.suggest;
	const struct suggest_who *who = &suggest->whos[suggest->lines[line].who];

	return who->ranks[trial->scene.logins[login].user] != TABLE_BASELINE &&
	       is_device_of(trial, line, request->type, request->major, request->minor);
}

static bool was_denied_in(const struct trial *trial, const struct naive_request *request,
			  bool any_minor)
{
	for (size_t i = 0; i < trial->denied_count; i++)
		if (trial->denied[i].type == request->type &&
		    trial->denied[i].major == request->major &&
		    (any_minor || trial->denied[i].minor == request->minor))
			return true;
	return false;
}

/* How many devices of the line one who has it was denied, and how many nodes of it there are. */
static void count_devices(const struct trial *trial, size_t line, size_t *denied, size_t *nodes)
{
	const struct suggest *suggest = &trial->scene.suggest;
	const struct suggest_wish *wish = suggest->wishes;
	size_t who;

	while (wish->line != line)
		wish++;
	who = wish->who;
	*denied = *nodes = 0;
	for (wish = suggest->wishes; wish < suggest->wishes + suggest->wish_count; wish++)
		*denied += wish->who == who && is_device_of(trial, line, wish->device.type,
							    wish->device.major, wish->device.minor);
	for (size_t i = 0; login_world.has_nodes && i < REAL_NODES; i++)
		*nodes += is_device_of(trial, line, world_nodes[i].type, world_nodes[i].major,
				       world_nodes[i].minor);
}

/* What was denied to nobody is allowed by a line for most of a driver's, or class's, devices. */
static void check_line_is_wide_for_a_reason(const struct trial *trial, size_t login, size_t line,
					    const struct naive_request *request)
{
	const struct suggest *suggest = &trial->scene.suggest;
	enum suggest_kind kind = suggest->targets[suggest->lines[line].target].kind;
	size_t denied, nodes;

	if (kind != SUGGEST_CLASS && kind != SUGGEST_DRIVER)
		fail_for(trial, login, "allowed, and was not denied", request);
	count_devices(trial, line, &denied, &nodes);
	if (denied < 3 && denied * 2 <= nodes)
		fail_for(trial, login, "allowed by a line that is too wide", request);
	if (kind == SUGGEST_CLASS && request->major != 1 && !was_denied_in(trial, request, true))
		fail_for(trial, login, "allowed by a class, and its major was not denied", request);
}

static void check_request(struct trial *trial, size_t login, const struct naive_request *request)
{
	uint32_t gained = trial_denied_before(trial, login, request) &
			  ~trial_denied_after(trial, login, request);

	if (!gained || was_denied_in(trial, request, false))
		return;
	for (size_t i = 0; i < trial->scene.suggest.line_count; i++) {
		if (!is_of_line(trial, i, login, request))
			continue;
		check_line_is_wide_for_a_reason(trial, login, i, request);
		return;
	}
	fail_for(trial, login, "allowed, and no line says so", request);
}

static void check_the_rest_stays_denied(struct trial *trial)
{
	for (size_t i = 0; i < trial->scene.request.login_count; i++)
		for (int j = 0; j < TRIES; j++) {
			struct naive_request request = generate_request(&trial->dice);

			check_request(trial, i, &request);
		}
}

/* Memory, and what disks there are: all block devices but optical discs. */
static bool is_dangerous(const struct device_pattern *pattern)
{
	if (pattern->type == BPFDEV_BLOCK)
		return pattern->major != 11;
	return pattern->major == BPFDEV_ANY ||
	       (pattern->major == 1 && (pattern->minor == 1 || pattern->minor == 2 ||
					pattern->minor == 4 || pattern->minor == BPFDEV_ANY));
}

static void check_line_warns(struct trial *trial, size_t line)
{
	size_t first = trial->with->statement_count - trial->scene.suggest.line_count;
	struct device_patterns patterns = { 0 };

	assert_int_equal(policy_resolve(trial->with, &login_world.source,
					&trial->with->statements[first + line].device, &patterns,
					NULL),
			 0);
	for (size_t i = 0; i < patterns.count; i++)
		if (is_dangerous(&patterns.items[i]) && !trial->scene.suggest.lines[line].warning)
			fail_msg("%zu has no warning\n%s", line, trial->scene.lines);
	device_patterns_free(&patterns);
}

static void check_danger_is_told(struct trial *trial)
{
	for (size_t i = 0; i < trial->scene.suggest.line_count; i++)
		check_line_warns(trial, i);
}

/* Where a session that had no rules gets some, that was said. */
static void check_restrictions_are_told(struct trial *trial)
{
	struct suggest *suggest = &trial->scene.suggest;
	const struct naive_request request = { BPFDEV_CHAR, 1, 3, R };

	for (size_t i = 0; i < trial->scene.request.login_count; i++) {
		struct suggest_login *login = &trial->scene.logins[i];
		bool told = false;

		if (login->session.kind == POLICY_MANAGER)
			continue;
		for (size_t j = 0; j < suggest->line_count; j++)
			told |= suggest->whos[suggest->lines[j].who].ranks[login->user] !=
					TABLE_BASELINE &&
				suggest_restricts(suggest, suggest->lines[j].who);
		for (int j = 0; j < TRIAL_REQUESTS && !told; j++) {
			login->session = generate_session(&trial->dice);
			if (trial_before(trial, i, &request).kind != POLICY_UNRESTRICTED)
				continue;
			policy_result_free(&trial->after[i]);
			trial_decide_one(trial, i);
			if (trial->after[i].kind == POLICY_RULES)
				fail_for(trial, i, "a session is restricted, and nothing said",
					 &request);
		}
	}
}

static void denied_is_allowed(void **state)
{
	(void)state;
	each_trial(check_denied_is_allowed);
}

static void it_is_without_audit(void **state)
{
	(void)state;
	each_trial(check_without_audit);
}

static void the_rest_stays_denied(void **state)
{
	(void)state;
	each_trial(check_the_rest_stays_denied);
}

static void danger_is_told(void **state)
{
	(void)state;
	each_trial(check_danger_is_told);
}

static void restrictions_are_told(void **state)
{
	(void)state;
	each_trial(check_restrictions_are_told);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(denied_is_allowed),	 cmocka_unit_test(it_is_without_audit),
		cmocka_unit_test(the_rest_stays_denied), cmocka_unit_test(danger_is_told),
		cmocka_unit_test(restrictions_are_told),
	};

	run_seed = dice_run_seed();
	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
