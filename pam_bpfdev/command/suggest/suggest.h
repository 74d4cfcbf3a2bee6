/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * From what was denied to lines of a policy that allow it (plan.c), and how these are shown.
 *
 * What a user was denied of a device is a wish. A policy can name the device in several ways, which
 * are the wish's ladder: by a class or a driver, by what it is, by a path, by its numbers. At first all wishes
 * take the first of theirs; the core is asked what the policy with these lines would decide; the
 * wishes that it does not grant take the next; and so on until each is granted or has nothing left.
 */
#ifndef SUGGEST_H
#define SUGGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "command/asking/asking.h"
#include "command/base/command.h"
#include "command/base/names.h"
#include "command/machine/denial.h"

/* A user in whose sessions something was denied. */
struct suggest_user {
	struct policy_subject subject;
	struct policy_survey survey; /* filled in here: for the ranks of the policy's lines */
};

/* A session, or manager, that the policy is asked about. The strings are another's. */
struct suggest_login {
	size_t user;
	struct policy_session session;
};

/* What one was denied of a device. */
struct suggest_use {
	size_t login;
	struct bpfdev_key device;
	uint32_t access; /* the bits that were denied, or would have been but for audit */
	uint64_t count;
	uint64_t last;	  /* seconds since the epoch */
	const char *comm; /* the process that was last: any bytes; "": not known */
};

struct suggest_request {
	struct conf *conf; /* without mistakes */
	const struct device_source *devices;
	struct names *names;
	struct suggest_user *users; /* their surveys are freed by suggest_free() */
	size_t user_count;
	const struct suggest_login *logins; /* of a user all, also those that were denied nothing */
	size_t login_count;
	struct suggest_use *uses; /* are put into another order */
	size_t use_count;
	const char *who; /* all lines are to be for; NULL: for those who were denied the device */
};

/* The first field of a line. */
struct suggest_who {
	char *text;
	struct conf *conf;	/* its one statement is "TEXT audit" */
	enum table_rank *ranks; /* for each user: that of a line for it; TABLE_BASELINE: none */
};

enum suggest_kind { SUGGEST_CLASS, SUGGEST_DRIVER, SUGGEST_USB, SUGGEST_PATH, SUGGEST_NUMBERS };

/* The second one: a device, or several. */
struct suggest_target {
	enum suggest_kind kind;
	char *text;
	struct device_spec spec; /* of @text */
	size_t devices; /* SUGGEST_CLASS, SUGGEST_DRIVER: for how many it stands on this machine */
};

#define SUGGEST_RUNGS 6

/* What one user, or with request->who all together, were denied of a device. */
struct suggest_wish {
	size_t who; /* that a line is to be for */
	struct bpfdev_key device;
	uint32_t access;
	size_t first_use, use_count;
	size_t ladder[SUGGEST_RUNGS], rungs; /* targets */
	size_t rung;			     /* on which it is to be granted */
	bool blocked;			     /* by nothing that can be written */
	uint32_t source; /* blocked: the line of the policy that is in the way; 0: there is none */
	size_t line;	 /* not blocked: the line that grants it */
};

/* "WHO allow TARGET ACCESS" */
struct suggest_line {
	size_t who, target;
	uint32_t access;
	uint32_t range;	     /* SUGGEST_NUMBERS: so many further minors */
	const char *warning; /* what is dangerous about it, or NULL */
};

struct suggest {
	struct suggest_request *request;
	struct policy_result *now; /* what the policy as it is comes to, for each login */
	struct suggest_who *whos;  /* request->who; or each user, at the same place */
	size_t who_count;
	struct suggest_target *targets;
	size_t target_count, target_capacity;
	struct suggest_wish *wishes; /* sorted by who, then device */
	size_t wish_count, allowed;  /* allowed: so many more, which the policy as it is allows */
	struct suggest_line *lines;  /* in the order in which they are printed */
	size_t line_count;
};

/*
 * Finds the lines. Returns 0; -EINVAL: the policy has a mistake that only shows here, or
 * request->who is none; another negative errno; each with @why. suggest_free() in any case.
 */
int suggest_make(struct suggest_request *request, struct suggest *suggest, struct reason *why);

void suggest_free(struct suggest *suggest);

/* Whether @text can be the first field of a line; if not, with @why. */
bool suggest_who_is_one(const char *text, struct reason *why);

#define SUGGEST_DEVICE_SIZE (NAMES_PATH_SIZE * 2)

/* The device of a line: "char-drm", "c 4:64-67". @out: SUGGEST_DEVICE_SIZE bytes. Returns @out. */
char *suggest_device(const struct suggest *suggest, const struct suggest_line *line, char *out);

/*
 * Whether a session of those users who are named by @who is free now, as no line counts in it, and
 * would have rules with an allow line for @who.
 */
bool suggest_restricts(const struct suggest *suggest, size_t who);

/*
 * Sets those of @denies, which has a place for each statement of the policy, whose lines deny what
 * @wish is about, or would but for audit.
 */
void suggest_deniers(const struct suggest *suggest, const struct suggest_wish *wish, bool *denies);

/* --- What bpfdev suggest shows --- */

#define SUGGEST_FILE_SIZE 512

/* What was asked for, and what came of it. */
struct suggestion {
	struct command_options options; /* paths: of the policy that the lines are for */
	const char *wanted, *who;	/* USER|SESSION, --who; or NULL */
	struct machine machine;
	const struct machine_unit **units; /* where something was denied, each once */
	size_t unit_count;
	struct suggest_request request;
	struct suggest suggest;
};

/* The file to put the lines into. @out: SUGGEST_FILE_SIZE bytes. Returns @out. */
char *suggest_file(const struct suggestion *suggestion, char *out);

/* Whether the line is one for audit that is about somebody who was denied something. */
bool suggest_is_audit(const struct suggestion *suggestion, size_t statement);

/* Whether the line denies what some of @wishes are about: for each statement. To be freed. */
bool *suggest_denying(const struct suggestion *suggestion, const struct suggest_wish *const *wishes,
		      size_t count);

/* How many devices @wishes are about, each counted once. */
size_t suggest_count_devices(const struct suggest_wish *const *wishes, size_t count);

/* Collects the wishes that @line grants in @wishes, which has room for all. Returns their number. */
size_t suggest_wishes_of(const struct suggestion *suggestion, const struct suggest_line *line,
			 const struct suggest_wish **wishes);

/* Each prints it on standard output and returns 0 or a negative errno, having said so. */
int suggest_print(const struct suggestion *suggestion);
int suggest_print_json(const struct suggestion *suggestion);

#endif
