/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "check.h"

#include "trial.h"

const struct policy_subject *trial_subject(const struct trial *trial, size_t login)
{
	return &trial->scene.users[trial->scene.logins[login].user].subject;
}

struct naive_answer trial_before(const struct trial *trial, size_t login,
				 const struct naive_request *request)
{
	const struct suggest_login *asked = &trial->scene.logins[login];

	return naive_decide(&login_world, trial->scene.request.conf, trial_subject(trial, login),
			    asked->session.kind == POLICY_MANAGER ? NULL : &asked->session,
			    request);
}

uint32_t trial_denied_before(const struct trial *trial, size_t login,
			     const struct naive_request *request)
{
	struct naive_answer answer = trial_before(trial, login, request);

	return answer.refused | (answer.audited & request->access);
}

/* By the core, as only that knows the drivers of other machines. */
uint32_t trial_denied_after(const struct trial *trial, size_t login,
			    const struct naive_request *request)
{
	const struct policy_result *result = &trial->after[login];
	const struct bpfdev_entry *entry;

	if (result->kind != POLICY_RULES)
		return 0;
	entry = table_find(result->table, request->type, request->major, request->minor);
	return request->access & (~(uint32_t)entry->allow | entry->audit);
}

void trial_decide_one(struct trial *trial, size_t login)
{
	const struct suggest_login *asked = &trial->scene.logins[login];
	const struct policy_subject *subject = trial_subject(trial, login);
	struct policy_result *result = &trial->after[login];

	assert_int_equal(policy_decide(trial->with, &login_world.source, subject, &asked->session,
				       result, NULL),
			 0);
}

void trial_decide(struct trial *trial)
{
	for (size_t i = 0; i < trial->scene.request.login_count; i++)
		trial_decide_one(trial, i);
}

void trial_forget(struct trial *trial)
{
	for (size_t i = 0; i < trial->scene.request.login_count; i++)
		policy_result_free(&trial->after[i]);
}

static void log_in(struct trial *trial, int i)
{
	struct generated_subject *user = &trial->users[i];
	struct policy_session session = generate_session(&trial->dice);
	bool manager = dice_percent(&trial->dice, 15);

	generate_subject(&trial->dice, &login_world, user);
	/* One name, one user. */
	for (int j = 0; j < i; j++)
		if (strcmp(trial->users[j].name, user->name) == 0)
			return;
	scene_login(&trial->scene, &user->subject, manager ? &policy_manager_session : &session);
	/* Half of them have a second session, from elsewhere. */
	session = generate_session(&trial->dice);
	if (dice_percent(&trial->dice, 50))
		scene_login(&trial->scene, &user->subject, &session);
}

static void request_device(struct trial *trial, size_t login)
{
	struct naive_request request = generate_request(&trial->dice);
	uint32_t access = trial_denied_before(trial, login, &request);

	if (!access || trial->denied_count == SCENE_MAX)
		return;
	scene_deny(&trial->scene, login, request.type, request.major, request.minor, access);
	request.access = access;
	trial->denied[trial->denied_count] = request;
	trial->logins[trial->denied_count++] = login;
}

/* The policy as a text, and behind it the lines as they were printed. */
static void append(struct trial *trial)
{
	size_t length = trial->policy.length;
	static char text[sizeof(trial->policy.text) + sizeof(trial->scene.lines) + 1];

	memcpy(text, trial->policy.text, length);
	text[length++] = '\n';
	strcpy(text + length, trial->scene.lines);
	length += strlen(trial->scene.lines);
	assert_int_equal(conf_parse("with", text, length, false, &trial->with), 0);
	if (trial->with->error_count)
		fail_msg("%s\n%s", trial->with->errors[0].what.text, trial->scene.lines);
	assert_int_equal(trial->with->statement_count,
			 trial->policy.conf.statement_count + trial->scene.suggest.line_count);
}

void trial_begin(struct trial *trial, uint64_t seed)
{
	char text[sizeof(trial->policy.text) + 1];

	trial->dice = dice_from_seed(seed);
	trial->denied_count = 0;
	generate_policy(&trial->dice, &login_world, &trial->policy);
	memcpy(text, trial->policy.text, trial->policy.length);
	text[trial->policy.length] = '\0';
	scene_begin(&trial->scene, text);
	for (int i = 0; i < TRIAL_LOGINS; i++)
		log_in(trial, i);
	for (size_t i = 0; i < trial->scene.request.login_count; i++)
		for (int j = 0; j < TRIAL_REQUESTS; j++)
			request_device(trial, i);
	scene_lines(&trial->scene);
	append(trial);
	trial_decide(trial);
}

void trial_end(struct trial *trial)
{
	trial_forget(trial);
	conf_free(trial->with);
	scene_end(&trial->scene);
}
