/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "naive.h"

#include <fnmatch.h>
#include <pwd.h>
#include <string.h>

#define NOBODY 65534u
/* The login screen's greeters, made at run time (gdm). */
#define GREETER_LOW 60578u
#define GREETER_HIGH 60705u

static bool is_system_account(const struct policy_subject *subject)
{
	return subject->uid == 0 || subject->uid < subject->uid_min ||
	       (subject->uid >= GREETER_LOW && subject->uid <= GREETER_HIGH);
}

static bool in_gid_range(const struct policy_subject *subject, gid_t low, gid_t high)
{
	if (subject->gid >= low && subject->gid <= high)
		return true;
	for (int i = 0; i < subject->group_count; i++)
		if (subject->groups[i] >= low && subject->groups[i] <= high)
			return true;
	return false;
}

static bool in_group(const struct world *world, const struct policy_subject *subject,
		     const char *name)
{
	gid_t gid = world_gid(world, name);

	return gid != (gid_t)-1 && in_gid_range(subject, gid, gid);
}

/* The names of all policies are few, and this is asked at each request: each is looked up once. */
static bool is_name_of(const char *name, uid_t uid)
{
	static struct {
		char name[64];
		bool exists;
		uid_t uid;
	} known[64];
	size_t i = 0, count = sizeof(known) / sizeof(known[0]);
	const struct passwd *account;

	while (i < count && known[i].name[0] && strcmp(known[i].name, name) != 0)
		i++;
	if (i < count && known[i].name[0])
		return known[i].exists && known[i].uid == uid;
	account = getpwnam(name);
	if (i < count && strlen(name) < sizeof(known[i].name)) {
		strcpy(known[i].name, name);
		known[i].exists = account != NULL;
		known[i].uid = account ? account->pw_uid : 0;
	}
	return account && account->pw_uid == uid;
}

static bool names(const struct world *world, const struct conf_who *who,
		  const struct policy_subject *subject)
{
	if (who->kind == CONF_USER)
		return strcmp(who->name, subject->name) == 0 || is_name_of(who->name, subject->uid);
	if (who->kind == CONF_UID)
		return who->low == subject->uid;
	if (is_system_account(subject))
		return false;
	if (who->kind == CONF_GROUP)
		return in_group(world, subject, who->name);
	if (who->kind == CONF_GID_RANGE)
		return in_gid_range(subject, who->low, who->high);
	if (who->kind == CONF_UID_RANGE)
		return subject->uid >= who->low && subject->uid <= who->high;
	return subject->uid != NOBODY;
}

static enum table_rank rank_of(const struct conf_who *who)
{
	if (who->kind == CONF_USER || who->kind == CONF_UID)
		return TABLE_USER;
	return who->kind == CONF_ANYONE ? TABLE_ANYONE : TABLE_GROUP;
}

/* Whether one of the comma-separated globs matches; no globs, no condition. */
static bool globs_match(const char *globs, const char *value)
{
	char copy[256], *rest = copy, *glob;

	if (!globs)
		return true;
	strncpy(copy, globs, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = '\0';
	while ((glob = strsep(&rest, ",")))
		if (fnmatch(glob, value, 0) == 0)
			return true;
	return false;
}

static bool when_holds(const struct conf_when *when, const struct policy_session *session)
{
	if (when->origin == CONF_ORIGIN_LOCAL && *session->rhost)
		return false;
	if (when->origin == CONF_ORIGIN_REMOTE && !*session->rhost)
		return false;
	return globs_match(when->service, session->service) && globs_match(when->tty, session->tty);
}

static bool is_conditional(const struct conf_when *when)
{
	return when->origin != CONF_ORIGIN_ANY || when->service || when->tty;
}

/* The manager's own session is no login from anywhere: only its service can be named. */
static bool holds_for_manager(const struct conf_statement *statement)
{
	static const struct policy_session manager = { POLICY_MANAGER_SERVICE, "", "", "",
						       POLICY_LOGIN };

	if (!is_conditional(&statement->when) || statement->verb == CONF_DENY)
		return true;
	return statement->when.service && when_holds(&statement->when, &manager);
}

struct question {
	const struct world *world;
	const struct conf *conf;
	const struct policy_subject *subject;
	const struct policy_session *session;
	const struct naive_request *request;
};

static bool statement_names(const struct question *question, size_t i)
{
	return names(question->world, &question->conf->statements[i].who, question->subject);
}

/* Names the user, and its conditions hold. */
static bool applies(const struct question *question, size_t i)
{
	const struct conf_statement *statement = &question->conf->statements[i];

	if (!statement_names(question, i))
		return false;
	if (!question->session)
		return holds_for_manager(statement);
	return when_holds(&statement->when, question->session);
}

/* Whether an exempt line of this line's rank, or of a higher one, applies. */
static bool is_exempted(const struct question *question, size_t i)
{
	const struct conf_statement *statements = question->conf->statements;
	enum table_rank rank = rank_of(&statements[i].who);

	for (size_t j = 0; j < question->conf->statement_count; j++)
		if (statements[j].verb == CONF_EXEMPT && rank_of(&statements[j].who) >= rank &&
		    applies(question, j))
			return true;
	return false;
}

static bool counts(const struct question *question, size_t i)
{
	return question->conf->statements[i].verb != CONF_EXEMPT && applies(question, i) &&
	       !is_exempted(question, i);
}

/* What decides on one bit. */
struct decision {
	const struct conf_statement *rule;
	enum table_rank rank;
	enum naive_specificity specificity;
};

static struct decision decide_bit(const struct question *question, uint32_t bit)
{
	struct decision best = { NULL, TABLE_BASELINE, COVERS_NOT };

	for (size_t i = 0; i < question->conf->statement_count; i++) {
		const struct conf_statement *line = &question->conf->statements[i];
		struct decision one = { line, rank_of(&line->who), COVERS_NOT };

		if ((line->verb != CONF_ALLOW && line->verb != CONF_DENY) ||
		    !(line->access & bit) || !counts(question, i))
			continue;
		one.specificity = naive_covers(question->world, question->conf, &line->device,
					       line->verb == CONF_DENY, question->request);
		if (one.specificity == COVERS_NOT || one.rank < best.rank ||
		    (one.rank == best.rank && one.specificity < best.specificity))
			continue;
		best = one;
	}
	return best;
}

static bool baseline_allows(const struct naive_request *request, uint32_t bit)
{
	uint32_t major = request->major, minor = request->minor;

	if (bit == BPFDEV_MKNOD)
		return false;
	if (major == 0 && minor == 0)
		return true;
	if (request->type != BPFDEV_CHAR)
		return false;
	if (major == 1)
		return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9;
	if (major == 5)
		return minor == 0 || minor == 2;
	return major >= 136 && major <= 143;
}

/* Whether an audit line takes the force from denials by lines of @rank. */
static bool is_audited(const struct question *question, enum table_rank rank)
{
	for (size_t i = 0; i < question->conf->statement_count; i++) {
		const struct conf_statement *line = &question->conf->statements[i];

		if (line->verb == CONF_AUDIT && rank_of(&line->who) >= rank && counts(question, i))
			return true;
	}
	return false;
}

static uint32_t source_of(const struct conf_statement *line)
{
	return line ? (line->place.file + 1) << BPFDEV_SOURCE_LINE_BITS | line->place.line : 0;
}

static void answer_bit(const struct question *question, unsigned int number,
		       struct naive_answer *answer)
{
	uint32_t bit = 1u << number;
	struct decision decision = decide_bit(question, bit);

	answer->source[number] = source_of(decision.rule);
	if (decision.rule && decision.rule->verb == CONF_ALLOW)
		return;
	if (!decision.rule && baseline_allows(question->request, bit)) {
		answer->source[number] = BPFDEV_SOURCE_BASELINE;
		return;
	}
	if (is_audited(question, decision.rank))
		answer->audited |= bit;
	else
		answer->refused |= bit;
}

/*
 * Whether a line keeps its user from having everything: also an allow line whose conditions some
 * other session could meet. What is granted to some sessions only is not granted for nothing.
 */
static bool restricts(const struct question *question, size_t i)
{
	return counts(question, i) || (question->conf->statements[i].verb == CONF_ALLOW &&
				       statement_names(question, i) && !is_exempted(question, i));
}

static enum policy_kind kind_of(const struct question *question)
{
	enum policy_kind kind = POLICY_NONE;

	for (size_t i = 0; i < question->conf->statement_count; i++) {
		if (restricts(question, i))
			return POLICY_RULES;
		if (statement_names(question, i))
			kind = POLICY_UNRESTRICTED;
	}
	return kind;
}

struct naive_answer naive_decide(const struct world *world, const struct conf *conf,
				 const struct policy_subject *subject,
				 const struct policy_session *session,
				 const struct naive_request *request)
{
	struct question question = { world, conf, subject, session, request };
	struct naive_answer answer = { .kind = kind_of(&question) };

	if (answer.kind != POLICY_RULES)
		return answer;
	for (unsigned int number = 0; number < BPFDEV_BITS; number++)
		answer_bit(&question, number, &answer);
	answer.refused &= request->access;
	return answer;
}
