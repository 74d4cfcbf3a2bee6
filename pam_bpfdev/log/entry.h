/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is logged, as entries of the journal, whose fields journalctl(1) finds. */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "enforce/enforce.h"
#include "log/journal.h"

/* What LOG in pam_bpfdev(8) says of each line's kind. */
#define ENTRY_OPEN "open"
#define ENTRY_CLOSE "close"
#define ENTRY_DENIED "denied"
#define ENTRY_REFUSED "refused"
#define ENTRY_UNFILTERED "unfiltered"
#define ENTRY_TROUBLE "trouble"

/* The fields of an entry beside those that every one has: of what is denied. */
#define ENTRY_DEVICE "BPFDEV_DEVICE" /* twice: its numbers, its name */
#define ENTRY_REFUSED_COUNT "BPFDEV_REFUSED"
#define ENTRY_AUDITED_COUNT "BPFDEV_AUDITED"
#define ENTRY_UNTOLD_COUNT "BPFDEV_UNTOLD"

/* NULL and "": not known. */
struct entry {
	int level; /* LOG_INFO ... */
	const char *event;
	const char *user;
	const uint32_t *uid;
	const char *unit;     /* session-3.scope */
	const char *rules_of; /* ENTRY_DENIED: who became @user; "": the rules are the user's own */
	const struct policy_session *session;
	const struct enforce_denied *denied;
};

/* So many fields may be numbers. */
#define ENTRY_NUMBERS_MAX 16

/* An entry on its way to the journal, with room for what its fields point to. */
struct entry_fields {
	struct journal_field items[JOURNAL_FIELDS_MAX];
	size_t count;
	char numbers[ENTRY_NUMBERS_MAX][24];
	size_t number_count;
};

/*
 * Begins with @text, as syslog would have it of the program @identifier, and all that @entry says
 * but what was denied.
 */
void entry_begin(struct entry_fields *fields, const struct entry *entry, const char *identifier,
		 const char *text);

/* Add a field; @value must stay as it is until the entry is sent. */
void entry_add(struct entry_fields *fields, const char *name, const char *value);
void entry_add_number(struct entry_fields *fields, const char *name, uint64_t value);

/*
 * Send it. Return 0, or a negative errno: the journal has nothing of it, as there may be none.
 * entry_send() is for @text and @entry with nothing added but the process, by JOURNAL_INSIST.
 */
int entry_send_fields(const struct entry_fields *fields, enum journal_manner manner);
int entry_send(const struct entry *entry, const char *text);

#endif
