// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Reading what was denied: in parts, while more is denied, or not at all. */
#include "denials.h"

#include <bpf/bpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tables.h"

#define READS 5000 /* or ten times PAM_BPFDEV_REPLACEMENTS: emulated kernels are slow */
#define KINDS 3	   /* odd: each in both guises */

/* How many entries the kernel is asked for at once; 0: as many as the program wants. */
static __u32 at_once;
static int too_few; /* how often that was not enough for one bucket */

int __real_call_lookup_batch(int fd, const void *from, void *next, void *keys, void *values,
			     __u32 *count, __u64 flags);
int __wrap_call_lookup_batch(int fd, const void *from, void *next, void *keys, void *values,
			     __u32 *count, __u64 flags);

/* What the filter asks comes here. */
int __wrap_call_lookup_batch(int fd, const void *from, void *next, void *keys, void *values,
			     __u32 *count, __u64 flags)
{
	int err;

	if (at_once && *count > at_once)
		*count = at_once;
	err = __real_call_lookup_batch(fd, from, next, keys, values, count, flags);
	if (at_once && err == -ENOSPC) {
		at_once++;
		too_few++;
	}
	return err;
}

static void deny_all(const struct scratch *scratch)
{
	struct table *table = make_table(NULL, 0);

	attach_table(scratch->fd, table, -1);
	table_free(table);
}

/* Not all at once, nor all buckets: the same comes out, each entry once. */
static void test_in_parts(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm = storm_new(scratch, 1, BPFDEV_DENIALS_MAX + 50, 2);
	struct denials denials;

	deny_all(scratch);
	storm_run(scratch, storm);
	at_once = 1;
	denials_read(scratch, &denials);
	at_once = 0;
	assert_true(too_few > 0);
	assert_between(denials.count, BPFDEV_DENIALS_MAX_LOCKED - 1, BPFDEV_DENIALS_MAX - 1);
	for (size_t i = 0; i < denials.count; i++)
		denials_of(&denials, BPFDEV_CHAR, STORM_MAJOR, denials.items[i].minor,
			   BPFDEV_MKNOD);
	assert_int_equal(denials_sum(&denials), storm->refused);
	denials_free(&denials);
	storm_free(storm);
}

static int reads(void)
{
	const char *wanted = getenv("PAM_BPFDEV_REPLACEMENTS");

	return wanted ? 10 * atoi(wanted) : READS;
}

/* A process that is another each time that it asks. */
static const struct {
	const char *name;
	uid_t uid;
} guises[] = { { "aaaaaaaaaaaaaaa", 1000 }, { "bbbbbbbbbbbbbbb", 2000 } };

static int ask_in_guises(void *data)
{
	struct storm *storm = data;
	uint64_t i = 0;

	for (; !storm->stop; i++) {
		prctl(PR_SET_NAME, guises[i % 2].name);
		if (setresuid(guises[i % 2].uid, 0, 0) < 0)
			return 1;
		if (mknod(storm->path, S_IFCHR, makedev(STORM_MAJOR, i % KINDS)) == 0)
			return 2;
	}
	storm->refused = i;
	return 0;
}

static bool is_guise(const struct filter_denial *denial, int guise, bool knows)
{
	return denial->uid == guises[guise].uid &&
	       strcmp(denial->comm, knows ? guises[guise].name : "") == 0;
}

/* Each entry is there once, as it was at some moment, and none goes back. */
static uint64_t check_while_counting(const struct scratch *scratch, uint64_t last, bool knows)
{
	struct denials denials;
	uint64_t sum;

	denials_read(scratch, &denials);
	sum = denials_sum(&denials);
	for (size_t i = 0; i < denials.count; i++) {
		const struct filter_denial *denial = &denials.items[i];

		denials_of(&denials, BPFDEV_CHAR, STORM_MAJOR, denial->minor, BPFDEV_MKNOD);
		assert_between(denial->first, 1, denial->last);
		assert_true(is_guise(denial, 0, knows) || is_guise(denial, 1, knows));
	}
	assert_true(sum >= last);
	denials_free(&denials);
	return sum;
}

static void test_read_while_counting(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm = storm_new(scratch, 1, KINDS, 0);
	bool knows = denials_know_process();
	uint64_t last = 0;
	pid_t pid;

	deny_all(scratch);
	pid = scratch_start(scratch, NULL, ask_in_guises, storm);
	for (int i = reads(); i > 0; i--)
		last = check_while_counting(scratch, last, knows);
	storm->stop = 1;
	assert_int_equal(scratch_wait(pid), 0);
	assert_int_equal(check_while_counting(scratch, last, knows), storm->refused);
	storm_free(storm);
}

static void check_refused(int prog, int err, const char *fragment)
{
	struct filter_denial *items;
	struct reason why = { "" };
	uint64_t lost;
	size_t count;

	assert_int_equal(filter_read_denials(prog, &items, &count, &lost, &why), err);
	assert_contains(why.text, fragment);
}

static int read_as_nobody(void *data)
{
	const int *prog = data;
	struct filter_denial *items;
	struct reason why = { "" };
	uint64_t lost;
	size_t count;

	if (setresuid(65534, 65534, 65534) < 0)
		return 100;
	if (filter_read_denials(*prog, &items, &count, &lost, &why) != -EPERM)
		return 1;
	return strstr(why.text, "CAP_SYS_ADMIN") ? 0 : 2;
}

static void test_cannot_be_read(void **state)
{
	struct scratch *scratch = scratch_get(state);
	int prog, other = load_other(1), no_prog = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_refused(no_prog, -EINVAL, "reading what the filter has denied");
	check_refused(other, -ENOENT, "reading what the filter has denied");
	deny_all(scratch);
	prog = find_filter(scratch->fd);
	assert_int_equal(scratch_run(scratch, NULL, read_as_nobody, &prog), 0);
	close(prog);
	close(no_prog);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_in_parts),
		scratch_test(test_read_while_counting),
		scratch_test(test_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
