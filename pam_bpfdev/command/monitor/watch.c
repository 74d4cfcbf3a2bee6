// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether it is worth while to look at all sessions. */
#include <sys/resource.h>

#include "command/monitor/monitor.h"
#include "filter/filter.h"

void monitor_watch_begin(void)
{
	struct rlimit limit;

	/* Without, it looks each time. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void monitor_watch_look(struct monitor_watch *watch)
{
	uint32_t newest = watch->newest;

	watch->again = filter_newest(&newest) < 0 || newest != watch->newest;
	watch->newest = newest;
	watch->began = monitor_clock();
}

void monitor_watch_looked(struct monitor_watch *watch)
{
	uint64_t now = monitor_clock();

	watch->next = now + WATCH_PAUSE * (now - watch->began);
}

bool monitor_watch_is_quiet(const struct monitor_watch *watch, const struct machine *machine)
{
	uint32_t newest = watch->newest;

	/* Whether the one that is wanted is still there, nothing else tells. */
	if (watch->again || monitor_clock() >= watch->next || machine->wanted.one)
		return false;
	return filter_newest(&newest) == 0 && newest == watch->newest &&
	       !machine_has_moved(machine);
}
