/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Who logs in from where, what the statements say of that, and the table that follows. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "device/device.h"
#include "base/reason.h"
#include "rules/rules.h"
#include "table/table.h"

/* The PAM service of the user manager's own session. */
#define POLICY_MANAGER_SERVICE "systemd-user"

/* A user as NSS knows them. */
struct policy_subject {
	char *name;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* all, the primary one too, and those of the aliases */
	int group_count;
	uid_t uid_min;	/* UID_MIN of login.defs: regular accounts begin here */
	char **aliases; /* other names of the same uid, as far as they can be found */
	size_t alias_count;
	bool local; /* the account is in the file of this machine */
};

/*
 * Which lines can name an account, beside those with its name or uid: a line for everybody must not
 * lock out root, nor system accounts.
 */
enum policy_account {
	POLICY_REGULAR,
	POLICY_ROOT,	/* no other */
	POLICY_SYSTEM,	/* uid below UID_MIN: no other */
	POLICY_GREETER, /* a user that GDM allocates for a login screen: no other */
	POLICY_NOBODY,	/* those for groups and ranges, but not for "*" */
};

enum policy_account policy_account_of(const struct policy_subject *subject);

enum policy_session_kind {
	POLICY_LOGIN, /* a session of its own */
	/*
	 * su, sudo, cron and the like. It belongs to no session, so that it could serve one of any
	 * kind: conditional deny lines apply, conditional lines of other verbs do not, unless they
	 * name its service.
	 */
	POLICY_JOB,
	POLICY_MANAGER, /* the user manager while no session is open: judged as a job is */
};

/* What PAM says of the session. Strings are never NULL: "" where there is nothing. */
struct policy_session {
	const char *service;
	const char *tty; /* without "/dev/" */
	const char *rhost;
	const char *ruser; /* PAM_RUSER: su, sudo and their like name who runs them; NULL is fine */
	enum policy_session_kind kind;
};

/* The user manager's: its service is systemd-user. */
extern const struct policy_session policy_manager_session;

enum policy_kind {
	POLICY_NONE,	     /* no line names the user: no filter */
	POLICY_UNRESTRICTED, /* lines name the user, but none allows, none counts: all is allowed */
	POLICY_RULES,
};

struct policy_result {
	enum policy_kind kind;
	struct table *table; /* NULL for POLICY_NONE; it carries the rules */
	uint32_t rule_count; /* device rules that count, the baseline not among them */
	bool audit;	     /* POLICY_RULES: what lines of some ranks would deny is allowed */
};

/* What a line of the policy is to one login. */
enum policy_standing {
	POLICY_OTHERS,	 /* it is not about the user */
	POLICY_EXEMPTED, /* an exempt line of its rank or of a higher one covers it */
	POLICY_UNMET,	 /* a condition does not hold */
	POLICY_COUNTS,
};

/* Conditions that do not hold. */
#define POLICY_UNMET_ORIGIN 0x1 /* local, remote */
#define POLICY_UNMET_SERVICE 0x2
#define POLICY_UNMET_TTY 0x4
#define POLICY_UNMET_SESSION 0x8 /* there is no session, so only service= can hold */

struct policy_line {
	enum policy_standing standing;
	enum table_rank rank; /* TABLE_BASELINE for POLICY_OTHERS */
	unsigned int unmet;   /* POLICY_UNMET_ORIGIN ...: all that do not hold, also if exempted */
};

/* What all lines are to one login. */
struct policy_survey {
	enum policy_kind kind;
	struct policy_line *lines; /* of conf->statements, in their order */
	enum table_rank
		exempt;	       /* lines of this rank and of lower ones do not count; exempt lines */
	enum table_rank audit; /* what lines of this rank and of lower ones deny is allowed */
};

/*
 * Looks @name up through NSS, with all groups.
 * Returns 0; 1: there is no such user; or a negative errno: NSS or memory failed; both with @why.
 * Free with policy_subject_free().
 */
int policy_subject_load(const char *name, struct policy_subject *subject, struct reason *why);

void policy_subject_free(struct policy_subject *subject);

/*
 * Look a user, or a group, up by name. Return 1: the id is set; 0: there is none; or a negative
 * errno with @why.
 */
int policy_user_id(const char *name, uid_t *uid, struct reason *why);
int policy_group_id(const char *name, gid_t *gid, struct reason *why);

/* UID_MIN of login.defs, where regular accounts begin. Returns 0 or a negative errno with @why. */
int policy_uid_min(uid_t *uid_min, struct reason *why);

/*
 * The rank at which a line for @who is about the subject; TABLE_BASELINE: it is not. Groups by gid
 * only: none is looked up, so one by name is nobody's. A user's name that cannot be looked up is
 * nobody's either.
 */
enum table_rank policy_rank_by_id(const struct policy_subject *subject, const struct conf_who *who);

/*
 * Holds each statement of @conf (without errors) against @subject in @session. Devices are not
 * looked at.
 * Returns 0, or a negative errno with @why. Free: policy_survey_free().
 */
int policy_survey(const struct conf *conf, const struct policy_subject *subject,
		  const struct policy_session *session, struct policy_survey *survey,
		  struct reason *why);

void policy_survey_free(struct policy_survey *survey);

/*
 * Whether the mistakes of @conf are nothing to the subject: a system account, a login screen's
 * greeter for one, that no line names whose first field can be read. A mistake in what is written
 * for people must not keep those out. Not root, who is let in anyway, but not without a word.
 */
bool policy_spares(const struct conf *conf, const struct policy_subject *subject);

/*
 * Decides what the statements of @conf come to for @subject in @session. Mistakes are an error, but
 * for those whom policy_spares().
 * A mistake that only shows here (a device that stands for too many rules on this machine) is added
 * to @conf's errors.
 * Returns 0; -EINVAL: @conf has errors; another negative errno with @why. Free:
 * policy_result_free().
 */
int policy_decide(struct conf *conf, const struct device_source *devices,
		  const struct policy_subject *subject, const struct policy_session *session,
		  struct policy_result *result, struct reason *why);

/*
 * Appends what @device stands for on this machine, a class of @conf and the classes in it included.
 * Returns 0; -E2BIG with @why: it stands for too many rules; another negative errno with @why. What
 * was appended before a failure stays in @patterns. Free: device_patterns_free().
 */
int policy_resolve(const struct conf *conf, const struct device_source *devices,
		   const struct device_spec *device, struct device_patterns *patterns,
		   struct reason *why);

/*
 * The same for the rules of an allow or deny @statement: what is denied by the name of a driver that is
 * not there is also the majors that no driver has, any of which may become its own.
 */
int policy_resolve_statement(const struct conf *conf, const struct device_source *devices,
			     const struct conf_statement *statement,
			     struct device_patterns *patterns, struct reason *why);

/*
 * Appends to @rules what @line says, for @device: a class of @conf as each of its devices. What they
 * stand for is not looked up. Returns 0 or -ENOMEM with @why.
 */
int policy_add_device(const struct conf *conf, const struct device_spec *device,
		      const struct rules_line *line, struct rules *rules, struct reason *why);

/* Where the rules of a statement come from, as the entries of a table say it. */
uint32_t policy_source(const struct conf_statement *statement);

/*
 * The place of the line that @source (of a table that was made from @conf) is of, as "FILE:LINE"
 * cut to fit into @out (@size bytes). Returns false, and @out is "": it is of no line.
 */
bool policy_place(const struct conf *conf, uint32_t source, char *out, size_t size);

/* Nothing but what every shell needs: for a manager whose policy cannot be read. 0 or -ENOMEM. */
int policy_baseline(struct table **table);

void policy_result_free(struct policy_result *result);

#endif
