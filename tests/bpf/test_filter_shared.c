// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Equal tables have one map in the kernel, and nothing that stands in the file for it can do harm. */
#include "scratch.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/run.h"
#include "filter/kernel.h"
#include "tables.h"

#define FILE_NAME RUN_FOLDER "/tables"
#define MANY 2000 /* rules: more than fits into what is not worth it */

/* A /run of its own, for this process and until it ends. */
static bool have_run(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") == 0 && mkdir(RUN_FOLDER, 0700) == 0;
}

static uint32_t table_map_of(int prog)
{
	struct bpf_map_info info;
	struct filter filter;
	int fd;

	assert_int_equal(filter_identify(prog, &filter), 1);
	fd = filter_open_map(&filter, FILTER_TABLE_MAP, &info);
	assert_true(fd >= 0);
	close(fd);
	return info.id;
}

/* Attaches a filter for somebody beside the others; returns which map its table is in. */
static uint32_t attach_one(const struct scratch *scratch, const struct table *table, uint32_t uid)
{
	struct bpfdev_info info = { .uid = uid };
	int prog = filter_attach(scratch->fd, &info, table, -1, NULL);
	uint32_t map;

	assert_true(prog >= 0);
	map = table_map_of(prog);
	close(prog);
	return map;
}

/* In a process of its own, in the scratch cgroup: 0, or the number of what did not hold. */
static int share(void *data)
{
	const struct scratch *scratch = data;
	struct table *table = make_large_table(MANY), *other = make_large_table(MANY + 1),
		     *small = make_large_table(20);
	uint32_t first, second;

	if (!have_run())
		return 100;
	first = attach_one(scratch, table, 1000);
	if (attach_one(scratch, table, 1001) != first)
		return 1;
	second = attach_one(scratch, other, 1000);
	if (second == first || attach_one(scratch, other, 1002) != second)
		return 2;
	if (attach_one(scratch, table, 1003) != first)
		return 3;
	if (attach_one(scratch, small, 1000) == attach_one(scratch, small, 1001))
		return 4;
	return 0;
}

static void test_equal_tables(void **state)
{
	struct scratch *scratch = scratch_get(state);

	assert_int_equal(scratch_run(scratch, NULL, share, scratch), 0);
}

/* All records say that this map has the table. */
static void point_all_at(uint64_t digest, uint32_t map_id)
{
	struct {
		uint64_t digest;
		uint32_t map_id, unused;
	} record = { digest, map_id, 0 };
	FILTER_CLOSE int fd = open(FILE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	for (int i = 0; i < 1024; i++)
		assert_int_equal(write(fd, &record, sizeof(record)), sizeof(record));
}

/* A map like the table's, but for what is given. */
static uint32_t make_like(const char *name, size_t value_size, const void *value, uint32_t flags,
			  bool frozen)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	struct bpf_map_info info = { 0 };
	uint32_t first = 0, size = sizeof(info);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(first), value_size, 1, &opts);

	lift_memlock();
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_update_elem(fd, &first, value, BPF_ANY), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	if (frozen)
		assert_int_equal(bpf_map_freeze(fd), 0);
	return info.id; /* the descriptor stays, and with it the map */
}

/* What the file names is not the table: the filter has one of its own. */
static int mislead(void *data)
{
	const struct scratch *scratch = data;
	struct table *table = make_large_table(MANY);
	uint64_t digest = table_digest(table);
	struct filter_image image;
	void *zeros;
	uint32_t ids[8], count = 0;

	assert_int_equal(filter_pack(table, &image), 0);
	zeros = calloc(2, image.size);
	if (!have_run())
		return 100;
	ids[count++] = 0;
	ids[count++] = make_like("bpfdev.table", image.size, zeros, BPF_F_RDONLY_PROG, true);
	ids[count++] = make_like("bpfdev.table", image.size, image.table, 0, true);
	ids[count++] = make_like("other.table", image.size, image.table, BPF_F_RDONLY_PROG, true);
	ids[count++] = make_like("bpfdev.table", image.size, image.table, BPF_F_RDONLY_PROG, false);
	memcpy(zeros, image.table, image.size);
	ids[count++] = make_like("bpfdev.table", image.size + 8, zeros, BPF_F_RDONLY_PROG, true);
	ids[count++] = attach_one(scratch, table, 1000) + 1000000; /* no map */
	for (uint32_t i = 0; i < count; i++) {
		point_all_at(digest, ids[i]);
		if (attach_one(scratch, table, 1000) == ids[i])
			return (int)i + 1;
	}
	if (truncate(FILE_NAME, 7) < 0 || attach_one(scratch, table, 1000) == 0)
		return 10;
	unlink(FILE_NAME);
	if (symlink("/run/elsewhere", FILE_NAME) < 0 || attach_one(scratch, table, 1000) == 0)
		return 11;
	return access("/run/elsewhere", F_OK) == 0 ? 12 : 0;
}

static void test_wrong_hints(void **state)
{
	struct scratch *scratch = scratch_get(state);

	assert_int_equal(scratch_run(scratch, NULL, mislead, scratch), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_equal_tables),
		scratch_test(test_wrong_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
