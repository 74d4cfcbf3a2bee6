// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What services are told of a device that they would open for a process in a session. */
#include "slice.h"

#include <errno.h>
#include <grp.h>
#include <fcntl.h>
#include <unistd.h>

#include "denials.h"
#include "enforce/ask.h"
#include "filter/filter.h"
#include "tables.h"

#define NOBODY 65534 /* a user who is on every machine, and has processes on none */
#define R BPFDEV_READ
#define W BPFDEV_WRITE

static const char policy[] = "root allow c 510:1 rw\n"
			     "root deny c 510:2 r\n";

/* A process that waits, as this user. */
struct waiting {
	uid_t uid;
	int ready[2], end[2];
	pid_t pid;
};

static int wait_as(void *data)
{
	const struct waiting *waiting = data;
	char byte;

	if (setgroups(0, NULL) < 0 || setresuid(waiting->uid, waiting->uid, waiting->uid) < 0)
		return 1;
	close(waiting->end[1]);
	if (write(waiting->ready[1], "", 1) != 1)
		return 1;
	return (int)read(waiting->end[0], &byte, 1);
}

static struct waiting start_at(const struct slice *slice, const char *path, uid_t uid)
{
	struct waiting waiting = { .uid = uid };
	char byte;

	assert_int_equal(pipe2(waiting.ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(waiting.end, O_CLOEXEC), 0);
	waiting.pid = scratch_start(slice->scratch, path, wait_as, &waiting);
	assert_int_equal(read(waiting.ready[0], &byte, 1), 1);
	return waiting;
}

static struct waiting start(const struct slice *slice, const char *unit, uid_t uid)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", slice->path, unit);
	return start_at(slice, path, uid);
}

/* With this policy and a session, where a process waits. */
static struct waiting begin(struct slice *slice, void **state, const char *text, uid_t uid)
{
	slice_make(slice, scratch_get(state));
	slice_policy(slice, text);
	slice_open(slice, ONE);
	return start(slice, ONE, uid);
}

static void finish(struct waiting *waiting)
{
	close(waiting->end[1]);
	assert_int_equal(scratch_wait(waiting->pid), 0);
	close(waiting->end[0]);
	close(waiting->ready[0]);
	close(waiting->ready[1]);
}

static struct enforce_question question_of(const struct waiting *waiting, const char *device)
{
	struct enforce_question question = {
		.pid = waiting->pid,
		.uid = (uid_t)-1,
		.by = "udisks2",
		.access = R,
	};

	strcpy(question.device, device);
	return question;
}

static struct enforce_answer ask(const struct slice *slice, const struct enforce_question *question)
{
	struct enforce_answer answer;
	struct reason why = { "" };

	if (enforce_ask(&slice->options, question, &answer, &why) < 0)
		fail_msg("%s", why.text);
	return answer;
}

static void end(struct slice *slice, struct waiting *waiting)
{
	finish(waiting);
	slice_free(slice);
}

static void check(const struct slice *slice, const struct waiting *waiting, const char *device,
		  enum enforce_verdict verdict, const char *line)
{
	struct enforce_question question = question_of(waiting, device);
	struct enforce_answer answer = ask(slice, &question);

	assert_int_equal(answer.verdict, verdict);
	if (*line)
		assert_contains(answer.line, line);
	else
		assert_string_equal(answer.line, "");
}

static void test_session(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct denials denials;

	waiting = begin(&slice, state, policy, NOBODY);
	check(&slice, &waiting, "c 510:1", ENFORCE_ALLOW, "");
	check(&slice, &waiting, "c 510:2", ENFORCE_DENY, "policy:2");
	check(&slice, &waiting, "c 510:3", ENFORCE_DENY, "no rule");
	check(&slice, &waiting, "c 510:2", ENFORCE_DENY, "policy:2");
	slice_read_denials(&slice, ONE, &denials);
	assert_int_equal(denials.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(denials.items[i].door);
		assert_string_equal(denials.items[i].comm, "udisks2");
		assert_int_equal(denials.items[i].pid, waiting.pid);
		assert_int_equal(denials.items[i].uid, NOBODY);
		assert_int_equal(denials.items[i].refused, R);
		assert_int_equal(denials.items[i].count, denials.items[i].minor == 2 ? 2 : 1);
	}
	denials_free(&denials);
	end(&slice, &waiting);
}

/* Of each bit on its own. */
static void test_bits(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct enforce_question question;

	waiting = begin(&slice, state, "root allow c 510:* r\n", NOBODY);
	question = question_of(&waiting, "c 510:1");
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_ALLOW);
	question.access = R | W;
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_DENY);
	end(&slice, &waiting);
}

static void test_exception(void **state)
{
	struct slice slice;
	struct waiting waiting;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	waiting = start(&slice, ONE, NOBODY);
	slice_lend(&slice, "c 510:2", 60);
	check(&slice, &waiting, "c 510:2", ENFORCE_ALLOW, "");
	slice_reclaim(&slice, NULL);
	check(&slice, &waiting, "c 510:2", ENFORCE_DENY, "policy:2");
	finish(&waiting);
	waiting = start(&slice, SLICE_MANAGER, NOBODY);
	check(&slice, &waiting, "c 510:1", ENFORCE_ALLOW, "");
	check(&slice, &waiting, "c 510:2", ENFORCE_DENY, "policy:2");
	end(&slice, &waiting);
}

static void test_audit(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct enforce_question question;
	struct enforce_answer answer;
	struct denials denials;

	waiting = begin(&slice, state, "root allow c 510:1 r\nroot audit\n", NOBODY);
	question = question_of(&waiting, "c 510:2");
	answer = ask(&slice, &question);
	assert_int_equal(answer.verdict, ENFORCE_ALLOW);
	assert_true(answer.audit);
	slice_read_denials(&slice, ONE, &denials);
	assert_int_equal(denials.count, 1);
	assert_int_equal(denials.items[0].refused, 0);
	assert_int_equal(denials.items[0].audited, R);
	assert_true(denials.items[0].door);
	denials_free(&denials);
	question = question_of(&waiting, "c 510:1");
	assert_false(ask(&slice, &question).audit);
	end(&slice, &waiting);
}

/* Root is never refused, and nobody is told of root's. */
static void test_root(void **state)
{
	struct slice slice;
	struct waiting waiting;

	waiting = begin(&slice, state, policy, 0);
	check(&slice, &waiting, "c 510:2", ENFORCE_NO_OPINION, "");
	end(&slice, &waiting);
}

/* The process is another's by now, or began later: it gets nothing, if the asker has rules. */
static void test_another_process(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct enforce_question question;

	waiting = begin(&slice, state, "root allow *\nnobody deny c 510:2\n", 1);
	question = question_of(&waiting, "c 510:1");
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_ALLOW);
	question.uid = NOBODY;
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_DENY);
	assert_string_equal(ask(&slice, &question).line, "the process that asked has gone");
	question.uid = 1;
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_ALLOW);
	question.start = 1;
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_NO_OPINION);
	finish(&waiting);
	/* It is not there at all. */
	question.start = 0;
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_NO_OPINION);
	question.uid = NOBODY;
	assert_int_equal(ask(&slice, &question).verdict, ENFORCE_DENY);
	slice_free(&slice);
}

static void test_nobody_asks(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct enforce_question question;
	struct enforce_answer answer;
	struct reason why = { "" };

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	waiting = start_at(&slice, NULL, NOBODY);
	finish(&waiting);
	question = question_of(&waiting, "c 510:1");
	assert_int_equal(enforce_ask(&slice.options, &question, &answer, &why), -ESRCH);
	assert_contains(why.text, "there is no process");
	slice_free(&slice);
}

/* No filter is above the process: what the manager would get. */
static void test_no_filter(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct enforce_question question;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root deny c 510:2\n");
	waiting = start_at(&slice, NULL, NOBODY);
	check(&slice, &waiting, "c 510:2", ENFORCE_NO_OPINION, "");
	slice_policy(&slice, "nobody deny c 510:2\nnobody allow c 510:3 service=login\n"
			     "nobody allow c 510:4\n");
	check(&slice, &waiting, "c 510:2", ENFORCE_DENY, "policy:1");
	check(&slice, &waiting, "c 510:3", ENFORCE_DENY, "no rule");
	check(&slice, &waiting, "c 510:4", ENFORCE_ALLOW, "");
	question = question_of(&waiting, "c 510:2");
	assert_contains(ask(&slice, &question).note.text, "uid 65534 was denied c 510:2");
	slice_policy(&slice, "nobody deny\n");
	check(&slice, &waiting, "c 510:4", ENFORCE_DENY, "policy:1");
	end(&slice, &waiting);
}

/* A copy of somebody else's filter beside: both must allow, and the one that does not counts it. */
static void test_copies(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct table_rule rules[] = { ALLOW(CHAR, 510, 2, R), ALLOW(CHAR, 510, 3, R) };
	struct bpfdev_info info = { .flags = BPFDEV_CALLER, .user = "carol" };
	struct table *table = make_table(rules, 2);
	char path[512];
	int fd;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, "root allow c 510:1 r\nroot allow c 510:2 r\n");
	slice_open(&slice, ONE);
	snprintf(path, sizeof(path), "%s/%s", slice.path, ONE);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(attached(filter_attach(fd, &info, table, -1, NULL)), 0);
	table_free(table);
	close(fd);
	waiting = start(&slice, ONE, NOBODY);
	check(&slice, &waiting, "c 510:1", ENFORCE_DENY, "no rule");
	check(&slice, &waiting, "c 510:2", ENFORCE_ALLOW, "");
	check(&slice, &waiting, "c 510:3", ENFORCE_DENY, "no rule");
	end(&slice, &waiting);
}

static void test_unreadable(void **state)
{
	struct slice slice;
	struct waiting waiting;
	struct enforce_question question;
	struct enforce_answer answer;
	struct reason why = { "" };

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	close(slice_begin(&slice, ONE));
	slice_give_other_version(&slice, ONE);
	waiting = start(&slice, ONE, NOBODY);
	check(&slice, &waiting, "c 510:1", ENFORCE_DENY, "another version");
	question = question_of(&waiting, "/dev");
	assert_int_equal(enforce_ask(&slice.options, &question, &answer, &why), -EINVAL);
	assert_contains(why.text, "expected");
	end(&slice, &waiting);
}

/* A node that is not there is nothing that could be allowed, but for whom everything is. */
static void test_no_device(void **state)
{
	struct slice slice;
	struct waiting waiting;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, policy);
	slice_open(&slice, ONE);
	slice_policy(&slice, "root exempt\n");
	slice_open(&slice, TWO);
	waiting = start(&slice, ONE, NOBODY);
	check(&slice, &waiting, "/dev/none", ENFORCE_DENY, "no device that is there");
	finish(&waiting);
	waiting = start(&slice, TWO, NOBODY);
	check(&slice, &waiting, "/dev/none", ENFORCE_ALLOW, "");
	end(&slice, &waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_session),	scratch_test(test_bits),
		scratch_test(test_exception),	scratch_test(test_audit),
		scratch_test(test_root),	scratch_test(test_another_process),
		scratch_test(test_nobody_asks), scratch_test(test_no_filter),
		scratch_test(test_copies),	scratch_test(test_unreadable),
		scratch_test(test_no_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
