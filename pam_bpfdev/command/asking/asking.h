/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* For whom explain and rules ask: a user, and a login that could be. */
#ifndef ASKING_H
#define ASKING_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"
#include "command/base/command.h"

/* What the options said. */
struct asking {
	enum policy_session_kind kind;
	bool local, remote;		   /* neither: not said, so local */
	const char *service, *tty, *rhost; /* NULL: not said */
};

/* --service, --tty, --remote, --local, --su and --manager, for a struct asking. */
extern const struct command_set asking_set;

/* Whether any of these options was given. */
bool asking_is_told(const struct asking *asking);

/* The same login from the other side: remote if it is local, and the reverse. */
struct asking asking_turned(const struct asking *asking);

/* A user and the policy. Zero to begin with; asking_close() frees it, also after a failure. */
struct asked {
	struct policy_subject subject;
	struct conf *conf;
	const struct device_source *devices; /* the system's */
};

/*
 * Looks the user up, if whoever runs this may ask about them (root, or themselves). Returns
 * COMMAND_YES, or COMMAND_FAILED having said why.
 */
int asking_find_user(const char *user, struct asked *asked);

/* Reads the policy. Returns as command_load_policy(). */
int asking_load(const struct command_options *options, struct asked *asked);

void asking_close(struct asked *asked);

/* What the policy says of a login. */
struct answer {
	struct policy_survey survey;
	struct policy_result result;
};

/* Returns COMMAND_YES with @answer (free: answer_free()), _MISTAKES or _FAILED having said why. */
int asking_decide(const struct asking *asking, struct asked *asked, struct answer *answer);

void answer_free(struct answer *answer);

/*
 * The first line that exempts, or audits (@verb), among those of the highest rank that do; NULL:
 * there is none.
 */
const struct conf_statement *asking_highest(const struct conf *conf,
					    const struct policy_survey *survey,
					    enum conf_verb verb);

/* Says that no line names the user, and whether that is for what kind of account it is. */
void asking_print_none(const struct asked *asked, const struct policy_survey *survey);

/* Of a user whom lines name: who asks, what exempts them, what is audited, their groups, account. */
void asking_print_head(const struct asking *asking, const struct asked *asked,
		       const struct policy_survey *survey);

/*
 * Sets "account" (enum policy_account: "regular", "root", "system", "greeter", "nobody"); "login"
 * (an object: "kind" ("login", "job", "manager"), "remote" (boolean), "service",
 * "tty", "rhost", and "assumed", an array of what no option said: "origin", "service", "tty");
 * "filter" ("none", "unrestricted", "rules"); "groups", an array of names; "exempt" and "audit"
 * (lines_json() or null).
 */
void asking_set_json(json_t *object, const struct asking *asking, const struct asked *asked,
		     const struct answer *answer);

#endif
