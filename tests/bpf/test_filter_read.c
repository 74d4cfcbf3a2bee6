// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What was loaded comes back as it was, in another process, and nobody can change it. */
#include "scratch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "filter/filter.h"
#include "filter/kernel.h"
#include "tables.h"

/* Names the types of bpfdev.h without including it. */
#include "tests/bpfdev.skel.h"

static bool are_equal(const struct table *a, const struct table *b)
{
	if (a->slot_count != b->slot_count || a->rule_count != b->rule_count)
		return false;
	return memcmp(&a->index, &b->index, sizeof(a->index)) == 0 &&
	       memcmp(a->slots, b->slots, a->slot_count * sizeof(*a->slots)) == 0 &&
	       (a->rule_count == 0 ||
		memcmp(a->rules, b->rules, a->rule_count * sizeof(*a->rules)) == 0);
}

static const struct bpfdev_info sample = {
	.role = BPFDEV_MANAGER,
	.uid = 4294967294u,
	.flags = BPFDEV_CLOSED,
	.rule_count = 7,
	.opened = 1ull << 40,
	.policy_digest = 0x123456789abcdef0,
	.user = "alice",
	.service = "sshd",
	.tty = "ssh",
	.rhost = "2001:db8::1",
	.unit = "session-3.scope",
	.policy = "/etc/security/bpfdev.conf",
};

struct reader {
	int cgroup_fd;
	const struct table *table;
};

static bool is_sample(const struct bpfdev_info *info, const struct table *table)
{
	struct bpfdev_info expected = sample;

	expected.magic = BPFDEV_INFO_MAGIC;
	expected.version = BPFDEV_INFO_VERSION;
	expected.table_digest = table_digest(table);
	return memcmp(info, &expected, sizeof(expected)) == 0;
}

/* Runs in another process than the one that loaded the filter. */
static int read_back(void *data)
{
	const struct reader *reader = data;
	struct bpfdev_info info;
	struct table *table;
	int prog, same;

	if (filter_find(reader->cgroup_fd, &prog, NULL) != 1)
		return 1;
	if (filter_read(prog, &info, &table, NULL) != 0)
		return 2;
	same = is_sample(&info, reader->table) && are_equal(table, reader->table);
	table_free(table);
	return same ? 0 : 3;
}

static void round_trip(const struct scratch *scratch, struct table *table)
{
	struct reader reader = { .cgroup_fd = scratch->fd, .table = table };
	struct reason why = { "" };
	int prog;

	if (attached(filter_attach(scratch->fd, &sample, table, -1, &why)) != 0)
		fail_msg("%u rules: %s", table->rule_count, why.text);
	assert_int_equal(scratch_run(scratch, NULL, read_back, &reader), 0);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
	table_free(table);
}

static void test_read_back(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table_rule mixed[] = {
		ALLOW(CHAR, 1, 3, BPFDEV_ACCESS),	   ALLOW(BLOCK, 0, 0, BPFDEV_READ),
		DENY(CHAR, BPFDEV_ANY, 9, BPFDEV_WRITE),   ALLOW(CHAR, 4095, 0, BPFDEV_MKNOD),
		ALLOW(CHAR, 600, BPFDEV_ANY, BPFDEV_READ), ALLOW(BLOCK, BPFDEV_ANY, 0xfffff, 7),
		ALLOW(BLOCK, 8, 0xfffff, BPFDEV_ACCESS),   DENY(CHAR, 600, 0xfffff, BPFDEV_READ),
	};
	struct table *all;

	round_trip(scratch, make_table(NULL, 0));
	round_trip(scratch, make_table(mixed, ARRAY_SIZE(mixed)));
	assert_int_equal(table_allow_all(&all), 0);
	round_trip(scratch, all);
}

static void test_sizes(void **state)
{
	struct scratch *scratch = scratch_get(state);

	round_trip(scratch, make_large_table(1));
	round_trip(scratch, make_large_table(33)); /* more than half of a row */
	round_trip(scratch, make_large_table(100));
	round_trip(scratch, make_large_table(10000));
	round_trip(scratch, make_large_table(100000));
}

/* Each rule is found by the program where filter_place_rules() put it: some of many, for real. */
static void test_many_are_enforced(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_large_table(10000);

	attach_table(scratch->fd, table, -1);
	for (uint32_t i = 0; i < table->rule_count; i += 997) {
		const struct bpfdev_key *key = &table->rules[i].key;

		assert_int_equal(scratch_mknod(scratch, key->type, key->major, key->minor), 0);
		assert_int_equal(scratch_mknod(scratch, key->type, key->major, key->minor + 1),
				 EPERM);
	}
	table_free(table);
}

static void check_frozen(int prog, const char *name)
{
	struct bpf_map_info info = { 0 };
	struct filter filter;
	uint32_t first = 0;
	void *value;
	int fd;

	assert_int_equal(filter_identify(prog, &filter), 1);
	fd = filter_open_map(&filter, name, &info);
	assert_true(fd >= 0);
	value = calloc(1, info.value_size);
	assert_non_null(value);
	assert_int_equal(bpf_map_update_elem(fd, &first, value, BPF_ANY), -EPERM);
	free(value);
	close(fd);
}

static void test_maps_are_frozen(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_large_table(3);
	int prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	check_frozen(prog, FILTER_INFO_MAP);
	check_frozen(prog, FILTER_TABLE_MAP);
	close(prog);
	table_free(table);
}

/* Attaches the program as another build would have made it. */
static void attach_foreign(int cgroup_fd, uint32_t magic, uint32_t version, uint16_t slot)
{
	struct bpfdev_bpf *program = bpfdev_bpf__open();

	lift_memlock();
	assert_non_null(program);
	program->rodata->data.info.magic = magic;
	program->rodata->data.info.version = version;
	program->rodata_table->table.majors[BPFDEV_CHAR][7] = (uint32_t)slot
							      << BPFDEV_VERDICT_ENTRY;
	assert_int_equal(bpfdev_bpf__load(program), 0);
	attach_other(cgroup_fd, bpf_program__fd(program->progs.pam_bpfdev));
	bpfdev_bpf__destroy(program);
}

static void test_other_version(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct bpfdev_info info;
	struct reason why = { "" };
	int prog;

	attach_foreign(scratch->fd, BPFDEV_INFO_MAGIC, BPFDEV_INFO_VERSION + 1, 0);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_read(prog, &info, NULL, &why), FILTER_OTHER_VERSION);
	assert_contains(why.text, "another version");
	close(prog);
}

/* The same name, but not our data: somebody else's program. */
static void test_other_magic(void **state)
{
	struct scratch *scratch = scratch_get(state);
	int prog;

	attach_foreign(scratch->fd, 0, BPFDEV_INFO_VERSION, 0);
	assert_int_equal(filter_find(scratch->fd, &prog, NULL), 0);
}

static void test_index_beyond_slots(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct bpfdev_info info;
	struct table *table = NULL;
	int prog;

	attach_foreign(scratch->fd, BPFDEV_INFO_MAGIC, BPFDEV_INFO_VERSION, BPFDEV_TYPES);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_read(prog, &info, NULL, NULL), 0);
	assert_int_equal(filter_read(prog, &info, &table, NULL), -EPROTO);
	assert_null(table);
	close(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_read_back),	       scratch_test(test_sizes),
		scratch_test(test_many_are_enforced),  scratch_test(test_maps_are_frozen),
		scratch_test(test_other_version),      scratch_test(test_other_magic),
		scratch_test(test_index_beyond_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
