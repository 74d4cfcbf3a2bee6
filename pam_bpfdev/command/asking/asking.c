// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/asking/asking.h"
#include "command/base/json.h"

enum { OPTION_SERVICE = 0x300, OPTION_TTY, OPTION_REMOTE, OPTION_LOCAL, OPTION_SU, OPTION_MANAGER };

static const struct argp_option options[] = {
	{ "local", OPTION_LOCAL, NULL, 0,
	  "a login at the machine itself: no remote host (the "
	  "default)",
	  2 },
	{ "remote", OPTION_REMOTE, "HOST", OPTION_ARG_OPTIONAL, "a login over the network", 2 },
	{ "service", OPTION_SERVICE, "NAME", 0,
	  "the PAM service; login if left out, sshd with --remote, su with --su", 2 },
	{ "tty", OPTION_TTY, "NAME", 0, "the terminal; none if left out, ssh for service sshd", 2 },
	{ "su", OPTION_SU, NULL, 0,
	  "not a login but su, sudo, cron or the like, which make no session", 2 },
	{ "manager", OPTION_MANAGER, NULL, 0, "the user's systemd manager while no session is open",
	  2 },
	{ 0 },
};

/* Takes --service and so on. */
static void take_text(const char **place, const char *argument, const char *name,
		      struct argp_state *state)
{
	if (!*argument)
		argp_error(state, "--%s: expected a name", name);
	*place = argument;
}

static void check(const struct asking *asking, struct argp_state *state)
{
	if (asking->local && asking->remote)
		argp_error(state, "--local and --remote exclude each other");
	if (asking->kind == POLICY_MANAGER &&
	    (asking->local || asking->remote || asking->service || asking->tty))
		argp_error(state, "--manager is no login: no other option about one goes with it");
}

static void take_kind(struct asking *asking, enum policy_session_kind kind,
		      struct argp_state *state)
{
	if (asking->kind != POLICY_LOGIN && asking->kind != kind)
		argp_error(state, "--su and --manager exclude each other");
	asking->kind = kind;
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct asking *asking = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		*asking = (struct asking) { .kind = POLICY_LOGIN };
		return 0;
	case OPTION_SERVICE:
		take_text(&asking->service, argument, "service", state);
		return 0;
	case OPTION_TTY:
		take_text(&asking->tty, argument, "tty", state);
		/* As the module takes it from PAM. */
		if (strncmp(argument, "/dev/", 5) == 0)
			asking->tty += 5;
		return 0;
	case OPTION_REMOTE:
		asking->remote = true;
		if (argument)
			take_text(&asking->rhost, argument, "remote", state);
		return 0;
	case OPTION_LOCAL:
		asking->local = true;
		return 0;
	case OPTION_SU:
	case OPTION_MANAGER:
		take_kind(asking, key == OPTION_SU ? POLICY_JOB : POLICY_MANAGER, state);
		return 0;
	case ARGP_KEY_END:
		check(asking, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp asking_argp = { .options = options, .parser = parse };

bool asking_is_told(const struct asking *asking)
{
	return asking->kind != POLICY_LOGIN || asking->local || asking->remote || asking->service ||
	       asking->tty;
}

struct asking asking_turned(const struct asking *asking)
{
	struct asking turned = *asking;

	turned.remote = !asking->remote;
	turned.local = !turned.remote;
	turned.rhost = NULL;
	return turned;
}

static const char *service_of(const struct asking *asking)
{
	if (asking->service)
		return asking->service;
	if (asking->kind == POLICY_JOB)
		return "su";
	return asking->remote ? "sshd" : "login";
}

struct policy_session asking_session(const struct asking *asking)
{
	struct policy_session session = { service_of(asking), asking->tty, "", "", asking->kind };

	if (asking->kind == POLICY_MANAGER)
		return policy_manager_session;
	/* Conditions ask only whether there is a remote host. */
	if (asking->remote)
		session.rhost = asking->rhost ? asking->rhost : "remote";
	/* That is what sshd calls it before there is a terminal. */
	if (!session.tty)
		session.tty = strcmp(session.service, "sshd") == 0 ? "ssh" : "";
	return session;
}

char *asking_describe(const struct asking *asking, char *out, size_t size)
{
	struct policy_session session = asking_session(asking);

	if (asking->kind == POLICY_MANAGER)
		snprintf(out, size, "as the user's systemd manager while no session is open");
	else if (asking->kind == POLICY_JOB)
		snprintf(out, size, "by su, sudo or the like (service %s)", session.service);
	else
		snprintf(out, size, "as a %s login%s%s by service %s%s%s",
			 asking->remote ? "remote" : "local", asking->rhost ? " from " : "",
			 asking->rhost ? asking->rhost : "", session.service,
			 *session.tty ? " on tty " : " without a tty", session.tty);
	return out;
}

enum { ORIGIN, SERVICE, TTY, PARTS };

static const char *const parts[PARTS] = { "origin", "service", "tty" };

static bool is_assumed(const struct asking *asking, int part)
{
	if (asking->kind == POLICY_MANAGER)
		return false;
	if (part == SERVICE)
		return !asking->service;
	/* What makes no session comes from nowhere. */
	if (asking->kind == POLICY_JOB)
		return false;
	return part == TTY ? !asking->tty : !asking->local && !asking->remote;
}

char *asking_assumed(const struct asking *asking, char *out)
{
	int used = 0;

	*out = '\0';
	for (int part = 0; part < PARTS; part++)
		if (is_assumed(asking, part))
			used += snprintf(out + used, ASKING_ASSUMED_SIZE - (size_t)used, "%s%s",
					 used ? ", " : "", parts[part]);
	return out;
}

static json_t *assumed_json(const struct asking *asking)
{
	json_t *array = json_array();

	for (int part = 0; part < PARTS; part++)
		if (is_assumed(asking, part))
			json_build_append(&array, json_string(parts[part]));
	return array;
}

json_t *asking_json(const struct asking *asking)
{
	static const char *const kinds[] = { "login", "job", "manager" };
	struct policy_session session = asking_session(asking);

	return json_pack("{ss sb so so so so}", "kind", kinds[asking->kind], "remote",
			 asking->remote, "service", output_string(session.service), "tty",
			 output_string(session.tty), "rhost",
			 output_string(asking->rhost ? asking->rhost : ""), "assumed",
			 assumed_json(asking));
}
