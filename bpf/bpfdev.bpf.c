// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Asked by the kernel at every open(2) and mknod(2) of a device in the cgroup that it is attached
 * to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BPFDEV_DECIDE
#include "bpfdev.h"

/* Filled and frozen before loading. volatile: the compiler must not fold the zeros in. */
const volatile struct bpfdev_data data SEC(".rodata") = { 0 };

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

/*
 * Takes memory for what has been denied, not for what may be. An entry is never removed. A program
 * in the place of this one goes on with it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BPFDEV_DENIALS_MAX);
	__type(key, __u64);
	__type(value, struct bpfdev_denial);
} denials SEC(".maps");

BPFDEV_INLINE __u32 bpfdev_index(const void *tables, __u32 type, __u32 major)
{
	(void)tables;
	return data.majors.slot[type][major];
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
	entry = in_bucket(BPFDEV_FIRST_PLACE(hash, data.rules_mask), wanted);
	return entry ? entry : in_bucket(BPFDEV_SECOND_PLACE(hash, data.rules_mask), wanted);
}

BPFDEV_INLINE __u32 bpfdev_ended(const void *tables, const struct bpfdev_entry *entry)
{
	(void)tables;
	return bpfdev_ended_by(&data.loans[entry->loan], bpf_ktime_get_boot_ns());
}

/* @once may be older than what is there: another processor was quicker. */
BPFDEV_INLINE void add(struct bpfdev_denial *denial, const struct bpfdev_denial *once)
{
	bpf_spin_lock(&denial->lock);
	denial->count++;
	if (once->last > denial->last) {
		denial->last = once->last;
		denial->policy_digest = once->policy_digest;
		denial->source = once->source;
		denial->uid = once->uid;
		denial->pid = once->pid;
		__builtin_memcpy(denial->comm, once->comm, sizeof(denial->comm));
	}
	bpf_spin_unlock(&denial->lock);
}

/*
 * Makes @once a new entry and returns NULL; or returns the one to count in, if another processor
 * has made it meanwhile, or there is no room. For that case the very first denial makes an entry
 * beside its own: made at a login, that would have the kernel lay in a stock of free ones.
 */
BPFDEV_INLINE struct bpfdev_denial *insert(__u64 *key, struct bpfdev_denial *once)
{
	struct bpfdev_denial *denial;
	__u64 lost = BPFDEV_DENIAL_LOST;

	once->count = 0;
	bpf_map_update_elem(&denials, &lost, once, BPF_NOEXIST);
	once->count = 1;
	if (bpf_map_update_elem(&denials, key, once, BPF_NOEXIST) == 0)
		return NULL;
	denial = bpf_map_lookup_elem(&denials, key);
	return denial ? denial : bpf_map_lookup_elem(&denials, &lost);
}

/*
 * Counts a denial of the kind @key. @source0 to @source2: where the verdict on each bit comes from.
 * The caller could choose one, but there the verifier, who works at each login, would go through it
 * once for each map that the verdict may be from.
 */
BPFDEV_INLINE void count_denial(__u64 key, __u32 source0, __u32 source1, __u32 source2)
{
	__u32 refused = key >> BPFDEV_DENIAL_REFUSED & BPFDEV_DENIAL_BITS;
	__u32 bits = refused ? refused : key >> BPFDEV_DENIAL_AUDITED;
	struct bpfdev_denial once = { .count = 1 }, *denial;

	once.first = once.last = bpf_ktime_get_boot_ns();
	once.policy_digest = data.info.policy_digest;
	once.source = bits & 1 ? source0 : bits & 2 ? source1 : source2;
	once.uid = (__u32)bpf_get_current_uid_gid();
	if (data.knows_process) {
		once.pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(once.comm, sizeof(once.comm));
	}
	denial = bpf_map_lookup_elem(&denials, &key);
	if (!denial)
		denial = insert(&key, &once);
	if (denial)
		add(denial, &once);
}

SEC("cgroup/dev")
int pam_bpfdev(struct bpf_cgroup_dev_ctx *ctx)
{
	/* access_type is (BPF_DEVCG_ACC_* << 16) | BPF_DEVCG_DEV_* */
	__u32 type = (ctx->access_type & 0xffff) - BPF_DEVCG_DEV_BLOCK;
	__u32 access = ctx->access_type >> 16, refused, audited;
	const struct bpfdev_entry *entry;

	if (type >= BPFDEV_TYPES)
		return 0;
	entry = bpfdev_find(NULL, type, ctx->major, ctx->minor);
	if (!entry)
		return 0;
	refused = bpfdev_refused_by(NULL, entry, access);
	audited = bpfdev_audited_by(entry, access);
	if (!(refused | audited))
		return 1;
	count_denial(bpfdev_denial_key(ctx->access_type, ctx->major, ctx->minor, refused, audited),
		     entry->source[0], entry->source[1], entry->source[2]);
	return refused == 0;
}

/* No helper that is used here asks for it; the kernel's own audit of GPL-only helpers does. */
char _license[] SEC("license") = "Dual BSD/GPL";
