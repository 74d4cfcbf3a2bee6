// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev monitor --top: all kinds of denials on one screen, those that happen most first. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/base/row.h"
#include "command/machine/denial.h"
#include "command/monitor/monitor.h"

/* xterm's: the second screen; no cursor; what does not fit in a line is cut. */
#define BEGIN "\033[?1049h\033[?25l\033[?7l"
#define END "\033[?7h\033[?25h\033[?1049l"

#define TOP_LEFT "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

/* The terminal, while it shows the screen. */
struct screen {
	struct termios before; /* as the terminal was */
	bool has_before;       /* standard input is a terminal, so there is something to restore */
	bool on;
};

bool monitor_top_is_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

/* All is as it was before. May be called again. */
static void screen_end(void *data)
{
	struct screen *screen = data;

	if (!screen->on)
		return;
	fputs(END, stdout);
	/* Where that fails, the terminal has gone. */
	if (fflush(stdout))
		clearerr(stdout);
	if (screen->has_before)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
	screen->on = false;
	memory_on_exhaustion(NULL, NULL);
}

/* Shows another screen than that which the shell uses, without a cursor; keys come one by one. */
static void screen_begin(struct screen *screen)
{
	struct termios keys;

	screen->has_before = tcgetattr(STDIN_FILENO, &screen->before) == 0;
	if (screen->has_before) {
		keys = screen->before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		keys.c_cc[VMIN] = 1;
		keys.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	fputs(BEGIN, stdout);
	screen->on = true;
	memory_on_exhaustion(screen_end, screen);
}

static size_t from_environment(const char *name, size_t otherwise)
{
	const char *text = getenv(name);
	long number = text ? strtol(text, NULL, 10) : 0;

	return number > 0 && number < 65536 ? (size_t)number : otherwise;
}

/* Of the terminal as it is now; if it does not say, as COLUMNS and LINES do, or else 80 by 24. */
static void screen_size(size_t *columns, size_t *lines)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		size = (struct winsize) { 0 };
	*columns = size.ws_col ? size.ws_col : from_environment("COLUMNS", 80);
	*lines = size.ws_row ? size.ws_row : from_environment("LINES", 24);
}

/*
 * Prints @text in the place of what is on the screen, as many lines of it as there are on the
 * terminal; the terminal cuts those that are longer.
 */
static void screen_show(const char *text)
{
	size_t columns, lines;

	screen_size(&columns, &lines);
	fputs(TOP_LEFT, stdout);
	for (size_t i = 0; i < lines && *text; i++) {
		size_t length = strcspn(text, "\n");

		if (i > 0)
			fputs("\r\n", stdout);
		fwrite(text, 1, length, stdout);
		fputs(CLEAR_LINE, stdout);
		text += length + (text[length] == '\n');
	}
	fputs(CLEAR_BELOW, stdout);
}

/* The first line, an empty one, and the headings. */
#define LINES_ABOVE 3

/*
 * What a filter had no room to tell apart comes first: it could be anything, and a user who fills
 * the filter with other denials could otherwise push it below the end of the screen.
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

/* All that are in force, in the order of the screen; to be freed. */
static struct monitor_kind **rank(struct monitor_kinds *kinds, size_t *count)
{
	struct monitor_kind **list = xcalloc(kinds->count + 1, sizeof(struct monitor_kind *));

	*count = 0;
	for (size_t i = 0; i < kinds->count; i++)
		if (kinds->items[i].unit)
			list[(*count)++] = &kinds->items[i];
	if (*count)
		qsort(list, *count, sizeof(struct monitor_kind *), compare_ranks);
	return list;
}

static void describe(struct row *row, const struct monitor *monitor,
		     const struct monitor_kind *kind)
{
	const struct filter_denial *denial = &kind->denial;
	char by[DENIAL_BY_SIZE], device[DENIAL_DEVICE_SIZE], access[4];
	char result[DENIAL_RESULT_SIZE], id[UNIT_ID_SIZE];
	bool known = !kind->lost;

	if (row_field(row, NULL, "RATE/s", SCOLS_FL_RIGHT))
		row_number(row, per_second(monitor, kind->more));
	if (row_field(row, NULL, "COUNT", SCOLS_FL_RIGHT))
		row_number(row, denial->count);
	if (row_field(row, NULL, "USER", 0))
		row_text(row, "%s", kind->words->unit.user);
	if (row_field(row, NULL, "SESSION", 0))
		row_text(row, "%s", unit_id(&kind->words->unit, id));
	if (row_field(row, NULL, "PROCESS", SCOLS_FL_TRUNC) && known)
		row_text(row, "%s", denial_by(denial, kind->words->unit.uid, by));
	if (row_field(row, NULL, "DEVICE", SCOLS_FL_TRUNC))
		row_text(row, "%s",
			 known ? denial_device(denial, kind->words->name, device) : "others");
	if (row_field(row, NULL, "ACCESS", 0) && known)
		row_text(row, "%s", output_letters(denial->access, access));
	if (row_field(row, NULL, "RESULT", 0) && known) {
		row_text(row, "%s", denial_result(denial, result));
		row_tone(row, denial_is_audit(denial) ? OUTPUT_WARNING : OUTPUT_BAD);
	}
	if (row_field(row, NULL, "WHY", SCOLS_FL_TRUNC) && known)
		row_text(row, "%s", kind->words->place);
}

static size_t count_filters(const struct monitor *monitor)
{
	size_t count = 0;

	for (size_t i = 0; i < monitor->machine.unit_count; i++)
		count += monitor->machine.units[i].wanted && monitor->machine.units[i].filters;
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

static int show(struct monitor *monitor)
{
	struct row_table table = row_table(&monitor->output);
	size_t width, height, count;
	struct monitor_kind **list = rank(&monitor->kinds, &count);
	char head[160], *rows, *text;

	screen_size(&width, &height);
	/* No more than fit are described: that may take a look at files. */
	for (size_t i = 0; i < count && i + LINES_ABOVE < height; i++) {
		struct row line = row_line(&table);

		monitor_describe(monitor, list[i]);
		describe(&line, monitor, list[i]);
	}
	free(list);
	rows = row_table_text(&table, width);
	write_head(monitor, count, head, width < sizeof(head) ? width + 1 : sizeof(head));
	text = xasprintf("%s\n\n%s", head, count ? rows : "nothing has been denied\n");
	screen_show(text);
	free(text);
	free(rows);
	return monitor_flush();
}

static int begin(struct monitor *monitor)
{
	monitor->own = xcalloc(1, sizeof(struct screen));
	screen_begin(monitor->own);
	return 0;
}

static void end(struct monitor *monitor)
{
	screen_end(monitor->own);
	free(monitor->own);
	monitor->own = NULL;
}

static void stop(struct monitor *monitor)
{
	screen_end(monitor->own);
	monitor_events_stop(&monitor->events);
	screen_begin(monitor->own);
}

const struct monitor_view monitor_top = {
	.begin = begin,
	.show = show,
	.end = end,
	.stop = stop,
	.keep = MONITOR_KEEP_SCREEN,
};
