// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The way that each change to a filter goes, and the look at one that is there. */
#include <errno.h>

#include "enforce/internal.h"
#include "filter/filter.h"

/* More often than this, nothing changes between two looks but by somebody's design. */
#define ROUNDS 8

/* Their login, or a change to one, ended there: without this nobody would know why. */
static void tell_killed(const struct step_lock *lock)
{
	const struct session_holder *killed = &lock->killed;
	struct reason what;

	if (!killed->pid || !lock->options->tell)
		return;
	reason_set(&what, "process %d (%s) kept the lock of uid %u, and was killed after %d ms: %s",
		   killed->pid, killed->name, lock->uid, killed->waited_ms,
		   killed->stopped ? "a signal had stopped it"
				   : "it did not get on, in a session or manager of a user's");
	lock->options->tell(&what, lock->options->data);
}

int step_lock(struct step_lock *lock, int timeout_ms, struct reason *why)
{
	lock->fd =
		session_lock(lock->options->lock_folder, lock->uid, timeout_ms, &lock->killed, why);
	if (lock->fd < 0)
		tell_killed(lock);
	return lock->fd < 0 ? lock->fd : 0;
}

void step_unlock(const struct step_lock *lock)
{
	session_unlock(lock->fd);
	tell_killed(lock);
}

int step_run(const struct enforce_options *options, uid_t uid, step_part *prepare, step_part *put,
	     void *data, struct reason *why)
{
	for (int round = 1;; round++) {
		/* Once it must come to an end, and then others wait. */
		bool last = round == ROUNDS;
		struct step_lock lock = { .options = options, .uid = uid };
		int ret = last ? 0 : prepare(data);

		if (ret == STEP_DONE)
			ret = step_lock(&lock, SESSION_LOCK_TIMEOUT_MS, why);
		if (ret != STEP_DONE)
			return ret;
		if (last)
			ret = prepare(data);
		if (ret == STEP_DONE)
			ret = put(data);
		step_unlock(&lock);
		if (ret != STEP_AGAIN)
			return ret;
		if (last) {
			reason_set(why, "the policy, or what is filtered, changes all the time");
			return -EAGAIN;
		}
	}
}

int enforce_look(int cgroup_fd, struct filter *filter, struct reason *why)
{
	int ret = filter_look(cgroup_fd, false, NULL, filter, 1, why);

	if (ret > 0 && filter->readable)
		return FOUND_FILTER;
	if (ret <= 0)
		filter->fd = -1;
	filter->info = (struct bpfdev_info) { 0 };
	return ret > 0 ? FOUND_OTHER_VERSION : ret;
}
