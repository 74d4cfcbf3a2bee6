/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The tables of a filter and the decision on them: what the kernel program and user space share.
 *
 * A filter is three maps. User space folds the policy into them, so that the program has nothing
 * left to weigh: every entry it finds holds the final verdict for all three access bits.
 *
 *   index   type and major -> slot; in the program's read-only data
 *   slots   slot -> the entry of every minor of that major
 *   rules   type, major, minor -> the entry of one device; looked up only where the slot says so
 *
 * A fourth one, denials, is what the program writes: what it has refused, and how often. A fifth, origin,
 * it never looks at: the rules as the policy has them, for whoever makes the tables anew.
 *
 * The kernel's copy of the rules is an array of buckets that user space has hashed, not a map of
 * the type hash: look-ups in an array are compiled into the program, those in a hash are calls,
 * which took as long again as everything else that is asked at an open.
 *
 * The includer provides bpfdev_slot() and bpfdev_rule() before the decision (BPFDEV_DECIDE) can be
 * used: map look-ups in the kernel, arrays in user space.
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

/* The first slots answer for the majors without a slot of their own. */
#define BPFDEV_DEFAULT_SLOT(type) ((__u32)(type))

/* Flags of a slot's entry: which keys of the rules map can still change the verdict. */
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
 * The rules map is a cuckoo hash table: a power of two of buckets, and each key in one of the two
 * that its hash names. Two look-ups at most, then, and no loop, which the verifier of the kernel
 * would have to walk at each login.
 */
struct bpfdev_bucket {
	__u64 key; /* from bpfdev_pack(); 0: an empty bucket */
	struct bpfdev_entry entry;
};

/* One value of the map: the kernel copies values one by one, so they had better be large. */
#define BPFDEV_ROW 64

struct bpfdev_row {
	struct bpfdev_bucket buckets[BPFDEV_ROW];
};

/* dev_t's 20 and 12 bits and one more each, for BPFDEV_ANY. */
#define BPFDEV_PACKED_MINOR 21
#define BPFDEV_PACKED_MAJOR 13
#define BPFDEV_PACKED_USED (1ull << 63)

static inline __attribute__((always_inline)) __u64 bpfdev_pack(const struct bpfdev_key *key)
{
	__u64 major = key->major & ((1u << BPFDEV_PACKED_MAJOR) - 1);
	__u64 minor = key->minor & ((1u << BPFDEV_PACKED_MINOR) - 1);

	return BPFDEV_PACKED_USED |
	       (__u64)key->type << (BPFDEV_PACKED_MAJOR + BPFDEV_PACKED_MINOR) |
	       major << BPFDEV_PACKED_MINOR | minor;
}

static inline struct bpfdev_key bpfdev_unpack(__u64 packed)
{
	__u32 major = packed >> BPFDEV_PACKED_MINOR & ((1u << BPFDEV_PACKED_MAJOR) - 1);
	__u32 minor = packed & ((1u << BPFDEV_PACKED_MINOR) - 1);
	struct bpfdev_key key = {
		.type = packed >> (BPFDEV_PACKED_MAJOR + BPFDEV_PACKED_MINOR) & 1,
		.major = major < BPFDEV_MAJORS ? major : BPFDEV_ANY,
		.minor = minor < BPFDEV_MINORS ? minor : BPFDEV_ANY,
	};

	return key;
}

/* Bits 16 to 39 and 40 to 63 are the two places of a key, before they are masked. */
static inline __attribute__((always_inline)) __u64 bpfdev_hash(__u64 packed)
{
	packed *= 0x9e3779b97f4a7c15ull;
	packed ^= packed >> 32;
	return packed * 0xd6e8feb86659fd93ull;
}

#define BPFDEV_FIRST_PLACE(hash, mask) ((__u32)((hash) >> 40) & (mask))
#define BPFDEV_SECOND_PLACE(hash, mask) ((__u32)((hash) >> 16) & (mask))
#define BPFDEV_BUCKETS_MAX (1u << 24)

/* "bpdv": tells our read-only data from another program's. */
#define BPFDEV_INFO_MAGIC 0x62706476u
#define BPFDEV_INFO_VERSION 3u

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
	__u64 table_digest;  /* of index, slots and rules: equal tables have equal digests */
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
	struct bpf_spin_lock lock; /* so that it is all of the same time */
	char comm[16];		   /* "": as pid */
};

struct bpfdev_index {
	__u16 slot[BPFDEV_TYPES][BPFDEV_INDEXED_MAJORS];
};

/* The program's read-only data. What has been in it longest stands first: see BPFDEV_INFO_MAGIC. */
struct bpfdev_data {
	struct bpfdev_info info;
	struct bpfdev_index majors;
	struct bpfdev_loan loans[BPFDEV_LOANS];
	__u32 rules_mask; /* the number of buckets, less one */
	/*
	 * Whether this kernel tells device programs which process asks. If not, the verifier, who
	 * knows this value, drops the calls that the kernel does not have.
	 */
	__u32 knows_process;
};

#ifdef BPFDEV_DECIDE
#define BPFDEV_INLINE static inline __attribute__((always_inline))

/* Provided by the includer. The slot always exists; bpfdev_rule() may return NULL. */
BPFDEV_INLINE const struct bpfdev_entry *bpfdev_slot(const void *tables, __u32 slot);
BPFDEV_INLINE const struct bpfdev_entry *bpfdev_rule(const void *tables,
						     const struct bpfdev_key *key);
BPFDEV_INLINE __u32 bpfdev_index(const void *tables, __u32 type, __u32 major);

BPFDEV_INLINE const struct bpfdev_entry *bpfdev_find(const void *tables, __u32 type, __u32 major,
						     __u32 minor)
{
	struct bpfdev_key key = { .type = type, .major = major, .minor = BPFDEV_ANY };
	const struct bpfdev_entry *entry = NULL, *rule;

	if (major < BPFDEV_INDEXED_MAJORS)
		entry = bpfdev_slot(tables, bpfdev_index(tables, type, major));
	else
		entry = bpfdev_rule(tables, &key);
	if (!entry)
		entry = bpfdev_slot(tables, BPFDEV_DEFAULT_SLOT(type));
	if (!entry || !(entry->flags & (BPFDEV_MINORS_OF_MAJOR | BPFDEV_MINORS_OF_ANY)))
		return entry;
	if (entry->flags & BPFDEV_MINORS_OF_ANY)
		key.major = BPFDEV_ANY;
	key.minor = minor;
	rule = bpfdev_rule(tables, &key);
	return rule ? rule : entry;
}

/* Provided by the includer: for which of its bits an entry that lends any does so no longer. */
BPFDEV_INLINE __u32 bpfdev_ended(const void *tables, const struct bpfdev_entry *entry);

/* For it: the time is @now, in nanoseconds of CLOCK_BOOTTIME. */
BPFDEV_INLINE __u32 bpfdev_ended_by(const volatile struct bpfdev_loan *loan, __u64 now)
{
	__u32 ended = 0;

	for (int bit = 0; bit < BPFDEV_BITS; bit++)
		if (loan->until[bit] * 1000000000ull <= now)
			ended |= 1u << bit;
	return ended;
}

/* The bits of @access that an entry refuses, and those that it grants for audit only. */
BPFDEV_INLINE __u32 bpfdev_refused_by(const void *tables, const struct bpfdev_entry *entry,
				      __u32 access)
{
	__u32 refused = access & ~(__u32)entry->allow;

	if (access & entry->lent)
		refused |= access & entry->lent & bpfdev_ended(tables, entry);
	return refused;
}

BPFDEV_INLINE __u32 bpfdev_audited_by(const struct bpfdev_entry *entry, __u32 access)
{
	return access & entry->audit;
}

/*
 * The bits of @access that the tables refuse; 0: the request passes. A request for no bits, which
 * is what access(F_OK) makes, always does.
 */
BPFDEV_INLINE __u32 bpfdev_refused(const void *tables, __u32 type, __u32 major, __u32 minor,
				   __u32 access)
{
	const struct bpfdev_entry *entry = bpfdev_find(tables, type, major, minor);

	return entry ? bpfdev_refused_by(tables, entry, access) : access;
}
#endif

#endif
