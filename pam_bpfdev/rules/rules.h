/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The rules that count for one login, with their devices as the policy names them, and what these
 * names stand for now. A filter carries them in the kernel, so that when a device or a driver comes
 * or goes a new table can be made without the policy's files, the user database or conditions.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpfdev.h"
#include "base/reason.h"
#include "device/device.h"
#include "table/table.h"

/* One device of a line. */
struct rules_line {
	struct device_spec
		device; /* not DEVICE_CLASS: a line has an entry for each device of one */
	uint32_t source;
	uint8_t access; /* BPFDEV_READ ... */
	uint8_t rank;	/* enum table_rank */
	bool allow;
	uint8_t loan; /* 0: the policy's; 1 + i: lent by exceptions[i] of struct bpfdev_info */

	bool awaits; /* a driver that it denies may still come, with any major that is free */
	bool known;  /* what the device stands for, is: */
	struct device_patterns found;
	char *text; /* the device as a policy has it, which device's strings are in; or NULL */
};

struct rules {
	struct rules_line *items; /* in the order of reading */
	size_t count, capacity;
	enum table_rank audit; /* as table_fold() takes it */
	bool unrestricted;     /* everything is allowed: there are no lines but what is lent */
	/* Majors that no driver has; only if has_free: a line awaits a driver. */
	bool has_free;
	bool free[BPFDEV_TYPES][BPFDEV_INDEXED_MAJORS];
	uint64_t drivers; /* digest of the list of drivers that was looked at; 0: none was */
};

/* What resolving may return besides 0 and a negative errno with its reason. */
#define RULES_TOO_MANY 1 /* the device of a line stands for more rules than one may */

/* Appends a copy of @line, of whose device only what was written. Returns 0 or a negative errno: -ENOMEM. */
int rules_add(struct rules *rules, const struct rules_line *line);

/* Takes out what is lent by the exceptions whose bits (1 << i) are in @which. */
void rules_end_loans(struct rules *rules, unsigned int which);

/*
 * Looks up what is not known yet: the numbers of lines that were added. Waits for udev, which may be
 * about to make the links that they name: a second or two at most.
 * Returns 0; RULES_TOO_MANY with @why, and *@line (NULL is fine) is whose; or a negative errno with
 * @why.
 */
int rules_resolve(struct rules *rules, const struct device_source *devices,
		  const struct rules_line **line, struct reason *why);

/* From now on nothing is known: rules_resolve() looks everything up anew. */
void rules_forget(struct rules *rules);

/*
 * Brings the lines up to date after @event of a device (NULL: of a driver), whose number stands for
 * what the event says of it from now on. *@changed: whether that made any difference; if not,
 * nothing else was done.
 * Returns as rules_resolve().
 */
int rules_settle(struct rules *rules, const struct device_source *devices,
		 const struct device_event *event, bool *changed, struct reason *why);

/* Whether a line names devices that come and go: its numbers may be others later. */
bool rules_follow(const struct rules *rules);

/*
 * Folds the lines, all of them resolved, and what every shell needs besides. What exceptions lend is
 * marked as lent until the time in @exceptions (BPFDEV_EXCEPTIONS of them; NULL: there are none).
 * The table carries the lines (table->origin). Returns as table_fold().
 */
int rules_fold(const struct rules *rules, const struct bpfdev_exception *exceptions,
	       struct table **table, struct reason *why);

/*
 * Appends what resolved lines stand for, with the majors that those deny that await a driver. Returns 0
 * or a negative errno with @why, as device_add().
 */
int rules_patterns(const struct rules *rules, struct device_patterns *patterns, struct reason *why);

/*
 * The lines as a filter carries them, in bytes that mean something on this machine only. Returns 0
 * or -ENOMEM; free *@bytes.
 */
int rules_pack(const struct rules *rules, void **bytes, size_t *size);

/* What rules_pack() made. Returns 0; -EPROTO: it did not, -ENOMEM; both with @why. */
int rules_unpack(const void *bytes, size_t size, struct rules *rules, struct reason *why);

/* rules_follow() of the rules that a table carries; where these end too early it is true. */
bool rules_table_follows(const struct table *table);

#define RULES_WORDS_SIZE 256 /* bytes of what a line says, with the final NUL */

/*
 * What the line that @source leads to says, by the rules that @table carries: "deny usb:46f4:0001";
 * of a class its first devices. @out: RULES_WORDS_SIZE bytes. Returns false, and @out is "": it
 * carries none, or no such line.
 */
bool rules_words(const struct table *table, uint32_t source, char *out);

void rules_free(struct rules *rules);

#endif
