// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* How filters compare with what they should be. */
#include <errno.h>
#include <string.h>

#include "enforce/change.h"
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

static bool lends(const struct bpfdev_info *info)
{
	for (int i = 0; i < BPFDEV_EXCEPTIONS; i++)
		if (info->exceptions[i].access)
			return true;
	return false;
}

/*
 * Sets *@digest to that of the rules that the session's filter has from the policy, without what an
 * exception lends. Returns 1; 0: it has gone, or is another version's; a negative errno; with @why.
 */
static int digest_rules(struct machine_unit *unit, uint64_t *digest, struct reason *why)
{
	struct table *table = NULL, *rules = NULL;
	int ret;

	*digest = unit->info.table_digest;
	if (!lends(&unit->info))
		return 1;
	reason_set(why, "its filter has gone, or is another one by now");
	ret = machine_read_table(unit, &table, why);
	if (ret != 1)
		return ret < 0 ? ret : 0;
	if (xcheck(table_lend(table, NULL, 0, &rules, why)) < 0)
		ret = -EINVAL;
	else
		*digest = table_digest(rules);
	table_free(table);
	table_free(rules);
	return ret;
}

/* Whether what exceptions lend is still what they would lend beside @rules, which are the same. */
static bool lends_other(struct decider *decider, const struct machine_unit *unit,
			const struct table *rules)
{
	struct bpfdev_info now = unit->info;
	struct table *table = NULL;
	struct reason why;
	bool other;

	if (!lends(&unit->info) ||
	    xcheck(enforce_lend_again(decider, &now, rules, &table, &why)) != DECIDED)
		return false;
	other = table_digest(table) != unit->info.table_digest;
	table_free(table);
	return other;
}

/*
 * The same text may stand for something else by now: devices, drivers and groups come and go.
 * Returns the state, with unit->doubt.
 */
static enum machine_policy judge_names(struct machine *machine, struct machine_unit *unit)
{
	const uint32_t decided = BPFDEV_UNRESTRICTED | BPFDEV_AUDIT;
	struct bpfdev_info now = unit->info;
	struct table *table = NULL;
	uint64_t digest = 0;
	bool same;
	int ret = xcheck(decide_again(&machine->decider, &now, &table, &unit->doubt));

	if (ret == DECIDED_MISTAKES) {
		unit->mistakes = unit->doubt;
		unit->doubt = (struct reason) { "" };
		return MACHINE_POLICY_BROKEN;
	}
	if (ret != DECIDED)
		return MACHINE_POLICY_UNKNOWN;
	ret = digest_rules(unit, &digest, &unit->doubt);
	same = digest == table_digest(table) && !((now.flags ^ unit->info.flags) & decided);
	if (ret > 0 && same)
		unit->lends_other = lends_other(&machine->decider, unit, table);
	table_free(table);
	if (ret <= 0)
		return MACHINE_POLICY_UNKNOWN;
	unit->doubt = (struct reason) { "" };
	if (same)
		return MACHINE_POLICY_CURRENT;
	reason_set(&unit->doubt, "the text is the same, but names in it stand for something else "
				 "by now");
	return MACHINE_POLICY_CHANGED;
}

static void judge_session(struct machine *machine, struct machine_unit *unit)
{
	unit->policy = MACHINE_POLICY_UNKNOWN;
	unit->doubt = (struct reason) { "" };
	unit->lends_other = false;
	unit->conf = NULL;
	if (unit->known)
		find_policy(machine, unit);
	if (!unit->conf)
		return;
	if (*unit->mistakes.text)
		unit->policy = MACHINE_POLICY_BROKEN;
	else if (unit->conf->digest != unit->info.policy_digest)
		unit->policy = MACHINE_POLICY_CHANGED;
	else
		unit->policy = judge_names(machine, unit);
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
	unit->doubt = unit->mistakes;
	if (unit->conf && !*unit->mistakes.text)
		base.conf = unit->conf;
	strncpy(who.user, unit->user, sizeof(who.user) - 1);
	if (xcheck(decider_find_subject(decider, &who, &unit->doubt)) == DECIDED)
		base.subject = &decider->subject;
	unit->manager = xcheck(enforce_live_compare(&user, &base, why));
	if (base.conf && base.conf->error_count)
		conf_describe_mistakes(base.conf, &unit->doubt);
	unit->judged = base.subject && base.conf && !base.conf->error_count;
	if (unit->judged || unit->manager != ENFORCE_LIVE_BASE)
		unit->doubt = (struct reason) { "" };
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
