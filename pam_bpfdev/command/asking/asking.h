/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* For whom explain and rules ask: a user, and a login that could be. */
#ifndef ASKING_H
#define ASKING_H

#include <argp.h>
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

/*
 * --service, --tty, --remote, --local, --su and --manager, as a child of an argp parser: give it a
 * struct asking as its input.
 */
extern const struct argp asking_argp;

/* Whether any of these options was given. */
bool asking_is_told(const struct asking *asking);

/* The same login from the other side: remote if it is local, and the reverse. */
struct asking asking_turned(const struct asking *asking);

/* What PAM would say of the login; where no option says it, as sshd or login would have it. */
struct policy_session asking_session(const struct asking *asking);

/* "as a remote login by service sshd on tty ssh". @out: @size bytes. Returns @out. */
char *asking_describe(const struct asking *asking, char *out, size_t size);

#define ASKING_ASSUMED_SIZE 32

/*
 * What of the login no option said: "origin, service, tty". @out: ASKING_ASSUMED_SIZE bytes.
 * Returns @out.
 */
char *asking_assumed(const struct asking *asking, char *out);

/*
 * A JSON object: "kind" ("login", "job", "manager"), "remote" (boolean), "service", "tty", "rhost"
 * (strings), "assumed" (array of what was not said: "origin", "service", "tty"). NULL: no memory.
 */
json_t *asking_json(const struct asking *asking);

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

#endif
