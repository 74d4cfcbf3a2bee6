// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/suggest/collect.h"

/* What becomes of a unit of the denials. */
struct place {
	bool denied;  /* something was denied there that is to be looked at */
	size_t login; /* in the request, if it is there */
};

static struct place *place_of(const struct machine *machine, struct place *places,
			      const struct machine_unit *unit)
{
	return &places[unit - machine->units];
}

static bool has_own_policy(const struct machine_unit *unit)
{
	return unit->info.flags & BPFDEV_CONF;
}

/* The lines can be for one policy only: what was asked for, the system's, or the only one. */
static void choose_policy(struct suggestion *suggestion)
{
	const struct machine *machine = &suggestion->machine;

	suggestion->paths = suggestion->options.paths;
	if (suggestion->options.conf)
		return;
	for (size_t i = 0; i < machine->denial_count; i++)
		if (!has_own_policy(machine->denials[i].unit))
			return;
	if (machine->denial_count)
		suggestion->paths = conf_paths_of(machine->denials[0].unit->info.policy);
}

/* A path that was cut to fit could be any file's. */
static bool is_of_policy(const struct suggestion *suggestion, const struct machine_unit *unit)
{
	const struct bpfdev_info *info = &unit->info;

	if (!has_own_policy(unit))
		return suggestion->paths.dropins;
	return !suggestion->paths.dropins && strcmp(info->policy, suggestion->paths.main) == 0 &&
	       strlen(info->policy) < sizeof(info->policy) - 1;
}

static int load_policy(struct suggestion *suggestion)
{
	struct command_options options = suggestion->options;

	choose_policy(suggestion);
	options.paths = suggestion->paths;
	return command_load_policy(&options, &suggestion->request.conf);
}

/* Adds the user to the request. Returns false, having said so: there is none of that name and uid. */
static bool add_user(struct suggestion *suggestion, const struct machine_unit *unit)
{
	struct suggest_request *request = &suggestion->request;
	struct policy_subject *subject = &request->users[request->user_count].subject;
	struct reason why;

	for (size_t i = 0; i < request->user_count; i++) {
		const char *name = request->users[i].subject.name;

		if (name && strcmp(name, unit->unit.user) == 0)
			return true;
	}
	if (policy_subject_load(unit->unit.user, subject, &why) < 0) {
		output_error("%s is left out: %s", unit->unit.name, why.text);
		return false;
	}
	if (subject->uid == unit->unit.uid) {
		request->user_count++;
		return true;
	}
	output_error("%s is left out: user \"%s\" had uid %u when it was opened, and now has %u",
		     unit->unit.name, unit->unit.user, unit->unit.uid, subject->uid);
	policy_subject_free(subject);
	return false;
}

/* Those in whose sessions something was denied. */
static void find_users(struct suggestion *suggestion, struct place *places)
{
	const struct machine *machine = &suggestion->machine;

	for (size_t i = 0; i < machine->denial_count; i++)
		place_of(machine, places, machine->denials[i].unit)->denied = true;
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (!places[i].denied)
			continue;
		places[i].denied = is_of_policy(suggestion, unit);
		if (!places[i].denied)
			output_error("%s of %s is left out: its rules are from %s", unit->unit.name,
				     unit->unit.user, unit->info.policy);
		else
			places[i].denied = add_user(suggestion, unit);
		if (places[i].denied)
			suggestion->units[suggestion->unit_count++] = unit;
	}
}

static enum policy_session_kind kind_of(const struct machine_unit *unit)
{
	if (unit->unit.role == BPFDEV_MANAGER)
		return POLICY_MANAGER;
	return unit->info.flags & BPFDEV_NO_LOGIN ? POLICY_JOB : POLICY_LOGIN;
}

static void add_login(struct suggestion *suggestion, struct suggest_login *logins,
		      const struct machine_unit *unit, size_t user)
{
	const struct bpfdev_info *info = &unit->info;

	logins[suggestion->request.login_count++] = (struct suggest_login) {
		.user = user,
		.session = { info->service, info->tty, info->rhost, "", kind_of(unit) },
	};
}

/* All sessions of these users: what a manager may do depends on those without denials, too. */
static void find_logins(struct suggestion *suggestion, struct place *places,
			struct suggest_login *logins)
{
	const struct machine *machine = &suggestion->machine;
	const struct suggest_request *request = &suggestion->request;

	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];
		size_t user = 0;

		if (!unit->counted || !is_of_policy(suggestion, unit))
			continue;
		while (user < request->user_count &&
		       request->users[user].subject.uid != unit->unit.uid)
			user++;
		if (user == request->user_count)
			continue;
		places[i].login = request->login_count;
		add_login(suggestion, logins, unit, user);
	}
}

static void find_uses(struct suggestion *suggestion, struct place *places)
{
	const struct machine *machine = &suggestion->machine;
	struct suggest_request *request = &suggestion->request;

	for (size_t i = 0; i < machine->denial_count; i++) {
		const struct denial *row = &machine->denials[i];
		const struct filter_denial *denial = row->denial;
		const struct place *place = place_of(machine, places, row->unit);

		if (!place->denied)
			continue;
		request->uses[request->use_count++] = (struct suggest_use) {
			.login = place->login,
			.device = { denial->type, denial->major, denial->minor },
			.access = denial->refused | denial->audited,
			.count = denial->count,
			.last = row->last / 1000000000,
			.comm = denial->comm,
		};
	}
}

/* They may have denied something that nobody knows. */
static void tell_of_other_versions(const struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (unit->wanted && unit->filters && !unit->counted)
			output_error("%s of %s is left out: its filter was made by another version",
				     unit->unit.name, unit->unit.user);
	}
}

static int collect(struct suggestion *suggestion)
{
	const struct machine *machine = &suggestion->machine;
	struct suggest_request *request = &suggestion->request;
	struct suggest_login *logins = calloc(machine->unit_count + 1, sizeof(*logins));
	struct place *places = calloc(machine->unit_count + 1, sizeof(*places));
	bool ready;

	request->logins = logins;
	request->users = calloc(machine->unit_count + 1, sizeof(*request->users));
	request->uses = calloc(machine->denial_count + 1, sizeof(*request->uses));
	suggestion->units = calloc(machine->unit_count + 1, sizeof(void *));
	ready = logins && places && request->users && request->uses && suggestion->units;
	if (ready) {
		find_users(suggestion, places);
		find_logins(suggestion, places, logins);
		find_uses(suggestion, places);
		tell_of_other_versions(machine);
	} else {
		output_error("out of memory");
	}
	free(places);
	return ready ? COMMAND_YES : COMMAND_FAILED;
}

int suggest_collect(struct suggestion *suggestion)
{
	int status = load_policy(suggestion);

	suggestion->request.devices = &device_source_system;
	suggestion->request.names = suggestion->machine.names;
	suggestion->request.who = suggestion->who;
	return status == COMMAND_YES ? collect(suggestion) : status;
}

void suggest_drop(struct suggestion *suggestion)
{
	struct suggest_request *request = &suggestion->request;

	for (size_t i = 0; i < request->user_count; i++)
		policy_subject_free(&request->users[i].subject);
	free(request->users);
	free((void *)request->logins);
	free(request->uses);
	free(suggestion->units);
	conf_free(request->conf);
}
