// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * bpfdev suggest: a policy from what was denied, or passed for audit only. Its options, and what the
 * filters in force have denied as a request of suggest.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/suggest/suggest.h"

static void take_who(void *data, const char *who, struct argp_state *state)
{
	struct suggestion *suggestion = data;
	struct reason why;

	if (!suggest_who_is_one(who, &why))
		argp_error(state, "--who=%s: %s", who, why.text);
	suggestion->who = who;
}

static const struct command_option suggest_options[] = {
	{ "who", 0, "WHO",
	  "whom the lines are to be for: a user, @group or what else the first field of a line may "
	  "be; if left out, each user who was denied something",
	  0, take_who },
	{ 0 },
};

static const struct command_set suggest_set = { suggest_options, 0, NULL };

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

/*
 * The lines can be for one policy only: the one that was asked for, the system's, or the only one
 * there is.
 */
static void choose_policy(struct suggestion *suggestion)
{
	const struct machine *machine = &suggestion->machine;

	if (suggestion->options.conf)
		return;
	for (size_t i = 0; i < machine->denial_count; i++)
		if (!machine->denials[i].copy && !has_own_policy(machine->denials[i].unit))
			return;
	if (machine->denial_count)
		suggestion->options.paths = conf_paths_of(machine->denials[0].unit->info.policy);
}

/* A path that fills its place in the filter was perhaps cut, and could be any file's. */
static bool is_of_policy(const struct suggestion *suggestion, const struct machine_unit *unit)
{
	const struct bpfdev_info *info = &unit->info;

	if (!has_own_policy(unit))
		return suggestion->options.paths.dropins;
	return !suggestion->options.paths.dropins &&
	       strcmp(info->policy, suggestion->options.paths.main) == 0 &&
	       strlen(info->policy) < sizeof(info->policy) - 1;
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
	if (policy_subject_load(unit->unit.user, subject, &why) != 0) {
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

	/* What somebody else's rules deny, no line for this user allows. */
	for (size_t i = 0; i < machine->denial_count; i++)
		if (!machine->denials[i].copy)
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

/* A line with its name cannot be tried on this machine now. */
static bool has_gone(const struct machine *machine, const struct filter_denial *denial, char *name)
{
	return names_gone(machine->names, denial->type, denial->major, denial->minor, denial->last,
			  name);
}

/* Once for each user and device, whatever was asked of it. */
static void tell_of_gone(const struct machine *machine, size_t i, const char *name)
{
	const struct denial *row = &machine->denials[i];
	char other[NAMES_BEST_SIZE];

	for (size_t j = 0; j < i; j++)
		if (machine->denials[j].unit->unit.uid == row->unit->unit.uid &&
		    has_gone(machine, machine->denials[j].denial, other) &&
		    strcmp(other, name) == 0)
			return;
	output_error(
		"%s, which %s was denied, is left out, as it has gone: plug it in and ask again, "
		"or name it in a line as it stands here",
		name, row->unit->unit.user);
}

static void find_uses(struct suggestion *suggestion, struct place *places)
{
	const struct machine *machine = &suggestion->machine;
	struct suggest_request *request = &suggestion->request;
	char name[NAMES_BEST_SIZE];

	for (size_t i = 0; i < machine->denial_count; i++) {
		const struct denial *row = &machine->denials[i];
		const struct filter_denial *denial = row->denial;
		const struct place *place = place_of(machine, places, row->unit);

		if (!place->denied || row->copy)
			continue;
		if (has_gone(machine, denial, name)) {
			tell_of_gone(machine, i, name);
			continue;
		}
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

/* Units with a filter of another version, whose denials cannot be read. */
static void tell_of_other_versions(const struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++) {
		const struct machine_unit *unit = &machine->units[i];

		if (unit->wanted && unit->filters && !unit->counted)
			output_error("%s of %s is left out: its filter was made by another version",
				     unit->unit.name, unit->unit.user);
	}
}

/*
 * Fills in what suggestion->request needs from suggestion->machine. What is left out, as its user or
 * its device has gone or its rules are of another policy, is said on standard error.
 */
static void make_request(struct suggestion *suggestion)
{
	const struct machine *machine = &suggestion->machine;
	struct suggest_request *request = &suggestion->request;
	struct suggest_login *logins = xcalloc(machine->unit_count + 1, sizeof(*logins));
	struct place *places = xcalloc(machine->unit_count + 1, sizeof(*places));

	request->devices = &device_source_system;
	request->names = machine->names;
	request->who = suggestion->who;
	request->logins = logins;
	request->users = xcalloc(machine->unit_count + 1, sizeof(*request->users));
	request->uses = xcalloc(machine->denial_count + 1, sizeof(*request->uses));
	suggestion->units = xcalloc(machine->unit_count + 1, sizeof(void *));
	find_users(suggestion, places);
	find_logins(suggestion, places, logins);
	find_uses(suggestion, places);
	tell_of_other_versions(machine);
	free(places);
}

static void free_request(struct suggestion *suggestion)
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

static enum command_exit suggest(struct suggestion *suggestion)
{
	struct machine *machine = &suggestion->machine;
	enum command_exit status;
	struct reason why;
	int ret = machine_open(machine, &why);

	if (ret == 0)
		ret = machine_look(machine, NULL, MACHINE_DENIALS, &why);
	if (xcheck(ret) < 0) {
		output_error("%s", why.text);
		return COMMAND_FAILED;
	}
	if (!machine_want(machine, suggestion->wanted, false))
		return COMMAND_NO;
	choose_policy(suggestion);
	status = command_load_policy(&suggestion->options, &suggestion->request.conf);
	if (status != COMMAND_YES)
		return status;
	make_request(suggestion);
	ret = suggest_make(&suggestion->request, &suggestion->suggest, &why);
	if (ret < 0) {
		output_error("%s", why.text);
		return ret == -EINVAL ? COMMAND_MISTAKES : COMMAND_FAILED;
	}
	ret = suggestion->options.output.json ? suggest_print_json(suggestion)
					      : suggest_print(suggestion);
	return ret < 0 ? COMMAND_FAILED : COMMAND_YES;
}

static int run(void *request)
{
	struct suggestion *suggestion = request;
	enum command_exit status;

	suggestion->wanted = suggestion->options.words[0];
	status = suggest(suggestion);
	suggest_free(&suggestion->suggest);
	free_request(suggestion);
	machine_close(&suggestion->machine);
	return status;
}

const struct command command_suggest = {
	.name = "suggest",
	.summary = "turn what was denied into lines of a policy",
	.arguments = "[USER|SESSION]",
	.doc = "Turns what was denied, or would have been but for audit, into lines of a policy that "
	       "allow it: to all who are logged in, or to USER (a name, uid or :uid), or in one "
	       "SESSION (3, session-3.scope, user@1000.service).\v"
	       "What is printed is a part of a policy, with comments on who used what, how often, and "
	       "what to think of. Read it before you use it: it allows what was tried, whether or not "
	       "that was right. What the policy as it is now allows is left out, so the lines can be "
	       "added to what was suggested before.\n\n"
	       "Exit status: 0, also if there is nothing to suggest; 1 there is no such user or "
	       "session, 2 the policy has mistakes, 3 it could not be found out.",
	.root = "the kernel shows its programs to nobody else",
	.words_max = 1,
	.sets = { { &suggest_set, 0 }, { &command_output_set, 0 }, { &command_conf_set, 0 } },
	.size = sizeof(struct suggestion),
	.run = run,
};
