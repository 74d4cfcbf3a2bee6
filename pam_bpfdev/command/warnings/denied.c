// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Deny lines that deny more than was meant: users for whom some devices are denied and none is
 * allowed, who lose all but the baseline; and what every shell needs, as every line outranks the
 * baseline.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/base/memory.h"
#include "command/warnings/internal.h"
#include "command/warnings/keys.h"

/* So many accounts are asked for their groups, in search of an example. */
#define SUBJECTS_MAX 256

/* The first deny line that counts; NULL: there is none, or all devices are denied on purpose. */
static const struct conf_statement *find_deny(const struct warnings_run *run,
					      const struct warnings_who *who)
{
	const struct conf_statement *first = NULL;

	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement;
		const struct conf_statement *line = warnings_statement(run, statement);

		if (line->verb != CONF_DENY || run->dead[statement])
			continue;
		if (line->device.kind == DEVICE_ALL && line->access == BPFDEV_ACCESS)
			return NULL;
		if (!first)
			first = line;
	}
	return first;
}

enum relation { NOT_ABOUT, PERHAPS_ABOUT, ABOUT };

static bool allows(const struct warnings_who *who)
{
	return who->allows;
}

static bool exempts(const struct warnings_who *who)
{
	return who->exempts;
}

static bool exempts_always(const struct warnings_who *who)
{
	return who->exempts_always;
}

static void make_reach(struct warnings_run *run)
{
	if (run->has_reach)
		return;
	run->has_reach = true;
	reach_make(&run->allowing, run, allows);
	reach_make(&run->exempting, run, exempts);
	reach_make(&run->exempting_always, run, exempts_always);
}

/* Of allow lines to the user with this uid, whose groups are not known. */
static enum relation closest_to_uid(const struct warnings_run *run, uint32_t uid)
{
	const struct reach *allowing = &run->allowing;
	const struct warnings_who *exact = warnings_find_uid(run, uid);

	if ((allowing->anyone && uid >= run->input->accounts->uid_min) ||
	    (exact && exact->allows) || ranges_next(&allowing->uids, 0, uid, uid) != RANGES_NONE)
		return ABOUT;
	return allowing->unknown_user || allowing->unknown_group || allowing->gids.count ||
			       reach_has_user(allowing, uid)
		       ? PERHAPS_ABOUT
		       : NOT_ABOUT;
}

/*
 * Of allow lines to all of @who, a group, a range or "*". Lines for single users are about single ones of
 * them.
 */
static enum relation closest_to_many(struct warnings_run *run, const struct warnings_who *who)
{
	const struct reach *allowing = &run->allowing;
	size_t count = warnings_cover(run, who);
	bool meets;

	if (allowing->anyone)
		return ABOUT;
	for (size_t i = 0; i < count; i++)
		if (run->covering[i]->allows && run->covering[i]->state != NAME_MISSING)
			return ABOUT;
	meets = who->who->kind == CONF_UID_RANGE ? ranges_next(&allowing->uids, 0, who->who->high,
							       who->who->low) != RANGES_NONE
						 : allowing->uids.count != 0;
	return meets || allowing->gids.count || allowing->unknown_group ? PERHAPS_ABOUT : NOT_ABOUT;
}

/* The closest relation of any allow line to @who, who has none. */
static enum relation closest_allow(struct warnings_run *run, const struct warnings_who *who)
{
	make_reach(run);
	return who->rank == TABLE_USER ? closest_to_uid(run, who->who->low)
				       : closest_to_many(run, who);
}

/* Sets what the lines say of the subject. */
static void judge(struct warnings_run *run, struct warnings_subject *subject)
{
	make_reach(run);
	subject->allowed = reach_rank(&run->allowing, run, &subject->subject);
	subject->exempt = reach_rank(&run->exempting_always, run, &subject->subject);
	subject->exempt_perhaps = reach_rank(&run->exempting, run, &subject->subject);
}

/* Whether deny lines of @rank count for the subject, but no allow line does. */
static bool is_allowed_nothing(const struct warnings_subject *subject, enum table_rank rank)
{
	return subject->exempt < rank && subject->allowed <= subject->exempt;
}

static void load_subjects(struct warnings_run *run)
{
	const struct accounts *accounts = run->input->accounts;
	struct reason why;

	if (run->subjects_loaded)
		return;
	warnings_list_users(run);
	run->subjects_loaded = true;
	run->subjects = xcalloc(SUBJECTS_MAX, sizeof(*run->subjects));
	for (size_t i = 0; i < run->users.count && run->subject_count < SUBJECTS_MAX; i++) {
		const struct name_entry *user = &run->users.items[i];

		struct warnings_subject *next = &run->subjects[run->subject_count];

		/* Who cannot be looked up is an example less: they come and go. */
		if (user->id < accounts->uid_min ||
		    xcheck(accounts->subject(accounts, user->name, &next->subject, &why)) != 0)
			continue;
		judge(run, next);
		run->subject_count++;
	}
}

/* One of @who who is for sure allowed nothing, or NULL. */
static const struct policy_subject *find_example(struct warnings_run *run,
						 const struct warnings_who *who)
{
	load_subjects(run);
	for (size_t i = 0; i < run->subject_count; i++) {
		const struct warnings_subject *subject = &run->subjects[i];

		if (subject->exempt_perhaps < who->rank && is_allowed_nothing(subject, who->rank) &&
		    policy_rank_by_id(&subject->subject, who->who) != TABLE_BASELINE)
			return &subject->subject;
	}
	return NULL;
}

/* Of a user whose groups can be looked up: whether no line allows the user anything. */
static bool is_user_allowed_nothing(struct warnings_run *run, const struct warnings_who *who)
{
	const struct accounts *accounts = run->input->accounts;
	struct warnings_subject who_is;
	struct reason why;
	bool is;
	int ret;

	if (run->lookup_failed)
		return false;
	ret = xcheck(accounts->subject(accounts, who->who->name, &who_is.subject, &why));
	if (ret < 0)
		warnings_unknown(run, who->lines, &why);
	if (ret != 0)
		return false;
	judge(run, &who_is);
	is = is_allowed_nothing(&who_is, who->rank);
	policy_subject_free(&who_is.subject);
	return is;
}

static void warn_of_only_deny(struct warnings_run *run, const struct conf_statement *deny,
			      const char *example)
{
	const char *who = QUOTE(deny->text);

	if (!example)
		warnings_add(
			run, &deny->place, deny->place.column, WARNING_ONLY_DENY,
			"no line that counts for \"%s\" allows anything, so this denies "
			"everything but the baseline; expected also a line \"%s allow *\" before it if "
			"the rest is to be allowed",
			who, who);
	else
		warnings_add(run, &deny->place, deny->place.column, WARNING_ONLY_DENY,
			     "no line that counts for %s, who is among \"%s\", allows anything, so "
			     "this denies everything but the baseline there; expected also a line "
			     "\"%s allow *\" before it if the rest is to be allowed",
			     QUOTE(example), who, who);
}

void warnings_of_only_deny(struct warnings_run *run, struct warnings_who *who)
{
	const struct conf_statement *deny = find_deny(run, who);
	const struct policy_subject *example;
	enum relation closest;

	/* Lines that name nobody are warned of already. */
	if (!deny || who->allows || (who->who->name && who->state != NAME_KNOWN))
		return;
	if (who->who->kind == CONF_USER) {
		if (is_user_allowed_nothing(run, who))
			warn_of_only_deny(run, deny, NULL);
		return;
	}
	closest = closest_allow(run, who);
	if (closest == NOT_ABOUT)
		warn_of_only_deny(run, deny, NULL);
	else if (closest == PERHAPS_ABOUT && (example = find_example(run, who)))
		warn_of_only_deny(run, deny, example->name);
}

/* How people know the devices of the baseline. Not here: what only systemd needs. */
static const struct {
	uint32_t major, minor;
	const char *name, *numbers;
} known[] = {
	{ 1, 3, "/dev/null", "c 1:3" },	   { 1, 5, "/dev/zero", "c 1:5" },
	{ 1, 7, "/dev/full", "c 1:7" },	   { 1, 8, "/dev/random", "c 1:8" },
	{ 1, 9, "/dev/urandom", "c 1:9" }, { 5, 0, "/dev/tty", "c 5:0" },
	{ 5, 2, "/dev/ptmx", "c 5:2" },	   { 136, BPFDEV_ANY, "/dev/pts/*", "c 136:*" },
};

#define KNOWN (sizeof(known) / sizeof(known[0]))

/* The allow lines for all whom a deny line is about, by what they allow and by their conditions. */
struct givers {
	struct giver {
		const struct warnings_who *by;
		uint32_t statement;
		struct device_pattern pattern;
	} * items;
	size_t count, capacity;
	struct chains chains;
};

/* A deny line and what it takes of the baseline. */
struct denial {
	struct warnings_run *run;
	const struct warnings_who *who;
	const struct conf_statement *line;
	uint32_t statement;
	struct givers *givers;
	bool taken[KNOWN];
};

static bool meets(uint32_t a, uint32_t b)
{
	return a == b || a == BPFDEV_ANY || b == BPFDEV_ANY;
}

bool warnings_holds(const struct device_pattern *wide, const struct device_pattern *narrow)
{
	return wide->type == narrow->type &&
	       (wide->major == BPFDEV_ANY || wide->major == narrow->major) &&
	       (wide->minor == BPFDEV_ANY || wide->minor == narrow->minor);
}

const struct device_patterns *warnings_resolve(struct warnings_run *run, uint32_t statement)
{
	struct device_patterns *patterns = &run->resolved[statement];
	const struct warnings_input *input = run->input;

	if (!run->is_resolved[statement] &&
	    xcheck(policy_resolve(input->conf, input->devices,
				  &warnings_statement(run, statement)->device, patterns,
				  run->why)) < 0)
		device_patterns_free(patterns);
	run->is_resolved[statement] = true;
	return patterns;
}

/* The same pattern in all ways to write it. */
static uint64_t key_of(uint32_t major, uint32_t minor)
{
	return warnings_key_of_pattern(
		&(struct device_pattern) { BPFDEV_CHAR, major, minor, false });
}

static void add_giver(struct givers *givers, struct warnings_run *run,
		      const struct warnings_who *by, uint32_t statement)
{
	const struct conf_statement *line = warnings_statement(run, statement);
	const struct device_patterns *patterns = warnings_resolve(run, statement);

	for (size_t i = 0; i < patterns->count; i++) {
		const struct device_pattern *pattern = &patterns->items[i];

		if (pattern->type != BPFDEV_CHAR)
			continue;
		*xappend(givers) = (struct giver) { by, statement, *pattern };
		chains_add(&givers->chains,
			   warnings_key_of_conditions(key_of(pattern->major, pattern->minor),
						      &line->when));
	}
}

static void find_givers(struct givers *givers, struct warnings_run *run,
			const struct warnings_who *who)
{
	size_t count = warnings_cover(run, who);

	for (size_t c = 0; c < count; c++) {
		const struct warnings_who *by = run->covering[c];

		for (size_t i = 0; i < by->count; i++) {
			uint32_t statement = by->lines[i].statement;

			if (warnings_statement(run, statement)->verb == CONF_ALLOW &&
			    !run->dead[statement])
				add_giver(givers, run, by, statement);
		}
	}
}

/* The bits of the devices @region, which @pattern of the line denies, that an allow line gives
 * back. */
static uint32_t bits_given_back(const struct denial *denial, const struct device_pattern *pattern,
				const struct device_pattern *region, const struct giver *giver)
{
	const struct conf_statement *line = warnings_statement(denial->run, giver->statement);
	const struct table_rule denied = { .device = *pattern, .rank = (uint8_t)denial->who->rank };
	const struct table_rule allowed = { .device = giver->pattern,
					    .rank = (uint8_t)giver->by->rank };
	enum table_advantage advantage;

	if (!warnings_holds(&giver->pattern, region) ||
	    !warnings_implies_in_session(denial->line, line) ||
	    table_compare_rules(&allowed, giver->statement, &denied, denial->statement,
				&advantage) <= 0)
		return 0;
	return line->access;
}

/* Whether some of the bits stay denied. */
static bool is_lost(const struct denial *denial, const struct device_pattern *pattern,
		    const struct device_pattern *region, uint32_t access)
{
	const uint32_t majors[] = { region->major, BPFDEV_ANY };
	const uint32_t minors[] = { region->minor, BPFDEV_ANY };
	struct chains *chains = &denial->givers->chains;
	uint32_t back = 0;
	size_t item;

	chains_walk(chains);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < (region->minor == BPFDEV_ANY ? 1 : 2); j++)
			warnings_walk_conditions(chains, key_of(majors[i], minors[j]),
						 &denial->line->when);
	while ((access & ~back) && chains_take(chains, &item))
		back |= bits_given_back(denial, pattern, region, &denial->givers->items[item]);
	return access & ~back;
}

/* One device of the baseline against one rule of the line. */
static void hold_against(struct denial *denial, size_t which, const struct device_pattern *pattern)
{
	struct device_pattern region = { BPFDEV_CHAR, known[which].major, known[which].minor,
					 false };
	uint32_t access = denial->line->access & (BPFDEV_READ | BPFDEV_WRITE);

	if (denial->taken[which] || pattern->type != region.type ||
	    !meets(pattern->major, region.major) || !meets(pattern->minor, region.minor))
		return;
	if (region.minor == BPFDEV_ANY)
		region.minor = pattern->minor;
	denial->taken[which] = is_lost(denial, pattern, &region, access);
}

static void warn_of_baseline(const struct denial *denial)
{
	const struct conf_place *here = &denial->line->place;
	size_t count = 0, first = KNOWN, used = 0;
	char list[128] = "", more[32] = "";

	for (size_t i = 0; i < KNOWN; i++) {
		if (!denial->taken[i])
			continue;
		if (first == KNOWN)
			first = i;
		if (count++ < 3)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
						 used ? ", " : "", known[i].name);
	}
	if (count == 0)
		return;
	if (count > 3)
		snprintf(more, sizeof(more), " and %zu more", count - 3);
	warnings_add(denial->run, here, denial->line->device.column, WARNING_BASELINE,
		     "this denies %s%s, which every shell needs; expected also a line \"%s "
		     "allow %s rw\"%s, or not to deny it: what no line allows is denied anyway",
		     list, more, QUOTE(denial->line->text), known[first].numbers,
		     count > 1 ? " and the like" : "");
}

static void look_at(struct denial *denial)
{
	const struct device_patterns *patterns = warnings_resolve(denial->run, denial->statement);

	for (size_t k = 0; k < KNOWN; k++) {
		uint32_t minor = known[k].minor == BPFDEV_ANY ? 0 : known[k].minor;

		if (table_refused(denial->run->baseline, BPFDEV_CHAR, known[k].major, minor,
				  BPFDEV_READ | BPFDEV_WRITE))
			continue;
		for (size_t i = 0; i < patterns->count; i++)
			hold_against(denial, k, &patterns->items[i]);
	}
	warn_of_baseline(denial);
}

void warnings_of_baseline(struct warnings_run *run, struct warnings_who *who)
{
	struct givers givers = { .count = 0 };
	bool found = false;

	if (!run->baseline)
		xcheck(policy_baseline(&run->baseline));
	for (size_t i = 0; i < who->count; i++) {
		struct denial denial = { .run = run, .who = who, .givers = &givers };

		denial.statement = who->lines[i].statement;
		denial.line = warnings_statement(run, denial.statement);
		if (denial.line->verb != CONF_DENY || run->dead[denial.statement] ||
		    who->state == NAME_MISSING)
			continue;
		if (!found)
			find_givers(&givers, run, who);
		found = true;
		look_at(&denial);
	}
	free(givers.items);
	chains_free(&givers.chains);
}
