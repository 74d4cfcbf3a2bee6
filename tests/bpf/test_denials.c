// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a filter counts when it denies, and for whom. */
#include "denials.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tables.h"

#define R BPFDEV_READ
#define W BPFDEV_WRITE
#define M BPFDEV_MKNOD
#define DIGEST 0x123456789abcdef0ull

/* Attaches a filter with these rules, their sources numbered from 1 on. */
static void put(const struct scratch *scratch, enum table_rank audit, struct table_rule *rules,
		size_t count)
{
	struct bpfdev_info info = { .policy_digest = DIGEST };
	struct reason why = { "" };
	struct table *table;

	for (size_t i = 0; i < count; i++)
		rules[i].source = i + 1;
	assert_int_equal(table_fold(rules, count, audit, &table, NULL), 0);
	if (attached(filter_attach(scratch->fd, &info, table, -1, &why)) != 0)
		fail_msg("%s", why.text);
	table_free(table);
}

#define PUT(scratch, audit, ...)                                                                   \
	do {                                                                                       \
		struct table_rule rules_[] = { __VA_ARGS__ };                                      \
		put(scratch, audit, rules_, ARRAY_SIZE(rules_));                                   \
	} while (0)

static int ask(void *path)
{
	return access(path, F_OK) < 0 ? errno : 0;
}

static int ask_to_read(void *path)
{
	return access(path, R_OK) < 0 ? errno : 0;
}

static void test_allowed_is_not_counted(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	char path[128];

	PUT(scratch, TABLE_BASELINE, ALLOW(CHAR, 1, 3, R | W));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), 0);
	scratch_node(scratch, BPFDEV_CHAR, 1, 5, path, sizeof(path));
	assert_int_equal(scratch_run(scratch, NULL, ask, path), 0);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 0);
	assert_int_equal(denials.lost, 0);
	denials_free(&denials);
}

static void check(const struct denials *denials, enum bpfdev_type type, uint32_t major,
		  uint32_t minor, uint32_t access, uint32_t refused, uint64_t count)
{
	const struct filter_denial *denial = denials_of(denials, type, major, minor, access);

	assert_int_equal(denial->refused, refused);
	assert_int_equal(denial->audited, 0);
	assert_int_equal(denial->count, count);
	assert_int_equal(denial->digest, DIGEST);
}

/* The sum that says whether there is anything new to read, of what there is no room for, too. */
static void test_watched(void **state)
{
	struct scratch *scratch = scratch_get(state);
	uint32_t before = 0, after;
	uint64_t count;
	int prog, watch;

	assert_int_equal(filter_newest(&before), 0);
	PUT(scratch, TABLE_BASELINE, ALLOW(CHAR, 1, 3, R));
	after = before;
	assert_int_equal(filter_newest(&after), 0);
	assert_true(after > before);
	prog = find_filter(scratch->fd);
	watch = filter_watch(prog);
	close(prog);
	assert_true(watch >= 0);
	assert_int_equal(filter_moved(watch, &count), 0);
	assert_int_equal(count, 0);
	for (uint32_t minor = 0; minor < 300; minor++)
		scratch_open(scratch, BPFDEV_CHAR, 300, minor, O_RDWR);
	assert_int_equal(filter_moved(watch, &count), 0);
	assert_int_equal(count, 300);
	close(watch);
}

/* Each device and access on its own; what asks without opening too. */
static void test_kinds(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	char path[128];

	PUT(scratch, TABLE_BASELINE, ALLOW(CHAR, 1, 5, R));
	for (int i = 0; i < 3; i++)
		assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_WRONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 3), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_BLOCK, 1, 3), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 4095, (1 << 20) - 1), EPERM);
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, path, sizeof(path));
	assert_int_equal(scratch_run(scratch, NULL, ask_to_read, path), EPERM);

	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 6);
	check(&denials, BPFDEV_CHAR, 1, 3, R, R, 4);
	check(&denials, BPFDEV_CHAR, 1, 3, W, W, 1);
	check(&denials, BPFDEV_CHAR, 1, 5, R | W, W, 1);
	check(&denials, BPFDEV_CHAR, 1, 3, M, M, 1);
	check(&denials, BPFDEV_BLOCK, 1, 3, M, M, 1);
	check(&denials, BPFDEV_CHAR, 4095, (1 << 20) - 1, M, M, 1);
	assert_int_equal(denials.lost, 0);
	denials_free(&denials);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void test_times(void **state)
{
	struct scratch *scratch = scratch_get(state);
	const struct filter_denial *old, *new;
	uint64_t start = now(), middle, end;
	struct denials denials;

	put(scratch, TABLE_BASELINE, NULL, 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDONLY), EPERM);
	middle = now();
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	end = now();
	denials_read(scratch, &denials);
	new = denials_of(&denials, BPFDEV_CHAR, 1, 3, R);
	old = denials_of(&denials, BPFDEV_CHAR, 1, 5, R);
	assert_between(new->first, start, middle);
	assert_between(new->last, middle, end);
	assert_between(old->first, new->first, middle);
	assert_int_equal(old->first, old->last);
	/* Newest first. */
	assert_ptr_equal(&denials.items[0], new);
	assert_ptr_equal(&denials.items[1], old);
	denials_free(&denials);
}

/* The line that decided on the lowest bit that was refused, of that policy which did so last. */
static void test_sources(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;

	PUT(scratch, TABLE_BASELINE, DENY(CHAR, 1, 5, W), DENY(CHAR, 1, BPFDEV_ANY, R | M),
	    ALLOW(CHAR, 1, 7, R), DENY(CHAR, 1, 8, R | W));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_WRONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDWR), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 7, O_RDWR), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 8, O_RDWR), EPERM);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 1, 8), EPERM);
	denials_read(scratch, &denials);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 5, W)->source, 1);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 5, R | W)->source, 2);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 7, R | W)->source, 0);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 8, R | W)->source, 4);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 8, M)->source, 2);
	denials_free(&denials);
}

/* What passes for audit only is counted as that; higher ranks go on refusing. */
static void test_audit(void **state)
{
	struct scratch *scratch = scratch_get(state);
	const struct filter_denial *denial;
	struct denials denials;

	PUT(scratch, TABLE_GROUP, RULE(CHAR, 1, 3, R | W, TABLE_GROUP, 0), DENY(CHAR, 1, 5, R),
	    DENY(CHAR, 1, 7, W), ALLOW(CHAR, 1, 8, R));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 7, O_RDWR), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 8, O_RDONLY), 0);
	assert_int_equal(scratch_mknod(scratch, BPFDEV_CHAR, 30, 0), 0);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 4);
	denial = denials_of(&denials, BPFDEV_CHAR, 1, 3, R | W);
	assert_int_equal(denial->refused, 0);
	assert_int_equal(denial->audited, R | W);
	assert_int_equal(denial->source, 1);
	check(&denials, BPFDEV_CHAR, 1, 5, R, R, 1);
	/* Both at once: refused, by the line that did it, while no line covers what passed. */
	denial = denials_of(&denials, BPFDEV_CHAR, 1, 7, R | W);
	assert_int_equal(denial->refused, W);
	assert_int_equal(denial->audited, R);
	assert_int_equal(denial->source, 3);
	denial = denials_of(&denials, BPFDEV_CHAR, 30, 0, M);
	assert_int_equal(denial->audited, M);
	assert_int_equal(denial->source, 0);
	denials_free(&denials);
}

/* An exception allows, and is no denial, whatever the policy would say. */
static void test_lent_is_not_counted(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table_rule rules[] = { DENY(CHAR, 1, 3, R), ALLOW(CHAR, 1, 3, R) };
	struct table *table = make_table(rules, 1), *lent = make_table(rules + 1, 1), *both;
	struct denials denials;

	assert_int_equal(
		table_lend(table, &(struct table_loan) { lent, UINT32_MAX }, 1, &both, NULL), 0);
	attach_table(scratch->fd, both, -1);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDWR), EPERM);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 1);
	assert_int_equal(denials_of(&denials, BPFDEV_CHAR, 1, 3, R | W)->refused, W);
	denials_free(&denials);
	table_free(both);
	table_free(lent);
	table_free(table);
}

/* A process with a name and a uid of its own. */
struct person {
	char path[128];
	const char *name;
	uid_t uid;
	pid_t pid;
};

static int open_as(void *data)
{
	struct person *person = data;

	prctl(PR_SET_NAME, person->name);
	if (setresuid(person->uid, 0, 0) < 0)
		return 100;
	return open(person->path, O_RDONLY) < 0 ? errno : 0;
}

static void be_denied(const struct scratch *scratch, struct person *person)
{
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, person->path, sizeof(person->path));
	person->pid = scratch_start(scratch, NULL, open_as, person);
	assert_int_equal(scratch_wait(person->pid), EPERM);
}

static bool in_first_pid_namespace(void)
{
	char own[64] = "", first[] = "pid:[4026531836]"; /* PROC_PID_INIT_INO */

	return readlink("/proc/self/ns/pid", own, sizeof(own) - 1) > 0 && strcmp(own, first) == 0;
}

static void check_person(const struct scratch *scratch, const struct person *person, bool knows)
{
	const struct filter_denial *denial;
	struct denials denials;

	denials_read(scratch, &denials);
	denial = denials_of(&denials, BPFDEV_CHAR, 1, 3, R);
	assert_int_equal(denial->uid, person->uid);
	assert_string_equal(denial->comm, knows ? person->name : "");
	if (!knows)
		assert_int_equal(denial->pid, 0);
	else if (in_first_pid_namespace())
		assert_int_equal(denial->pid, person->pid);
	else
		assert_int_not_equal(denial->pid, 0);
	denials_free(&denials);
}

/* Who it was last. The kernel's tests look for what is printed. */
static void test_who(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct person first = { .name = "first\033[2Jname45", .uid = 4321 };
	struct person second = { .name = "2nd", .uid = 4294967294u };
	bool knows = denials_know_process();

	print_message("the process is %s\n", knows ? "known" : "not known");
	put(scratch, TABLE_BASELINE, NULL, 0);
	be_denied(scratch, &first);
	check_person(scratch, &first, knows);
	be_denied(scratch, &second);
	check_person(scratch, &second, knows);
}

/* The major of a block device whose minor 0 can be opened; leaves the test if there is none. */
static unsigned int find_block_device(const struct scratch *scratch)
{
	static const unsigned int majors[] = { 7, 1, 252 }; /* loop, ram, zram */
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(majors); i++) {
		int fd;

		scratch_node(scratch, BPFDEV_BLOCK, majors[i], 0, path, sizeof(path));
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		close(fd);
		return majors[i];
	}
	cannot_run("no block device can be opened");
	return 0;
}

/* The kernel asks twice, unless the first answer is no. */
static void test_block_devices(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	unsigned int major = find_block_device(scratch);

	PUT(scratch, TABLE_GROUP, DENY(BLOCK, major, 0, W));
	assert_int_equal(scratch_open(scratch, BPFDEV_BLOCK, major, 0, O_RDONLY), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_BLOCK, major, 0, O_WRONLY), EPERM);
	denials_read(scratch, &denials);
	assert_int_equal(denials_of(&denials, BPFDEV_BLOCK, major, 0, R)->count, 2);
	assert_int_equal(denials_of(&denials, BPFDEV_BLOCK, major, 0, W)->count, 1);
	denials_free(&denials);
}

/* Only what this filter refuses counts, whatever others of the same cgroup say. */
static void test_beside_other_programs(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct denials denials;
	int other = load_other(0);

	attach_other(scratch->fd, other);
	PUT(scratch, TABLE_BASELINE, ALLOW(CHAR, 1, 3, R));
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDONLY), EPERM);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 1);
	check(&denials, BPFDEV_CHAR, 1, 5, R, R, 1);
	denials_free(&denials);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_allowed_is_not_counted),
		scratch_test(test_watched),
		scratch_test(test_kinds),
		scratch_test(test_times),
		scratch_test(test_sources),
		scratch_test(test_audit),
		scratch_test(test_lent_is_not_counted),
		scratch_test(test_who),
		scratch_test(test_block_devices),
		scratch_test(test_beside_other_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
