// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials as entries of the journal: at once, then a sum a minute for each kind. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log/entry.h"
#include "base/reason.h"
#include "command/machine/denial.h"
#include "command/monitor/monitor.h"

#define PAUSE 60000 /* milliseconds */

/* How long to wait for a journal whose queue is full, and how often. */
#define TRY_PAUSE 10 /* milliseconds */
#define TRIES 20
#define LAST_TRIES 200

/* The texts that fields point to. */
struct texts {
	char message[2048], device[NAMES_NUMBERS_SIZE], access[4], bits[4];
	char comm[4 * sizeof(((struct filter_denial *)0)->comm) + 1];
};

static bool is_audit(const struct monitor_kind *kind)
{
	return !kind->lost && denial_is_audit(&kind->denial);
}

static void write_times(const struct monitor_kind *kind, char *text, size_t size)
{
	const char *more = kind->told ? " more" : "";

	if (kind->pending == 1)
		snprintf(text, size, "once%s", more);
	else
		snprintf(text, size, "%" PRIu64 " times%s", kind->pending, more);
}

static const char *why_of(const struct monitor_words *words)
{
	static const char *const phrases[] = {
		[DENIAL_NO_RULE] = ", as no rule allows it",
		[DENIAL_LINE] = " by ",
		[DENIAL_CHANGED] = " by a line that has changed since",
	};

	return phrases[words->cause];
}

/* "sam was denied /dev/fuse (c 10:229) rw once in session-3.scope by FILE:4: cat[1234]" */
static void write_message(const struct monitor_kind *kind, char *message, size_t size)
{
	const struct monitor_words *words = kind->words;
	const char *was = is_audit(kind) ? "but for audit would have been" : "was";
	char text[2048], device[DENIAL_DEVICE_SIZE], by[DENIAL_BY_SIZE], access[4];
	char times[40];

	write_times(kind, times, sizeof(times));
	denial_by(&kind->denial, words->unit.uid, by);
	if (kind->lost)
		snprintf(text, sizeof(text),
			 "%s was denied %s in %s what there was no room to tell apart",
			 words->unit.user, times, words->unit.name);
	else
		snprintf(text, sizeof(text), "%s %s denied %s %s %s in %s%s%s%s%s",
			 words->unit.user, was, denial_device(&kind->denial, words->name, device),
			 output_letters(denial_bits(&kind->denial), access), times,
			 words->unit.name, why_of(words),
			 words->cause == DENIAL_LINE ? words->place : "",
			 kind->denial.pid ? ": " : "", kind->denial.pid ? by : "");
	reason_quote(message, size, text, strlen(text));
}

/* As the module has them, too; the device under its numbers and under its name. */
static void add_denial(struct entry_fields *fields, const struct monitor_kind *kind,
		       struct texts *texts)
{
	const struct filter_denial *denial = &kind->denial;

	names_numbers(denial->type, denial->major, denial->minor, texts->device);
	entry_add(fields, ENTRY_DEVICE, texts->device);
	entry_add(fields, ENTRY_DEVICE, kind->words->name);
	entry_add(fields, "BPFDEV_ACCESS", output_letters(denial->access, texts->access));
	entry_add(fields, "BPFDEV_BITS", output_letters(denial_bits(denial), texts->bits));
	entry_add(fields, "BPFDEV_RESULT", is_audit(kind) ? "audit" : "refused");
	entry_add_number(fields, ENTRY_REFUSED_COUNT, is_audit(kind) ? 0 : denial->count);
	entry_add_number(fields, ENTRY_AUDITED_COUNT, is_audit(kind) ? denial->count : 0);
	entry_add(fields, "BPFDEV_LINE", kind->words->place);
	entry_add_number(fields, "BPFDEV_PROCESS_UID", denial->uid);
	if (!denial->pid)
		return;
	reason_quote(texts->comm, sizeof(texts->comm), denial->comm, strlen(denial->comm));
	entry_add(fields, denial->door ? "BPFDEV_DOOR" : "BPFDEV_COMM", texts->comm);
	entry_add_number(fields, "BPFDEV_PID", denial->pid);
}

static int send_entry(const struct monitor_kind *kind)
{
	const struct monitor_words *words = kind->words;
	const struct policy_session session = { words->service, words->tty, words->rhost, "",
						POLICY_LOGIN };
	const uint32_t uid = words->unit.uid;
	const struct entry entry = { .level = is_audit(kind) ? LOG_INFO : LOG_NOTICE,
				     .event = ENTRY_DENIED,
				     .user = words->unit.user,
				     .uid = &uid,
				     .unit = words->unit.name,
				     .session = &session };
	struct entry_fields fields;
	struct texts texts;

	write_message(kind, texts.message, sizeof(texts.message));
	entry_begin(&fields, &entry, "bpfdev", texts.message);
	if (kind->lost)
		entry_add_number(&fields, ENTRY_UNTOLD_COUNT, kind->denial.count);
	else
		add_denial(&fields, kind, &texts);
	entry_add_number(&fields, "BPFDEV_NEW", kind->pending);
	return entry_send_fields(&fields, JOURNAL_OFFER);
}

static int begin(struct monitor *monitor)
{
	(void)monitor;
	if (access(JOURNAL_SOCKET, W_OK) == 0)
		return 0;
	output_error("there is no journal to write to: %s: %s", JOURNAL_SOCKET, strerror(errno));
	return -EIO;
}

/*
 * @pause: as monitor_kinds_is_due(). What the journal does not take in so many @tries is part of
 * the next entry, and it is not offered what stands behind that before the next look. Returns
 * whether it took all.
 */
static bool tell_all(struct monitor *monitor, uint64_t pause, unsigned int tries)
{
	struct monitor_kinds *kinds = &monitor->kinds;

	for (size_t i = 0; i < kinds->count; i++) {
		struct monitor_kind *kind = &kinds->items[i];

		if (!monitor_kinds_is_due(kind, monitor->looked, pause) ||
		    !monitor_describe(monitor, kind))
			continue;
		for (; send_entry(kind) < 0; tries--) {
			if (tries == 0)
				return false;
			poll(NULL, 0, TRY_PAUSE);
		}
		monitor_told(monitor, kind);
	}
	return true;
}

static int show(struct monitor *monitor)
{
	tell_all(monitor, PAUSE, TRIES);
	return 0;
}

/* As there is no next entry, the journal has longer to take this one. */
static int last(struct monitor *monitor)
{
	int ret = monitor_look(monitor);

	if (ret < 0 || tell_all(monitor, 0, LAST_TRIES))
		return ret;
	output_error("the journal does not keep up: it does not have the last of all denials");
	return -EIO;
}

const struct monitor_view monitor_journal = {
	.begin = begin,
	.show = show,
	.last = last,
	.keep = MONITOR_KEEP_NOTHING,
};
