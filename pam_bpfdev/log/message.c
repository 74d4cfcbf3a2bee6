// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The sentences of the module's log. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "log/message.h"

/* Where somebody logs in from, as the end of a sentence; *@origin: what PAM calls it. */
static const char *origin_of(const struct policy_session *session, const char **origin)
{
	*origin = *session->rhost ? session->rhost : session->tty;
	if (!**origin)
		return "";
	return *session->rhost ? ", from " : ", on ";
}

char *message_filtered(const struct enforce_report *report, const char *user,
		       const struct policy_session *session, char *out, size_t size)
{
	const char *origin, *from = origin_of(session, &origin);

	if (report->manager)
		snprintf(out, size, "user manager of %s filtered in %s", user, report->unit);
	else if (*report->caller && !report->rule_count)
		snprintf(out, size, "%s filtered in %s: by the rules of %s, who became %s%s%s",
			 user, report->unit, report->caller, user, from, origin);
	else if (*report->caller)
		snprintf(out, size,
			 "%s filtered in %s: %u rules%s, beside those of %s, who became %s%s%s",
			 user, report->unit, report->rule_count, report->audit ? ", audit" : "",
			 report->caller, user, from, origin);
	else if (report->unrestricted)
		snprintf(out, size,
			 "%s not restricted in %s: no line of the policy applies to this "
			 "session%s%s",
			 user, report->unit, from, origin);
	else
		snprintf(out, size, "%s filtered in %s: %u rules%s%s%s", user, report->unit,
			 report->rule_count, report->audit ? ", audit" : "", from, origin);
	return out;
}

const char *message_outcome(enum enforce_outcome outcome)
{
	static const char *const outcomes[] = {
		[ENFORCE_FILTERED] = "filtered",
		[ENFORCE_NO_RULES] = "no rules",
		[ENFORCE_UNRESTRICTED] = "nothing to restrict",
		[ENFORCE_INNER] = "within the user's own filtered session, left as it is",
		[ENFORCE_FOREIGN] = "within another user's session, left as it is",
		[ENFORCE_NO_SESSION] = "in no session",
		[ENFORCE_LEFT_ALONE] = "in a cgroup that somebody else filters, left alone",
		[ENFORCE_KEPT] = "filter kept, processes are left",
		[ENFORCE_REMOVED] = "filter removed",
	};

	return outcomes[outcome];
}

/* A text that grows, and is cut to fit. */
struct text {
	char *out;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->out + text->used, text->size - text->used, format, args);
	va_end(args);
	if (length > 0)
		text->used += (size_t)length;
	if (text->used >= text->size)
		text->used = text->size - 1;
}

static void add_times(struct text *text, uint64_t count)
{
	if (count == 1)
		add(text, "once");
	else
		add(text, "%" PRIu64 " times", count);
}

static void add_access(struct text *text, uint32_t access)
{
	add(text, " %s%s%s ", access & BPFDEV_READ ? "r" : "", access & BPFDEV_WRITE ? "w" : "",
	    access & BPFDEV_MKNOD ? "m" : "");
}

char *message_numbers(const struct enforce_denied_device *device, char *out)
{
	snprintf(out, 32, "%c %u:%u", device->type == BPFDEV_CHAR ? 'c' : 'b', device->major,
		 device->minor);
	return out;
}

/* @mixed: other devices were refused. */
static void add_device(struct text *text, const struct enforce_denied_device *device, bool mixed)
{
	char numbers[32];

	message_numbers(device, numbers);
	if (mixed && device->audit)
		add(text, "for audit ");
	if (*device->name)
		add(text, "%s (%s)", device->name, numbers);
	else
		add(text, "%s", numbers);
	add_access(text, device->access);
	add_times(text, device->count);
	if (*device->door)
		add(text, " through %s", device->door);
	add(text, " by %s", device->line);
}

static void add_devices(struct text *text, const struct enforce_denied *denied)
{
	size_t more = 0, count = denied->device_count;

	if (count > ENFORCE_DENIED_DEVICES) {
		more = count - ENFORCE_DENIED_DEVICES;
		count = ENFORCE_DENIED_DEVICES;
	}
	for (size_t i = 0; i < count; i++) {
		add(text, "%s ", i ? "," : ":");
		add_device(text, &denied->devices[i], denied->refused);
	}
	if (more)
		add(text, "; %zu more device%s", more, more == 1 ? "" : "s");
	if (denied->lost) {
		add(text, "; besides ");
		add_times(text, denied->lost);
		add(text, " what there was no room to tell apart");
	}
}

char *message_denied(const struct enforce_denied *denied, const char *user, const char *unit,
		     char *out, size_t size)
{
	struct text text = { out, size, 0 };

	if (!denied->device_count && !denied->lost)
		return NULL;
	if (!denied->device_count) {
		add(&text, "%s was denied ", user);
		add_times(&text, denied->lost);
		add(&text, " in %s what there was no room to tell apart", unit);
		return out;
	}
	add(&text, "%s %s denied ", user, denied->refused ? "was" : "would have been");
	add_times(&text, denied->refused ? denied->refused : denied->audited);
	add(&text, " in %s", unit);
	if (denied->refused && denied->audited) {
		add(&text, ", and but for audit ");
		add_times(&text, denied->audited);
		add(&text, " more");
	} else if (denied->audited) {
		add(&text, ", but for audit");
	}
	add_devices(&text, denied);
	return out;
}
