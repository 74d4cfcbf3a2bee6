// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* All kinds of denials on one screen: those that happen most come first. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command/machine/denial.h"
#include "command/monitor/monitor.h"
#include "command/monitor/screen.h"

/* The first line, an empty one, and the headings. */
#define LINES_ABOVE 3

enum {
	COLUMN_RATE,
	COLUMN_COUNT,
	COLUMN_USER,
	COLUMN_SESSION,
	COLUMN_PROCESS,
	COLUMN_DEVICE,
	COLUMN_ACCESS,
	COLUMN_RESULT,
	COLUMN_WHY,
	COLUMNS
};

static const struct output_column columns[COLUMNS] = {
	[COLUMN_RATE] = { "RATE/s", 0, SCOLS_FL_RIGHT },
	[COLUMN_COUNT] = { "COUNT", 0, SCOLS_FL_RIGHT },
	[COLUMN_USER] = { "USER", 0, 0 },
	[COLUMN_SESSION] = { "SESSION", 0, 0 },
	[COLUMN_PROCESS] = { "PROCESS", 0, SCOLS_FL_TRUNC },
	[COLUMN_DEVICE] = { "DEVICE", 0, SCOLS_FL_TRUNC },
	[COLUMN_ACCESS] = { "ACCESS", 0, 0 },
	[COLUMN_RESULT] = { "RESULT", 0, 0 },
	[COLUMN_WHY] = { "WHY", 0, SCOLS_FL_TRUNC },
};

/*
 * What a filter had no room for comes before all: it could be anything, and whoever has filled the
 * filter could otherwise have it stand below the end of the screen.
 */
static int compare_ranks(const void *a, const void *b)
{
	const struct monitor_kind *left = *(struct monitor_kind *const *)a,
				  *right = *(struct monitor_kind *const *)b;

	if (left->lost != right->lost)
		return left->lost ? -1 : 1;
	if (left->more != right->more)
		return left->more < right->more ? 1 : -1;
	if (left->denial.count != right->denial.count)
		return left->denial.count < right->denial.count ? 1 : -1;
	return (left > right) - (left < right);
}

static uint64_t per_second(const struct monitor *monitor, uint64_t count)
{
	return monitor->elapsed ? (count * 1000 + monitor->elapsed / 2) / monitor->elapsed : 0;
}

/* All that are in force, in the order of the screen. NULL: no memory. */
static struct monitor_kind **rank(struct monitor_kinds *kinds, size_t *count)
{
	struct monitor_kind **list = calloc(kinds->count + 1, sizeof(struct monitor_kind *));

	*count = 0;
	for (size_t i = 0; i < kinds->count && list; i++)
		if (kinds->items[i].unit)
			list[(*count)++] = &kinds->items[i];
	if (*count)
		qsort(list, *count, sizeof(struct monitor_kind *), compare_ranks);
	return list;
}

static int fill_device(const struct monitor_kind *kind, struct libscols_line *line)
{
	const struct filter_denial *denial = &kind->denial;
	char by[DENIAL_BY_SIZE], device[DENIAL_DEVICE_SIZE], access[4];
	char result[DENIAL_RESULT_SIZE];
	int ret;

	denial_by(denial, kind->words->unit.uid, by);
	denial_device(denial, kind->words->name, device);
	ret = output_cell(line, COLUMN_PROCESS, "%s", by);
	if (ret == 0)
		ret = output_cell(line, COLUMN_DEVICE, "%s", device);
	if (ret == 0)
		ret = output_cell(line, COLUMN_ACCESS, "%s",
				  output_letters(denial->access, access));
	if (ret == 0)
		ret = output_cell(line, COLUMN_RESULT, "%s", denial_result(denial, result));
	return ret ? ret : output_cell(line, COLUMN_WHY, "%s", kind->words->place);
}

static int fill(const struct monitor *monitor, const struct monitor_kind *kind,
		struct libscols_line *line)
{
	bool audit = !kind->lost && denial_is_audit(&kind->denial);
	char id[UNIT_ID_SIZE];
	int ret;

	ret = output_cell(line, COLUMN_RATE, "%" PRIu64, per_second(monitor, kind->more));
	if (ret == 0)
		ret = output_cell(line, COLUMN_COUNT, "%" PRIu64, kind->denial.count);
	if (ret == 0)
		ret = output_cell(line, COLUMN_USER, "%s", kind->words->unit.user);
	if (ret == 0)
		ret = output_cell(line, COLUMN_SESSION, "%s", unit_id(&kind->words->unit, id));
	if (ret)
		return ret;
	if (kind->lost)
		return output_cell(line, COLUMN_DEVICE, "others");
	output_cell_tone(&monitor->output, line, COLUMN_RESULT,
			 audit ? OUTPUT_WARNING : OUTPUT_BAD);
	return fill_device(kind, line);
}

/* No more than fit are described: that may take a look at files. */
static struct libscols_table *make_table(struct monitor *monitor, struct monitor_kind *const *list,
					 size_t count, size_t width)
{
	struct libscols_table *table = output_table(&monitor->output, columns, COLUMNS);
	int ret = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && ret == 0; i++) {
		ret = monitor_describe(monitor, list[i]);
		if (ret == 0)
			ret = fill(monitor, list[i], output_row(table));
	}
	if (ret == 0) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, width);
		return table;
	}
	scols_unref_table(table);
	return NULL;
}

static size_t count_filters(const struct monitor *monitor)
{
	size_t count = 0;

	for (size_t i = 0; i < monitor->machine.unit_count; i++)
		count += monitor->machine.units[i].filters > 0 && monitor->machine.units[i].wanted;
	return count;
}

/* "05:13:34  3 filters, 12 kinds of denials, 1000000 a second, 7654321 seen; q quits" */
static void write_head(const struct monitor *monitor, size_t kinds, char *text, size_t size)
{
	size_t filters = count_filters(monitor);
	uint64_t more = 0;
	time_t now = time(NULL);
	struct tm parts;
	char when[16] = "";

	for (size_t i = 0; i < monitor->kinds.count; i++)
		more += monitor->kinds.items[i].more;
	if (localtime_r(&now, &parts))
		strftime(when, sizeof(when), "%H:%M:%S", &parts);
	snprintf(text, size,
		 "%s  %zu filter%s, %zu kind%s of denials, %" PRIu64 " a second, %" PRIu64
		 " seen; q quits",
		 when, filters, filters == 1 ? "" : "s", kinds, kinds == 1 ? "" : "s",
		 per_second(monitor, more), monitor->total);
}

static int print(const struct monitor *monitor, struct libscols_table *table, size_t kinds,
		 size_t width)
{
	char head[160], *rows = NULL, *text;
	int ret;

	write_head(monitor, kinds, head, width < sizeof(head) ? width + 1 : sizeof(head));
	if (scols_print_table_to_string(table, &rows) != 0)
		return -ENOMEM;
	ret = asprintf(&text, "%s\n\n%s", head, kinds ? rows : "nothing has been denied\n");
	free(rows);
	if (ret < 0)
		return -ENOMEM;
	monitor_screen_show(text);
	free(text);
	return monitor_flush();
}

static int show(struct monitor *monitor)
{
	struct libscols_table *table = NULL;
	size_t width, height, count;
	struct monitor_kind **list = rank(&monitor->kinds, &count);
	size_t room;
	int ret = -ENOMEM;

	monitor_screen_size(&width, &height);
	room = height > LINES_ABOVE ? height - LINES_ABOVE : 0;
	if (list)
		table = make_table(monitor, list, count < room ? count : room, width);
	if (table)
		ret = print(monitor, table, count, width);
	if (table)
		scols_unref_table(table);
	free(list);
	if (ret == -ENOMEM)
		output_error("out of memory");
	return ret;
}

static int begin(struct monitor *monitor)
{
	monitor->own = calloc(1, sizeof(struct monitor_screen));
	if (!monitor->own) {
		output_error("out of memory");
		return -ENOMEM;
	}
	monitor_screen_begin(monitor->own);
	return 0;
}

static void end(struct monitor *monitor)
{
	if (monitor->own)
		monitor_screen_end(monitor->own);
	free(monitor->own);
	monitor->own = NULL;
}

static void stop(struct monitor *monitor)
{
	monitor_screen_end(monitor->own);
	monitor_events_stop(&monitor->events);
	monitor_screen_begin(monitor->own);
}

const struct monitor_view monitor_top = {
	.begin = begin,
	.show = show,
	.end = end,
	.stop = stop,
	.keep = MONITOR_KEEP_SCREEN,
};
