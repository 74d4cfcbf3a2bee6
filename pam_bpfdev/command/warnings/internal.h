/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that make up warnings. */
#ifndef WARNINGS_INTERNAL_H
#define WARNINGS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "table/table.h"
#include "command/base/lines.h"
#include "command/base/names.h"
#include "command/warnings/ranges.h"
#include "command/warnings/warnings.h"

/* A name of the policy in a message: cut, and escaped. */
#define QUOTE(word) reason_quote((char[80]) { 0 }, 80, word, strlen(word))

/* Whether a line's first field names anybody. */
enum name_state {
	NAME_KNOWN,
	NAME_MISSING, /* it names nobody, and that has been said */
	NAME_UNKNOWN, /* it could not be looked up */
};

/* A statement under the users that it is about. */
struct warnings_line {
	struct conf_who
		who; /* a group that exists by its gid, a user that exists with uid as low */
	enum name_state state;
	uint32_t statement; /* index into conf->statements */
};

/* Those whom one or more lines are about, described in one way. */
struct warnings_who {
	const struct conf_who *who;
	enum name_state state;
	enum table_rank rank;
	const struct warnings_line *lines; /* in the order of reading */
	size_t count;
	bool allows, exempts; /* there is such a line */
	bool exempts_always;  /* there is one without conditions */
};

/* Those whos whose lines say one thing, by the accounts that they name. Free: reach_free(). */
struct reach {
	struct ranges uids, gids; /* of ranges */
	struct name_ids {
		uint32_t *items; /* sorted: the uids of users by name */
		size_t count, capacity;
	} users;
	bool anyone;
	bool unknown_user, unknown_group; /* one that could not be looked up is among them */
	bool (*is_in)(const struct warnings_who *who); /* for those that are easily found */
};

/* An account, and what the lines say of it. */
struct warnings_subject {
	struct policy_subject subject;
	enum table_rank
		allowed; /* the highest rank of an allow line; TABLE_BASELINE: there is none */
	enum table_rank exempt,
		exempt_perhaps; /* the same of exempt lines; perhaps: if conditions hold */
};

struct pam_stack_names;

/* One search for warnings. */
struct warnings_run {
	const struct warnings_input *input;
	struct warnings *found;
	struct reason *why;
	struct warnings_line *lines; /* of all statements, by whom they are about */
	struct warnings_who *whos;   /* one of each */
	size_t who_count;
	struct ranges wide_uids, wide_gids;   /* that may hold other groups and ranges */
	const struct warnings_who **every;    /* of these: that hold all whom lines can name so */
	const struct warnings_who **covering; /* from warnings_cover(); room for all */
	size_t every_count;
	struct device_source
		certain; /* a machine of which only that is known which holds for all */
	bool has_reach;	 /* the next three are made when first needed */
	struct reach allowing, exempting, exempting_always;
	struct device_patterns *resolved; /* per statement, from warnings_resolve() */
	bool *is_resolved;
	struct table *baseline; /* made when first needed */
	bool *dead;		/* per statement: it never decides */
	uint32_t *denials; /* statements that deny something to "*"; listed when first needed */
	size_t denial_count;
	struct name_list users; /* listed when first needed */
	struct name_list groups;
	bool users_listed, groups_listed;
	bool lookup_failed;		   /* NSS did, so names are not asked for any more */
	struct warnings_subject *subjects; /* some regular accounts, loaded when first needed */
	size_t subject_count;
	bool subjects_loaded;
	const struct pam_stack_names *services; /* of PAM, while lines are held against them */
};

/* Adds a warning at @column of the statement's, or class's, line. */
void warnings_add(struct warnings_run *run, const struct conf_place *line, uint32_t column,
		  enum warning_kind kind, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

static inline const struct conf_statement *warnings_statement(const struct warnings_run *run,
							      uint32_t index)
{
	return &run->input->conf->statements[index];
}

/* "line 7", or "FILE:7" if that is another file than @here's. @out: LINES_PLACE_SIZE bytes. */
const char *warnings_place(const struct warnings_run *run, const struct conf_place *here,
			   uint32_t statement, char *out);

/* Fills run->lines and run->whos; looks names up on the way, and warns of those that are missing. */
void warnings_survey(struct warnings_run *run);

/*
 * Warns that NSS has failed, with @why, at the name of @line. A directory that is down says so once:
 * each further question may take its whole patience.
 */
void warnings_unknown(struct warnings_run *run, const struct warnings_line *line,
		      const struct reason *why);

/* Looks up the users or the group of @count lines that name the same, and sets their state. */
void warnings_look_up(struct warnings_run *run, struct warnings_line *lines, size_t count);

/*
 * Fills run->covering: all that name at least everybody whom @who names, at its rank or at a higher
 * one; @who itself first. Returns how many.
 */
size_t warnings_cover(struct warnings_run *run, const struct warnings_who *who);

/* The who that names exactly this uid, or user by name who could not be looked up; or NULL. */
const struct warnings_who *warnings_find_uid(const struct warnings_run *run, uint32_t uid);
const struct warnings_who *warnings_find_unknown(const struct warnings_run *run, const char *name);

/* Collects those for whom @is_in. */
void reach_make(struct reach *reach, const struct warnings_run *run,
		bool (*is_in)(const struct warnings_who *who));

/* The highest rank at which one of them names the subject; a group that could not be looked up may. */
enum table_rank reach_rank(const struct reach *reach, const struct warnings_run *run,
			   const struct policy_subject *subject);

/* Whether a user by name with this uid is among them. */
bool reach_has_user(const struct reach *reach, uint32_t uid);

void reach_free(struct reach *reach);

/*
 * What the statement's device stands for; the run's. What cannot be looked at has been said, and
 * stands for nothing.
 */
const struct device_patterns *warnings_resolve(struct warnings_run *run, uint32_t statement);

/* Whether a pattern is about all that the other is about. */
bool warnings_holds(const struct device_pattern *wide, const struct device_pattern *narrow);

/* Whether the class came with the system, from the folder of such. */
bool warnings_is_shipped(const struct warnings_run *run, const struct conf_class *class);

bool warnings_is_unconditional(const struct conf_statement *statement);

/* Whether @then is sure to count in every session in which @when does, if it is about the user. */
bool warnings_implies_in_session(const struct conf_statement *when,
				 const struct conf_statement *then);

/* The same, and also where there is no session: jobs of cron, the user manager. */
bool warnings_implies(const struct conf_statement *when, const struct conf_statement *then);

/* Fills run->users, once. */
void warnings_list_users(struct warnings_run *run);

/*
 * Each finds what its file is about. Those that return a number return 0, or a negative errno with
 * run->why.
 */
int warnings_of_devices(struct warnings_run *run); /* also -EINVAL: a mistake was added */
void warnings_of_who(struct warnings_run *run, struct warnings_who *who);
void warnings_of_shadows(struct warnings_run *run, struct warnings_who *who);
void warnings_of_only_deny(struct warnings_run *run, struct warnings_who *who);
void warnings_of_baseline(struct warnings_run *run, struct warnings_who *who);
void warnings_of_outranked(struct warnings_run *run, struct warnings_who *who);
void warnings_of_resets(struct warnings_run *run, struct warnings_who *who);
void warnings_of_unannounced(struct warnings_run *run, struct warnings_who *who);
void warnings_of_services(struct warnings_run *run);
void warnings_of_terminals(struct warnings_run *run);
void warnings_of_files(struct warnings_run *run);

#endif
