// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev monitor: denials while they happen. Its options, whom it follows, one look after another. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/duration.h"
#include "command/base/memory.h"
#include "command/monitor/monitor.h"

/* Milliseconds. */
#define INTERVAL_MIN 200
#define INTERVAL_DEFAULT 1000

struct request {
	struct command_options options;
	struct monitor monitor;
	bool top, journal;
};

/* Digits and what follows them, "5" of "0.5s", as milliseconds. */
static uint64_t read_fraction(const char **text)
{
	uint64_t total = 0;

	for (unsigned int unit = 100; isdigit((unsigned char)**text); unit /= 10)
		total += unit * (unsigned int)(*(*text)++ - '0');
	return total;
}

/* Less than a second is no duration in other places. Returns false: it is none at all. */
static bool read_interval(const char *text, uint64_t *milliseconds)
{
	uint64_t number = 0;
	const char *rest = text;

	while (isdigit((unsigned char)*rest) && number <= DURATION_MAX * 1000ull)
		number = number * 10 + (uint64_t)(*rest++ - '0');
	if (rest > text && strcmp(rest, "ms") == 0) {
		*milliseconds = number;
	} else if (rest > text && *rest == '.') {
		rest++;
		*milliseconds = number * 1000 + read_fraction(&rest);
		if (*rest && strcmp(rest, "s") != 0)
			return false;
	} else {
		if (!duration_parse(text, milliseconds))
			return false;
		*milliseconds *= 1000;
	}
	return *milliseconds <= DURATION_MAX * 1000ull;
}

static void take_interval(void *data, const char *text, struct argp_state *state)
{
	struct request *request = data;
	uint64_t *interval = &request->monitor.interval;

	if (!read_interval(text, interval))
		argp_error(state, "--interval=%s; expected a time such as 500ms, 10s or 1min",
			   text);
	else if (*interval < INTERVAL_MIN)
		argp_error(state, "--interval=%s; the shortest is %dms", text, INTERVAL_MIN);
}

static void take_looks(void *data, const char *text, struct argp_state *state)
{
	struct request *request = data;
	char *end;

	errno = 0;
	request->monitor.looks = strtoul(text, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*text) || !request->monitor.looks)
		argp_error(state, "--looks=%s; expected a number from 1", text);
}

static void choose_view(void *data, struct argp_state *state)
{
	struct request *request = data;
	bool json = request->options.output.json;

	if (request->top + request->journal + json > 1)
		argp_error(state, "--top, --journal and --json are three ways to tell of denials: "
				  "expected one of them");
	if (request->top && !monitor_top_is_possible())
		argp_error(state, "--top needs a terminal; without it there is a line for each "
				  "kind of denial");
	request->monitor.view = request->top	   ? &monitor_top
				: request->journal ? &monitor_journal
				: json		   ? &monitor_json
						   : &monitor_lines;
	request->monitor.output = request->options.output;
}

static const struct command_option monitor_options[] = {
	{ "all", 'a', NULL, "begin with what was denied before",
	  offsetof(struct request, monitor.all), NULL },
	{ "interval", 'i', "TIME", "look so often: 500ms, 0.5, 10s, 1min (1s if left out)", 0,
	  take_interval },
	{ "journal", 'j', NULL,
	  "write to the journal, nothing to standard output: each kind of denial at once, then a sum "
	  "a minute; bpfdev-monitor.service does this",
	  offsetof(struct request, journal), NULL },
	{ "looks", 'n', "NUMBER", "end after so many intervals", 0, take_looks },
	{ "top", 't', NULL,
	  "a screen that refreshes, with all that was denied, that which is denied most often first; "
	  "q quits",
	  offsetof(struct request, top), NULL },
	{ 0 },
};

static const struct command_set monitor_set = { monitor_options, 0, choose_view };

/* What the filters have counted, of whom is wanted. */
static struct monitor_kinds find_kinds(const struct machine *machine)
{
	struct monitor_kinds seen = { 0 };

	for (size_t i = 0; i < machine->denial_count; i++) {
		const struct denial *row = &machine->denials[i];

		*xappend(&seen) = (struct monitor_kind) {
			.cgroup = row->unit->cgroup,
			.copy = row->copy ? (size_t)(row->copy - row->unit->copies) + 1 : 0,
			.denial = *row->denial,
			.first = row->first,
			.last = row->last,
			.unit = row->unit,
		};
	}
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (unit->wanted && unit->lost)
			*xappend(&seen) = (struct monitor_kind) {
				.cgroup = unit->cgroup,
				.lost = true,
				.denial = { .count = unit->lost },
				.unit = unit,
			};
	}
	return seen;
}

/* Said once: of who comes later, it is in what bpfdev status shows. */
static void say_unreadable(const struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (unit->wanted && unit->filters && !unit->counted)
			output_error("%s of %s: the filter was made by another version: what it "
				     "denies is not known",
				     unit->name, unit->user);
	}
}

int monitor_look(struct monitor *monitor)
{
	struct machine *machine = &monitor->machine;
	bool first = !monitor->looked;
	uint64_t now = monitor_clock();
	struct monitor_kinds seen;
	struct reason why;
	int ret;

	monitor_watch_look(&monitor->watch);
	ret = xcheck(machine_look(machine, NULL, MACHINE_DENIALS | MACHINE_WATCH, &why));
	monitor_watch_looked(&monitor->watch);
	if (ret < 0) {
		output_error("%s", why.text);
		return ret;
	}
	if (first && !machine_want(machine, monitor->argument, true))
		return 1;
	if (first)
		say_unreadable(machine);
	monitor->elapsed = first ? 0 : now - monitor->looked;
	monitor->looked = now;
	seen = find_kinds(machine);
	monitor_kinds_update(&monitor->kinds, &seen, first && !monitor->all);
	for (size_t i = 0; i < monitor->kinds.count && !first; i++)
		monitor->total += monitor->kinds.items[i].more;
	return 0;
}

/* As monitor_look() where nothing is new. */
static int stay(struct monitor *monitor)
{
	uint64_t now = monitor_clock();

	monitor->elapsed = now - monitor->looked;
	monitor->looked = now;
	for (size_t i = 0; i < monitor->kinds.count; i++)
		monitor->kinds.items[i].more = 0;
	return 0;
}

/* Whether the one session that is wanted has not been there for some looks. Ask after each. */
static bool is_over(struct monitor *monitor)
{
	const struct machine *machine = &monitor->machine;
	bool found = !machine->wanted.one;

	for (size_t i = 0; i < machine->unit_count; i++)
		found |= machine->units[i].wanted;
	monitor->missed = found ? 0 : monitor->missed + 1;
	return monitor->missed > MONITOR_KINDS_GRACE;
}

/* Returns 0: it goes on; 1: it is to end; or a negative errno. */
static int step(struct monitor *monitor, bool *over)
{
	enum monitor_event event =
		monitor_events_wait(&monitor->events, monitor_clock() + monitor->interval);
	int ret;

	if (event == MONITOR_END)
		return 1;
	if (event == MONITOR_STOP && monitor->view->stop)
		monitor->view->stop(monitor);
	if (event == MONITOR_SHOW)
		return monitor->view->show(monitor);
	ret = monitor_watch_is_quiet(&monitor->watch, &monitor->machine) ? stay(monitor)
									 : monitor_look(monitor);
	if (ret == 0)
		ret = monitor->view->show(monitor);
	if (ret < 0)
		return ret;
	*over = is_over(monitor);
	return *over || (monitor->looks && --monitor->looks == 0);
}

/* After the first look. Returns 0 or a negative errno. */
static int follow(struct monitor *monitor)
{
	const struct monitor_view *view = monitor->view;
	int ret = view->begin ? view->begin(monitor) : 0;
	bool over = false;

	if (ret == 0)
		ret = view->show(monitor);
	if (ret == 0)
		monitor_ready();
	while (ret == 0)
		ret = step(monitor, &over);
	if (ret > 0)
		ret = view->last ? view->last(monitor) : 0;
	if (view->end)
		view->end(monitor);
	/* Not before the end of the view: the screen would take it away. */
	if (over)
		output_error("%s is over", monitor->machine.wanted.one);
	else if (ret < 0 && view->keep == MONITOR_KEEP_SCREEN)
		output_error("cannot go on: %s", strerror(-ret));
	return ret;
}

static enum command_exit watch(struct monitor *monitor)
{
	int ret = monitor_events_begin(&monitor->events, monitor->view->keep);

	if (ret < 0)
		output_error("waiting for signals: %s", strerror(-ret));
	else
		ret = monitor_look(monitor);
	if (ret == 0)
		ret = follow(monitor);
	monitor_events_end(&monitor->events);
	if (ret > 0)
		return COMMAND_NO;
	/* EPIPE: whoever reads has seen enough, which is a usual way to end it. */
	return ret == 0 || ret == -EPIPE ? COMMAND_YES : COMMAND_FAILED;
}

static int run(void *data)
{
	struct request *request = data;
	struct monitor *monitor = &request->monitor;
	struct reason why;
	int status = COMMAND_FAILED;

	monitor_watch_begin();
	monitor->argument = request->options.words[0];
	if (!monitor->interval)
		monitor->interval = INTERVAL_DEFAULT;
	if (xcheck(machine_open(&monitor->machine, &why)) < 0)
		output_error("%s", why.text);
	else
		status = watch(monitor);
	monitor_kinds_free(&monitor->kinds);
	machine_close(&monitor->machine);
	return status;
}

const struct command command_monitor = {
	.name = "monitor",
	.summary = "follow what sessions are denied, while it happens",
	.arguments = "[USER|SESSION]",
	.doc = "Tells what sessions and user managers are denied while it happens, also in sessions "
	       "that open later; or in those of USER (a name, uid or :uid), who need not be logged in "
	       "yet, or in one SESSION (3, session-3.scope, user@1000.service), until that is over."
	       "\v"
	       "It looks at the counts in the kernel at intervals, and tells of each kind (session, "
	       "device, access, result) no more than once in each: NEW is how often it was denied "
	       "since the line before, COUNT how often since its session began, and TIME, PROCESS and "
	       "WHY are of the last time. What a session is denied between the last look and its end, "
	       "or one that opens and closes between two looks, is not seen: the line in the log that "
	       "tells of the close has it. --json prints one object a line.",
	.root = "the kernel shows its programs to nobody else",
	.words_max = 1,
	.sets = { { &monitor_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct request),
	.run = run,
};
