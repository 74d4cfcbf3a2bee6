/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the audit trail has of a login: who was let in how, and what they were denied. */
#ifndef RECORD_H
#define RECORD_H

#include "log/entry.h"
#include "log/trail.h"

/* Takes a record that is complete. */
typedef int record_send(enum trail_type type, const struct trail *trail);

/*
 * Has @send, trail_send as a rule, take the records that belong to @entry: one for ENTRY_OPEN,
 * ENTRY_REFUSED and ENTRY_UNFILTERED; for ENTRY_DENIED one for each device that the entry names, and one
 * for all others, also of those that it names once @send has taken more than a second; for what else there is, or is there for who looks for a mistake (LOG_DEBUG), none.
 * Whether they were taken makes no difference to a login, so nothing is said of it.
 */
void record_entry(const struct entry *entry, record_send *send);

#endif
