// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Deny lines that take away what every shell needs: every line outranks the baseline. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/warnings/internal.h"

/* How people know the devices of the baseline. Not here: what only systemd needs. */
static const struct {
	uint32_t major, minor;
	const char *name, *numbers;
} known[] = {
	{ 1, 3, "/dev/null", "c 1:3" },	   { 1, 5, "/dev/zero", "c 1:5" },
	{ 1, 7, "/dev/full", "c 1:7" },	   { 1, 8, "/dev/random", "c 1:8" },
	{ 1, 9, "/dev/urandom", "c 1:9" }, { 5, 0, "/dev/tty", "c 5:0" },
	{ 5, 2, "/dev/ptmx", "c 5:2" },	   { 136, BPFDEV_ANY, "/dev/pts/*", "c 136:*" },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* A deny line and what it takes of the baseline. */
struct denial {
	struct warnings_run *run;
	const struct warnings_who *who;
	const struct conf_statement *line;
	uint32_t statement;
	size_t covering; /* how many run->covering has */
	bool taken[KNOWN];
};

static bool meets(uint32_t a, uint32_t b)
{
	return a == b || a == BPFDEV_ANY || b == BPFDEV_ANY;
}

static bool holds(const struct device_pattern *wide, const struct device_pattern *narrow)
{
	return wide->type == narrow->type &&
	       (wide->major == BPFDEV_ANY || wide->major == narrow->major) &&
	       (wide->minor == BPFDEV_ANY || wide->minor == narrow->minor);
}

/* The bits of the devices @region, which @pattern of the line denies, that an allow line gives
 * back. */
static int bits_given_back(const struct denial *denial, const struct device_pattern *pattern,
			   const struct device_pattern *region, const struct warnings_who *by,
			   uint32_t statement, uint32_t *bits)
{
	const struct conf_statement *line = warnings_statement(denial->run, statement);
	const struct table_rule denied = { .device = *pattern, .rank = (uint8_t)denial->who->rank };
	struct device_patterns patterns = { 0 };
	enum table_advantage advantage;
	int ret;

	if (line->verb != CONF_ALLOW || denial->run->dead[statement] ||
	    !warnings_implies_in_session(denial->line, line))
		return 0;
	ret = policy_resolve(denial->run->input->conf, denial->run->input->devices, &line->device,
			     &patterns, denial->run->why);
	for (size_t i = 0; i < patterns.count && ret == 0; i++) {
		const struct table_rule allowed = { .device = patterns.items[i],
						    .rank = (uint8_t)by->rank };

		if (holds(&patterns.items[i], region) &&
		    table_compare_rules(&allowed, statement, &denied, denial->statement,
					&advantage) > 0)
			*bits |= line->access;
	}
	device_patterns_free(&patterns);
	/* What cannot be looked at has been said, and gives nothing back. */
	return ret == -ENOMEM ? ret : 0;
}

/* Whether some of the bits stay denied. 1, 0 or -ENOMEM. */
static int is_lost(const struct denial *denial, const struct device_pattern *pattern,
		   const struct device_pattern *region, uint32_t access)
{
	uint32_t back = 0;
	int ret = 0;

	for (size_t c = 0; c < denial->covering; c++) {
		const struct warnings_who *by = denial->run->covering[c];

		for (size_t i = 0; i < by->count && (access & ~back) && ret == 0; i++)
			ret = bits_given_back(denial, pattern, region, by, by->lines[i].statement,
					      &back);
	}
	return ret < 0 ? ret : (access & ~back) != 0;
}

/* One device of the baseline against one rule of the line. */
static int hold_against(struct denial *denial, size_t which, const struct device_pattern *pattern)
{
	struct device_pattern region = { BPFDEV_CHAR, known[which].major, known[which].minor,
					 false };
	uint32_t access = denial->line->access & (BPFDEV_READ | BPFDEV_WRITE);
	int ret;

	if (denial->taken[which] || pattern->type != region.type ||
	    !meets(pattern->major, region.major) || !meets(pattern->minor, region.minor))
		return 0;
	if (region.minor == BPFDEV_ANY)
		region.minor = pattern->minor;
	ret = is_lost(denial, pattern, &region, access);
	denial->taken[which] = ret == 1;
	return ret < 0 ? ret : 0;
}

static int warn(const struct denial *denial)
{
	const struct conf_place *here = &denial->line->place;
	size_t count = 0, first = KNOWN, used = 0;
	char list[128] = "", more[32] = "";

	for (size_t i = 0; i < KNOWN; i++) {
		if (!denial->taken[i])
			continue;
		if (first == KNOWN)
			first = i;
		if (count++ < 3)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", known[i].name);
	}
	if (count == 0)
		return 0;
	if (count > 3)
		snprintf(more, sizeof(more), " and %zu more", count - 3);
	return warnings_add(
		denial->run, here, denial->line->device.column, WARNING_BASELINE,
		"this denies %s%s, which every shell needs; expected also a line \"%s "
		"allow %s rw\"%s, or not to deny it: what no line allows is denied anyway",
		list, more, QUOTE(denial->line->text), known[first].numbers,
		count > 1 ? " and the like" : "");
}

static int look_at(struct denial *denial)
{
	struct device_patterns patterns = { 0 };
	int ret = policy_resolve(denial->run->input->conf, denial->run->input->devices,
				 &denial->line->device, &patterns, denial->run->why);

	for (size_t k = 0; k < KNOWN; k++) {
		uint32_t minor = known[k].minor == BPFDEV_ANY ? 0 : known[k].minor;

		if (table_refused(denial->run->baseline, BPFDEV_CHAR, known[k].major, minor,
				  BPFDEV_READ | BPFDEV_WRITE))
			continue;
		for (size_t i = 0; i < patterns.count && ret == 0; i++)
			ret = hold_against(denial, k, &patterns.items[i]);
	}
	device_patterns_free(&patterns);
	/* What cannot be looked at has been said. */
	return ret == 0 ? warn(denial) : ret == -ENOMEM ? ret : 0;
}

int warnings_of_baseline(struct warnings_run *run, struct warnings_who *who)
{
	int ret = run->baseline ? 0 : policy_baseline(&run->baseline);

	for (size_t i = 0; i < who->count && ret == 0; i++) {
		struct denial denial = { .run = run, .who = who };

		denial.statement = who->lines[i].statement;
		denial.line = warnings_statement(run, denial.statement);
		if (denial.line->verb != CONF_DENY || run->dead[denial.statement] ||
		    who->state == NAME_MISSING)
			continue;
		denial.covering = warnings_cover(run, who);
		ret = look_at(&denial);
	}
	return ret;
}
