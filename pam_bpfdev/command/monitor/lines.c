// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Denials as lines, while they happen: for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/reason.h"
#include "command/machine/denial.h"
#include "command/monitor/monitor.h"

#define NANOSECONDS 1000000000ull

/* Nobody knows how wide the next line is going to be: these are what is usual. */
#define COLUMNS "%-8s %-8s %-7s %-16s %-24s %-6s "
#define NUMBERS "%6s %7s "

/* The cells of a line. */
struct cells {
	char when[32], id[UNIT_ID_SIZE], by[DENIAL_BY_SIZE], access[4];
	char device[DENIAL_DEVICE_SIZE], result[DENIAL_RESULT_SIZE];
};

static int begin(struct monitor *monitor)
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
	time_t when = nanoseconds ? (time_t)(nanoseconds / NANOSECONDS) : time(NULL);
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
static void print_described(const struct output *output, const struct monitor_kind *kind)
{
	bool audit = !kind->lost && denial_is_audit(&kind->denial);
	enum output_tone tone = audit ? OUTPUT_WARNING : OUTPUT_BAD;
	const struct monitor_words *words = kind->words;
	char text[4096], quoted[sizeof(text)], more[24], count[24];
	struct cells cells;

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
}

static int print(struct monitor *monitor, struct monitor_kind *kind)
{
	int ret = monitor_describe(monitor, kind);

	if (ret < 0)
		return ret;
	print_described(&monitor->output, kind);
	return monitor_flush();
}

static int show(struct monitor *monitor)
{
	return monitor_tell_each(monitor, print);
}

const struct monitor_view monitor_lines = {
	.begin = begin,
	.show = show,
	.keep = MONITOR_KEEP_READER,
};
