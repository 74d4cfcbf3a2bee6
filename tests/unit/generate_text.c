/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Statements as an administrator could have written them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpfdev.h"
#include "generate.h"

static void put(struct generated *policy, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct generated *policy, const char *format, ...)
{
	size_t left = sizeof(policy->text) - policy->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(policy->text + policy->length, left, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= left)
		abort();
	policy->length += (size_t)length;
}

static void put_blank(struct dice *dice, struct generated *policy)
{
	static const char *const blanks[] = { " ", " ", "\t", "  ", " \t " };

	put(policy, "%s", DICE_PICK(dice, blanks));
}

static void end_line(struct dice *dice, struct generated *policy)
{
	static const char *const ends[] = {
		"", "", "", "", " ", " # why", "\t#", " #alice deny *"
	};

	put(policy, "%s\n", DICE_PICK(dice, ends));
	policy->line++;
}

static void put_empty_lines(struct dice *dice, struct generated *policy)
{
	while (dice_percent(dice, 10))
		end_line(dice, policy);
	if (dice_percent(dice, 5))
		put_blank(dice, policy);
}

static void put_ids(struct dice *dice, struct generated *policy, const struct conf_who *who)
{
	if (who->low == who->high && (who->kind == CONF_UID || dice_percent(dice, 50)))
		put(policy, who->kind == CONF_UID_RANGE ? "%u:%u" : ":%u", who->low, who->low);
	else if (who->high == 4294967294u && dice_percent(dice, 80))
		put(policy, "%u:", who->low);
	else
		put(policy, "%u:%u", who->low, who->high);
}

static void put_who(struct dice *dice, struct generated *policy, const struct conf_who *who)
{
	if (who->kind == CONF_GROUP || who->kind == CONF_GID_RANGE)
		put(policy, "@");
	if (who->kind == CONF_USER || who->kind == CONF_GROUP)
		put(policy, "%s", who->name);
	else if (who->kind == CONF_ANYONE)
		put(policy, "*");
	else
		put_ids(dice, policy, who);
}

static void put_range(struct dice *dice, struct generated *policy, const struct device_range *range)
{
	if (range->any)
		put(policy, "*");
	else if (range->low == range->high && dice_percent(dice, 90))
		put(policy, "%u", range->low);
	else
		put(policy, "%u-%u", range->low, range->high);
}

static void put_device(struct dice *dice, struct generated *policy, struct device_spec *device)
{
	size_t line = policy->length;

	while (line && policy->text[line - 1] != '\n')
		line--;
	device->column = (uint32_t)(policy->length - line + 1);
	if (device->kind == DEVICE_ALL)
		put(policy, "*");
	else if (device->kind != DEVICE_NUMBERS)
		put(policy, "%s%s", device_prefix(device), device->text);
	if (device->kind != DEVICE_NUMBERS)
		return;
	put(policy, "%c", device->block && device->character ? 'a' : device->block ? 'b' : 'c');
	put_blank(dice, policy);
	put_range(dice, policy, &device->major);
	put(policy, ":");
	put_range(dice, policy, &device->minor);
}

static void put_access(struct dice *dice, struct generated *policy, uint32_t access)
{
	static const struct {
		char letter;
		uint32_t bit;
	} letters[] = { { 'r', BPFDEV_READ }, { 'w', BPFDEV_WRITE }, { 'm', BPFDEV_MKNOD } };
	uint32_t first = dice_below(dice, 3);

	if (access == BPFDEV_ACCESS && dice_percent(dice, 50))
		return;
	put_blank(dice, policy);
	for (uint32_t i = first; i < first + 3; i++)
		if (access & letters[i % 3].bit)
			put(policy, "%c", letters[i % 3].letter);
}

static void put_condition(struct dice *dice, struct generated *policy, const struct conf_when *when,
			  uint32_t which)
{
	if (which == 0 && when->origin != CONF_ORIGIN_ANY) {
		put_blank(dice, policy);
		put(policy, when->origin == CONF_ORIGIN_LOCAL ? "local" : "remote");
	} else if (which == 1 && when->service) {
		put_blank(dice, policy);
		put(policy, "service=%s", when->service);
	} else if (which == 2 && when->tty) {
		put_blank(dice, policy);
		put(policy, "tty=%s", when->tty);
	}
}

static void put_statement(struct dice *dice, struct generated *policy,
			  struct conf_statement *statement)
{
	static const char *const verbs[] = { "allow", "deny", "exempt", "audit" };
	uint32_t first = dice_below(dice, 3);
	size_t start;

	put_empty_lines(dice, policy);
	for (start = policy->length; start && policy->text[start - 1] != '\n'; start--)
		;
	statement->place.line = policy->line;
	statement->place.column = (uint32_t)(policy->length - start + 1);
	put_who(dice, policy, &statement->who);
	put_blank(dice, policy);
	put(policy, "%s", verbs[statement->verb]);
	if (statement->verb == CONF_ALLOW || statement->verb == CONF_DENY) {
		put_blank(dice, policy);
		put_device(dice, policy, &statement->device);
		put_access(dice, policy, statement->access);
	}
	for (uint32_t i = first; i < first + 3; i++)
		put_condition(dice, policy, &statement->when, i % 3);
	end_line(dice, policy);
}

static void put_class(struct dice *dice, struct generated *policy, size_t i)
{
	struct conf_class *class = &policy->classes[i];

	put_empty_lines(dice, policy);
	put(policy, "class %s", class->name);
	for (size_t j = 0; j < class->count; j++) {
		put_blank(dice, policy);
		put_device(dice, policy, &class->devices[j]);
	}
	end_line(dice, policy);
}

/* A definition that a later one replaces. */
static void put_old_class(struct dice *dice, struct generated *policy, size_t i)
{
	put(policy, "class %s c 1:* *", generated_class_names[i]);
	end_line(dice, policy);
}

void generate_text(struct dice *dice, struct generated *policy)
{
	size_t classes = policy->conf.class_count, lines = policy->conf.statement_count;
	size_t written = 0;

	policy->line = 1;
	policy->length = 0;
	for (size_t i = 0; i < classes; i++)
		if (dice_percent(dice, 10))
			put_old_class(dice, policy, i);
	for (size_t i = 0; i < lines; i++) {
		if (written < classes && dice_percent(dice, 30))
			put_class(dice, policy, written++);
		put_statement(dice, policy, &policy->statements[i]);
	}
	while (written < classes)
		put_class(dice, policy, written++);
	if (policy->length && dice_percent(dice, 20))
		policy->length--;
}
