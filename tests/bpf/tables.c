// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "filter/filter.h"

struct table *make_table(struct table_rule *rules, size_t count)
{
	struct table *table;
	struct reason why = { "" };

	for (size_t i = 0; i < count; i++)
		rules[i].source = i + 1;
	if (table_fold(rules, count, TABLE_BASELINE, &table, &why) != 0)
		fail_msg("%s", why.text);
	return table;
}

/* Many minors of each of many majors: what a policy of that size would be like. */
struct table *make_large_table(uint32_t count)
{
	struct table_rule *rules = calloc(count + 1, sizeof(*rules));
	struct table *table;

	assert_non_null(rules);
	for (uint32_t i = 0; i < count; i++)
		rules[i] = (struct table_rule)ALLOW(CHAR, 1 + i / 1000, 3 + i % 1000 * 7,
						    BPFDEV_ACCESS);
	table = make_table(rules, count);
	free(rules);
	return table;
}

int attached(int prog_fd)
{
	if (prog_fd < 0)
		return prog_fd;
	close(prog_fd);
	return 0;
}

void attach_table(int cgroup_fd, const struct table *table, int old_prog_fd)
{
	struct bpfdev_info info = { .uid = 4242 };
	struct reason why = { "" };

	if (attached(filter_attach(cgroup_fd, &info, table, old_prog_fd, &why)) != 0)
		fail_msg("%s", why.text);
}

int find_filter(int cgroup_fd)
{
	struct reason why = { "" };
	int prog_fd;

	if (filter_find(cgroup_fd, &prog_fd, &why) != 1)
		fail_msg("no filter found: %s", why.text);
	return prog_fd;
}

void lift_memlock(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_MEMLOCK, &none);
}

int load_other(int verdict)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	lift_memlock();
	fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, "sd_devices", "GPL", code, ARRAY_SIZE(code),
			   NULL);

	assert_true(fd >= 0);
	return fd;
}

void attach_other(int cgroup_fd, int prog_fd)
{
	assert_int_equal(bpf_prog_attach(prog_fd, cgroup_fd, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI),
			 0);
}

uint32_t count_attached(int cgroup_fd)
{
	uint32_t ids[64], count = ARRAY_SIZE(ids);

	assert_int_equal(bpf_prog_query(cgroup_fd, BPF_CGROUP_DEVICE, 0, NULL, ids, &count), 0);
	return count;
}

static bool is_of(uint32_t id, const char *user)
{
	struct bpf_prog_info prog = { 0 };
	struct bpfdev_info info;
	uint32_t size = sizeof(prog);
	int fd = bpf_prog_get_fd_by_id(id);
	bool is;

	if (fd < 0)
		return false;
	is = bpf_obj_get_info_by_fd(fd, &prog, &size) == 0 && strcmp(prog.name, FILTER_NAME) == 0 &&
	     filter_read(fd, &info, NULL, NULL) == 0 && strcmp(info.user, user) == 0;
	close(fd);
	return is;
}

int count_loaded(const char *user)
{
	uint32_t id = 0;
	int count = 0;

	while (bpf_prog_get_next_id(id, &id) == 0)
		count += is_of(id, user);
	return count;
}
