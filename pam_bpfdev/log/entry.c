// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <syslog.h>

#include "log/entry.h"
#include "log/journal.h"
#include "log/message.h"

/* The texts that fields point to. */
struct numbers {
	char level[12], facility[12], uid[12], refused[24], audited[24], untold[24];
	char devices[ENFORCE_DENIED_DEVICES][32];
};

struct fields {
	struct journal_field items[JOURNAL_FIELDS_MAX];
	size_t count;
};

static void add(struct fields *fields, const char *name, const char *value)
{
	fields->items[fields->count++] = (struct journal_field) { name, value };
}

/* Each device under its numbers and under its name. */
static void add_denied(struct fields *fields, const struct enforce_denied *denied,
		       struct numbers *numbers)
{
	snprintf(numbers->refused, sizeof(numbers->refused), "%" PRIu64, denied->refused);
	snprintf(numbers->audited, sizeof(numbers->audited), "%" PRIu64, denied->audited);
	add(fields, "BPFDEV_REFUSED", numbers->refused);
	add(fields, "BPFDEV_AUDITED", numbers->audited);
	if (denied->lost) {
		snprintf(numbers->untold, sizeof(numbers->untold), "%" PRIu64, denied->lost);
		add(fields, "BPFDEV_UNTOLD", numbers->untold);
	}
	for (size_t i = 0; i < denied->device_count && i < ENFORCE_DENIED_DEVICES; i++) {
		const struct enforce_denied_device *device = &denied->devices[i];

		add(fields, "BPFDEV_DEVICE", message_numbers(device, numbers->devices[i]));
		add(fields, "BPFDEV_DEVICE", device->name);
	}
}

static void add_session(struct fields *fields, const struct policy_session *session)
{
	add(fields, "BPFDEV_SERVICE", session->service);
	add(fields, "BPFDEV_TTY", session->tty);
	add(fields, "BPFDEV_RHOST", session->rhost);
}

/* What syslog(3) would have the journal say of it. */
static void add_syslog(struct fields *fields, int level, struct numbers *numbers)
{
	snprintf(numbers->level, sizeof(numbers->level), "%d", level);
	snprintf(numbers->facility, sizeof(numbers->facility), "%d", LOG_FAC(LOG_AUTHPRIV));
	add(fields, "PRIORITY", numbers->level);
	add(fields, "SYSLOG_FACILITY", numbers->facility);
	add(fields, "SYSLOG_IDENTIFIER", program_invocation_short_name);
}

int entry_send(const struct entry *entry, const char *text)
{
	struct fields fields = { .count = 0 };
	struct numbers numbers;

	add(&fields, "MESSAGE", text);
	add_syslog(&fields, entry->level, &numbers);
	add(&fields, "BPFDEV_EVENT", entry->event);
	add(&fields, "BPFDEV_USER", entry->user);
	if (entry->uid) {
		snprintf(numbers.uid, sizeof(numbers.uid), "%" PRIu32, *entry->uid);
		add(&fields, "BPFDEV_UID", numbers.uid);
	}
	add(&fields, "BPFDEV_SESSION", entry->unit);
	if (entry->session)
		add_session(&fields, entry->session);
	if (entry->denied)
		add_denied(&fields, entry->denied, &numbers);
	return journal_send(JOURNAL_SOCKET, fields.items, fields.count);
}
