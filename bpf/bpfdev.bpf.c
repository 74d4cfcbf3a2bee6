// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Asked by the kernel at every open(2) and mknod(2) of a device in the cgroup that it is attached
 * to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stddef.h>

#define BPFDEV_DECIDE
#include "bpfdev.h"

/*
 * Both are filled and frozen before loading: where the verifier knows a value, it does not go through
 * what happens with others. volatile: the compiler must not fold the zeros in.
 */
const volatile struct bpfdev_data data SEC(".rodata") = { 0 };

/* In a map of its own, whose value is as long as there are rules. */
const volatile struct bpfdev_table table SEC(".rodata.table") = { 0 };

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

/* Keeps the compiler from knowing what is in a register. */
#define OPAQUE(variable) asm volatile("" : "+r"(variable))

/*
 * The map's value goes on behind what is declared, and is not the zeros that the object has: of neither
 * may the compiler draw its conclusions. And it is one address, not one for each place in it.
 */
BPFDEV_INLINE const volatile struct bpfdev_table *whole_table(void)
{
	const volatile struct bpfdev_table *whole = &table;

	OPAQUE(whole);
	return whole;
}

/* What is behind the buckets. */
BPFDEV_INLINE const volatile struct bpfdev_entry *entries(void)
{
	const volatile struct bpfdev_table *whole = whole_table();

	return (const volatile void *)&whole->buckets[(__u64)whole->mask + 1];
}

BPFDEV_INLINE __u32 bpfdev_major(const void *tables, __u32 type, __u32 major)
{
	const volatile __u32 *high;
	/* For the verifier; the kernel's majors are no larger. */
	__u64 at = ((__u64)type * BPFDEV_MAJORS + major) & (BPFDEV_TYPES * BPFDEV_MAJORS - 1);

	(void)tables;
	if (__builtin_expect(major < BPFDEV_INDEXED_MAJORS, 1))
		return table.majors[type][major];
	if (!table.high_count)
		return table.others[type];
	high = (const volatile void *)(entries() + table.entry_count);
	return high[at];
}

BPFDEV_INLINE void bpfdev_device(const void *tables, __u64 packed, __u32 *verdict)
{
	const volatile struct bpfdev_table *in = whole_table();
	__u64 hash = bpfdev_hash(packed), mask, bucket;

	(void)tables;
	mask = in->mask;
	bucket = in->buckets[bpfdev_first_place(hash, mask)] ^ packed;
	/* Without the key, the verdict is left; if not, this is another key's. */
	if (bucket << BPFDEV_VERDICT_SIZE) {
		bucket = in->buckets[bpfdev_second_place(hash, mask)] ^ packed;
		if (bucket << BPFDEV_VERDICT_SIZE)
			return;
	}
	*verdict = bucket >> BPFDEV_PACKED_SIZE;
}

/* 2^16 nanoseconds: see is_flood(). */
#define FLOOD_SHIFT 16

/*
 * Whether a process floods an entry: it was the last one there, and just now. Then only the time is
 * new; what the process calls itself stays what it was when the flood began. One condition, as the
 * verifier goes two ways from each.
 */
BPFDEV_INLINE int is_flood(const struct bpfdev_denial *denial, const struct bpfdev_denial *once)
{
	return !((once->last - denial->last) >> FLOOD_SHIFT | (denial->pid ^ once->pid) |
		 (denial->uid ^ once->uid) | (denial->source ^ once->source) |
		 (denial->policy_digest ^ once->policy_digest));
}

/* @once may be older than what is there: another processor was quicker. */
BPFDEV_INLINE void add(struct bpfdev_denial *denial, const struct bpfdev_denial *once)
{
	__sync_fetch_and_add(&denial->count, 1);
	bpf_spin_lock(&denial->lock);
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

	bpf_map_update_elem(&denials, &lost, once, BPF_NOEXIST);
	once->count = 1;
	if (bpf_map_update_elem(&denials, key, once, BPF_NOEXIST) == 0)
		return NULL;
	denial = bpf_map_lookup_elem(&denials, key);
	return denial ? denial : bpf_map_lookup_elem(&denials, &lost);
}

/* Counts a denial of the kind @key, that the line @source has decided. */
BPFDEV_INLINE void count_denial(__u64 key, __u32 source, __u64 now)
{
	struct bpfdev_denial once = { .source = source, .first = now, .last = now }, *denial;

	once.policy_digest = data.info.policy_digest;
	once.uid = (__u32)bpf_get_current_uid_gid();
	if (data.knows_process)
		once.pid = bpf_get_current_pid_tgid() >> 32;
	denial = bpf_map_lookup_elem(&denials, &key);
	if (denial && data.knows_process && is_flood(denial, &once)) {
		__sync_fetch_and_add(&denial->count, 1);
		denial->last = now;
		return;
	}
	if (data.knows_process)
		bpf_get_current_comm(once.comm, sizeof(once.comm));
	if (!denial)
		denial = insert(&key, &once);
	if (denial)
		add(denial, &once);
}

/*
 * 1 or 0, for a number of less than 2^31. A condition is two ways that the verifier has to go, to the end,
 * at each login; so the compiler is not to see one here.
 */
BPFDEV_INLINE __u32 is_zero(__u32 number)
{
	number = (number - 1) >> 31;
	OPAQUE(number);
	return number;
}

/*
 * The same number, which went by way of the stack, half by half: so the verifier takes it for any, and
 * goes through what is done with it once, and not again from each place that it may come from.
 */
BPFDEV_INLINE __u32 unknown(__u32 number)
{
	union {
		__u32 whole;
		__u16 halves[2];
	} from = { number };
	volatile union {
		__u32 whole;
		__u16 halves[2];
	} to;

	to.halves[0] = from.halves[0];
	to.halves[1] = from.halves[1];
	return to.whole;
}

/* The answer where the verdict is not plainly yes. Out of line: a yes saves no registers then. */
static __attribute__((noinline)) int weigh(struct bpf_cgroup_dev_ctx *ctx, __u32 verdict)
{
	__u32 number = unknown(verdict) >> BPFDEV_VERDICT_ENTRY;
	__u32 access = ctx->access_type >> 16, refused, audited, bits;
	__u64 now = bpf_ktime_get_boot_ns();
	const struct bpfdev_entry *entry;

	if (number >= table.entry_count)
		return 0;
	entry = (const struct bpfdev_entry *)entries() + number;
	refused = bpfdev_refused_by(entry, table.loans, access, now) & BPFDEV_ACCESS;
	audited = bpfdev_audited_by(entry, access) & BPFDEV_ACCESS;
	bits = refused | (audited & -is_zero(refused));
	if (!bits)
		return 1;
	/* The lowest of the bits, for each value they can have, in two bits of a number. */
	count_denial(bpfdev_denial_key(ctx->access_type, ctx->major, ctx->minor, refused, audited),
		     entry->source[0x1210u >> bits * 2 & 3], now);
	return is_zero(refused);
}

/* access_type is (BPF_DEVCG_ACC_* << 16) | BPF_DEVCG_DEV_* */
#define ACCESS_TYPE_MAX (BPFDEV_ACCESS << 16 | 0xffff)

SEC("cgroup/dev")
int pam_bpfdev(struct bpf_cgroup_dev_ctx *ctx)
{
	__u32 type = (ctx->access_type & 0xffff) - BPF_DEVCG_DEV_BLOCK;
	__u32 access = ctx->access_type >> 16, verdict;

	/* What this program does not know, it does not grant. */
	if (type >= BPFDEV_TYPES || ctx->access_type > ACCESS_TYPE_MAX)
		return 0;
	verdict = bpfdev_find(NULL, type, ctx->major, ctx->minor);
	return bpfdev_is_plain(verdict, access) ? 1 : weigh(ctx, verdict);
}

/* No helper that is used here asks for it; the kernel's own audit of GPL-only helpers does. */
char _license[] SEC("license") = "Dual BSD/GPL";
