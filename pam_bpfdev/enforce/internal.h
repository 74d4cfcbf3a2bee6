/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the files of enforce share, for nobody else. */
#ifndef ENFORCE_INTERNAL_H
#define ENFORCE_INTERNAL_H

#include <unistd.h>

#include "enforce/ask.h"
#include "enforce/change.h"
#include "enforce/decide.h"
#include "filter/filter.h"
#include "rules/rules.h"
#include "session/session.h"

/* A part of a change: negative errno with the reason that it knows of, or what step_run() says. */
typedef int step_part(void *data);

#define STEP_DONE 0
#define STEP_AGAIN 1 /* what was prepared no longer holds */
#define STEP_NOTHING 2

/*
 * Each change to what a user's sessions and manager are filtered by goes this way. @prepare reads,
 * looks up and decides whatever takes time, without the lock: STEP_NOTHING ends the change there.
 * @put, with the lock of @uid, sees whether that still holds and puts it in place: STEP_AGAIN has
 * it prepared anew. Returns what they did (not STEP_AGAIN), or a negative errno with @why.
 */
int step_run(const struct enforce_options *options, uid_t uid, step_part *prepare, step_part *put,
	     void *data, struct reason *why);

/* A user's lock, held for less than a step_run(). The first two are the caller's to set. */
struct step_lock {
	const struct enforce_options *options;
	uid_t uid;
	int fd;
	struct session_holder killed;
};

/*
 * Takes the lock, as session_lock() does. Who was killed for it is told by step_unlock(), so that
 * nobody waits for the telling; or at once, if this fails. Returns 0 or a negative errno with @why.
 */
int step_lock(struct step_lock *lock, int timeout_ms, struct reason *why);

void step_unlock(const struct step_lock *lock);

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * Fills @info in with what every filter of ours says of itself; the strings of @session may be "".
 * What decide() has set stays. @conf: where the policy was read from.
 */
void enforce_describe(struct bpfdev_info *info, enum bpfdev_role role,
		      const struct policy_subject *subject, const struct policy_session *session,
		      const char *unit, const struct conf_paths *conf);

/* Whether something is filtered, and by what. */
enum found {
	FOUND_NOTHING,
	FOUND_FILTER,
	FOUND_OTHER_VERSION, /* a filter of ours that cannot be read */
};

/*
 * Looks for our filter on a cgroup: in @filter with its descriptor, or -1, and what it says of itself,
 * or zeros. Returns an enum found, or a negative errno with @why.
 */
int enforce_look(int cgroup_fd, struct filter *filter, struct reason *why);

/* The filters beside a session's own that whoever became its user has brought along. */
struct copies {
	struct filter items[FILTER_ALL_MAX];
	int count;
};

/*
 * Looks for all that is ours on a session at once: as enforce_look(), with *@count how many filters of
 * its own it has, and with the copies that can be read, to be freed in any case: copies_free().
 */
int enforce_look_all(int cgroup_fd, struct filter *own, int *count, struct copies *copies,
		     struct reason *why);

/*
 * Puts a copy of each filter of the cgroup @from_fd on @cgroup_fd: becoming somebody else ends
 * nothing. @caller: set to whose they are, cut to @size bytes; unchanged if there are none.
 * Returns 0 or a negative errno with @why.
 */
int copies_make(int from_fd, int cgroup_fd, char *caller, size_t size, struct reason *why);

/*
 * At the session's end: takes them off, if who closes it is the @last process there, or marks them
 * as closed. Returns 0 or a negative errno with @why.
 */
int copies_end(const struct copies *copies, int cgroup_fd, bool last, struct reason *why);

void copies_free(struct copies *copies);

/*
 * Puts in the place of a session's filter the same rules without exceptions, which were the open
 * session's, and the mark that the manager owes this session nothing any more. Returns 0 or a
 * negative errno with @why.
 */
int enforce_mark_closed(int cgroup_fd, int prog_fd, struct reason *why);

/* A filter that was attached just now, and its table: neither need be read from the kernel. */
struct known {
	const struct filter *filter; /* NULL: there is none */
	const struct table *table;
};

/* A user's manager on its way to the filter that it should have. All zero but for what it is of. */
struct manager {
	struct decider *decider;
	const struct session *user;	      /* whose slice it is in */
	const struct policy_subject *subject; /* NULL: not known any more, */
	const struct bpfdev_info
		*made_from; /* but as this filter says. NULL: the options' policy */
	bool needs_base;    /* what it has with no session open must be decided */
	bool has_base;	    /* and it was: */
	struct table *base; /* NULL: no line names the user */
	uint64_t base_policy;
	struct known known; /* one of the user's sessions' */

	/* What came of it: */
	int had, has; /* enum found, before and after */
	struct bpfdev_info before, after;
	bool is_over;	    /* no session is open any more, and it had a filter before: */
	struct filter over; /* to be closed with manager_free() */
	struct reason note; /* a policy that cannot be used left it what every shell needs */
};

/* Decides what it takes to manager_put(), if that has asked for it. 0 or a negative errno. */
int manager_prepare(struct manager *manager, struct reason *why);

/* The same, where nobody can say what that is: what every shell needs. @manager->note says why. */
int manager_prepare_least(struct manager *manager, struct reason *why);

/*
 * Gives the manager, with the lock held, the filter that follows from the filtered sessions that
 * are open now: the union of what they may do; with none open, what the policy says of the manager
 * itself. What is already right is left alone, and so is a user without a manager.
 * Returns STEP_DONE; STEP_AGAIN: manager_prepare() has to decide something; or a negative errno
 * with @why.
 */
int manager_put(struct manager *manager, struct reason *why);

void manager_free(struct manager *manager);

/*
 * Updates the exceptions in @info: those whose time is over go, and those that @change ends; the
 * one that it grants comes. Returns 0; or with @why -ENOSPC: there are too many; -ETIME: the one
 * that is granted is over already.
 */
int exception_change(struct bpfdev_info *info, const struct enforce_change *change,
		     struct reason *why);

/* Whether @info has an exception. */
bool exception_any(const struct bpfdev_info *info);

/*
 * A new table from @rules, all resolved, whose loans are brought in line with the exceptions in @info:
 * what a filter has lent already stays what it was when it was lent. An exception that can no longer be
 * understood (its class is gone, say, or the policy unreadable) ends; if it is the one that @change
 * grants, the call fails. Returns DECIDED, DECIDED_MISTAKES or a negative errno with @why.
 */
int exception_lend(struct decider *decider, struct bpfdev_info *info,
		   const struct enforce_change *change, struct rules *rules, struct table **table,
		   struct reason *why);

/* A new table: @table without anything that was lent. Returns 0 or a negative errno with @why. */
int exception_drop_all(const struct table *table, struct table **rest, struct reason *why);

/*
 * Looks up anew what the session's filter on @cgroup_fd names, now that it is attached: what udev was
 * about to hand out when it was decided was not there then, and udev did not find the filter. With
 * @unit for messages. @known: the filter, whose table has the rules that it was folded from. *@prog_fd,
 * a descriptor of it, becomes one of what takes its place.
 * Returns 0, also if the filter has gone; or a negative errno with @why.
 */
int enforce_settle_scope(const struct enforce_options *options, const struct session *user,
			 int cgroup_fd, const char *unit, const struct known *known, int *prog_fd,
			 struct reason *why);

/* The same for all that a user has, and the manager with it. */
int enforce_settle_user(const struct enforce_options *options, const struct session *user,
			struct reason *why);

/* Whether the process is the one that asked, as far as that is known. */
bool enforce_is_asker(const struct session_process *process,
		      const struct enforce_question *question);

/*
 * Writes to @line (@size bytes) the line that @source is of, in the policy with @digest that a filter
 * with @info was made from: "FILE:LINE", or why there is none.
 */
void enforce_line(struct decider *decider, const struct bpfdev_info *info, uint64_t digest,
		  uint32_t source, char *line, size_t size);

/*
 * Sums up what the @count filters have denied, which one user's are. What cannot be read is said in
 * @denied->why: it is no reason to do anything else.
 */
void enforce_denied(const struct enforce_options *options, const struct filter *filters, int count,
		    struct enforce_denied *denied);

#endif
