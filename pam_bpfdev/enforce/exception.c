// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Devices that a session may use for a time: kept in its filter, and nowhere else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "enforce/internal.h"

uint64_t enforce_boottime(void)
{
	return clock_ns(CLOCK_BOOTTIME) / CLOCK_NS_PER_S;
}

static bool is_ended(const struct bpfdev_exception *exception, const struct enforce_change *change)
{
	if (exception->until <= enforce_boottime())
		return true;
	if (change->kind != ENFORCE_RECLAIM || change->expired)
		return false;
	return !change->device || strcmp(exception->device, change->device) == 0;
}

bool exception_any(const struct bpfdev_info *info)
{
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		if (info->exceptions[i].access)
			return true;
	return false;
}

/* The place of the exception for the same device, or a free one; NULL: there is none. */
static struct bpfdev_exception *find_place(struct bpfdev_info *info, const char *device)
{
	struct bpfdev_exception *place = NULL;

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		struct bpfdev_exception *exception = &info->exceptions[i];

		if (!exception->access)
			place = place ? place : exception;
		else if (strcmp(exception->device, device) == 0)
			return exception;
	}
	return place;
}

static bool is_granted(const struct bpfdev_info *info, const struct enforce_change *change)
{
	return change->kind == ENFORCE_LEND && !(info->flags & BPFDEV_CLOSED);
}

int exception_change(struct bpfdev_info *info, const struct enforce_change *change,
		     struct reason *why)
{
	struct bpfdev_exception *place;

	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		if (is_ended(&info->exceptions[i], change))
			info->exceptions[i] = (struct bpfdev_exception) { 0 };
	if (!is_granted(info, change))
		return 0;
	/* Who is to end it has been here. */
	if (change->exception->until <= enforce_boottime()) {
		reason_set(why, "the time was over before the session could be had");
		return -ETIME;
	}
	place = find_place(info, change->exception->device);
	if (!place) {
		reason_set(why,
			   "there are %d exceptions already, the most that a session can have; "
			   "revoke one",
			   BPFDEV_EXCEPTIONS);
		return -ENOSPC;
	}
	*place = *change->exception;
	return 0;
}

/* Only a class needs the policy. Appends the lines of what is lent by exceptions[@place]. */
static int add_device(struct decider *decider, const struct bpfdev_info *info, int place,
		      const struct device_spec *spec, struct rules *rules, struct reason *why)
{
	static const struct conf nothing;
	const struct rules_line line = {
		.access = (uint8_t)info->exceptions[place].access,
		.rank = TABLE_USER,
		.allow = true,
		.loan = (uint8_t)(place + 1),
	};
	const struct conf *conf = &nothing;
	struct conf *policy;
	int ret = 0;

	if (spec->kind == DEVICE_CLASS) {
		ret = decider_policy(decider, info, &policy, why);
		conf = policy;
	}
	if (ret == DECIDED && spec->kind == DEVICE_CLASS && !conf_find_class(conf, spec->text)) {
		reason_set(why, "there is no class \"%s\" in the policy", spec->text);
		ret = -ENXIO;
	}
	return ret ? ret : policy_add_device(conf, spec, &line, rules, why);
}

static int look_up(const struct decider *decider, struct rules *rules, struct reason *why)
{
	int ret = rules_resolve(rules, decider->options->devices, NULL, why);

	return ret == RULES_TOO_MANY ? -E2BIG : ret;
}

/* Appends what an exception lends, and looks it up. */
static int add_exception(struct decider *decider, const struct bpfdev_info *info, int place,
			 struct rules *rules, struct reason *why)
{
	char text[sizeof(info->exceptions[place].device)];
	struct device_spec spec;
	const char *rest;
	int ret;

	memcpy(text, info->exceptions[place].device, sizeof(text));
	ret = device_parse_text(text, &spec, &rest, why);
	if (ret == 0)
		ret = add_device(decider, info, place, &spec, rules, why);
	if (ret != DECIDED)
		return ret;
	return look_up(decider, rules, why);
}

/* What is named by what it is may well be lent before it is plugged in. */
static bool may_come(const struct rules_line *line)
{
	return line->device.kind == DEVICE_USB || line->device.kind == DEVICE_TAG;
}

/* Whether anything is lent by exceptions[@place], and whether that is any device. */
static bool has_loan(const struct rules *rules, int place, bool *any)
{
	bool found = false;

	*any = false;
	for (size_t i = 0; i < rules->count; i++) {
		if (rules->items[i].loan != place + 1)
			continue;
		found = true;
		*any |= rules->items[i].found.count > 0 || may_come(&rules->items[i]);
	}
	return found;
}

static bool is_new(const struct bpfdev_exception *exception, const struct enforce_change *change)
{
	return change->kind == ENFORCE_LEND &&
	       strcmp(exception->device, change->exception->device) == 0;
}

/* Brings the loans of @rules in line with exceptions[@place]. */
static int update_loan(struct decider *decider, struct bpfdev_info *info, int place,
		       const struct enforce_change *change, struct rules *rules, struct reason *why)
{
	struct bpfdev_exception *exception = &info->exceptions[place];
	bool fresh = is_new(exception, change), any;
	int ret = 0;

	if (!exception->access || fresh)
		rules_end_loans(rules, 1u << place);
	if (exception->access && !has_loan(rules, place, &any))
		ret = add_exception(decider, info, place, rules, why);
	if (ret == 0 && fresh && !(has_loan(rules, place, &any) && any)) {
		reason_set(why, "\"%s\" stands for no device here", exception->device);
		ret = -ENXIO;
	}
	if (ret == 0 || ret == -ENOMEM || fresh)
		return ret;
	reason_set(why, "the exception for %s has ended: %s", exception->device, why->text);
	rules_end_loans(rules, 1u << place);
	*exception = (struct bpfdev_exception) { 0 };
	return 0;
}

int exception_lend(struct decider *decider, struct bpfdev_info *info,
		   const struct enforce_change *change, struct rules *rules, struct table **table,
		   struct reason *why)
{
	int ret = 0;

	for (int i = 0; i < BPFDEV_EXCEPTIONS && ret == 0; i++)
		ret = update_loan(decider, info, i, change, rules, why);
	return ret ? ret : rules_fold(rules, info->exceptions, table, why);
}

int enforce_lend_again(struct decider *decider, struct bpfdev_info *info, const struct table *base,
		       struct table **table, struct reason *why)
{
	static const struct enforce_change change = { .kind = ENFORCE_RELOAD };
	struct rules rules;
	int ret = rules_unpack(base->origin, base->origin_size, &rules, why);

	if (ret == 0)
		ret = look_up(decider, &rules, why);
	if (ret == 0)
		ret = exception_lend(decider, info, &change, &rules, table, why);
	rules_free(&rules);
	return ret;
}

int exception_drop_all(const struct table *table, struct table **rest, struct reason *why)
{
	struct rules rules;
	int ret = table_lend(table, NULL, 0, rest, why);

	if (ret < 0)
		return ret;
	if (table->origin) {
		ret = rules_unpack(table->origin, table->origin_size, &rules, why);
		if (ret == 0) {
			rules_end_loans(&rules, ~0u);
			ret = rules_pack(&rules, &(*rest)->origin, &(*rest)->origin_size);
			if (ret < 0)
				reason_set(why, "out of memory");
		}
		rules_free(&rules);
	}
	if (ret < 0)
		table_free(*rest);
	return ret;
}
