/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Device programs on a cgroup, by bpf(2) alone: what a kernel does by itself, and what is attached,
 * without a line of the code that is tested.
 *
 *     devprog attach CGROUP    attaches a program that denies everything
 *     devprog detach CGROUP    takes it, the only one, away again
 *     devprog count CGROUP     prints how many are attached
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load(void)
{
	static const struct bpf_insn deny[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.expected_attach_type = BPF_CGROUP_DEVICE,
		.insns = (uintptr_t)deny,
		.insn_cnt = sizeof(deny) / sizeof(deny[0]),
		.license = (uintptr_t) "Dual BSD/GPL",
	};

	return sys_bpf(BPF_PROG_LOAD, &attr);
}

static int attach(int cgroup)
{
	union bpf_attr attr = {
		.target_fd = (uint32_t)cgroup,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	int program = load();

	if (program < 0)
		return -1;
	attr.attach_bpf_fd = (uint32_t)program;
	return sys_bpf(BPF_PROG_ATTACH, &attr);
}

static int detach(int cgroup)
{
	uint32_t id = 0;
	union bpf_attr query = {
		.query = { .target_fd = (uint32_t)cgroup,
			   .attach_type = BPF_CGROUP_DEVICE,
			   .prog_ids = (uintptr_t)&id,
			   .prog_cnt = 1 },
	};
	union bpf_attr open = { 0 };
	union bpf_attr attr = { .target_fd = (uint32_t)cgroup, .attach_type = BPF_CGROUP_DEVICE };
	int program;

	if (sys_bpf(BPF_PROG_QUERY, &query))
		return -1;
	open.prog_id = id;
	program = sys_bpf(BPF_PROG_GET_FD_BY_ID, &open);
	if (program < 0)
		return -1;
	attr.attach_bpf_fd = (uint32_t)program;
	return sys_bpf(BPF_PROG_DETACH, &attr);
}

static int count(int cgroup)
{
	union bpf_attr attr = {
		.query = { .target_fd = (uint32_t)cgroup, .attach_type = BPF_CGROUP_DEVICE },
	};

	if (sys_bpf(BPF_PROG_QUERY, &attr))
		return -1;
	printf("%u\n", attr.query.prog_cnt);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int cgroup);
	} commands[] = { { "attach", attach }, { "detach", detach }, { "count", count } };
	int cgroup = argc == 3 ? open(argv[2], O_DIRECTORY | O_CLOEXEC) : -1;

	for (size_t i = 0; argc == 3 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (cgroup >= 0 && commands[i].run(cgroup) == 0)
			return 0;
		perror(argv[2]);
		return 1;
	}
	fprintf(stderr, "usage: devprog attach|detach|count CGROUP\n");
	return 2;
}
