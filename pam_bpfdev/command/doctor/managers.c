// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Filters that are there, but are not those that the policy and the open sessions come to. */
#include <errno.h>
#include <string.h>

#include "enforce/live.h"
#include "command/doctor/doctor.h"

#define TOPIC "sessions"

/* The sessions of the user who is visited, which come before the manager. */
struct look {
	struct doctor *doctor;
	uid_t uid;
	size_t live; /* filtered sessions that were not closed */
	size_t old;  /* of these: with the filter of another text of the policy */
};

/* Whether a filter was made from the policy that is looked at: PAM lines may name several. */
static bool is_of_policy(const struct look *look, const struct bpfdev_info *info)
{
	const struct conf_paths *paths = &look->doctor->options.paths;

	return strncmp(info->policy, paths->main, sizeof(info->policy) - 1) == 0 &&
	       !!(info->flags & BPFDEV_CONF) == paths->main_required;
}

static void tell_old(struct look *look)
{
	const struct doctor_user *user =
		look->old ? doctor_user_of_uid(look->doctor, look->uid) : NULL;

	if (user) {
		doctor_find(look->doctor, DOCTOR_WARN, TOPIC, user->subject.name,
			    "%zu of %zu filtered session%s %s the rules of a policy that has "
			    "changed since",
			    look->old, look->live, look->live == 1 ? "" : "s",
			    look->old == 1 ? "has" : "have");
		doctor_advise(look->doctor, "bpfdev reload gives them those that count now");
	}
	look->live = look->old = 0;
}

static void look_at_session(struct look *look, const struct enforce_live *live)
{
	if (!live->known || (live->info.flags & BPFDEV_CLOSED) || !is_of_policy(look, &live->info))
		return;
	look->live++;
	look->old += live->info.policy_digest != look->doctor->conf->digest;
}

/* One that has no filter at all is a matter of the processes in it. */
static int look_at_manager(struct look *look, const struct enforce_live *live)
{
	const struct enforce_options options = {
		.conf = &look->doctor->options.paths,
		.devices = &device_source_system,
	};
	const struct doctor_user *user = doctor_user_of_uid(look->doctor, look->uid);
	struct enforce_live_base base = { .options = &options, .conf = look->doctor->conf };
	struct reason why = { "" };
	int ret;

	if (!user || !live->known || !is_of_policy(look, &live->info))
		return 0;
	base.subject = &user->subject;
	ret = enforce_live_compare(live->user, &base, &why);
	if (ret != ENFORCE_LIVE_STALE)
		return ret < 0 ? ret : 0;
	doctor_find(look->doctor, DOCTOR_NOTE, TOPIC, user->subject.name,
		    "the user manager has not the filter that the open sessions, or the policy, "
		    "come to");
	doctor_advise(look->doctor, "bpfdev reload brings it in line");
	return 0;
}

static int visit(const struct enforce_live *live, void *data)
{
	struct look *look = data;

	if (live->user->uid != look->uid)
		tell_old(look);
	look->uid = live->user->uid;
	if (live->role == BPFDEV_MANAGER)
		return look_at_manager(look, live);
	look_at_session(look, live);
	return 0;
}

void doctor_check_managers(struct doctor *doctor)
{
	struct look look = { .doctor = doctor, .uid = (uid_t)-1 };
	struct reason why = { "" };
	int ret;

	if (!doctor->root || !doctor->conf)
		return;
	ret = enforce_live_each(doctor->root, visit, &look, &why);
	tell_old(&look);
	if (ret == -ENOMEM) {
		doctor->error = ret;
	} else if (ret < 0) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "they cannot be looked at: %s",
			    why.text);
		doctor_advise(doctor, "mend that, and look again");
	}
}
