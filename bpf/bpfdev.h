/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The table of a filter and the decision on it: what the kernel program and user space share.
 *
 * User space folds the policy, so that the program has nothing left to weigh: for each device there is
 * a verdict, one number, and its bits say which access is plainly allowed. Only where more is asked for
 * does the program look at the entry that the verdict names: what is refused, what passes for audit or
 * as long as it is lent, and by which line of the policy.
 *
 *   majors   type and major -> verdict on all its minors, or that it depends on the minor
 *   buckets  type, major, minor -> verdict on one device
 *   entries  what verdicts name
 *
 * All three are the one value of an array map, "table": a look-up that is compiled into the program as
 * a read from memory, where one in a map of the type hash is a call, which took as long again as
 * everything else that is asked at an open. Whose rules these are stands in another map, the program's
 * read-only data, so that filters with equal tables can have one map of them together.
 *
 * A third map, denials, is what the program writes: what it has refused, and how often. A fourth,
 * origin, it never looks at: the rules as the policy has them, for whoever makes the table anew.
 *
 * The includer provides bpfdev_major() and bpfdev_device() before the decision (BPFDEV_DECIDE) can be
 * used.
 */
#ifndef BPFDEV_H
#define BPFDEV_H

#include <linux/bpf.h>
#include <linux/types.h>

/* dev_t inside the kernel: 12 bits of major, 20 bits of minor (linux/kdev_t.h). */
#define BPFDEV_MAJORS 4096u
#define BPFDEV_MINORS (1u << 20)
/* Drivers register majors below this only (CHRDEV_MAJOR_MAX, BLKDEV_MAJOR_MAX): these are indexed. */
#define BPFDEV_INDEXED_MAJORS 512u
/* In a key: every major, or every minor, that no other key names. Outside either's range. */
#define BPFDEV_ANY 0xffffffffu

#define BPFDEV_MKNOD BPF_DEVCG_ACC_MKNOD
#define BPFDEV_READ BPF_DEVCG_ACC_READ
#define BPFDEV_WRITE BPF_DEVCG_ACC_WRITE
#define BPFDEV_ACCESS (BPFDEV_MKNOD | BPFDEV_READ | BPFDEV_WRITE)
#define BPFDEV_BITS 3

/* The kernel's BPF_DEVCG_DEV_BLOCK and _CHAR, less one: an array's index. */
enum bpfdev_type { BPFDEV_BLOCK, BPFDEV_CHAR, BPFDEV_TYPES };

/* The first entries are of the majors, or devices, that nothing else in a table stands for. */
#define BPFDEV_DEFAULT_SLOT(type) ((__u32)(type))

/* Flags of an entry: which keys can still change the verdict on a device of this major. */
#define BPFDEV_MINORS_OF_MAJOR 0x1 /* type, this major, minor */
#define BPFDEV_MINORS_OF_ANY 0x2   /* type, BPFDEV_ANY, minor */

/*
 * Where a verdict comes from: the file in the high 12 bits (its place in the order of reading, from
 * 1), the line in the low 20 (a file has at most 1 MiB, so at most that many lines). 0: no line.
 */
#define BPFDEV_SOURCE_LINE_BITS 20
#define BPFDEV_SOURCE_BASELINE 0xffffffffu

/* The folded verdict on one device, or on all minors of one major. */
struct bpfdev_entry {
	__u32 source[BPFDEV_BITS]; /* per access bit, lowest first: the line that decided it */
	__u8 allow;		   /* access bits that are granted */
	__u8 audit;		   /* of those: the bits that only an audit line grants */
	__u8 flags;
	__u8 lent : BPFDEV_BITS; /* of those: the bits that only an exception grants, until ... */
	__u8 loan : 8 - BPFDEV_BITS; /* ... the times in bpfdev_data.loans[loan]; 0: none is lent */
};

/* How long an entry lends: a bit is no longer granted from a second of CLOCK_BOOTTIME on. */
struct bpfdev_loan {
	__u32 until[BPFDEV_BITS];
};

/* Numbers that fit into bpfdev_entry.loan. */
#define BPFDEV_LOANS (1 << (8 - BPFDEV_BITS))

struct bpfdev_key {
	__u32 type;  /* enum bpfdev_type */
	__u32 major; /* or BPFDEV_ANY */
	__u32 minor; /* or BPFDEV_ANY, for a major that is not indexed */
};

/*
 * A verdict, from its lowest bit: the access bits that are plainly allowed, so neither refused nor
 * audited nor lent; the entry's flags; the entry's number. A table of zeros allows nothing.
 */
#define BPFDEV_VERDICT_FLAGS BPFDEV_BITS
#define BPFDEV_VERDICT_ENTRY (BPFDEV_BITS + 2)
#define BPFDEV_VERDICT_SIZE 28 /* bits: what a packed key leaves of 64 */

#define BPFDEV_INLINE static inline __attribute__((always_inline))

BPFDEV_INLINE __u32 bpfdev_verdict(const struct bpfdev_entry *entry, __u32 number)
{
	__u32 plain = entry->allow & ~(__u32)entry->audit & ~(__u32)entry->lent;

	return number << BPFDEV_VERDICT_ENTRY | (__u32)entry->flags << BPFDEV_VERDICT_FLAGS |
	       (plain & BPFDEV_ACCESS);
}

/*
 * Whether the answer is yes, and nothing is to be counted; if not, the entry has it. A request for no
 * bits, which is what access(F_OK) makes, always passes.
 */
BPFDEV_INLINE int bpfdev_is_plain(__u32 verdict, __u32 access)
{
	return (verdict & access) == access;
}

/*
 * A key as a number of 36 bits: dev_t's 20 and 12 and one more of each, for BPFDEV_ANY, and the type as
 * the kernel counts them, from 1, so that nothing is found in an empty bucket.
 */
#define BPFDEV_PACKED_MAJOR 21
#define BPFDEV_PACKED_TYPE 34
#define BPFDEV_PACKED_SIZE 36
#define BPFDEV_PACKED_ANY_MAJOR 0x1fffu
#define BPFDEV_PACKED_ANY_MINOR 0x1fffffu

/* @major and @minor: as they are, or one of BPFDEV_PACKED_ANY_... */
BPFDEV_INLINE __u64 bpfdev_pack_bits(__u64 type, __u64 major, __u64 minor)
{
	return (type + BPF_DEVCG_DEV_BLOCK) << BPFDEV_PACKED_TYPE | major << BPFDEV_PACKED_MAJOR |
	       minor;
}

BPFDEV_INLINE __u64 bpfdev_pack(const struct bpfdev_key *key)
{
	return bpfdev_pack_bits(key->type, key->major & BPFDEV_PACKED_ANY_MAJOR,
				key->minor & BPFDEV_PACKED_ANY_MINOR);
}

static inline struct bpfdev_key bpfdev_unpack(__u64 packed)
{
	__u32 major = packed >> BPFDEV_PACKED_MAJOR & BPFDEV_PACKED_ANY_MAJOR;
	__u32 minor = packed & BPFDEV_PACKED_ANY_MINOR;
	struct bpfdev_key key = {
		.type = (__u32)(packed >> BPFDEV_PACKED_TYPE) - BPF_DEVCG_DEV_BLOCK,
		.major = major < BPFDEV_MAJORS ? major : BPFDEV_ANY,
		.minor = minor < BPFDEV_MINORS ? minor : BPFDEV_ANY,
	};

	return key;
}

/*
 * The buckets are a cuckoo hash table: a power of two of them, and each key in one of the two that
 * its hash names. Two looks at most, then, and no loop, which the verifier of the kernel would have
 * to walk at each login. A bucket is the verdict and, in the low bits, the packed key: 0 is none.
 */
#define BPFDEV_BUCKETS_MIN 16u
#define BPFDEV_BUCKETS_MAX (1u << 22)

/* Mixed, as keys are regular: with places that are no less so, a table would not come together. */
BPFDEV_INLINE __u64 bpfdev_hash(__u64 packed)
{
	packed *= 0x9e3779b97f4a7c15ull;
	return packed ^ packed >> 32;
}

BPFDEV_INLINE __u64 bpfdev_first_place(__u64 hash, __u64 mask)
{
	return hash & mask;
}

BPFDEV_INLINE __u64 bpfdev_second_place(__u64 hash, __u64 mask)
{
	return hash * 0xd6e8feb86659fd93ull >> 40 & mask;
}

/* The value of the map "table" begins with this. */
struct bpfdev_table {
	__u32 mask;	   /* the number of buckets, less one */
	__u32 slot_count;  /* so many entries, the first ones, are of majors */
	__u32 entry_count; /* of all */
	__u32 high_count;  /* BPFDEV_MAJORS, or 0: no rule names one that is not indexed */
	struct bpfdev_loan loans[BPFDEV_LOANS];
	__u32 majors[BPFDEV_TYPES][BPFDEV_INDEXED_MAJORS];
	__u32 others[BPFDEV_TYPES]; /* the verdict on high majors, if there is no list */
	/*
	 * mask + 1 of these; then come struct bpfdev_entry [entry_count] and, for the majors that are
	 * not indexed, __u32 [BPFDEV_TYPES][high_count].
	 */
	__u64 buckets[1];
};

#define BPFDEV_TABLE_SIZE(bucket_count, entry_count, high_count)                                   \
	(offsetof(struct bpfdev_table, buckets) + (size_t)(bucket_count) * sizeof(__u64) +         \
	 (size_t)(entry_count) * sizeof(struct bpfdev_entry) +                                     \
	 BPFDEV_TYPES * (size_t)(high_count) * sizeof(__u32))

/* "bpdv": tells our read-only data from another program's. */
#define BPFDEV_INFO_MAGIC 0x62706476u
#define BPFDEV_INFO_VERSION 4u

enum bpfdev_role { BPFDEV_SESSION, BPFDEV_MANAGER };

/* struct bpfdev_info.flags */
#define BPFDEV_UNRESTRICTED 0x1 /* lines name the user and none counts: everything is allowed */
#define BPFDEV_CLOSED 0x2	/* its session was closed, processes that it left are still there */
#define BPFDEV_NO_LOGIN 0x4 /* su and the like: conditional deny lines count whatever they ask */
#define BPFDEV_CONF 0x8	    /* the policy was named by conf=, so it has no drop-ins */
#define BPFDEV_AUDIT 0x10   /* audit lines count: what some lines, or none, would deny passes */
#define BPFDEV_CALLER 0x20  /* a copy, beside the rules of whom its user has become: su, sudo */

/* A device that a session may use for a time, whatever the policy says. */
struct bpfdev_exception {
	__u64 until;	/* seconds of CLOCK_BOOTTIME, which goes on in suspend and cannot be set */
	__u32 access;	/* BPFDEV_READ ...; 0: this place is free */
	__u32 asked_by; /* uid of whoever granted it */
	char device[112]; /* as a policy names it */
};

#define BPFDEV_EXCEPTIONS 8

/* What a filter is for. Strings are cut to fit and always end in a NUL byte. */
struct bpfdev_info {
	__u32 magic;
	__u32 version;
	__u32 role; /* enum bpfdev_role */
	__u32 uid;
	__u32 flags;
	__u32 rule_count;    /* device rules of the policy that the tables were folded from */
	__u64 opened;	     /* seconds since the epoch */
	__u64 policy_digest; /* of the text of all policy files; 0: of several policies */
	__u64 table_digest;  /* of the table: equal ones have equal digests */
	__u64 origin_digest; /* of the rules that the filter carries; 0: it carries none, */
	__u64 origin_size;   /* in bytes */
	char user[256];
	char service[64]; /* PAM_SERVICE */
	char tty[32];	  /* PAM_TTY */
	char rhost[256];  /* PAM_RHOST */
	char unit[128];	  /* session-N.scope or user@UID.service */
	char policy[128]; /* the policy's main file */
	struct bpfdev_exception exceptions[BPFDEV_EXCEPTIONS];
};

/*
 * A kind of denial is a device, the access asked, and what became of each of its bits: refused, or
 * let pass for audit only. It is one number, made of the kernel's own device number and access type
 * with little to do; so an entry, with all that the kernel adds, is one of its blocks of 128 bytes.
 */
#define BPFDEV_DENIAL_MAJOR 20 /* shifts */
#define BPFDEV_DENIAL_TYPE 32
#define BPFDEV_DENIAL_REFUSED 36
#define BPFDEV_DENIAL_AUDITED 40
#define BPFDEV_DENIAL_ACCESS 48
#define BPFDEV_DENIAL_BITS 0xfu /* of the latter four */

/*
 * In the key of what a service asked for on a process' behalf. The program never makes such a key, so
 * that user space can count there without getting in its way; comm is the service's name then.
 */
#define BPFDEV_DENIAL_DOOR (1ull << 52)

/* Of no device: what there was no room for is counted here. */
#define BPFDEV_DENIAL_LOST 0ull

/*
 * How many entries there may be, that one included. Before Linux 5.11 the map counts as locked
 * memory with all that it may have, and not with what it has.
 */
#define BPFDEV_DENIALS_MAX 256
#define BPFDEV_DENIALS_MAX_LOCKED 16

/* @access_type: (BPF_DEVCG_ACC_* << 16) | BPF_DEVCG_DEV_* */
static inline __attribute__((always_inline)) __u64 bpfdev_denial_key(__u32 access_type, __u32 major,
								     __u32 minor, __u32 refused,
								     __u32 audited)
{
	__u32 what = access_type | refused << (BPFDEV_DENIAL_REFUSED - BPFDEV_DENIAL_TYPE) |
		     audited << (BPFDEV_DENIAL_AUDITED - BPFDEV_DENIAL_TYPE);

	return (__u64)what << BPFDEV_DENIAL_TYPE | major << BPFDEV_DENIAL_MAJOR | minor;
}

struct bpfdev_denial {
	__u64 count;
	__u64 first, last; /* nanoseconds of CLOCK_BOOTTIME */

	/* Of the last time: */
	__u64 policy_digest;
	__u32 source; /* of the verdict on the lowest bit that was refused, or else audited */
	__u32 uid;    /* the real one */
	__u32 pid;    /* 0: the kernel does not say, before Linux 6.1 */
	/* So that these are all of the same time; count and last may be ahead, by a process' flood. */
	struct bpf_spin_lock lock;
	char comm[16]; /* "": as pid */
};

/* The program's read-only data. What has been in it longest stands first: see BPFDEV_INFO_MAGIC. */
struct bpfdev_data {
	struct bpfdev_info info;
	/*
	 * Whether this kernel tells device programs which process asks. If not, the verifier, who
	 * knows this value, drops the calls that the kernel does not have.
	 */
	__u32 knows_process;
	__u32 unused; /* no byte of it is left to chance */
};

#ifdef BPFDEV_DECIDE
/*
 * Provided by the includer. The verdict on a major; and: *@verdict becomes that on the device that
 * @packed names, if there is one.
 */
BPFDEV_INLINE __u32 bpfdev_major(const void *tables, __u32 type, __u32 major);
BPFDEV_INLINE void bpfdev_device(const void *tables, __u64 packed, __u32 *verdict);

/* The verdict on a device. */
BPFDEV_INLINE __u32 bpfdev_find(const void *tables, __u32 type, __u32 major, __u32 minor)
{
	__u32 verdict = bpfdev_major(tables, type, major);

	if (verdict & (BPFDEV_MINORS_OF_MAJOR | BPFDEV_MINORS_OF_ANY) << BPFDEV_VERDICT_FLAGS) {
		if (verdict & BPFDEV_MINORS_OF_ANY << BPFDEV_VERDICT_FLAGS)
			major = BPFDEV_PACKED_ANY_MAJOR;
		bpfdev_device(tables, bpfdev_pack_bits(type, major, minor), &verdict);
	}
	return verdict;
}

/* The bits for which a loan is over at @now, in nanoseconds of CLOCK_BOOTTIME. */
BPFDEV_INLINE __u32 bpfdev_ended(const volatile struct bpfdev_loan *loan, __u64 now)
{
	__u64 ended = 0;

	/* Without branches, each of which the verifier would follow on its own. */
	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		ended |= (loan->until[bit] * 1000000000ull - now - 1) >> 63 << bit;
	return (__u32)ended;
}

/* The bits of @access that an entry refuses, and those that it grants for audit only. */
BPFDEV_INLINE __u32 bpfdev_refused_by(const struct bpfdev_entry *entry,
				      const volatile struct bpfdev_loan *loans, __u32 access,
				      __u64 now)
{
	__u32 ended = bpfdev_ended(&loans[entry->loan], now);

	return access & (~(__u32)entry->allow | (entry->lent & ended));
}

BPFDEV_INLINE __u32 bpfdev_audited_by(const struct bpfdev_entry *entry, __u32 access)
{
	return access & entry->audit;
}
#endif

#endif
