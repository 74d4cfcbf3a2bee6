// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What there is to tell of what was seen, for all ways of telling it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/monitor/monitor.h"

static int copy_unit(const struct unit *unit, struct monitor_words *words)
{
	words->user = strdup(unit->user);
	words->unit_name = strdup(unit->name);
	words->unit = *unit;
	words->unit.user = words->user;
	words->unit.name = words->unit_name;
	return words->user && words->unit_name ? 0 : -ENOMEM;
}

static int copy_login(const struct bpfdev_info *info, struct monitor_words *words)
{
	words->service = strdup(info->service);
	words->tty = strdup(info->tty);
	words->rhost = strdup(info->rhost);
	return words->service && words->tty && words->rhost ? 0 : -ENOMEM;
}

static int describe(struct monitor *monitor, const struct monitor_kind *kind,
		    struct monitor_words *words)
{
	const struct filter_denial *denial = &kind->denial;
	const struct denial row = { kind->unit, denial, kind->first, kind->last };
	struct denial_why why = { .place = "" };
	char name[NAMES_BEST_SIZE] = "";

	if (!kind->lost) {
		names_best(monitor->machine.names, denial->type, denial->major, denial->minor,
			   name);
		denial_explain(&monitor->machine, &row, &why);
	}
	words->name = strdup(name);
	words->cause = why.cause;
	words->place = strdup(why.place);
	if (!words->name || !words->place || copy_unit(&kind->unit->unit, words) < 0)
		return -ENOMEM;
	return copy_login(&kind->unit->info, words);
}

int monitor_describe(struct monitor *monitor, struct monitor_kind *kind)
{
	struct monitor_words *words;

	if (!kind->unit)
		return kind->words ? 0 : -ENOENT;
	words = calloc(1, sizeof(*words));
	if (!words)
		return -ENOMEM;
	if (describe(monitor, kind, words) < 0) {
		monitor_words_free(words);
		return -ENOMEM;
	}
	monitor_words_free(kind->words);
	kind->words = words;
	return 0;
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
 * Sets *@list to the kinds in force with something to tell, oldest first, and *@count; to be freed.
 * Returns 0 or -ENOMEM.
 */
static int find_pending(const struct monitor *monitor, struct monitor_kind ***list, size_t *count)
{
	const struct monitor_kinds *kinds = &monitor->kinds;

	*count = 0;
	*list = calloc(kinds->count + 1, sizeof(struct monitor_kind *));
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; i < kinds->count; i++)
		if (kinds->items[i].pending && kinds->items[i].unit)
			(*list)[(*count)++] = &kinds->items[i];
	if (*count)
		qsort(*list, *count, sizeof(struct monitor_kind *), compare_times);
	return 0;
}

int monitor_tell_each(struct monitor *monitor,
		      int (*print)(struct monitor *monitor, struct monitor_kind *kind))
{
	struct monitor_kind **list;
	size_t count;
	int ret = find_pending(monitor, &list, &count);

	for (size_t i = 0; i < count && ret == 0; i++) {
		ret = print(monitor, list[i]);
		monitor_told(monitor, list[i]);
	}
	free(list);
	if (ret == -ENOMEM)
		output_error("out of memory");
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
