// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From an entry of the log to records of the audit trail. */
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/clock.h"
#include "log/record.h"

static void begin(struct trail *trail, const struct entry *entry, const char *event)
{
	char op[32];

	snprintf(op, sizeof(op), "bpfdev-%s", event);
	trail_begin(trail, op);
	trail_add(trail, "acct", entry->user);
	trail_add(trail, "unit", entry->unit);
	if (entry->rules_of && *entry->rules_of)
		trail_add(trail, "rules_of", entry->rules_of);
	if (entry->session)
		trail_add(trail, "service", entry->session->service);
}

static void finish(struct trail *trail, const struct entry *entry, bool success, record_send *send)
{
	struct trail_origin origin = { NULL, NULL };

	if (entry->session)
		origin = (struct trail_origin) { entry->session->rhost, entry->session->tty };
	trail_end(trail, &origin, success);
	send(TRAIL_DEVICE, trail);
}

/* What was allowed but for audit was a success of who tried. */
static void record_device(const struct entry *entry, const struct enforce_denied_device *device,
			  record_send *send)
{
	char numbers[32], access[4];
	struct trail trail;

	snprintf(numbers, sizeof(numbers), "%c:%u:%u", device->type == BPFDEV_CHAR ? 'c' : 'b',
		 device->major, device->minor);
	snprintf(access, sizeof(access), "%s%s%s", device->access & BPFDEV_READ ? "r" : "",
		 device->access & BPFDEV_WRITE ? "w" : "",
		 device->access & BPFDEV_MKNOD ? "m" : "");
	begin(&trail, entry, device->audit ? "audited" : ENTRY_DENIED);
	trail_add(&trail, "device", *device->name ? device->name : numbers);
	trail_add(&trail, "numbers", numbers);
	trail_add(&trail, "access", access);
	trail_add_number(&trail, "count", device->count);
	trail_add(&trail, "rule", device->line);
	if (*device->door)
		trail_add(&trail, "door", device->door);
	finish(&trail, entry, device->audit, send);
}

/* Where the kernel makes a logout wait that long, the rest is one record. */
#define PATIENCE_MS 1000

static void record_denied(const struct entry *entry, record_send *send)
{
	const struct enforce_denied *denied = entry->denied;
	uint64_t others = denied->refused + denied->audited + denied->lost;
	const int64_t deadline = clock_ms() + PATIENCE_MS;
	struct trail trail;

	for (size_t i = 0; i < denied->device_count && i < ENFORCE_DENIED_DEVICES; i++) {
		if (clock_ms() > deadline)
			break;
		record_device(entry, &denied->devices[i], send);
		others -= denied->devices[i].count;
	}
	if (!others)
		return;
	begin(&trail, entry, ENTRY_DENIED);
	trail_add(&trail, "device", NULL);
	trail_add_number(&trail, "count", others);
	finish(&trail, entry, !denied->refused && !denied->lost, send);
}

void record_entry(const struct entry *entry, record_send *send)
{
	bool refused = strcmp(entry->event, ENTRY_REFUSED) == 0;
	struct trail trail;

	if (entry->level == LOG_DEBUG)
		return;
	if (entry->denied) {
		record_denied(entry, send);
	} else if (refused || strcmp(entry->event, ENTRY_OPEN) == 0 ||
		   strcmp(entry->event, ENTRY_UNFILTERED) == 0) {
		begin(&trail, entry, entry->event);
		finish(&trail, entry, !refused, send);
	}
}
