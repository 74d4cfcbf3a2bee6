// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What is done at the open and at the close of a PAM session. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "conf/cgroups.h"
#include "enforce/internal.h"
#include "filter/filter.h"

/* A PAM session that is being opened or closed. */
struct opening {
	struct decider decider;
	const struct policy_subject *subject;
	struct policy_session session; /* at close: all zero */
	struct enforce_systemd systemd;
	struct enforce_report *report;
	struct reason *why;
	struct session place;
	int cgroup_fd; /* of the session's unit, or -1 */
	int prog_fd;   /* of our filter that is there already, or -1 */
	struct manager manager;

	/* Opening: what the policy says. */
	struct bpfdev_info info;
	struct table *table; /* NULL: no line names the user */
	struct filter made;  /* the session's filter, while it is as it was attached */
	bool fresh;	     /* asked just now: not worth another look at the files */
	bool unsettled;	     /* attached, but what it names is to be looked up once more */

	/* Closing: */
	bool ours;	/* this process opened the session, as its leader: see enforce_close() */
	bool ended;	/* the session's filter is done with; what is left is the manager */
	int failed;	/* the session's filter: a negative errno */
	bool summed_up; /* what it has denied is to be told */
	struct filter was;
	struct policy_subject now; /* who the user is by now */
	struct copies *copies;	   /* of the filters of whoever has become the user; a close only */
};

static int begin(struct opening *opening, const struct enforce_options *options,
		 const struct policy_subject *subject, struct enforce_report *report,
		 struct reason *why)
{
	*opening = (struct opening) {
		.decider = decider_new(options),
		.subject = subject,
		.report = report,
		.why = why,
		.cgroup_fd = -1,
		.prog_fd = -1,
	};
	opening->manager.decider = &opening->decider;
	opening->manager.user = &opening->place;
	opening->manager.subject = subject;
	*report = (struct enforce_report) { .outcome = ENFORCE_NO_RULES };
	return session_find(subject->uid, &opening->place, why);
}

static void end(struct opening *opening)
{
	close_fd(&opening->cgroup_fd);
	close_fd(&opening->prog_fd);
	if (opening->copies)
		copies_free(opening->copies);
	policy_subject_free(&opening->now);
	session_free(&opening->place);
	table_free(opening->table);
	manager_free(&opening->manager);
	decider_free(&opening->decider);
}

/* Whether the caller is in a session or the manager of the user. */
static bool is_own(const struct opening *opening)
{
	return opening->place.place == SESSION_OWN_SCOPE ||
	       opening->place.place == SESSION_OWN_MANAGER;
}

static void name_unit(struct opening *opening)
{
	snprintf(opening->report->unit, sizeof(opening->report->unit), "%s",
		 session_unit_name(&opening->place));
}

/* Opens the unit's cgroup, if it is not yet, for another look. Returns 0 or a negative errno. */
static int open_unit(struct opening *opening)
{
	if (opening->cgroup_fd < 0)
		opening->cgroup_fd = session_open_cgroup(opening->place.unit, opening->why);
	close_fd(&opening->prog_fd);
	return opening->cgroup_fd < 0 ? opening->cgroup_fd : 0;
}

/* Looks for our filter on the unit's cgroup. Returns an enum found, or a negative errno. */
static int look(struct opening *opening, struct bpfdev_info *info)
{
	struct filter filter;
	int ret = open_unit(opening);

	if (ret < 0)
		return ret;
	ret = enforce_look(opening->cgroup_fd, &filter, opening->why);
	opening->prog_fd = filter.fd;
	*info = filter.info;
	return ret;
}

/* Brings the user's manager in line. */
static int put_manager(struct opening *opening)
{
	int ret = manager_put(&opening->manager, opening->why);

	opening->report->note = opening->manager.note;
	return ret;
}

/*
 * Whether this is to be judged as a job is: where it comes from is not known, or a user runs it, as
 * su and sudo are run, and no daemon. Where it runs tells as a rule; but a process that has lost its parent can have itself moved into the user's manager, so what
 * such programs say is asked too: who runs them (not if that is on another host), and their real
 * uid.
 */
static bool is_no_login(const struct opening *opening)
{
	const char *ruser = opening->session.ruser;

	if (opening->place.nested || getuid() != 0)
		return true;
	if (*opening->session.rhost)
		return false;
	if (ruser && *ruser && strcmp(ruser, "root") != 0)
		return true;
	/* sshd on a socket of this machine, machinectl(1), a desktop's server: from anywhere. */
	return !session_is_local(opening->systemd.seat, opening->session.tty);
}

static int ask_policy(struct opening *opening)
{
	struct enforce_report *report = opening->report;
	struct reason why = { "" };
	int ret;

	/*
	 * A job of cron or at is in no session, and su makes a session that comes from nowhere:
	 * either could be the way around the rules of any session of the user.
	 */
	opening->session.kind =
		!is_own(opening) || is_no_login(opening) ? POLICY_JOB : POLICY_LOGIN;
	table_free(opening->table);
	opening->table = NULL;
	opening->manager.known.filter = NULL; /* that was its table */
	ret = decide(&opening->decider, NULL, opening->subject, &opening->session, &opening->info,
		     &opening->table, &why);
	if (ret) {
		*opening->why = why;
		return ret < 0 ? ret : -EINVAL;
	}
	opening->fresh = true;
	/* Mistakes that are nothing to this user: see policy_spares(). */
	report->spared = *why.text;
	if (report->spared)
		report->note = why;
	report->rule_count = opening->info.rule_count;
	report->unrestricted = opening->table && opening->info.flags & BPFDEV_UNRESTRICTED;
	report->audit = opening->info.flags & BPFDEV_AUDIT;
	return 0;
}

/* What was decided before the lock was taken may be of a policy that has changed since. */
static int prepare_open(void *data)
{
	struct opening *opening = data;
	int ret = 0;

	if (!opening->fresh && !conf_store_is_current(&opening->decider.policies)) {
		conf_store_renew(&opening->decider.policies);
		manager_free(&opening->manager);
		opening->manager.has_base = false;
		ret = ask_policy(opening);
	}
	opening->fresh = false;
	return ret < 0 ? ret : manager_prepare(&opening->manager, opening->why);
}

/*
 * Whether the session began with this: pam_systemd names it in this very handle, and the parent
 * process is not in it, as the shell is that su to oneself is started from. Others may be there that
 * a module before this one has started. Without pam_systemd, whoever is alone has begun it.
 */
static bool is_leader(const struct opening *opening)
{
	const char *named = opening->systemd.session, *id;
	size_t length = session_scope_id(session_unit_name(&opening->place), &id);

	if (named && *named)
		return strlen(named) == length && memcmp(named, id, length) == 0 &&
		       !opening->place.shared;
	return session_is_last(&opening->place, opening->cgroup_fd, NULL) == 1;
}

/* Attaches the session's filter; if the manager cannot be brought in line, takes it off again. */
static int filter_scope(struct opening *opening)
{
	struct bpfdev_info info = opening->info;
	int ret;

	enforce_describe(&info, BPFDEV_SESSION, opening->subject, &opening->session,
			 opening->report->unit, opening->decider.options->conf);
	opening->report->leader = is_leader(opening);
	ret = filter_replace(opening->cgroup_fd, &info, opening->table, NULL, &opening->made,
			     opening->why);
	if (ret < 0)
		return ret;
	opening->prog_fd = opening->made.fd;
	opening->manager.known = (struct known) { &opening->made, opening->table };
	/* The manager is to get what is settled only. */
	opening->unsettled = rules_table_follows(opening->table);
	ret = opening->unsettled ? STEP_DONE : put_manager(opening);
	if (ret != STEP_DONE) {
		filter_detach(opening->cgroup_fd, opening->prog_fd, NULL);
		opening->manager.known.filter = NULL;
	}
	return ret;
}

static int put_open(void *data)
{
	struct opening *opening = data;
	struct bpfdev_info ignored;
	int ret;

	if (!conf_store_is_current(&opening->decider.policies))
		return STEP_AGAIN;
	name_unit(opening);
	ret = look(opening, &ignored);
	if (ret < 0)
		return ret;
	opening->report->outcome = ENFORCE_FILTERED;
	if (opening->place.place == SESSION_OWN_MANAGER) {
		opening->report->manager = true;
		return put_manager(opening);
	}
	if (ret == FOUND_NOTHING)
		return filter_scope(opening);
	opening->report->outcome = ENFORCE_INNER;
	return STEP_DONE;
}

static int put_manager_only(void *data)
{
	return put_manager(data);
}

/*
 * Opens what the caller's filters are on: the session or manager that the parent process is in, or,
 * if that has gone, the manager of whoever has called, in which it can only have been. Returns 1
 * with *@from; 0: nobody has become somebody else here; or a negative errno with why.
 */
static int open_caller(struct opening *opening, int *from)
{
	const struct session *place = &opening->place;
	const char *ruser = opening->session.ruser;
	uid_t uid = getuid();
	struct session caller;
	int ret;

	if (place->from) {
		*from = session_open_cgroup(place->from, opening->why);
		return *from < 0 ? *from : 1;
	}
	if (uid == 0 && ruser && *ruser && !*opening->session.rhost) {
		ret = policy_user_id(ruser, &uid, opening->why);
		if (ret <= 0)
			return ret;
	}
	if (uid == 0 || uid == opening->subject->uid)
		return 0;
	ret = session_of_other(place, uid, &caller, opening->why);
	if (ret == 0)
		ret = session_open_manager(&caller, from, opening->why);
	session_free(&caller);
	return ret;
}

/* The session is new, but begun by somebody in another one: su, sudo and their like. */
static int inherit(struct opening *opening)
{
	int from = -1, ret;

	if (opening->place.place != SESSION_OWN_SCOPE)
		return 0;
	ret = open_caller(opening, &from);
	if (ret > 0)
		ret = copies_make(from, opening->cgroup_fd, opening->report->caller,
				  sizeof(opening->report->caller), opening->why);
	close_fd(&from);
	return ret;
}

/*
 * The policy does not name the user: a manager that lingers may still have the filter of a policy
 * that did, or of somebody else's session. One that begins while such a session is open is to get
 * it. Only in a session of somebody who has become this user, a failure is one.
 */
static int settle_manager(struct opening *opening)
{
	bool become = *opening->report->caller;
	struct filter filter;
	struct reason ignored = { "" }, *why = become ? opening->why : &ignored;
	int manager_fd, ret = session_open_manager(&opening->place, &manager_fd, why);

	if (ret <= 0)
		return become ? ret : 0;
	ret = enforce_look(manager_fd, &filter, why);
	if (become || ret > 0 || opening->place.place == SESSION_OWN_MANAGER) {
		name_unit(opening);
		ret = step_run(opening->decider.options, opening->subject->uid, prepare_open,
			       put_manager_only, opening, why);
	}
	close_fd(&filter.fd);
	close(manager_fd);
	return become && ret < 0 ? ret : 0;
}

/*
 * A device that udev was about to hand out when the policy was looked at had no links then; and when
 * udev asked for the filters there are, this one was not among them. So once it is attached, names are
 * looked up again, before any process of the session runs.
 */
static int settle(struct opening *opening)
{
	const struct enforce_options *options = opening->decider.options;
	int ret;

	ret = enforce_settle_scope(options, &opening->place, opening->cgroup_fd,
				   opening->report->unit, &opening->manager.known,
				   &opening->prog_fd, opening->why);
	if (opening->prog_fd != opening->made.fd)
		opening->manager.known.filter = NULL;
	if (ret == 0)
		ret = step_run(options, opening->subject->uid, prepare_open, put_manager_only,
			       opening, opening->why);
	/* It would stand without its manager. A descriptor of it is at hand: this needs no memory. */
	if (ret != 0)
		filter_detach(opening->cgroup_fd, opening->prog_fd, NULL);
	return ret;
}

/* Rules apply, and there is no session's cgroup to attach them to. */
static int open_outside(struct opening *opening)
{
	const char *left_alone = opening->decider.options->left_alone;
	struct enforce_report *report = opening->report;
	int ret;

	report->outcome = ENFORCE_NO_SESSION;
	reason_set(&report->note, "%s", opening->place.cgroup);
	if (!left_alone || !cgroups_fit(left_alone, opening->place.cgroup))
		return 0;
	ret = enforce_is_limited(left_alone, &opening->place, opening->why);
	if (ret < 0)
		return ret;
	report->unguarded = ret == 0;
	if (ret > 0)
		report->outcome = ENFORCE_LEFT_ALONE;
	return 0;
}

/* @found: whether the caller's place could be found; if not, opening->why says why. */
static int open_by_policy(struct opening *opening, int found)
{
	struct reason lost = *opening->why;
	int ret = ask_policy(opening);

	if (ret < 0)
		return ret;
	if (!opening->table)
		return found >= 0 && is_own(opening) ? settle_manager(opening) : 0;
	if (found < 0 && !opening->report->unrestricted) {
		*opening->why = lost;
		return found;
	}
	if (found >= 0 && is_own(opening)) {
		ret = step_run(opening->decider.options, opening->subject->uid, prepare_open,
			       put_open, opening, opening->why);
		return ret == 0 && opening->unsettled ? settle(opening) : ret;
	}
	if (!opening->report->unrestricted)
		return open_outside(opening);
	opening->report->outcome = ENFORCE_UNRESTRICTED;
	reason_set(&opening->report->note, "%s", found < 0 ? lost.text : opening->place.cgroup);
	return 0;
}

/*
 * In another user's session, or manager: su or sudo, as a rule. But a daemon that root started by
 * hand is in root's session for good, and whoever logs in by it has no filter: that is to be said.
 */
static void open_foreign(struct opening *opening)
{
	struct bpfdev_info ignored;

	opening->report->outcome = ENFORCE_FOREIGN;
	if (look(opening, &ignored) == FOUND_NOTHING && ask_policy(opening) == 0)
		opening->report->unfiltered = opening->table && !opening->report->unrestricted;
	name_unit(opening);
}

/*
 * Whether the caller is in a session whose filter stays, whatever the policy says now: another
 * user's (su, sudo), or the user's own that is filtered already (su to oneself). So even a broken
 * policy does not stop those.
 */
static bool is_inner(struct opening *opening)
{
	struct bpfdev_info ignored;

	if (opening->place.place == SESSION_FOREIGN) {
		open_foreign(opening);
		return true;
	}
	if (opening->place.place != SESSION_OWN_SCOPE || look(opening, &ignored) <= 0)
		return false;
	opening->report->outcome = ENFORCE_INNER;
	return true;
}

int enforce_open(const struct enforce_options *options, const struct policy_subject *subject,
		 const struct policy_session *session, const struct enforce_systemd *systemd,
		 struct enforce_report *report, struct reason *why)
{
	struct opening opening;
	int ret = begin(&opening, options, subject, report, why);

	opening.session = *session;
	opening.systemd = *systemd;
	if (ret < 0 || !is_inner(&opening)) {
		int inherited = ret < 0 ? 0 : inherit(&opening);

		ret = inherited < 0 ? inherited : open_by_policy(&opening, ret);
	}
	/* No line names the user, but one names whoever has become that user. */
	if (ret == 0 && report->outcome == ENFORCE_NO_RULES && *report->caller) {
		report->outcome = ENFORCE_FILTERED;
		report->leader = is_leader(&opening);
		name_unit(&opening);
	}
	end(&opening);
	return ret;
}

/*
 * Otherwise than the process that opened the session, one that did not may be a su(1) within it, and
 * whoever is left goes on as before. What was denied is told once: the filter is as it was before
 * its session was closed, and what it has counted is there also when it is detached. What those who
 * are left are denied later, the one that took its place goes on counting.
 */
static int end_filters(struct opening *opening, int found)
{
	const struct copies *copies = opening->copies;
	bool closed = found ? found == FOUND_FILTER && opening->was.info.flags & BPFDEV_CLOSED
			    : copies->items[0].info.flags & BPFDEV_CLOSED;
	int last = session_is_last(&opening->place, opening->cgroup_fd, opening->why), ret = 0;

	if (last < 0)
		return last;
	opening->report->outcome = last ? ENFORCE_REMOVED : ENFORCE_KEPT;
	opening->summed_up = found != FOUND_OTHER_VERSION && !closed && (last || opening->ours);
	if (last && found)
		ret = filter_detach(opening->cgroup_fd, opening->prog_fd, opening->why);
	else if (!last && opening->ours && found == FOUND_OTHER_VERSION)
		ret = -EPROTO; /* opening->why says which */
	else if (!last && opening->ours && found && !closed)
		ret = enforce_mark_closed(opening->cgroup_fd, opening->prog_fd, opening->why);
	if (ret == 0 && (last || (opening->ours && !closed)))
		ret = copies_end(copies, opening->cgroup_fd, last, opening->why);
	return ret;
}

/*
 * What the manager keeps is by the groups that the user has now, not by those of the login. If nobody
 * can say which these are, it is what every shell needs.
 */
static int prepare_close(void *data)
{
	struct opening *opening = data;
	struct manager *manager = &opening->manager;

	if (manager->needs_base && !manager->has_base) {
		policy_subject_free(&opening->now);
		if (policy_subject_load(opening->subject->name, &opening->now, &manager->note) != 0)
			return manager_prepare_least(manager, opening->why);
		manager->subject = &opening->now;
	}
	return manager_prepare(manager, opening->why);
}

/* As look(), for copies as well. */
static int look_all(struct opening *opening)
{
	int count, ret = open_unit(opening);

	copies_free(opening->copies);
	if (ret < 0)
		return ret;
	ret = enforce_look_all(opening->cgroup_fd, &opening->was, &count, opening->copies,
			       opening->why);
	opening->prog_fd = opening->was.fd;
	return ret;
}

static int put_close(void *data)
{
	struct opening *opening = data;

	name_unit(opening);
	if (!opening->ended) {
		int found = look_all(opening);

		if (found < 0 || (!found && !opening->copies->count))
			return found;
		opening->failed = end_filters(opening, found);
		opening->ended = true;
	}
	return put_manager(opening);
}

/* The manager's: nobody else does, as it ends without a close that modules see as root. */
static void sum_up(struct opening *opening)
{
	const struct enforce_options *options = opening->decider.options;
	struct enforce_report *report = opening->report;
	const struct copies *copies = opening->copies;

	if (opening->prog_fd >= 0)
		enforce_denied(options, &opening->was, 1, &report->denied);
	if (copies->count) {
		snprintf(report->caller, sizeof(report->caller), "%s", copies->items[0].info.user);
		enforce_denied(options, copies->items, copies->count, &report->caller_denied);
	}
	if (opening->manager.is_over)
		enforce_denied(options, &opening->manager.over, 1, &report->manager_denied);
}

static int close_in_place(struct opening *opening)
{
	int ret;

	switch (opening->place.place) {
	case SESSION_OWN_SCOPE:
		ret = step_run(opening->decider.options, opening->subject->uid, prepare_close,
			       put_close, opening, opening->why);
		if (opening->summed_up)
			sum_up(opening);
		return opening->failed ? opening->failed : ret;
	case SESSION_OWN_MANAGER:
		opening->report->outcome = ENFORCE_INNER;
		return 0;
	case SESSION_FOREIGN:
		opening->report->outcome = ENFORCE_FOREIGN;
		return 0;
	default:
		opening->report->outcome = ENFORCE_NO_SESSION;
		return 0;
	}
}

int enforce_close(const struct enforce_options *options, const struct policy_subject *subject,
		  bool ours, struct enforce_report *report, struct reason *why)
{
	struct opening opening;
	struct copies copies;
	int ret = begin(&opening, options, subject, report, why);

	copies.count = 0;
	opening.copies = &copies;
	opening.ours = ours;
	if (ret == 0)
		ret = close_in_place(&opening);
	end(&opening);
	return ret;
}
