// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The policies that filters were made from, and how filters compare with what they should be. */
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/machine/machine.h"

static void load(struct machine *machine, struct policy_files *files)
{
	struct conf_paths paths = files->by_conf ? conf_paths_of(files->path) : conf_paths_system;

	conf_free(files->conf);
	files->conf = NULL;
	xcheck(conf_load(&paths, &files->conf));
	files->look = machine->looks;
}

static struct policy_files *find(struct machine *machine, const char *path, bool by_conf)
{
	struct policy_files *files;

	for (size_t i = 0; i < machine->policy_count; i++) {
		files = machine->policies[i];
		if (files->by_conf == by_conf && strcmp(files->path, path) == 0)
			return files;
	}
	machine->policies = xgrow(machine->policies, machine->policy_count,
				  &machine->policy_capacity, sizeof(*machine->policies));
	files = xcalloc(1, sizeof(*files));
	machine->policies[machine->policy_count++] = files;
	files->by_conf = by_conf;
	strncpy(files->path, path, sizeof(files->path) - 1);
	load(machine, files);
	return files;
}

/* The files that a filter was made from. NULL: a path that was cut to fit could be any file's. */
static struct policy_files *find_of(struct machine *machine, const struct bpfdev_info *info)
{
	if (strlen(info->policy) == sizeof(info->policy) - 1)
		return NULL;
	return find(machine, info->policy, info->flags & BPFDEV_CONF);
}

const struct policy_files *machine_policy_at(struct machine *machine, const char *path,
					     bool by_conf)
{
	return find(machine, path, by_conf);
}

const struct conf *machine_policy_with(struct machine *machine, const struct bpfdev_info *info,
				       uint64_t digest)
{
	struct policy_files *files = find_of(machine, info);

	if (!files)
		return NULL;
	if (files->conf->digest != digest && files->look != machine->looks)
		load(machine, files);
	return files->conf->digest == digest ? files->conf : NULL;
}

static void judge_session(struct machine *machine, struct machine_unit *unit)
{
	unit->policy = MACHINE_POLICY_UNKNOWN;
	unit->files = unit->known ? find_of(machine, &unit->info) : NULL;
	if (!unit->files)
		return;
	if (unit->files->conf->error_count)
		unit->policy = MACHINE_POLICY_BROKEN;
	else if (unit->files->conf->digest == unit->info.policy_digest)
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
	const struct enforce_options options = { .conf = &conf_paths_system,
						 .devices = &device_source_system,
						 .lock_folder = SESSION_LOCK_FOLDER };
	const struct session user = { .uid = unit->unit.uid, .slice = unit->slice };
	struct enforce_live_base base = { .options = &options };
	struct policy_subject subject = { 0 };
	struct policy_files *files = unit->known ? find_of(machine, &unit->info)
						 : find(machine, conf_paths_system.main, false);

	unit->files = files;
	if (files && !files->conf->error_count)
		base.conf = files->conf;
	if (xcheck(policy_subject_load(unit->unit.user, &subject, NULL)) == 0 &&
	    subject.uid == unit->unit.uid)
		base.subject = &subject;
	unit->manager = xcheck(enforce_live_compare(&user, &base, why));
	policy_subject_free(&subject);
	unit->judged = base.subject && base.conf && !base.conf->error_count;
	/* A mistake that only this user's lines have is none of the others'. */
	if (base.conf && base.conf->error_count)
		load(machine, files);
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
