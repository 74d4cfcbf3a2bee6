/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Device programs on a cgroup, by bpf(2) alone: what a kernel does by itself, and what is attached,
 * without a line of the code that is tested.
 *
 *     devprog attach CGROUP    attaches a program that denies everything
 *     devprog detach CGROUP    takes it, the only one, away again
 *     devprog count CGROUP     prints how many are attached
 *     devprog denials CGROUP   prints what the only one has counted in its map "denials"
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

/* Opens the only program of the cgroup. */
static int open_program(int cgroup)
{
	uint32_t id = 0;
	union bpf_attr query = {
		.query = { .target_fd = (uint32_t)cgroup,
			   .attach_type = BPF_CGROUP_DEVICE,
			   .prog_ids = (uintptr_t)&id,
			   .prog_cnt = 1 },
	};
	union bpf_attr attr = { 0 };

	if (sys_bpf(BPF_PROG_QUERY, &query))
		return -1;
	attr.prog_id = id;
	return sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int detach(int cgroup)
{
	union bpf_attr attr = { .target_fd = (uint32_t)cgroup, .attach_type = BPF_CGROUP_DEVICE };
	int program = open_program(cgroup);

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

static int describe(int fd, void *info, uint32_t size)
{
	union bpf_attr attr = {
		.info = { .bpf_fd = (uint32_t)fd, .info_len = size, .info = (uintptr_t)info },
	};

	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

/* Opens the map of that name among those of a program. */
static int open_map(int program, const char *name)
{
	uint32_t ids[16];
	struct bpf_prog_info info = { .map_ids = (uintptr_t)ids, .nr_map_ids = 16 };

	if (describe(program, &info, sizeof(info)))
		return -1;
	for (uint32_t i = 0; i < info.nr_map_ids && i < 16; i++) {
		union bpf_attr attr = { .map_id = ids[i] };
		struct bpf_map_info map = { 0 };
		int fd = sys_bpf(BPF_MAP_GET_FD_BY_ID, &attr);

		if (fd >= 0 && !describe(fd, &map, sizeof(map)) && strcmp(map.name, name) == 0)
			return fd;
	}
	errno = ENOENT;
	return -1;
}

/* As the program lays it out. */
struct denial {
	uint64_t count, first, last, policy_digest;
	uint32_t source, uid, pid, lock;
	char comm[16];
};

static void print_denial(uint64_t key, const struct denial *denial)
{
	unsigned int type = key >> 32 & 0xf, refused = key >> 36 & 0xf, access = key >> 48;

	printf("denied %c %u:%u %s%s%s%s: %llu times, uid %u, line %u, process %s\n",
	       type == BPF_DEVCG_DEV_BLOCK ? 'b' : 'c', (uint32_t)key >> 20,
	       (uint32_t)key & 0xfffff, access & BPF_DEVCG_ACC_READ ? "r" : "",
	       access & BPF_DEVCG_ACC_WRITE ? "w" : "", access & BPF_DEVCG_ACC_MKNOD ? "m" : "",
	       refused == access ? "" : " in part", (unsigned long long)denial->count, denial->uid,
	       denial->source & 0xfffff, denial->pid ? denial->comm : "unknown");
}

static int denials(int cgroup)
{
	int program = open_program(cgroup), map = program < 0 ? -1 : open_map(program, "denials");
	uint64_t key = UINT64_MAX; /* none: begins with the first */
	union bpf_attr next = { .map_fd = (uint32_t)map,
				.key = (uintptr_t)&key,
				.next_key = (uintptr_t)&key };

	if (map < 0)
		return -1;
	while (sys_bpf(BPF_MAP_GET_NEXT_KEY, &next) == 0) {
		struct denial denial;
		union bpf_attr attr = { .map_fd = (uint32_t)map,
					.key = (uintptr_t)&key,
					.value = (uintptr_t)&denial };

		if (sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr))
			return -1;
		if (key)
			print_denial(key, &denial);
		else if (denial.count)
			printf("denied, no longer counted apart: %llu times\n",
			       (unsigned long long)denial.count);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int cgroup);
	} commands[] = {
		{ "attach", attach },
		{ "detach", detach },
		{ "count", count },
		{ "denials", denials },
	};
	int cgroup = argc == 3 ? open(argv[2], O_DIRECTORY | O_CLOEXEC) : -1;

	for (size_t i = 0; argc == 3 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		if (cgroup >= 0 && commands[i].run(cgroup) == 0)
			return 0;
		perror(argv[2]);
		return 1;
	}
	fprintf(stderr, "usage: devprog attach|detach|count|denials CGROUP\n");
	return 2;
}
