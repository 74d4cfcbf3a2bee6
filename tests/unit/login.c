/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "check.h"

#include "login.h"

#include "bpfdev.h"
#include "table/table.h"

struct world login_world;

static gid_t groups[2];
struct policy_subject alice = { (char[]) { "alice" }, 1000, 0, groups, 2, 1000, NULL, 0, true };
struct policy_subject daemon_account = {
	(char[]) { "daemon" }, 1, 0, groups, 2, 1000, NULL, 0, true
};
const struct policy_session local = { "login", "tty1", "", "", POLICY_LOGIN };
const struct policy_session remote = { "sshd", "ssh", "10.0.0.1", "", POLICY_LOGIN };

int login_setup(void **state)
{
	(void)state;
	world_make(&login_world);
	groups[0] = world_gid(&login_world, "disk");
	groups[1] = world_gid(&login_world, "audio");
	return groups[0] == (gid_t)-1 || groups[1] == (gid_t)-1;
}

int login_teardown(void **state)
{
	(void)state;
	world_remove(&login_world);
	return 0;
}

struct conf *login_policy(const char *text)
{
	struct conf *conf = NULL;

	assert_int_equal(conf_parse("policy", text, strlen(text), false, &conf), 0);
	assert_int_equal(conf->error_count, 0);
	return conf;
}

static int outcome_of(const struct policy_result *result)
{
	if (result->kind == POLICY_NONE)
		return NO_FILTER;
	if (result->kind == POLICY_UNRESTRICTED)
		return EVERYTHING;
	return (int)table_refused(result->table, BPFDEV_CHAR, 240, 1, R | W | M);
}

int login_outcome(const char *text, const struct policy_subject *subject,
		  const struct policy_session *session)
{
	struct conf *conf = login_policy(text);
	struct policy_result result;
	struct reason why = { "" };
	int ret;

	ret = policy_decide(conf, &login_world.source, subject,
			    session ? session : &policy_manager_session, &result, &why);
	if (ret)
		fail_msg("%d: %s", ret, why.text);
	ret = outcome_of(&result);
	policy_result_free(&result);
	conf_free(conf);
	return ret;
}
