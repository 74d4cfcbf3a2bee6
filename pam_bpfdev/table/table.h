/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The folded tables of a filter in user space: made from rules, united, compared, asked. */
#ifndef TABLE_H
#define TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "bpfdev.h"
#include "device/device.h"
#include "base/reason.h"

/* A table's entries are bounded, so that a policy cannot take the kernel's memory. */
#define TABLE_RULES_MAX (1u << 18)
#define TABLE_SLOTS_MAX (BPFDEV_TYPES + BPFDEV_TYPES * BPFDEV_INDEXED_MAJORS)

/* Lowest first: a higher rank decides. */
enum table_rank { TABLE_BASELINE, TABLE_ANYONE, TABLE_GROUP, TABLE_USER };

/* One rule for devices, ready to be folded. The order of an array of rules is that of reading. */
struct table_rule {
	struct device_pattern device;
	uint32_t access;
	uint32_t source;
	uint8_t rank; /* enum table_rank */
	uint8_t allow;
};

/* How specific a rule's device is: 3 for M:m, 2 for M:*, 1 for *:m, 0 for all devices. */
unsigned int table_specificity(const struct device_pattern *device);

/* What makes one rule decide before another. */
enum table_advantage { TABLE_BY_RANK, TABLE_BY_DEVICE, TABLE_BY_ORDER };

/*
 * Which of two rules decides where both cover a device and access bit. @place, @other_place: theirs
 * in the order of reading. Sets *@by to what settles it.
 * Returns more than 0: @rule; less than 0: @other; 0: they are the same in all of this.
 */
int table_compare_rules(const struct table_rule *rule, size_t place, const struct table_rule *other,
			size_t other_place, enum table_advantage *by);

/* A rule for one device, or for a major that is not indexed. */
struct table_entry {
	struct bpfdev_key key;
	struct bpfdev_entry entry;
};

struct table {
	struct {
		uint16_t slot[BPFDEV_TYPES][BPFDEV_INDEXED_MAJORS];
	} index;
	struct bpfdev_entry *slots;
	uint32_t slot_count;
	struct table_entry *rules; /* sorted by key */
	uint32_t rule_count;
	struct bpfdev_loan loans[BPFDEV_LOANS]; /* from 1 on, as entries name them */
	/* The rules that it was folded from, as rules_pack() makes them; NULL: they are not known. */
	void *origin;
	size_t origin_size;
};

/*
 * Folds @count rules into a new table: for each device and access bit the highest rank decides,
 * then the most specific device, then the last rule; no rule denies. What the rules of rank @audit
 * and of lower ones, or the lack of any, would deny is allowed and marked; TABLE_BASELINE: nothing.
 * Returns 0; -E2BIG with @why: more than TABLE_RULES_MAX entries; -ENOMEM. Free: table_free().
 */
int table_fold(const struct table_rule *rules, size_t count, enum table_rank audit,
	       struct table **table, struct reason *why);

/* A new table that allows everything. Returns 0 or -ENOMEM. */
int table_allow_all(struct table **table);

/*
 * A new table that allows what any of the @count (at least 1) @tables allows; what each of those
 * that allow it does so for audit only, or has lent, stays marked; what several have lent, until the
 * last of them ends. Returns as table_fold().
 */
int table_union(const struct table *const *tables, size_t count, struct table **table,
		struct reason *why);

/*
 * A new table that allows what all of the @count (at least 1) @tables allow: for audit only what any
 * of them allows so, and what any has lent, until the first of them ends.
 * Returns as table_fold().
 */
int table_intersection(const struct table *const *tables, size_t count, struct table **table,
		       struct reason *why);

/* Grants until a second of CLOCK_BOOTTIME what @table allows. */
struct table_loan {
	struct table *table;
	uint64_t until;
};

/*
 * A new table that is @table without what was lent before, and grants besides what @loans grant,
 * marked as lent; the sources stay. @count: up to BPFDEV_EXCEPTIONS. An entry can tell BPFDEV_LOANS - 1 combinations of times apart;
 * where there are more, a bit is lent for a shorter time than it might be, or not at all.
 * Returns as table_fold().
 */
int table_lend(const struct table *table, const struct table_loan *loans, size_t count,
	       struct table **lending, struct reason *why);

/*
 * Takes from the entries what was lent and is over by now: then they say what the kernel's program,
 * which looks at its clock, answers now. table_refused() looks at the clock, too.
 */
void table_end_loans(struct table *table);

/* The entry that decides on a device: the same code as in the kernel. Never NULL. */
const struct bpfdev_entry *table_find(const struct table *table, enum bpfdev_type type,
				      uint32_t major, uint32_t minor);

/* The bits of @access (BPFDEV_READ ...) that are refused. */
uint32_t table_refused(const struct table *table, enum bpfdev_type type, uint32_t major,
		       uint32_t minor, uint32_t access);

/* Of index, slots and rules: equal tables have equal digests. */
uint64_t table_digest(const struct table *table);

/* The same of the rules that it was folded from; 0: they are not known. */
uint64_t table_origin_digest(const struct table *table);

/* The order of a table's rules: by type, then major, then minor. As strcmp(3). */
int table_compare_keys(const struct bpfdev_key *a, const struct bpfdev_key *b);

/* A new table as @table is, without the rules that it was folded from. Returns 0 or -ENOMEM. */
int table_copy(const struct table *table, struct table **copy);

/* NULL is fine. */
void table_free(struct table *table);

#endif
