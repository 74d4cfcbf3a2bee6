// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Devices that a session may use for a time: kept in its filter, and nowhere else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "enforce/internal.h"

uint64_t enforce_boottime(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
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

/* Only a class needs the policy. */
static int resolve(struct decider *decider, const struct bpfdev_info *info,
		   const struct device_spec *spec, struct device_patterns *patterns,
		   struct reason *why)
{
	static const struct conf nothing;
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
	return ret ? ret : policy_resolve(conf, decider->options->devices, spec, patterns, why);
}

struct rules {
	struct table_rule *items;
	size_t count, capacity;
};

static int add_rules(struct rules *rules, const struct device_patterns *patterns, uint32_t access)
{
	for (size_t i = 0; i < patterns->count; i++) {
		struct table_rule *grown =
			array_grow(rules->items, rules->count, &rules->capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		rules->items = grown;
		grown[rules->count++] = (struct table_rule) {
			.device = patterns->items[i],
			.access = access,
			.rank = TABLE_USER,
			.allow = 1,
		};
	}
	return 0;
}

/* Appends what @exception stands for now. */
static int add_exception(struct decider *decider, const struct bpfdev_info *info,
			 const struct bpfdev_exception *exception, struct rules *rules,
			 struct reason *why)
{
	struct device_patterns patterns = { 0 };
	char text[sizeof(exception->device)];
	struct device_spec spec;
	const char *rest;
	int ret;

	memcpy(text, exception->device, sizeof(text));
	ret = device_parse_text(text, &spec, &rest, why);
	if (ret == 0)
		ret = resolve(decider, info, &spec, &patterns, why);
	if (ret == 0)
		ret = add_rules(rules, &patterns, exception->access);
	if (ret == -ENOMEM)
		reason_set(why, "out of memory");
	device_patterns_free(&patterns);
	return ret;
}

static bool is_new(const struct bpfdev_exception *exception, const struct enforce_change *change)
{
	return change->kind == ENFORCE_LEND &&
	       strcmp(exception->device, change->exception->device) == 0;
}

/* What the exceptions lend, and memory for the rules of one of them. */
struct lending {
	struct rules rules;
	struct table_loan loans[BPFDEV_EXCEPTIONS];
	size_t count;
};

/* Adds what @exception lends now, if anything. */
static int add_loan(struct decider *decider, const struct bpfdev_info *info,
		    const struct bpfdev_exception *exception, struct lending *lending,
		    struct reason *why)
{
	struct rules *rules = &lending->rules;
	struct table *table;
	int ret;

	rules->count = 0;
	ret = add_exception(decider, info, exception, rules, why);
	if (ret == 0 && rules->count)
		ret = table_fold(rules->items, rules->count, TABLE_BASELINE, &table, why);
	if (ret == 0 && rules->count)
		lending->loans[lending->count++] = (struct table_loan) { table, exception->until };
	return ret;
}

static int add_exceptions(struct decider *decider, struct bpfdev_info *info,
			  const struct enforce_change *change, struct lending *lending,
			  struct reason *why)
{
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++) {
		struct bpfdev_exception *exception = &info->exceptions[i];
		size_t before = lending->count;
		int ret = 0;

		if (exception->access)
			ret = add_loan(decider, info, exception, lending, why);
		if (ret == 0 && is_new(exception, change) && lending->count == before) {
			reason_set(why, "\"%s\" stands for no device here", exception->device);
			ret = -ENXIO;
		}
		if (ret == -ENOMEM || (ret != DECIDED && is_new(exception, change)))
			return ret;
		if (ret != DECIDED) {
			reason_set(why, "the exception for %s has ended: %s", exception->device,
				   why->text);
			*exception = (struct bpfdev_exception) { 0 };
		}
	}
	return 0;
}

int exception_lend(struct decider *decider, struct bpfdev_info *info,
		   const struct enforce_change *change, const struct table *rules,
		   struct table **table, struct reason *why)
{
	struct lending lending = { .count = 0 };
	int ret = add_exceptions(decider, info, change, &lending, why);

	if (ret == 0)
		ret = table_lend(rules, lending.loans, lending.count, table, why);
	for (size_t i = 0; i < lending.count; i++)
		table_free(lending.loans[i].table);
	free(lending.rules.items);
	return ret;
}

int enforce_lend_again(struct decider *decider, struct bpfdev_info *info, const struct table *rules,
		       struct table **table, struct reason *why)
{
	static const struct enforce_change change = { .kind = ENFORCE_RELOAD };

	return exception_lend(decider, info, &change, rules, table, why);
}
