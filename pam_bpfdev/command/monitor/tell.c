// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials while they happen, as lines for people or of JSON: bpfdev(8) has the fields. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/reason.h"
#include "command/base/row.h"
#include "command/base/memory.h"
#include "command/machine/denial.h"
#include "command/monitor/monitor.h"

static struct denial denial_of(const struct monitor_kind *kind)
{
	return (struct denial) {
		.unit = kind->unit,
		.denial = &kind->denial,
		.first = kind->first,
		.last = kind->last,
		.copy = kind->unit && kind->copy ? &kind->unit->copies[kind->copy - 1] : NULL,
	};
}

bool monitor_describe(struct monitor *monitor, struct monitor_kind *kind)
{
	const struct filter_denial *denial = &kind->denial;
	const struct denial row = denial_of(kind);
	struct denial_why why = { .place = "" };
	char name[NAMES_BEST_SIZE] = "";
	struct monitor_words *words;

	if (!kind->unit)
		return kind->words;
	if (!kind->lost) {
		denial_name(denial, monitor->machine.names, name);
		denial_explain(&monitor->machine, &row, &why);
	}
	words = xcalloc(1, sizeof(*words));
	*words = (struct monitor_words) {
		.unit = kind->unit->unit,
		.user = xstrdup(kind->unit->unit.user),
		.unit_name = xstrdup(kind->unit->unit.name),
		.service = xstrdup(kind->unit->info.service),
		.tty = xstrdup(kind->unit->info.tty),
		.rhost = xstrdup(kind->unit->info.rhost),
		.name = xstrdup(name),
		.cause = why.cause,
		.place = row.copy ? xasprintf("%s (rules of %s)", why.place, row.copy->info.user)
				  : xstrdup(why.place),
	};
	words->unit.user = words->user;
	words->unit.name = words->unit_name;
	monitor_words_free(kind->words);
	kind->words = words;
	return true;
}

static int compare_times(const void *a, const void *b)
{
	const struct monitor_kind *left = *(struct monitor_kind *const *)a,
				  *right = *(struct monitor_kind *const *)b;

	if (left->last != right->last)
		return left->last < right->last ? -1 : 1;
	return (left > right) - (left < right);
}

/*
 * Has @print, which returns 0 or a negative errno, tell of each kind in force with something to
 * tell, oldest first, and marks it as told. Returns what @print did.
 */
static int tell_each(struct monitor *monitor,
		     int (*print)(struct monitor *monitor, struct monitor_kind *kind))
{
	struct monitor_kinds *kinds = &monitor->kinds;
	struct monitor_kind **list = xcalloc(kinds->count + 1, sizeof(struct monitor_kind *));
	size_t count = 0;
	int ret = 0;

	for (size_t i = 0; i < kinds->count; i++)
		if (kinds->items[i].pending && kinds->items[i].unit)
			list[count++] = &kinds->items[i];
	if (count)
		qsort(list, count, sizeof(struct monitor_kind *), compare_times);
	for (size_t i = 0; i < count && ret == 0; i++) {
		ret = print(monitor, list[i]);
		monitor_told(monitor, list[i]);
	}
	free(list);
	return ret;
}

int monitor_flush(void)
{
	int ret = output_end();

	/* It is said once, not again at the end of the program. */
	if (ret < 0)
		clearerr(stdout);
	return ret;
}

void monitor_told(const struct monitor *monitor, struct monitor_kind *kind)
{
	kind->pending = 0;
	kind->told = monitor->looked;
}

static json_t *json_of(struct monitor *monitor, const struct monitor_kind *kind)
{
	const struct denial row = denial_of(kind);
	json_t *object;

	if (kind->lost)
		object = denial_unit_json(&kind->unit->unit);
	else
		object = denial_json(&monitor->machine, &row);
	if (kind->lost)
		row_put(object, "count", json_integer((json_int_t)kind->denial.count));
	row_put(object, "event", json_string(kind->lost ? "lost" : "denied"));
	row_put(object, "new", json_integer((json_int_t)kind->pending));
	return object;
}

static int print_json(struct monitor *monitor, struct monitor_kind *kind)
{
	json_t *object = json_of(monitor, kind);
	char *text = xneed(json_dumps(object, JSON_COMPACT | OUTPUT_JSON_HARMLESS));

	json_decref(object);
	puts(text);
	free(text);
	return monitor_flush();
}

static int show_json(struct monitor *monitor)
{
	return tell_each(monitor, print_json);
}

const struct monitor_view monitor_json = {
	.show = show_json,
	.keep = MONITOR_KEEP_READER,
};

/* Lines are printed as they come, so that widths are fixed: enough for what is usual. */
#define COLUMNS "%-8s %-8s %-7s %-16s %-24s %-6s "
#define NUMBERS "%6s %7s "

/* The cells of a line. */
struct cells {
	char when[32], id[UNIT_ID_SIZE], by[DENIAL_BY_SIZE], access[4];
	char device[DENIAL_DEVICE_SIZE], result[DENIAL_RESULT_SIZE];
};

static int begin_lines(struct monitor *monitor)
{
	(void)monitor;
	if (!denial_pids_are_ours())
		output_error("process ids are those of the host, which has other ones than this "
			     "container");
	printf(COLUMNS "%-9s " NUMBERS "WHY\n", "TIME", "USER", "SESSION", "PROCESS", "DEVICE",
	       "ACCESS", "RESULT", "NEW", "COUNT");
	return monitor_flush();
}

/* What the filter could not tell apart has no time of its own. */
static void write_time(uint64_t nanoseconds, char *text, size_t size)
{
	time_t when = nanoseconds ? (time_t)(nanoseconds / CLOCK_NS_PER_S) : time(NULL);
	struct tm parts;

	if (!localtime_r(&when, &parts) || !strftime(text, size, "%H:%M:%S", &parts))
		snprintf(text, size, "?");
}

static void fill(const struct monitor_kind *kind, struct cells *cells)
{
	const struct filter_denial *denial = &kind->denial;

	*cells = (struct cells) { .by = "-", .access = "-", .device = "others", .result = "-" };
	write_time(kind->last, cells->when, sizeof(cells->when));
	unit_id(&kind->words->unit, cells->id);
	if (kind->lost)
		return;
	denial_by(denial, kind->words->unit.uid, cells->by);
	denial_device(denial, kind->words->name, cells->device);
	denial_result(denial, cells->result);
	output_letters(denial->access, cells->access);
}

/* Colour stands around what was padded without it. */
static int print_line(struct monitor *monitor, struct monitor_kind *kind)
{
	const struct output *output = &monitor->output;
	bool audit = !kind->lost && denial_is_audit(&kind->denial);
	enum output_tone tone = audit ? OUTPUT_WARNING : OUTPUT_BAD;
	const struct monitor_words *words;
	char text[4096], quoted[sizeof(text)], more[24], count[24];
	struct cells cells;

	monitor_describe(monitor, kind); /* its filter is in force, so that there are words */
	words = kind->words;
	fill(kind, &cells);
	snprintf(text, sizeof(text), COLUMNS, cells.when, words->unit.user, cells.id, cells.by,
		 cells.device, cells.access);
	fputs(reason_quote(quoted, sizeof(quoted), text, strlen(text)), stdout);
	printf("%s%-9s%s ", output_tone(output, tone), cells.result,
	       output_tone(output, OUTPUT_PLAIN));
	snprintf(more, sizeof(more), "+%" PRIu64, kind->pending);
	snprintf(count, sizeof(count), "%" PRIu64, kind->denial.count);
	snprintf(text, sizeof(text), NUMBERS "%s", more, count,
		 kind->lost ? "no room to tell them apart" : words->place);
	puts(reason_quote(quoted, sizeof(quoted), text, strlen(text)));
	return monitor_flush();
}

static int show_lines(struct monitor *monitor)
{
	return tell_each(monitor, print_line);
}

const struct monitor_view monitor_lines = {
	.begin = begin_lines,
	.show = show_lines,
	.keep = MONITOR_KEEP_READER,
};
