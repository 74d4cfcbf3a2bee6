// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a session was denied, in short: for the log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/internal.h"
#include "filter/filter.h"

/* All that was denied of one device, for good or but for audit. */
struct sum {
	struct filter_denial denial; /* the newest one, with the bits and counts of all */
	bool audit;
};

struct sums {
	struct sum *items;
	size_t count;
};

static bool is_same(const struct sum *sum, const struct filter_denial *denial)
{
	return sum->denial.type == denial->type && sum->denial.major == denial->major &&
	       sum->denial.minor == denial->minor && sum->audit == !denial->refused &&
	       sum->denial.door == denial->door;
}

/* The newest one comes first, and stays. */
static void add(struct sums *sums, const struct filter_denial *denial)
{
	struct sum *sum = sums->items;

	while (sum < sums->items + sums->count && !is_same(sum, denial))
		sum++;
	if (sum < sums->items + sums->count) {
		sum->denial.refused |= denial->refused;
		sum->denial.audited |= denial->audited;
		sum->denial.count += denial->count;
		return;
	}
	*sum = (struct sum) { *denial, !denial->refused };
	sums->count++;
}

/* What was refused first, then what was so most often. */
static int compare_sums(const void *a, const void *b)
{
	const struct sum *left = a, *right = b;

	if (left->audit != right->audit)
		return left->audit ? 1 : -1;
	return (left->denial.count < right->denial.count) -
	       (left->denial.count > right->denial.count);
}

void enforce_line(struct decider *decider, const struct bpfdev_info *info, uint64_t digest,
		  uint32_t source, char *line, size_t size)
{
	const struct conf *conf = conf_store_find(&decider->policies, info, digest);

	if (!source)
		snprintf(line, size, "no rule");
	else if (!conf || conf->error_count || !policy_place(conf, source, line, size))
		snprintf(line, size, "a line of a policy that has changed since");
}

/* By what it was at the time: another device may have its number by now. */
static void name_device(const struct device_source *devices, const struct filter_denial *denial,
			char *out)
{
	struct device_gone *gone = NULL;
	const char *name = NULL;
	size_t count = 0;

	if (devices->gone && device_gone_read(devices->gone, &gone, &count) == 0)
		name = device_gone_find(gone, count, denial->type, denial->major, denial->minor,
					denial->last);
	if (name)
		snprintf(out, DEVICE_NAME_SIZE, "%s", name);
	else
		device_name(devices, denial->type, denial->major, denial->minor, out);
	free(gone);
}

static void describe(struct decider *decider, const struct bpfdev_info *info, const struct sum *sum,
		     struct enforce_denied_device *device)
{
	const struct filter_denial *denial = &sum->denial;

	*device = (struct enforce_denied_device) {
		.type = denial->type,
		.major = denial->major,
		.minor = denial->minor,
		.access = sum->audit ? denial->audited : denial->refused,
		.audit = sum->audit,
		.count = denial->count,
	};
	if (denial->door)
		memcpy(device->door, denial->comm, sizeof(device->door));
	name_device(decider->options->devices, denial, device->name);
	enforce_line(decider, info, denial->digest, denial->source, device->line,
		     sizeof(device->line));
}

static void describe_all(const struct enforce_options *options, const struct bpfdev_info *info,
			 struct sums *sums, struct enforce_denied *denied)
{
	struct decider decider = decider_new(options);

	if (sums->count)
		qsort(sums->items, sums->count, sizeof(*sums->items), compare_sums);
	denied->device_count = sums->count;
	for (size_t i = 0; i < sums->count; i++) {
		*(sums->items[i].audit ? &denied->audited : &denied->refused) +=
			sums->items[i].denial.count;
		if (i < ENFORCE_DENIED_DEVICES)
			describe(&decider, info, &sums->items[i], &denied->devices[i]);
	}
	decider_free(&decider);
}

/* Adds what one filter has denied. Returns 0, or not 0 with denied->why. */
static int add_filter(struct sums *sums, const struct filter *filter, struct enforce_denied *denied)
{
	struct filter_denial *denials = NULL;
	size_t count = 0;
	uint64_t lost = 0;
	struct sum *grown;
	int ret = filter_take_denials(filter, &denials, &count, &lost, &denied->why);

	if (ret != 0)
		return ret;
	denied->lost += lost;
	grown = reallocarray(sums->items, sums->count + count + 1, sizeof(*grown));
	if (grown)
		sums->items = grown;
	for (size_t i = 0; grown && i < count; i++)
		add(sums, &denials[i]);
	free(denials);
	if (grown)
		return 0;
	reason_set(&denied->why, "out of memory");
	return -ENOMEM;
}

void enforce_denied(const struct enforce_options *options, const struct filter *filters, int count,
		    struct enforce_denied *denied)
{
	struct sums sums = { 0 };
	int ret = 0;

	*denied = (struct enforce_denied) { 0 };
	for (int i = 0; i < count && ret == 0; i++)
		ret = add_filter(&sums, &filters[i], denied);
	if (ret == 0)
		describe_all(options, &filters[0].info, &sums, denied);
	free(sums.items);
}
