// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* How filters compare with what they should be. */
#include <string.h>

#include "command/base/memory.h"
#include "command/machine/machine.h"

/* Finds the policy that the unit's filter was made from; without one, that of the system. */
static void find_policy(struct machine *machine, struct machine_unit *unit)
{
	struct reason why = { "" };

	unit->mistakes = (struct reason) { "" };
	/* A path that was cut to fit could be any file's. */
	if (xcheck(decider_policy(&machine->decider, unit->known ? &unit->info : NULL, &unit->conf,
				  &why)) == DECIDED_MISTAKES)
		unit->mistakes = why;
}

static void judge_session(struct machine *machine, struct machine_unit *unit)
{
	unit->policy = MACHINE_POLICY_UNKNOWN;
	unit->conf = NULL;
	if (unit->known)
		find_policy(machine, unit);
	if (!unit->conf)
		return;
	if (*unit->mistakes.text)
		unit->policy = MACHINE_POLICY_BROKEN;
	else if (unit->conf->digest == unit->info.policy_digest)
		unit->policy = MACHINE_POLICY_CURRENT;
	else
		unit->policy = MACHINE_POLICY_CHANGED;
}

/* Without any filter there is nothing to fall short of. */
static bool is_free(const struct machine *machine, const struct machine_unit *manager)
{
	for (size_t i = 0; i < machine->unit_count; i++)
		if (machine->units[i].unit.uid == manager->unit.uid && machine->units[i].filters)
			return false;
	return true;
}

/* What the manager should have without sessions follows from the policy that made its filter. */
static int judge_manager(struct machine *machine, struct machine_unit *unit, struct reason *why)
{
	struct decider *decider = &machine->decider;
	const struct session user = { .uid = unit->unit.uid, .slice = unit->slice };
	struct enforce_live_base base = { .options = decider->options };
	struct bpfdev_info who = { .uid = unit->unit.uid };

	find_policy(machine, unit);
	if (unit->conf && !*unit->mistakes.text)
		base.conf = unit->conf;
	strncpy(who.user, unit->user, sizeof(who.user) - 1);
	if (xcheck(decider_find_subject(decider, &who, NULL)) == DECIDED)
		base.subject = &decider->subject;
	unit->manager = xcheck(enforce_live_compare(&user, &base, why));
	unit->judged = base.subject && base.conf && !base.conf->error_count;
	/* A mistake that only this user's lines have is none of the others'. */
	if (base.conf)
		conf_forget_errors(base.conf);
	return unit->manager < 0 ? unit->manager : 0;
}

int machine_judge(struct machine *machine, struct machine_unit *unit, struct reason *why)
{
	if (unit->unit.role == BPFDEV_MANAGER && !is_free(machine, unit))
		return judge_manager(machine, unit, why);
	if (unit->unit.role == BPFDEV_MANAGER)
		unit->manager = ENFORCE_LIVE_FREE;
	else
		judge_session(machine, unit);
	return 0;
}
