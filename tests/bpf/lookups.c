// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "lookups.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>

#define KEY (-8) /* where on the stack */
#define MOST 80	 /* instructions */

struct code {
	struct bpf_insn insns[MOST];
	size_t count;
};

static void add(struct code *code, uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	code->insns[code->count++] = (struct bpf_insn) {
		.code = op, .dst_reg = dst, .src_reg = src, .off = off, .imm = imm
	};
}

/* r2 = the key's half: what register @from has, or any. */
static void take_half(struct code *code, uint8_t to, uint8_t from, int any)
{
	if (any)
		add(code, BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, -1);
	else
		add(code, BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

/* Of the request, r7 has access and type, r8 the major, r9 the minor. Goes on behind this if the entry does not allow it. */
static void look_up(struct code *code, int map, int any_major, int any_minor)
{
	take_half(code, BPF_REG_2, BPF_REG_8, any_major);
	add(code, BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_2, 0, 0, 32);
	take_half(code, BPF_REG_3, BPF_REG_9, any_minor);
	add(code, BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_2, BPF_REG_3, 0, 0);
	add(code, BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_2, KEY, 0);
	add(code, BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map);
	add(code, 0, 0, 0, 0, 0);
	add(code, BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
	add(code, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, KEY);
	add(code, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
	add(code, BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 5, 0);
	add(code, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_1, BPF_REG_0, 0, 0);
	add(code, BPF_ALU64 | BPF_AND | BPF_X, BPF_REG_1, BPF_REG_7, 0, 0);
	add(code, BPF_JMP | BPF_JNE | BPF_X, BPF_REG_1, BPF_REG_7, 2, 0);
	add(code, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
	add(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void write_program(struct code *code, int map)
{
	add(code, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_7, BPF_REG_1,
	    offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	add(code, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_8, BPF_REG_1,
	    offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	add(code, BPF_LDX | BPF_MEM | BPF_W, BPF_REG_9, BPF_REG_1,
	    offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
	for (int any_major = 0; any_major < 2; any_major++)
		for (int any_minor = 0; any_minor < 2; any_minor++)
			look_up(code, map, any_major, any_minor);
	add(code, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	add(code, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int fill(int map, const struct lookups_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t key = (uint64_t)entries[i].major << 32 | entries[i].minor;
		uint32_t value = entries[i].access << 16 | BPF_DEVCG_DEV_CHAR;

		if (bpf_map_update_elem(map, &key, &value, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int lookups_load(const struct lookups_entry *entries, size_t count)
{
	struct code code = { .count = 0 };
	int map = bpf_map_create(BPF_MAP_TYPE_HASH, "lookups", sizeof(uint64_t), sizeof(uint32_t),
				 count ? (uint32_t)count : 1, NULL);
	int prog;

	if (map < 0)
		return map;
	prog = fill(map, entries, count);
	if (prog == 0) {
		write_program(&code, map);
		prog = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, "lookups", "GPL", code.insns,
				     code.count, NULL);
	}
	close(map);
	return prog;
}
