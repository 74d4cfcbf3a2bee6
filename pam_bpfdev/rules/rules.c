// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Lines, and what their devices stand for: looked up, and kept up to date. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "rules/rules.h"

/* How long udev is waited for; it makes a device's links within milliseconds of being asked. */
#define PATIENCE_MS 2000

static void free_line(struct rules_line *line)
{
	device_patterns_free(&line->found);
	free(line->text);
}

/* A device's strings are the line's own, in line->text: as a policy has it. 0 or a negative errno. */
static int own_text(struct rules_line *line)
{
	const char *prefix = device_prefix(&line->device);
	uint32_t column = line->device.column;
	int used, ret;

	if (asprintf(&line->text, "%s%s", prefix, line->device.text) < 0) {
		line->text = NULL;
		return -ENOMEM;
	}
	ret = device_parse(line->text, NULL, &line->device, &used, NULL);
	line->device.column = column;
	return ret;
}

int rules_add(struct rules *rules, const struct rules_line *line)
{
	struct rules_line *grown =
		array_grow(rules->items, rules->count, &rules->capacity, sizeof(*grown));
	struct rules_line copy = *line;

	if (!grown)
		return -ENOMEM;
	rules->items = grown;
	copy.known = copy.awaits = false;
	copy.found = (struct device_patterns) { 0 };
	copy.text = NULL;
	if (copy.device.text) {
		int ret = own_text(&copy);

		if (ret < 0) {
			free(copy.text);
			return ret;
		}
	}
	grown[rules->count++] = copy;
	return 0;
}

void rules_end_loans(struct rules *rules, unsigned int which)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->count; i++) {
		struct rules_line *line = &rules->items[i];

		if (line->loan && which & 1u << (line->loan - 1))
			free_line(line);
		else
			rules->items[kept++] = *line;
	}
	rules->count = kept;
}

void rules_free(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free_line(&rules->items[i]);
	free(rules->items);
	*rules = (struct rules) { 0 };
}

void rules_forget(struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++) {
		device_patterns_free(&rules->items[i].found);
		rules->items[i].known = false;
	}
}

bool rules_follow(const struct rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		if (device_follows(&rules->items[i].device))
			return true;
	return false;
}

/* What udev is about to hand out has its links in a moment. */
static void await_udev(const struct rules *rules, const struct device_source *devices)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (!rules->items[i].known && device_follows(&rules->items[i].device)) {
			device_await_udev(devices, PATIENCE_MS);
			return;
		}
	}
}

/* A driver that is denied by a name that nobody has yet. */
static int see_whether_awaited(struct rules *rules, const struct device_source *devices,
			       struct rules_line *line, struct reason *why)
{
	int ret = line->allow || line->device.kind != DEVICE_DRIVER
			  ? 0
			  : device_awaits_driver(devices, &line->device, why);

	line->awaits = ret > 0;
	if (ret > 0 && !rules->has_free) {
		ret = device_free_majors(devices, rules->free, why);
		rules->has_free = ret == 0;
	}
	return ret < 0 ? ret : 0;
}

static int look_up(struct rules *rules, const struct device_source *devices,
		   struct rules_line *line, struct reason *why)
{
	int ret = device_resolve(devices, &line->device, &line->found, why);

	if (ret == 0)
		ret = see_whether_awaited(rules, devices, line, why);
	line->known = ret == 0;
	return ret == -E2BIG ? RULES_TOO_MANY : ret;
}

/* Whether what a line stands for is known without looking at the list of drivers. */
static bool needs_drivers(const struct rules_line *line)
{
	return line->device.kind == DEVICE_DRIVER;
}

static int note_drivers(struct rules *rules, const struct device_source *devices,
			struct reason *why)
{
	for (size_t i = 0; i < rules->count; i++)
		if (needs_drivers(&rules->items[i]))
			return device_drivers_digest(devices, &rules->drivers, why);
	return 0;
}

/* A class is one device of its line. */
static bool is_of_same(const struct rules_line *line, const struct rules_line *next)
{
	return line->source == next->source && line->loan == next->loan &&
	       line->device.column == next->device.column;
}

/* With the cache of @devices. */
static int resolve(struct rules *rules, const struct device_source *devices,
		   const struct rules_line **line, struct reason *why)
{
	int ret = note_drivers(rules, devices, why);
	size_t count = 0; /* of what one device of a line stands for */

	for (size_t i = 0; i < rules->count && ret == 0; i++) {
		struct rules_line *now = &rules->items[i];
		bool looked = !now->known;

		if (looked && line)
			*line = now;
		if (looked)
			ret = look_up(rules, devices, now, why);
		count = i && is_of_same(&now[-1], now) ? count : 0;
		count += now->found.count;
		if (ret == 0 && looked && now->found.count && count > DEVICE_PATTERNS_MAX) {
			device_too_many(why);
			ret = RULES_TOO_MANY;
		}
	}
	return ret;
}

int rules_resolve(struct rules *rules, const struct device_source *devices,
		  const struct rules_line **line, struct reason *why)
{
	struct device_cache cache = { 0 };
	struct device_source source = *devices;
	int ret;

	await_udev(rules, devices);
	if (!source.cache)
		source.cache = &cache;
	ret = resolve(rules, &source, line, why);
	device_cache_free(&cache);
	return ret;
}

static bool is_of(const struct device_pattern *pattern, const struct device_event *event)
{
	return pattern->type == event->type && pattern->major == event->major &&
	       pattern->minor == event->minor;
}

/* Takes the event's number out of what the line stands for. Returns whether it was there. */
static bool take_out(struct rules_line *line, const struct device_event *event)
{
	size_t kept = 0, before = line->found.count;

	for (size_t i = 0; i < before; i++)
		if (!is_of(&line->found.items[i], event))
			line->found.items[kept++] = line->found.items[i];
	line->found.count = kept;
	return kept < before;
}

/* Returns 1: the line means something else now; 0; or as rules_settle(). */
static int settle_line(struct rules_line *line, const struct device_source *devices,
		       const struct device_event *event, struct reason *why)
{
	const struct device_pattern pattern = { event->type, event->major, event->minor, false };
	bool had = take_out(line, event);
	int named = device_names(devices, &line->device, event, why), ret;

	if (named <= 0)
		return named < 0 ? named : had;
	ret = device_add(&line->found, &pattern, why);
	return ret < 0 ? ret : !had;
}

/* What drivers and numbers stand for is looked up again. */
static void forget_drivers(struct rules *rules)
{
	rules->has_free = false;
	for (size_t i = 0; i < rules->count; i++) {
		struct rules_line *line = &rules->items[i];

		if (device_follows(&line->device))
			continue;
		device_patterns_free(&line->found);
		line->known = false;
	}
}

static int settle_lines(struct rules *rules, const struct device_source *devices,
			const struct device_event *event, bool *changed, struct reason *why)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct rules_line *line = &rules->items[i];
		int ret = 0;

		if (line->known && device_follows(&line->device))
			ret = settle_line(line, devices, event, why);
		if (ret < 0)
			return ret;
		*changed |= ret > 0;
	}
	return 0;
}

int rules_settle(struct rules *rules, const struct device_source *devices,
		 const struct device_event *event, bool *changed, struct reason *why)
{
	uint64_t drivers = rules->drivers;
	int ret = note_drivers(rules, devices, why);

	*changed = drivers != rules->drivers;
	if (ret == 0 && event && event->has_number)
		ret = settle_lines(rules, devices, event, changed, why);
	if (ret < 0 || !*changed)
		return ret;
	forget_drivers(rules);
	return resolve(rules, devices, NULL, why);
}
