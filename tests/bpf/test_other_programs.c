/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The device programs of others: on which cgroup they are, as far as the mount shows it. */
#include "scratch.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "command/machine/programs.h"
#include "tables.h"

#define PATH_SIZE 768

/* Attaches a program that allows everything to the cgroup, and returns its id. */
static uint32_t attach(const char *cgroup, const char *name)
{
	static const struct bpf_insn allow[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, name, "GPL", allow, ARRAY_SIZE(allow),
				 NULL);
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);

	assert_true(prog >= 0 && fd >= 0);
	assert_int_equal(bpf_prog_attach(prog, fd, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &size), 0);
	close(fd);
	close(prog);
	return info.id;
}

static void attach_ours(const char *cgroup)
{
	struct table_rule rules[] = { ALLOW(CHAR, 1, 3, BPFDEV_ACCESS) };
	struct table *table = make_table(rules, ARRAY_SIZE(rules));
	const struct bpfdev_info info = { .uid = 1000 };
	int fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC), prog;
	struct reason why;

	prog = filter_attach(fd, &info, table, -1, &why);
	assert_true(prog >= 0);
	close(prog);
	close(fd);
	table_free(table);
}

static void expect(const struct other_programs *programs, size_t i, uint32_t id, const char *name,
		   const char *cgroup)
{
	assert_true(i < programs->count);
	assert_int_equal(programs->items[i].program.id, id);
	assert_string_equal(programs->items[i].program.name, name);
	if (cgroup)
		assert_string_equal(programs->items[i].cgroup, cgroup);
	else
		assert_null(programs->items[i].cgroup);
}

static void programs_are_found_where_they_are(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char unit[PATH_SIZE], slice[PATH_SIZE];
	struct other_programs programs;
	struct reason why;
	uint32_t outer, inner;

	scratch_mkdir(scratch, "root/user.slice/unit", unit, sizeof(unit));
	snprintf(slice, sizeof(slice), "%s/root/user.slice", scratch->cgroup);
	outer = attach(scratch->cgroup, "outer");
	inner = attach(slice, "inner");
	attach_ours(unit);
	assert_int_equal(other_programs_find(unit, scratch->cgroup, &programs, &why), 0);
	assert_true(programs.count >= 2);
	expect(&programs, 0, inner, "inner", "/root/user.slice");
	expect(&programs, 1, outer, "outer", "/");
	other_programs_free(&programs);
	/* Above the part that is not shown, the whole path is. */
	assert_int_equal(other_programs_find(unit, slice, &programs, &why), 0);
	expect(&programs, 0, inner, "inner", "/");
	expect(&programs, 1, outer, "outer", scratch->cgroup);
	other_programs_free(&programs);
}

/* As in a container, which is shown a part of the hierarchy. */
static void programs_above_the_mount_are_out_of_sight(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char unit[PATH_SIZE], root[PATH_SIZE], mounted[PATH_SIZE];
	struct other_programs programs;
	struct reason why;
	uint32_t outer, inner;

	scratch_mkdir(scratch, "root/unit", unit, sizeof(unit));
	snprintf(root, sizeof(root), "%s/root", scratch->cgroup);
	outer = attach(scratch->cgroup, "outer");
	inner = attach(unit, "inner");
	snprintf(mounted, sizeof(mounted), "%s/unit", scratch->nodes);
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount(root, scratch->nodes, NULL, MS_BIND, NULL), 0);
	assert_int_equal(other_programs_find(mounted, scratch->nodes, &programs, &why), 0);
	assert_int_equal(umount(scratch->nodes), 0);
	expect(&programs, 0, inner, "inner", "/unit");
	expect(&programs, 1, outer, "outer", NULL);
	other_programs_free(&programs);
}

static void a_cgroup_that_is_gone_is_an_error(void **state)
{
	struct scratch *scratch = scratch_get(state);
	char path[PATH_SIZE];
	struct other_programs programs;
	struct reason why = { "" };

	snprintf(path, sizeof(path), "%s/nothing", scratch->cgroup);
	assert_true(other_programs_find(path, scratch->cgroup, &programs, &why) < 0);
	assert_contains(why.text, "nothing");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		scratch_test(programs_are_found_where_they_are),
		scratch_test(programs_above_the_mount_are_out_of_sight),
		scratch_test(a_cgroup_that_is_gone_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
