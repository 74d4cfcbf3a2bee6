// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Asked by the kernel at every open(2) and mknod(2) of a device in the cgroup that it is attached
 * to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BPFDEV_DECIDE
#include "bpfdev.h"

/* Filled before loading, frozen by libbpf. volatile: the compiler must not fold the zeros in. */
const volatile struct bpfdev_info info SEC(".rodata") = { 0 };
const volatile struct bpfdev_index majors SEC(".rodata") = { 0 };
const volatile __u32 rules_mask SEC(".rodata") = 0; /* the number of buckets, less one */

/* Both are resized to the policy before loading, and filled and frozen before attaching. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(max_entries, BPFDEV_TYPES);
	__type(key, __u32);
	__type(value, struct bpfdev_entry);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_RDONLY_PROG);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpfdev_row);
} rules SEC(".maps");

BPFDEV_INLINE __u32 bpfdev_index(const void *tables, __u32 type, __u32 major)
{
	(void)tables;
	return majors.slot[type][major];
}

BPFDEV_INLINE const struct bpfdev_entry *bpfdev_slot(const void *tables, __u32 slot)
{
	(void)tables;
	return bpf_map_lookup_elem(&slots, &slot);
}

BPFDEV_INLINE const struct bpfdev_entry *in_bucket(__u32 place, __u64 wanted)
{
	__u32 number = place / BPFDEV_ROW;
	const struct bpfdev_row *row = bpf_map_lookup_elem(&rules, &number);
	const struct bpfdev_bucket *bucket;

	if (!row)
		return NULL;
	bucket = &row->buckets[place % BPFDEV_ROW];
	return bucket->key == wanted ? &bucket->entry : NULL;
}

BPFDEV_INLINE const struct bpfdev_entry *bpfdev_rule(const void *tables,
						     const struct bpfdev_key *key)
{
	__u64 wanted = bpfdev_pack(key), hash = bpfdev_hash(wanted);
	const struct bpfdev_entry *entry;

	(void)tables;
	entry = in_bucket(BPFDEV_FIRST_PLACE(hash, rules_mask), wanted);
	return entry ? entry : in_bucket(BPFDEV_SECOND_PLACE(hash, rules_mask), wanted);
}

SEC("cgroup/dev")
int pam_bpfdev(struct bpf_cgroup_dev_ctx *ctx)
{
	/* access_type is (BPF_DEVCG_ACC_* << 16) | BPF_DEVCG_DEV_* */
	__u32 type = (ctx->access_type & 0xffff) - BPF_DEVCG_DEV_BLOCK;
	__u32 access = ctx->access_type >> 16;

	if (type >= BPFDEV_TYPES)
		return 0;
	return bpfdev_refused(NULL, type, ctx->major, ctx->minor, access) == 0;
}

/* No helper that is used here asks for it; the kernel's own audit of GPL-only helpers does. */
char _license[] SEC("license") = "Dual BSD/GPL";
