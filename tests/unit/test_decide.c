/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random policies, users, sessions and requests: the folded tables must answer as the naive walk
 * over all lines does. A difference is printed with the seed that repeats it.
 */
#include "check.h"

#include <errno.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "table/table.h"
#include "dice.h"
#include "generate.h"
#include "naive.h"
#include "world.h"

#define POLICIES 10000
#define SUBJECTS_PER_POLICY 4
#define REQUESTS_PER_SUBJECT 32

static struct world world;
static uint64_t run_seed;

/* One policy and one user: all that a difference has to be told with. */
struct trial {
	uint64_t seed;
	struct dice dice;
	struct generated policy;
	struct conf *conf; /* parsed from the policy's text */
	struct generated_subject user;
	struct policy_session session;
	bool manager;
	struct policy_result result;
};

static void print_trial(const struct trial *trial)
{
	const struct policy_subject *subject = &trial->user.subject;

	print_error("PAM_BPFDEV_SEED=%llu PAM_BPFDEV_POLICIES=1\n%.*s\n",
		    (unsigned long long)trial->seed, (int)trial->policy.length, trial->policy.text);
	print_error("user %s uid %u uid_min %u gid %u groups", subject->name, subject->uid,
		    subject->uid_min, subject->gid);
	for (int i = 0; i < subject->group_count; i++)
		print_error(" %u", subject->groups[i]);
	if (trial->manager)
		print_error("\nthe user manager\n");
	else
		print_error("\nservice \"%s\" tty \"%s\" rhost \"%s\"\n", trial->session.service,
			    trial->session.tty, trial->session.rhost);
}

static void print_answer(const char *who, const struct naive_answer *answer)
{
	print_error("%s: kind %d refused %u audited %u sources %x %x %x\n", who, answer->kind,
		    answer->refused, answer->audited, answer->source[0], answer->source[1],
		    answer->source[2]);
}

static struct naive_answer ask_table(const struct policy_result *result,
				     const struct naive_request *request)
{
	struct naive_answer answer = { .kind = result->kind };
	const struct bpfdev_entry *entry;

	if (result->kind == POLICY_NONE)
		return answer;
	entry = table_find(result->table, request->type, request->major, request->minor);
	answer.refused = table_refused(result->table, request->type, request->major, request->minor,
				       request->access);
	answer.audited = entry->audit;
	if (result->kind == POLICY_RULES)
		memcpy(answer.source, entry->source, sizeof(answer.source));
	return answer;
}

static void check_request(struct trial *trial)
{
	struct naive_request request = generate_request(&trial->dice);
	struct naive_answer folded = ask_table(&trial->result, &request);
	struct naive_answer naive = naive_decide(&world, &trial->policy.conf, &trial->user.subject,
						 trial->manager ? NULL : &trial->session, &request);

	if (memcmp(&folded, &naive, sizeof(naive)) == 0)
		return;
	print_trial(trial);
	print_error("%s %u:%u access %u\n", request.type == BPFDEV_CHAR ? "char" : "block",
		    request.major, request.minor, request.access);
	print_answer("expected", &naive);
	print_answer("actual  ", &folded);
	fail();
}

static void check_subject(struct trial *trial)
{
	struct reason why = { "" };
	int ret;

	generate_subject(&trial->dice, &world, &trial->user);
	trial->session = generate_session(&trial->dice);
	trial->manager = dice_percent(&trial->dice, 25);
	ret = policy_decide(trial->conf, &world.source, &trial->user.subject,
			    trial->manager ? &policy_manager_session : &trial->session,
			    &trial->result, &why);
	if (ret) {
		print_trial(trial);
		fail_msg("%d: %s", ret, why.text);
	}
	assert_int_equal(trial->result.kind == POLICY_NONE, trial->result.table == NULL);
	for (int i = 0; i < REQUESTS_PER_SUBJECT; i++)
		check_request(trial);
	policy_result_free(&trial->result);
}

static void parse_trial(struct trial *trial)
{
	struct reason why;

	assert_int_equal(
		conf_parse("random", trial->policy.text, trial->policy.length, false, &trial->conf),
		0);
	if (!trial->conf->error_count)
		return;
	print_trial(trial);
	conf_describe_error(trial->conf, &trial->conf->errors[0], &why);
	fail_msg("%s", why.text);
}

static void run_trial(uint64_t seed, void (*check)(struct trial *trial))
{
	static struct trial trial;

	memset(&trial, 0, sizeof(trial));
	trial.seed = seed;
	trial.dice = dice_from_seed(seed);
	generate_policy(&trial.dice, &world, &trial.policy);
	parse_trial(&trial);
	check(&trial);
	conf_free(trial.conf);
}

static void check_decisions(struct trial *trial)
{
	for (int i = 0; i < SUBJECTS_PER_POLICY; i++)
		check_subject(trial);
}

static void random_policies_are_decided_as_the_text_says(void **state)
{
	uint64_t count = dice_environment("PAM_BPFDEV_POLICIES", POLICIES);

	(void)state;
	for (uint64_t i = 0; i < count; i++)
		run_trial(run_seed + i, check_decisions);
	print_message("%llu requests\n",
		      (unsigned long long)count * SUBJECTS_PER_POLICY * REQUESTS_PER_SUBJECT);
}

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_range(const struct device_range *a, const struct device_range *b)
{
	return a->any == b->any && (a->any || (a->low == b->low && a->high == b->high));
}

static bool same_device(const struct device_spec *a, const struct device_spec *b)
{
	if (a->kind != b->kind || a->column != b->column || !same_text(a->text, b->text))
		return false;
	if (a->kind == DEVICE_CLASS)
		return true;
	if (a->kind == DEVICE_USB)
		return same_range(&a->usb.vendor, &b->usb.vendor) &&
		       same_range(&a->usb.product, &b->usb.product) &&
		       same_text(a->usb.serial, b->usb.serial);
	return a->block == b->block && a->character == b->character &&
	       (a->kind != DEVICE_NUMBERS ||
		(same_range(&a->major, &b->major) && same_range(&a->minor, &b->minor)));
}

static bool same_statement(const struct conf_statement *a, const struct conf_statement *b)
{
	bool rule = a->verb == CONF_ALLOW || a->verb == CONF_DENY;

	return a->place.line == b->place.line && a->place.column == b->place.column &&
	       a->who.kind == b->who.kind && same_text(a->who.name, b->who.name) &&
	       (a->who.kind == CONF_USER || a->who.kind == CONF_GROUP ||
		a->who.kind == CONF_ANYONE ||
		(a->who.low == b->who.low && a->who.high == b->who.high)) &&
	       a->verb == b->verb && a->when.origin == b->when.origin &&
	       same_text(a->when.service, b->when.service) && same_text(a->when.tty, b->when.tty) &&
	       (!rule || (a->access == b->access && same_device(&a->device, &b->device)));
}

static bool same_class(const struct conf *conf, const struct conf_class *class)
{
	const struct conf_class *parsed = conf_find_class(conf, class->name);

	if (!parsed || parsed->count != class->count)
		return false;
	for (size_t i = 0; i < class->count; i++)
		if (!same_device(&parsed->devices[i], &class->devices[i]))
			return false;
	return true;
}

static void check_parsing(struct trial *trial)
{
	const struct conf *wanted = &trial->policy.conf;
	bool same = trial->conf->statement_count == wanted->statement_count &&
		    trial->conf->class_count == wanted->class_count;

	for (size_t i = 0; same && i < wanted->statement_count; i++)
		same = same_statement(&wanted->statements[i], &trial->conf->statements[i]);
	for (size_t i = 0; same && i < wanted->class_count; i++)
		same = same_class(trial->conf, &wanted->classes[i]);
	if (same)
		return;
	print_trial(trial);
	fail_msg("the text was understood as something else");
}

static void random_policies_are_read_as_written(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < POLICIES; i++)
		run_trial(run_seed + i, check_parsing);
}

static void device_nodes_could_be_made(void **state)
{
	(void)state;
	if (!world.has_nodes)
		cannot_run("device nodes cannot be made here: no /dev paths in random policies");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_nodes_could_be_made),
		cmocka_unit_test(random_policies_are_read_as_written),
		cmocka_unit_test(random_policies_are_decided_as_the_text_says),
	};
	int failed;

	run_seed = dice_run_seed();
	world_make(&world);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	world_remove(&world);
	return failed;
}
