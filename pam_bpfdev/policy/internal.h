/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files that make up policy. */
#ifndef POLICY_INTERNAL_H
#define POLICY_INTERNAL_H

#include "base/lookup.h"
#include "policy/policy.h"

/* A policy may name one group, or user, in many lines; it is looked up once. */
struct policy_group {
	const char *name; /* NULL: it is named by its gid */
	gid_t gid;
	bool exists;
	bool lists_user; /* as a member */
};

struct policy_groups {
	struct policy_group *items;
	size_t count, capacity;
	struct lookup places; /* by name, or by the gid that a line has */
};

struct policy_names {
	struct policy_name {
		const char *name;
		bool is_subject;
	} * items;
	size_t count, capacity;
	struct lookup places; /* by name */
};

/* Everything that a statement is held against. Free: policy_question_end(). */
struct policy_question {
	const struct policy_subject *subject;
	const struct policy_session *session;
	struct policy_groups groups;
	struct policy_names names;
	bool by_id; /* the group database is not asked: lines that name a group are nobody's */
};

/* Frees what was looked up. */
void policy_question_end(struct policy_question *question);

/*
 * Looks a group up, by @group->name or, if that is NULL, by @group->gid, and sets the rest.
 * @subject: whose membership is to be seen. Returns 0, also if there is no such group, or a
 * negative errno with @why.
 */
int policy_group_look_up(struct policy_group *group, const struct policy_subject *subject,
			 struct reason *why);

/*
 * The rank at which @who names the subject.
 * Returns an enum table_rank, TABLE_BASELINE: it does not; or a negative errno with @why.
 */
int policy_rank(struct policy_question *question, const struct conf_who *who, struct reason *why);

/* The conditions of a statement that do not hold: POLICY_UNMET_ORIGIN ...; 0: it counts. */
unsigned int policy_unmet(const struct policy_question *question,
			  const struct conf_statement *statement);

/* Appends the rules of an allow or deny statement. Returns 0 or -ENOMEM with @why. */
int policy_add_rules(struct rules *rules, const struct conf *conf,
		     const struct conf_statement *statement, enum table_rank rank,
		     struct reason *why);

#endif
