// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The way that each change to a filter goes, and the look at one that is there. */
#include <errno.h>

#include "enforce/internal.h"
#include "filter/filter.h"

/* More often than this, nothing changes between two looks but by somebody's design. */
#define ROUNDS 8

int step_run(const struct enforce_options *options, uid_t uid, step_part *prepare, step_part *put,
	     void *data, struct reason *why)
{
	for (int round = 1;; round++) {
		/* Once it must come to an end, and then others wait. */
		bool last = round == ROUNDS;
		int lock = -1, ret = last ? 0 : prepare(data);

		if (ret == STEP_DONE)
			lock = session_lock(options->lock_folder, uid, SESSION_LOCK_TIMEOUT_MS,
					    why);
		if (ret != STEP_DONE || lock < 0)
			return ret != STEP_DONE ? ret : lock;
		if (last)
			ret = prepare(data);
		if (ret == STEP_DONE)
			ret = put(data);
		session_unlock(lock);
		if (ret != STEP_AGAIN)
			return ret;
		if (last) {
			reason_set(why, "the policy, or what is filtered, changes all the time");
			return -EAGAIN;
		}
	}
}

int enforce_look(int cgroup_fd, int *prog_fd, struct bpfdev_info *info, struct reason *why)
{
	int ret;

	*prog_fd = -1;
	*info = (struct bpfdev_info) { 0 };
	ret = filter_find(cgroup_fd, prog_fd, why);
	if (ret <= 0)
		return ret;
	ret = filter_read(*prog_fd, info, NULL, why);
	if (ret == 0)
		return FOUND_FILTER;
	*info = (struct bpfdev_info) { 0 };
	return ret > 0 ? FOUND_OTHER_VERSION : ret;
}
