// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/array.h"
#include "base/reason.h"
#include "command/machine/denial.h"
#include "command/base/output.h"

#define NANOSECONDS 1000000000ull

/* The inode of the namespace that the kernel itself makes (PROC_PID_INIT_INO). */
#define FIRST_PID_NAMESPACE 0xeffffffcu

static void free_unit(struct denial_unit *unit)
{
	free(unit->denials);
	free(unit->user);
	free(unit->name);
}

/* What was collected, without the policies that were read for it. */
static void drop_units(struct denials *denials)
{
	for (size_t i = 0; i < denials->unit_count; i++)
		free_unit(&denials->units[i]);
	denials->unit_count = 0;
	free(denials->rows);
	denials->rows = NULL;
	denials->count = 0;
	denials->lost = 0;
}

void denials_free(struct denials *denials)
{
	drop_units(denials);
	free(denials->units);
	denials->units = NULL;
	denials->unit_capacity = 0;
	denial_policies_free(denials);
}

/* Another version's filter counts in a way of its own, if it does. */
static int read_denials(const struct enforce_live *live, struct denial_unit *unit)
{
	struct reason why;
	int ret;

	if (!live->known)
		return 0;
	ret = filter_read_denials(live->prog_fd, &unit->denials, &unit->count, &unit->lost, &why);
	unit->known = ret == 0;
	if (ret < 0 && ret != -EPROTO)
		output_error("%s: %s", live->unit, why.text);
	return ret == -EPROTO ? 0 : ret;
}

/* Fills in what is there of the unit, for free_unit(). */
static int read_unit(const struct enforce_live *live, struct denial_unit *unit)
{
	struct stat st;

	*unit = (struct denial_unit) {
		.filtered = live->filters > 0,
		.info = live->info,
		.user = unit_user(live),
		.name = strdup(live->unit),
	};
	unit->unit = (struct unit) { live->role, live->user->uid, unit->user, unit->name };
	if (!unit->user || !unit->name)
		return -ENOMEM;
	if (fstat(live->cgroup_fd, &st) < 0)
		return -errno;
	unit->cgroup = st.st_ino;
	return read_denials(live, unit);
}

static int keep(const struct enforce_live *live, void *data)
{
	struct denials *denials = data;
	struct denial_unit *grown = array_grow(denials->units, denials->unit_count,
					       &denials->unit_capacity, sizeof(*grown));
	int ret;

	if (!grown)
		return -ENOMEM;
	denials->units = grown;
	ret = read_unit(live, &grown[denials->unit_count]);
	if (ret < 0)
		free_unit(&grown[denials->unit_count]);
	else
		denials->unit_count++;
	return ret;
}

static int compare_units(const void *a, const void *b)
{
	const struct denial_unit *left = a, *right = b;

	return unit_compare(&left->unit, &right->unit);
}

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static struct unit unit_of(const void *denials, size_t place)
{
	return ((const struct denials *)denials)->units[place].unit;
}

/* Marks the units that are asked about. Returns as denials_collect(); no memory is not said. */
static int choose(struct denials *denials, const char *wanted)
{
	bool *chosen = calloc(denials->unit_count + 1, sizeof(*chosen));
	int ret = 0;

	if (!chosen)
		return -ENOMEM;
	if (wanted)
		ret = unit_choose(wanted, unit_of, denials, denials->unit_count, chosen);
	for (size_t i = 0; i < denials->unit_count; i++)
		denials->units[i].wanted = !wanted || chosen[i];
	free(chosen);
	return ret;
}

static void add_rows(struct denials *denials, const struct denial_unit *unit)
{
	denials->lost += unit->lost;
	for (size_t i = 0; i < unit->count; i++)
		denials->rows[denials->count++] = (struct denial) {
			.unit = unit,
			.denial = &unit->denials[i],
			.first = unit->denials[i].first + denials->since_boot,
			.last = unit->denials[i].last + denials->since_boot,
		};
}

/* Units, and what is in them, have an order of their own, which stands where times are the same. */
static int compare_rows(const void *a, const void *b)
{
	const struct denial *left = a, *right = b;

	if (left->last != right->last)
		return left->last < right->last ? 1 : -1;
	if (left->unit != right->unit)
		return left->unit < right->unit ? -1 : 1;
	return (left->denial > right->denial) - (left->denial < right->denial);
}

/* Returns 0 or -ENOMEM. */
static int make_rows(struct denials *denials)
{
	size_t count = 0;

	for (size_t i = 0; i < denials->unit_count; i++)
		count += denials->units[i].wanted ? denials->units[i].count : 0;
	denials->rows = calloc(count + 1, sizeof(*denials->rows));
	if (!denials->rows)
		return -ENOMEM;
	for (size_t i = 0; i < denials->unit_count; i++)
		if (denials->units[i].wanted)
			add_rows(denials, &denials->units[i]);
	qsort(denials->rows, denials->count, sizeof(*denials->rows), compare_rows);
	return 0;
}

int denials_collect(struct denials *denials, const char *wanted)
{
	struct reason why = { "" };
	int ret;

	drop_units(denials);
	denials->collections++;
	ret = enforce_live_each(denials->root, keep, denials, &why);
	if (ret < 0 && ret != -ENOMEM && *why.text)
		output_error("%s", why.text);
	denials->since_boot = nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_BOOTTIME);
	if (ret == 0 && denials->unit_count)
		qsort(denials->units, denials->unit_count, sizeof(*denials->units), compare_units);
	if (ret == 0)
		ret = choose(denials, wanted);
	if (ret == 0)
		ret = make_rows(denials);
	if (ret == -ENOMEM)
		output_error("out of memory");
	return ret;
}

char *denial_process(const struct filter_denial *denial, char *text)
{
	if (denial->pid)
		snprintf(text, DENIAL_PROCESS_SIZE, "%.*s[%u]", (int)sizeof(denial->comm),
			 denial->comm, denial->pid);
	else
		snprintf(text, DENIAL_PROCESS_SIZE, "-");
	return text;
}

bool denial_pids_are_ours(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == FIRST_PID_NAMESPACE;
}
