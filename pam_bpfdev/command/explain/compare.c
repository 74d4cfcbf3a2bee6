// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a place would get if it were filtered now. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "enforce/manager.h"
#include "command/explain/places.h"

/* Whether the sources of a filter are lines of the policy as it is now. */
static bool is_of(const struct bpfdev_info *info, const struct conf *conf)
{
	return info->policy_digest == conf->digest;
}

static int survey(struct place *place, const struct policy_subject *subject)
{
	bool job = place->manager || place->info.flags & BPFDEV_NO_LOGIN;
	const struct policy_session session = { place->info.service, place->info.tty,
						place->info.rhost, "",
						job ? POLICY_JOB : POLICY_LOGIN };

	return policy_survey(place->conf, subject, &session, &place->survey, &place->why);
}

static int compare_session(struct place *place, struct again *again)
{
	struct bpfdev_info wanted = place->info;
	struct conf *conf;
	int ret = again_policy(again, &place->info, &conf, &place->why);

	if (ret < 0)
		return ret;
	place->changed = !is_of(&place->info, conf);
	place->named = !place->changed;
	ret = again_decide(again, &wanted, &place->files, &place->why);
	if (ret == 0) {
		place->conf = conf;
		ret = survey(place, &again->subject);
	}
	return ret;
}

/* Whether a line of the policy names the user is no matter of the session. */
static int compare_unfiltered(struct place *place, const struct policy_subject *subject,
			      struct again *again)
{
	struct conf *conf;
	int ret = again_policy(again, &place->info, &conf, &place->why);

	if (ret < 0)
		return ret;
	place->conf = conf;
	ret = survey(place, subject);
	if (ret == 0 && place->survey.kind != POLICY_NONE) {
		place->conf = NULL;
		reason_set(&place->why, "the files have lines for the user, which bpfdev reload "
					"--all puts in force");
	}
	return ret;
}

/* Whether all open sessions, which the manager's sources come from, have the policy as it is now. */
static bool are_of(const struct places *places, const struct conf *conf)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct place *place = &places->items[i];

		if (!place->manager && place->table && !(place->info.flags & BPFDEV_CLOSED) &&
		    !is_of(&place->info, conf))
			return false;
	}
	return true;
}

/* What the manager would get with no session open. */
static int decide_base(struct place *place, struct conf *conf, const struct policy_subject *subject)
{
	struct policy_result result;
	int ret = policy_decide(conf, &device_source_system, subject, &policy_manager_session,
				&result, &place->why);

	place->files = result.table;
	place->named = place->files && table_digest(place->files) == place->info.table_digest;
	return ret;
}

static int compare_manager(const struct places *places, struct place *place,
			   const struct policy_subject *subject, struct again *again)
{
	struct conf *conf;
	int ret = again_policy(again, &place->info, &conf, &place->why);

	if (ret < 0)
		return ret;
	ret = enforce_manager_union(&places->user, &place->files, &place->why);
	place->united = ret > 0;
	if (ret > 0)
		place->named = are_of(places, conf);
	else if (ret == 0)
		ret = decide_base(place, conf, subject);
	if (ret < 0)
		return ret;
	place->conf = conf;
	return survey(place, subject);
}

int place_compare(const struct places *places, struct place *place,
		  const struct policy_subject *subject, struct again *again)
{
	int ret;

	if (place->error < 0)
		return 0;
	if (place->manager)
		ret = compare_manager(places, place, subject, again);
	else if (place->table)
		ret = compare_session(place, again);
	else
		ret = compare_unfiltered(place, subject, again);
	if (ret < 0)
		place->conf = NULL;
	return ret == -ENOMEM ? ret : 0;
}
