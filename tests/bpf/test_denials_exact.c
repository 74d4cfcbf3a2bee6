// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials are counted to the last one: by many at once, in a map that is full, across replacements. */
#include "denials.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "filter/kernel.h"
#include "memory.h"
#include "tables.h"

/* Names the types of bpfdev.h without including it. */
#include "tests/bpfdev.skel.h"

#define REPLACEMENTS 300 /* or what PAM_BPFDEV_REPLACEMENTS says: emulated kernels are slow */
#define PROCESSES 4
#define LOCKED_MAX (24 * 1024) /* bytes */

static int replacements(void)
{
	const char *wanted = getenv("PAM_BPFDEV_REPLACEMENTS");

	return wanted ? atoi(wanted) : REPLACEMENTS;
}

static void deny_all(const struct scratch *scratch, int old_prog_fd)
{
	struct table *table = make_table(NULL, 0);

	attach_table(scratch->fd, table, old_prog_fd);
	table_free(table);
}

static void detach(const struct scratch *scratch)
{
	int prog = find_filter(scratch->fd);

	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
}

/* The entries that the filter's map may have, and their number. */
static uint32_t map_size(const struct scratch *scratch)
{
	struct bpf_map_info map = { 0 };
	int prog = find_filter(scratch->fd), fd = -1;
	struct filter filter;

	if (filter_identify(prog, &filter) > 0)
		fd = filter_open_map(&filter, FILTER_DENIALS_MAP, &map);

	assert_true(fd >= 0);
	assert_int_equal(map.type, BPF_MAP_TYPE_HASH);
	assert_int_equal(map.map_flags, BPF_F_NO_PREALLOC);
	close(fd);
	close(prog);
	return map.max_entries;
}

/* Four processes, and each of a few kinds. */
static void test_many_at_once(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm = storm_new(scratch, PROCESSES, 5, 20ull * replacements());
	struct denials denials;

	deny_all(scratch, -1);
	storm_run(scratch, storm);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 5);
	assert_int_equal(denials.lost, 0);
	for (size_t i = 0; i < denials.count; i++)
		assert_int_equal(denials.items[i].count, PROCESSES * storm->rounds);
	assert_int_equal(denials_sum(&denials), storm->refused);
	denials_free(&denials);
	storm_free(storm);
}

/* Each kind is new to all, at the same time: one makes the entry, and the others find it made. */
static void make_entries(const struct scratch *scratch, uint32_t processes)
{
	struct storm *storm;
	struct denials denials;

	deny_all(scratch, -1);
	storm = storm_new(scratch, processes, map_size(scratch) - 1, 1);
	storm->abreast = true;
	storm_run(scratch, storm);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, storm->minors);
	for (size_t i = 0; i < denials.count; i++)
		assert_int_equal(denials.items[i].count, processes);
	assert_int_equal(denials.lost, 0);
	denials_free(&denials);
	storm_free(storm);
	detach(scratch);
}

static void test_many_make_an_entry(void **state)
{
	struct scratch *scratch = scratch_get(state);

	make_entries(scratch, PROCESSES);
	for (int i = 0; i < replacements() / 25; i++)
		make_entries(scratch, 2);
}

/* What there is no place for is a number; what has its place goes on being counted there. */
static void test_full(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm;
	struct denials denials;
	uint32_t size;

	deny_all(scratch, -1);
	size = map_size(scratch);
	assert_int_equal(size, denials_take_locked_memory() ? BPFDEV_DENIALS_MAX_LOCKED
							    : BPFDEV_DENIALS_MAX);
	storm = storm_new(scratch, 1, size + 99, 3);
	storm_run(scratch, storm);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, size - 1);
	assert_int_equal(denials.lost, 3 * 100);
	for (uint32_t minor = 0; minor < size - 1; minor++)
		assert_int_equal(
			denials_of(&denials, BPFDEV_CHAR, STORM_MAJOR, minor, BPFDEV_MKNOD)->count,
			3);
	denials_free(&denials);
	storm_free(storm);
}

/* The table does not grow, whatever is asked for. The last places may be taken by several at once. */
static void test_storm_is_bounded(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm = storm_new(scratch, PROCESSES, 50u * replacements(), 1);
	struct denials denials;
	uint32_t size;

	deny_all(scratch, -1);
	size = map_size(scratch);
	storm_run(scratch, storm);
	denials_read(scratch, &denials);
	assert_between(denials.count, size - 1, size - 1 + PROCESSES);
	assert_int_equal(denials_sum(&denials), storm->refused);
	assert_int_equal(map_size(scratch), size);
	denials_free(&denials);
	storm_free(storm);
}

static void replace(const struct scratch *scratch)
{
	int prog = find_filter(scratch->fd);

	deny_all(scratch, prog);
	close(prog);
}

/* No denial is lost between two filters: the sum is what the process was told. */
static void test_kept_across_replacements(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct storm *storm = storm_new(scratch, 2, 3, 0);
	struct denials denials;
	pid_t pids[2];

	deny_all(scratch, -1);
	for (int i = 0; i < 2; i++)
		pids[i] = scratch_start(scratch, NULL, storm_job, storm);
	for (int i = 0; i < replacements(); i++)
		replace(scratch);
	storm->stop = 1;
	for (int i = 0; i < 2; i++)
		assert_int_equal(scratch_wait(pids[i]), 0);
	denials_read(scratch, &denials);
	print_message("%lu denials during %d replacements\n", (unsigned long)storm->refused,
		      replacements());
	assert_true(storm->refused > 0);
	assert_int_equal(denials.count, 3);
	assert_int_equal(denials_sum(&denials), storm->refused);
	denials_free(&denials);
	storm_free(storm);
}

/* What was lost stays lost, and entries go on where they were, with the newer policy's lines. */
static void test_kept_whole(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table_rule rules[] = { DENY(CHAR, 1, BPFDEV_ANY, BPFDEV_ACCESS),
				      DENY(CHAR, 1, 3, BPFDEV_ACCESS) };
	struct bpfdev_info info = { .policy_digest = 77 };
	struct table *table = make_table(rules, 2);
	const struct filter_denial *denial;
	struct denials before, after;
	struct storm *storm;
	int prog;

	deny_all(scratch, -1);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	storm = storm_new(scratch, 1, map_size(scratch), 1);
	storm_run(scratch, storm);
	denials_read(scratch, &before);
	prog = find_filter(scratch->fd);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, prog, NULL)), 0);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	denials_read(scratch, &after);
	assert_int_equal(before.lost, 2);
	assert_int_equal(after.lost, 2);
	assert_int_equal(denials_sum(&after), denials_sum(&before) + 1);
	denial = denials_of(&before, BPFDEV_CHAR, 1, 3, BPFDEV_READ);
	assert_int_equal(denial->digest, 0);
	assert_int_equal(denial->source, 0);
	denial = denials_of(&after, BPFDEV_CHAR, 1, 3, BPFDEV_READ);
	assert_int_equal(denial->digest, 77);
	assert_int_equal(denial->source, 2);
	assert_int_equal(denial->count, 2);
	close(prog);
	denials_free(&before);
	denials_free(&after);
	storm_free(storm);
	table_free(table);
}

/* A replacement that comes to nothing leaves the counts with the filter that stays. */
static void test_failed_replacement(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_table(NULL, 0);
	struct bpfdev_info info = { 0 };
	struct denials denials;
	int gone, prog;

	deny_all(scratch, -1);
	gone = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, gone, NULL), 0);
	deny_all(scratch, -1);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, gone, NULL)), -ENOENT);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	prog = find_filter(scratch->fd);
	denials_read(scratch, &denials);
	assert_int_equal(denials_sum(&denials), 2);
	denials_free(&denials);
	close(prog);
	close(gone);
	table_free(table);
}

/* Attaches a filter as another build would have made it. */
static void attach_foreign(const struct scratch *scratch, uint32_t version, uint32_t map_flags)
{
	struct bpfdev_bpf *program = bpfdev_bpf__open();

	lift_memlock();
	assert_non_null(program);
	program->rodata->data.info.magic = BPFDEV_INFO_MAGIC;
	program->rodata->data.info.version = version;
	bpf_map__set_map_flags(program->maps.denials, map_flags);
	assert_int_equal(bpfdev_bpf__load(program), 0);
	attach_other(scratch->fd, bpf_program__fd(program->progs.pam_bpfdev));
	bpfdev_bpf__destroy(program);
}

/* Attaches a filter of a version that did not count: it has what tells it from others' programs. */
static void attach_without_counts(const struct scratch *scratch)
{
	struct bpfdev_info info = { .magic = BPFDEV_INFO_MAGIC, .version = BPFDEV_INFO_VERSION };
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bpfdev_b.rodata", sizeof(uint32_t),
				 sizeof(info), 1, NULL);
	const struct bpf_insn code[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD,
		  .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	uint32_t first = 0;
	int prog;

	assert_true(map >= 0);
	assert_int_equal(bpf_map_update_elem(map, &first, &info, BPF_ANY), 0);
	prog = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, FILTER_NAME, "GPL", code,
			     ARRAY_SIZE(code), NULL);
	assert_true(prog >= 0);
	attach_other(scratch->fd, prog);
	close(prog);
	close(map);
}

static void check_begins_anew(const struct scratch *scratch)
{
	struct filter_denial *items;
	struct denials denials;
	struct reason why = { "" };
	uint64_t lost;
	size_t count;
	int prog = find_filter(scratch->fd);

	assert_int_equal(filter_read_denials(prog, &items, &count, &lost, &why),
			 FILTER_OTHER_VERSION);
	assert_contains(why.text, "another version");
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 3, O_RDONLY), EPERM);
	deny_all(scratch, prog);
	close(prog);
	assert_int_equal(scratch_open(scratch, BPFDEV_CHAR, 1, 5, O_RDONLY), EPERM);
	denials_read(scratch, &denials);
	assert_int_equal(denials.count, 1);
	assert_int_equal(denials.items[0].minor, 5);
	denials_free(&denials);
	detach(scratch);
}

/* What another version has counted may mean anything. */
static void test_other_versions(void **state)
{
	struct scratch *scratch = scratch_get(state);

	attach_foreign(scratch, BPFDEV_INFO_VERSION + 1, BPF_F_NO_PREALLOC);
	check_begins_anew(scratch);
	attach_foreign(scratch, BPFDEV_INFO_VERSION, 0);
	check_begins_anew(scratch);
	attach_without_counts(scratch);
	check_begins_anew(scratch);
}

/* Where all that the map may hold counts from the beginning, that is little. */
static void test_locked_memory(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_usual_table();
	int prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	if (denials_take_locked_memory())
		assert_between(memory_of(prog, true), 1, LOCKED_MAX);
	close(prog);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_many_at_once),
		scratch_test(test_many_make_an_entry),
		scratch_test(test_full),
		scratch_test(test_storm_is_bounded),
		scratch_test(test_kept_across_replacements),
		scratch_test(test_kept_whole),
		scratch_test(test_failed_replacement),
		scratch_test(test_other_versions),
		scratch_test(test_locked_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
