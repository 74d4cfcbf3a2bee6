// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A process that is denied over and over is counted with less ado than others: nothing may get lost by it. */
#include "denials.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "tables.h"

#define ROUNDS 1000u
/* Where one moment out of many has to be hit. */
#define TIMES 50

/* A process that asks for c 1:3, in memory that is shared with it. */
struct flooder {
	char path[128];
	const char *name, *later_name; /* the second one for its last question, */
	uid_t uid, later_uid;	       /* and this one */
	uint64_t rounds;	       /* before that; 0: until it is to stop */
	volatile bool stop;
	volatile uint64_t allowed; /* how many questions it may have asked: see in_turn() */
	volatile uint64_t asked, refused, before_last;
	pid_t pid;
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void ask(struct flooder *flooder)
{
	flooder->before_last = now();
	flooder->refused += open(flooder->path, O_RDONLY | O_CLOEXEC) < 0 && errno == EPERM;
	flooder->asked++;
}

/* For scratch_start(). */
static int flood(void *data)
{
	struct flooder *flooder = data;

	prctl(PR_SET_NAME, flooder->name);
	if (setresuid(flooder->uid, flooder->uid, 0) < 0)
		return 1;
	while (flooder->rounds ? flooder->asked < flooder->rounds : !flooder->stop)
		ask(flooder);
	if (flooder->later_name) {
		prctl(PR_SET_NAME, flooder->later_name);
		usleep(1000); /* then it is no flood any more */
	}
	if (setresuid(flooder->later_uid, flooder->later_uid, 0) < 0)
		return 1;
	ask(flooder);
	return 0;
}

/* For scratch_start(): asks whenever it may, at once. */
static int in_turn(void *data)
{
	struct flooder *flooder = data;

	prctl(PR_SET_NAME, flooder->name);
	while (!flooder->stop)
		if (flooder->asked < flooder->allowed)
			ask(flooder);
		else
			sched_yield();
	return 0;
}

static struct flooder *new_flooder(const struct scratch *scratch, const char *name)
{
	struct flooder *flooder = mmap(NULL, sizeof(*flooder), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(flooder, MAP_FAILED);
	*flooder = (struct flooder) { .name = name, .uid = 4321, .later_uid = 4321 };
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, flooder->path, sizeof(flooder->path));
	return flooder;
}

static void start(const struct scratch *scratch, scratch_job *job, struct flooder *flooder)
{
	flooder->pid = scratch_start(scratch, NULL, job, flooder);
}

/* Waits until it has asked so often. */
static void wait_until(const struct flooder *flooder, uint64_t asked)
{
	while (flooder->asked < asked) {
		assert_int_equal(kill(flooder->pid, 0), 0);
		sched_yield();
	}
}

/* Waits for the end of it. Returns how often it has asked. */
static uint64_t end(struct flooder *flooder)
{
	flooder->stop = true;
	assert_int_equal(scratch_wait(flooder->pid), 0);
	assert_int_equal(flooder->refused, flooder->asked);
	return flooder->asked;
}

static void put(const struct scratch *scratch, uint64_t digest, uint32_t source)
{
	struct bpfdev_info info = { .policy_digest = digest };
	struct table_rule rule = DENY(CHAR, 1, 3, BPFDEV_READ);
	struct table *table;
	int old = -1;

	rule.source = source;
	assert_int_equal(table_fold(&rule, 1, TABLE_BASELINE, &table, NULL), 0);
	filter_find(scratch->fd, &old, NULL);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, old, NULL)), 0);
	if (old >= 0)
		close(old);
	table_free(table);
}

static struct filter_denial the_one(const struct scratch *scratch)
{
	struct filter_denial denial;
	struct denials denials;

	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 1);
	denial = denials.items[0];
	denials_free(&denials);
	return denial;
}

static struct scratch *filtered(void **state)
{
	struct scratch *scratch = scratch_get(state);

	put(scratch, 1, 1);
	return scratch;
}

/* Nothing is counted in short where one flood cannot be told from another. */
static struct scratch *filtered_by_process(void **state)
{
	if (!denials_know_process())
		cannot_run("this kernel does not tell which process asks");
	return filtered(state);
}

static void test_all_is_counted(void **state)
{
	struct scratch *scratch = filtered(state);
	struct flooder *flooder = new_flooder(scratch, "flooder");
	struct filter_denial denial;

	flooder->rounds = ROUNDS;
	start(scratch, flood, flooder);
	assert_int_equal(end(flooder), ROUNDS + 1);
	denial = the_one(scratch);
	assert_int_equal(denial.count, ROUNDS + 1);
	assert_string_equal(denial.comm, denials_know_process() ? "flooder" : "");
	assert_true(denial.last >= flooder->before_last && denial.last <= now());
	munmap(flooder, sizeof(*flooder));
}

/* One right after the other: the entry is the one's who was there last. */
static void test_of_two(void **state)
{
	struct scratch *scratch = filtered_by_process(state);
	struct flooder *first = new_flooder(scratch, "first"),
		       *second = new_flooder(scratch, "second");

	start(scratch, in_turn, first);
	start(scratch, in_turn, second);
	for (uint64_t i = 1; i <= TIMES; i++) {
		struct filter_denial denial;

		first->allowed = i;
		while (first->asked < i)
			assert_int_equal(kill(first->pid, 0), 0);
		second->allowed = i;
		wait_until(second, i);
		denial = the_one(scratch);
		assert_string_equal(denial.comm, "second");
		assert_int_equal(denial.count, 2 * i);
		assert_true(denial.last >= second->before_last && denial.last <= now());
	}
	end(first);
	end(second);
	munmap(first, sizeof(*first));
	munmap(second, sizeof(*second));
}

static void test_of_another_uid(void **state)
{
	struct scratch *scratch = filtered_by_process(state);
	struct flooder *flooder = new_flooder(scratch, "flooder");

	flooder->later_uid = 0;
	flooder->rounds = ROUNDS;
	start(scratch, flood, flooder);
	end(flooder);
	assert_int_equal(the_one(scratch).count, ROUNDS + 1);
	assert_int_equal(the_one(scratch).uid, 0);
	munmap(flooder, sizeof(*flooder));
}

/* Who pauses has what it calls itself looked at again. */
static void test_of_another_name(void **state)
{
	struct scratch *scratch = filtered_by_process(state);
	struct flooder *flooder = new_flooder(scratch, "flooder");

	flooder->later_name = "later";
	flooder->rounds = ROUNDS;
	start(scratch, flood, flooder);
	end(flooder);
	assert_string_equal(the_one(scratch).comm, "later");
	munmap(flooder, sizeof(*flooder));
}

/* The filter is replaced while the flood goes on: it is by the new one's policy, and line. */
static void replace(void **state, bool digest, bool source)
{
	struct scratch *scratch = filtered_by_process(state);
	struct flooder *flooder = new_flooder(scratch, "flooder");
	uint64_t asked;

	start(scratch, flood, flooder);
	wait_until(flooder, 1);
	for (uint32_t i = 2; i < TIMES; i++) {
		put(scratch, digest ? i : 1, source ? i : 1);
		wait_until(flooder, flooder->asked + 2);
		assert_int_equal(the_one(scratch).digest, digest ? i : 1);
		assert_int_equal(the_one(scratch).source, source ? i : 1);
	}
	asked = end(flooder);
	assert_int_equal(the_one(scratch).count, asked);
	munmap(flooder, sizeof(*flooder));
}

static void test_by_another_policy(void **state)
{
	replace(state, true, false);
}

static void test_by_another_line(void **state)
{
	replace(state, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_all_is_counted),    scratch_test(test_of_two),
		scratch_test(test_of_another_uid),    scratch_test(test_of_another_name),
		scratch_test(test_by_another_policy), scratch_test(test_by_another_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
