// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpf(2) without libbpf: the module brings its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"

static int bpf(enum bpf_cmd number, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, number, attr, sizeof(*attr));
}

static int open_cgroup(const char *folder)
{
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int program_of(const char *folder)
{
	__u32 ids[64] = { 0 };
	union bpf_attr attr = { .query = { .attach_type = BPF_CGROUP_DEVICE,
					   .prog_ids = (uintptr_t)ids,
					   .prog_cnt = 64 } };
	int fd = open_cgroup(folder), result;

	attr.query.target_fd = (__u32)fd;
	result = fd < 0 ? -1 : bpf(BPF_PROG_QUERY, &attr);
	if (fd >= 0)
		close(fd);
	return result < 0 || attr.query.prog_cnt > 1 ? -1 : (int)ids[0];
}

/* A program that allows everything and is not ours, but may have its name. */
static int load_foreign(const char *name)
{
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
				.insns = (uintptr_t)code,
				.insn_cnt = 2,
				.license = (uintptr_t) "GPL",
				.expected_attach_type = BPF_CGROUP_DEVICE };

	snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", name);
	return bpf(BPF_PROG_LOAD, &attr);
}

/* attach FOLDER NAME: to the cgroup, beside what is there */
void attach_foreign(struct client *client, char **arguments)
{
	int cgroup = open_cgroup(arguments[0]), program = load_foreign(arguments[1]);
	union bpf_attr attr = { .target_fd = (__u32)cgroup,
				.attach_bpf_fd = (__u32)program,
				.attach_type = BPF_CGROUP_DEVICE,
				.attach_flags = BPF_F_ALLOW_MULTI };

	(void)client;
	answer_errno(program < 0 ? program : bpf(BPF_PROG_ATTACH, &attr));
	close(program);
	close(cgroup);
}
