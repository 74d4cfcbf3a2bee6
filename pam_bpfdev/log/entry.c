// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From what is known of a login to the fields of an entry in the journal: one list of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include "log/entry.h"
#include "log/message.h"

void entry_add(struct entry_fields *fields, const char *name, const char *value)
{
	if (fields->count < JOURNAL_FIELDS_MAX)
		fields->items[fields->count++] = (struct journal_field) { name, value };
}

void entry_add_number(struct entry_fields *fields, const char *name, uint64_t value)
{
	char *text;

	if (fields->number_count == ENTRY_NUMBERS_MAX)
		return;
	text = fields->numbers[fields->number_count++];
	snprintf(text, sizeof(fields->numbers[0]), "%" PRIu64, value);
	entry_add(fields, name, text);
}

void entry_begin(struct entry_fields *fields, const struct entry *entry, const char *identifier,
		 const char *text)
{
	fields->count = fields->number_count = 0;
	entry_add(fields, "MESSAGE", text);
	/* What syslog(3) would have the journal say of it. */
	entry_add_number(fields, "PRIORITY", (uint64_t)entry->level);
	entry_add_number(fields, "SYSLOG_FACILITY", LOG_FAC(LOG_AUTHPRIV));
	entry_add(fields, "SYSLOG_IDENTIFIER", identifier);
	entry_add(fields, "BPFDEV_EVENT", entry->event);
	entry_add(fields, "BPFDEV_USER", entry->user);
	if (entry->uid)
		entry_add_number(fields, "BPFDEV_UID", *entry->uid);
	entry_add(fields, "BPFDEV_SESSION", entry->unit);
	if (!entry->session)
		return;
	entry_add(fields, "BPFDEV_SERVICE", entry->session->service);
	entry_add(fields, "BPFDEV_TTY", entry->session->tty);
	entry_add(fields, "BPFDEV_RHOST", entry->session->rhost);
}

int entry_send_fields(const struct entry_fields *fields, enum journal_manner manner)
{
	return journal_send(JOURNAL_SOCKET, manner, fields->items, fields->count);
}

#define NAME_SIZE 16 /* PR_GET_NAME */

/*
 * The program that a login goes through. One that writes a title over its arguments, as login(1) does,
 * has written over its name there, too, but not over the kernel's. @name: NAME_SIZE bytes.
 */
static const char *program_name(char *name)
{
	const char *own = program_invocation_short_name;

	if (*own && !strpbrk(own, " \t"))
		return own;
	prctl(PR_GET_NAME, name);
	return name;
}

int entry_send(const struct entry *entry, const char *text)
{
	char name[NAME_SIZE] = "";
	char devices[ENFORCE_DENIED_DEVICES][32];
	const struct enforce_denied *denied = entry->denied;
	struct entry_fields fields;

	entry_begin(&fields, entry, program_name(name), text);
	entry_add_number(&fields, "SYSLOG_PID", (uint64_t)getpid());
	/* As it comes from pid 1: of this process journald then says what it knows, too. */
	entry_add_number(&fields, "OBJECT_PID", (uint64_t)getpid());
	if (denied) {
		entry_add_number(&fields, ENTRY_REFUSED_COUNT, denied->refused);
		entry_add_number(&fields, ENTRY_AUDITED_COUNT, denied->audited);
		if (denied->lost)
			entry_add_number(&fields, ENTRY_UNTOLD_COUNT, denied->lost);
	}
	for (size_t i = 0; denied && i < denied->device_count && i < ENFORCE_DENIED_DEVICES; i++) {
		entry_add(&fields, ENTRY_DEVICE, message_numbers(&denied->devices[i], devices[i]));
		entry_add(&fields, ENTRY_DEVICE, denied->devices[i].name);
	}
	return entry_send_fields(&fields, JOURNAL_INSIST);
}
