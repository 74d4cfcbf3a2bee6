/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the checks of `bpfdev doctor` share: what they know of the machine, what they found. */
#ifndef DOCTOR_H
#define DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "base/reason.h"
#include "table/table.h"
#include "command/base/command.h"
#include "command/machine/machine.h"
#include "command/pam/stack.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_NOTE,	/* as it may be; worth knowing */
	DOCTOR_WARN,	/* lets nobody out by itself */
	DOCTOR_BLIND,	/* could not be looked at: a warning, and the exit status says so */
	DOCTOR_MISTAKE, /* of the policy */
	DOCTOR_BAD,	/* lets a user out of the rules, or nothing is enforced */
};

struct doctor_finding {
	enum doctor_level level;
	const char *topic; /* a word; static */
	char *subject;	   /* whom or what it is about; "": the machine */
	char *message;
	char *advice; /* what to do; NULL only if all is well */
};

struct doctor_findings {
	struct doctor_finding *items;
	size_t count, capacity;
};

/* A user, and what the policy comes to for whatever runs outside of any session of theirs. */
struct doctor_user {
	uid_t uid;
	struct policy_subject subject; /* name NULL: nobody has that uid */
	struct policy_result result;   /* POLICY_RULES: these are to be kept in */
};

struct doctor {
	struct command_options options; /* paths: in the end, of the policy that is looked at */
	bool quiet;
	char *left_alone;  /* what all PAM lines leave alone, see cgroups_fit(); NULL: nothing */
	char *conf_path;   /* what all PAM lines say as conf=; NULL: nothing, or different things */
	struct conf *conf; /* NULL: there is no policy that could be used */
	struct machine machine;	    /* root NULL: there is no cgroup2 */
	struct doctor_user **users; /* all who were asked for: see doctor_user_of_uid() */
	size_t user_count, user_capacity;
	pid_t sound_server; /* one that serves all users; 0: none was seen */
	struct doctor_findings findings;
};

/*
 * Adds a finding. @subject may be "". The message and the advice are sentences without a full stop;
 * findings that differ in the subject only are printed as one.
 */
void doctor_find(struct doctor *doctor, enum doctor_level level, const char *topic,
		 const char *subject, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* What to do about the finding that was added last. */
void doctor_advise(struct doctor *doctor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Processes of which the same is to be said: one finding, with one of them as the example. */
struct doctor_tally {
	enum doctor_level level;
	const char *topic, *advice; /* static */
	char *subject, *message;    /* the tally's own */
	size_t count;
	pid_t pid; /* the first one's */
	pid_t last;
	char comm[64];
};

struct doctor_tallies {
	struct doctor_tally *items;
	size_t count, capacity;
};

/*
 * Counts a process for the tally of that subject and message, which are copied. If it is the first,
 * the tally is like @like, of which level, topic, advice, pid and comm are set.
 */
void doctor_tally(struct doctor_tallies *tallies, const struct doctor_tally *like,
		  const char *subject, const char *message);

/* Adds the findings, and frees the tallies. */
void doctor_tell_tallies(struct doctor *doctor, struct doctor_tallies *tallies);

/* Prints what was found. Returns 0 or a negative errno. */
int doctor_print(const struct doctor *doctor);

/* Whether there is a finding of that level. */
bool doctor_has(const struct doctor *doctor, enum doctor_level level);

void doctor_findings_free(struct doctor_findings *findings);

/*
 * The user, looked up and decided upon at the first use. NULL: there is no usable policy or no such
 * user, or NSS failed, which was added to the findings. It stays until doctor_users_free().
 */
const struct doctor_user *doctor_user_of_uid(struct doctor *doctor, uid_t uid);
const struct doctor_user *doctor_user_of_name(struct doctor *doctor, const char *name);

/* Whether the policy restricts the user. NULL is fine: it does not. */
bool doctor_has_rules(const struct doctor_user *user);

void doctor_users_free(struct doctor *doctor);

#define DOCTOR_OUTPUT_MAX (256 * 1024)

/*
 * Runs the program @argv[0], a path, which answers within seconds or is ended. What it says goes to
 * @text (DOCTOR_OUTPUT_MAX bytes). Returns its exit status; -ETIMEDOUT or another negative errno.
 */
int doctor_run(char *const *argv, char *text);

/*
 * A path below /etc, read line by line: @line is called for each that is no comment, until it says
 * true. Returns whether it did; a file that is not there has no lines.
 */
bool doctor_read_lines(const char *path, bool (*line)(const char *text, void *data), void *data);

/* What a security module has denied, as the kernel's log tells of it, or auditd's. */
struct doctor_denials {
	const char *topic;
	const char *pattern; /* what journalctl is to show: "-gEXPRESSION" */
	const char *types;   /* what ausearch is to show */
	const char *begin;   /* of what a line says of a denial: what is before that is left out */
	bool (*is_ours)(const char *line);   /* of these lines: it is about us */
	bool (*is_change)(const char *line); /* of all: the policy was changed, which starts anew */
	size_t count;			     /* how many were found */
	char last[512];
};

/*
 * Fills count and last in. Returns true; or false: not all could be looked at, which a finding says, so
 * that there may be others.
 */
bool doctor_look_for_denials(struct doctor *doctor, struct doctor_denials *denials);

/* The checks, in the order in which they are made: later ones use what earlier ones set. */
void doctor_check_kernel(struct doctor *doctor); /* opens machine */
void doctor_check_log(struct doctor *doctor);
void doctor_check_pam(struct doctor *doctor); /* sets conf_path, left_alone */
void doctor_check_pam_below(struct doctor *doctor, const char *root); /* of the file system */
/* A part of that, of one service: whether who was put into a job stays there. */
void doctor_check_adopted(struct doctor *doctor, const char *root, const char *service,
			  const struct pam_stack *sessions);
void doctor_check_sshd(struct doctor *doctor);
void doctor_check_daemons(struct doctor *doctor);
void doctor_check_policy(struct doctor *doctor); /* sets conf and the paths */
void doctor_check_sockets(struct doctor *doctor);
void doctor_check_processes(struct doctor *doctor); /* looks at machine; sets sound_server */
void doctor_check_sessions(struct doctor *doctor);
void doctor_check_groups(struct doctor *doctor);
void doctor_check_pam_group(struct doctor *doctor);
void doctor_check_linger(struct doctor *doctor);
void doctor_check_udev(struct doctor *doctor);
void doctor_check_selinux(struct doctor *doctor);
void doctor_check_apparmor(struct doctor *doctor);
void doctor_check_brokers(struct doctor *doctor);
void doctor_check_services(struct doctor *doctor); /* a part of that */
void doctor_check_doas(struct doctor *doctor);	   /* another */
void doctor_check_polkit(struct doctor *doctor);   /* and so is this */

#endif
