// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Whether there is a policy that can be used, what it comes to for users as they are met, and
 * whether what is in force is what it says.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enforce/change.h"
#include "command/base/memory.h"
#include "command/doctor/doctor.h"
#include "command/pam/stack.h"
#include "command/warnings/warnings.h"

#define TOPIC "policy"
#define SHOWN 5 /* mistakes: bpfdev check is for the others */
#define NSS_BUFFER (64 * 1024)
#define OVERDUE 60 /* seconds after which an exception should be gone, by any clock */
#define LINGER "/var/lib/systemd/linger" /* an empty file of each user's name: loginctl(1) */

static void tell_mistakes(struct doctor *doctor, const struct conf *conf)
{
	size_t shown = conf->error_count < SHOWN ? conf->error_count : SHOWN;
	struct reason what;

	for (size_t i = 0; i < shown; i++) {
		conf_describe_error(conf, &conf->errors[i], &what);
		doctor_find(doctor, DOCTOR_MISTAKE, TOPIC, "", "%s", what.text);
		doctor_advise(doctor, "mend it: until then regular users are refused");
	}
	if (conf->error_count == shown)
		return;
	doctor_find(doctor, DOCTOR_MISTAKE, TOPIC, "", "there are %zu more mistakes",
		    conf->error_count - shown);
	doctor_advise(doctor, "bpfdev check lists them all");
}

/* "PATH: WHAT; expected WHAT TO DO", as check says it, in two. */
static void tell_unread(struct doctor *doctor, const struct warning *warning)
{
	static const char between[] = "; expected ";
	const char *advice = strstr(warning->what.text, between);
	size_t length = advice ? (size_t)(advice - warning->what.text) : 0;

	doctor_find(doctor, DOCTOR_NOTE, TOPIC, "", "%s: %.*s", warning->path, (int)length,
		    warning->what.text);
	doctor_advise(doctor, "expected %s", advice ? advice + strlen(between) : "");
}

/* What bpfdev check would warn of. Mistakes that show only on this machine are added to @conf. */
static void count_warnings(struct doctor *doctor, struct conf *conf, const struct conf_paths *paths)
{
	struct warnings warnings = { 0 };
	struct accounts accounts;
	struct warnings_input input = { conf, &device_source_system, &accounts, paths->vendor, "",
					paths };
	struct reason why = { "" };
	size_t count = 0;
	int ret = accounts_system(&accounts, &why);

	if (ret == 0)
		ret = warnings_find(&input, &warnings, &why);
	if (xcheck(ret) < 0 && conf->error_count == 0) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "it cannot be looked through: %s",
			    why.text);
		doctor_advise(doctor, "mend that, and look again");
	}
	for (size_t i = 0; i < warnings.count; i++) {
		const struct warning *warning = &warnings.items[i];

		if (warning->kind != WARNING_UNREAD)
			count += warning->kind != WARNING_NO_RULES;
		else
			tell_unread(doctor, warning);
	}
	if (count) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "", "there %s %zu warning%s",
			    count == 1 ? "is" : "are", count, count == 1 ? "" : "s");
		doctor_advise(doctor, "bpfdev check%s%s says more", paths->dropins ? "" : " ",
			      paths->dropins ? "" : paths->main);
	}
	warnings_free(&warnings);
}

static void tell_lines(struct doctor *doctor, const struct conf *conf,
		       const struct conf_paths *paths)
{
	if (conf->statement_count) {
		doctor_find(doctor, DOCTOR_OK, TOPIC, "", "%zu line%s in %s%s, without mistakes",
			    conf->statement_count, conf->statement_count == 1 ? "" : "s",
			    paths->main, paths->dropins ? " and drop-ins" : "");
		return;
	}
	if (access(paths->main, F_OK) < 0)
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "",
			    "there is no %s, and no line names anybody: nobody is filtered",
			    paths->main);
	else
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "",
			    "no line names anybody: nobody is filtered");
	doctor_advise(doctor, "write the rules into %s; bpfdev.conf(5) says how", paths->main);
}

void doctor_check_policy(struct doctor *doctor)
{
	struct conf_paths *paths = &doctor->options.paths;
	struct conf *conf = NULL;

	if (!doctor->options.conf && doctor->conf_path)
		*paths = conf_paths_of(doctor->conf_path);
	paths->patient = false;
	xcheck(conf_load(paths, &conf));
	if (conf->error_count == 0)
		count_warnings(doctor, conf, paths);
	if (conf->error_count) {
		tell_mistakes(doctor, conf);
		conf_free(conf);
		return;
	}
	tell_lines(doctor, conf, paths);
	doctor->conf = conf;
}

static void decide_login(struct doctor *doctor, struct doctor_user *user, const char *name)
{
	struct reason why = { "" };
	int ret = policy_subject_load(name, &user->subject, &why);

	if (ret > 0)
		return;
	if (ret == 0) {
		user->uid = user->subject.uid;
		ret = policy_decide(doctor->conf, &device_source_system, &user->subject,
				    &policy_manager_session, &user->result, &why);
	}
	if (xcheck(ret) == 0)
		return;
	policy_result_free(&user->result);
	doctor_find(doctor, DOCTOR_BLIND, TOPIC, name, "what rules they have cannot be told: %s",
		    why.text);
	doctor_advise(doctor, "mend that: who has such rules cannot log in");
}

static struct doctor_user *add_user(struct doctor *doctor, uid_t uid)
{
	struct doctor_user *user = xcalloc(1, sizeof(*user));

	doctor->users = xgrow(doctor->users, doctor->user_count, &doctor->user_capacity,
			      sizeof(struct doctor_user *));
	user->uid = uid;
	return doctor->users[doctor->user_count++] = user;
}

/* Only users who exist are given out; of the others only is remembered that they do not. */
static const struct doctor_user *if_known(const struct doctor_user *user)
{
	return user->subject.name ? user : NULL;
}

const struct doctor_user *doctor_user_of_uid(struct doctor *doctor, uid_t uid)
{
	struct passwd entry, *found = NULL;
	struct doctor_user *user;
	char *buffer;

	if (!doctor->conf)
		return NULL;
	for (size_t i = 0; i < doctor->user_count; i++)
		if (doctor->users[i]->uid == uid)
			return if_known(doctor->users[i]);
	user = add_user(doctor, uid);
	buffer = xmalloc(NSS_BUFFER);
	getpwuid_r(uid, &entry, buffer, NSS_BUFFER, &found);
	if (found)
		decide_login(doctor, user, found->pw_name);
	/* Two names of one uid: the uid is what was asked for. */
	user->uid = uid;
	free(buffer);
	return if_known(user);
}

const struct doctor_user *doctor_user_of_name(struct doctor *doctor, const char *name)
{
	struct doctor_user *user;

	if (!doctor->conf)
		return NULL;
	for (size_t i = 0; i < doctor->user_count; i++) {
		const char *known = doctor->users[i]->subject.name;

		if (known && strcmp(known, name) == 0)
			return doctor->users[i];
	}
	user = add_user(doctor, (uid_t)-1);
	decide_login(doctor, user, name);
	return if_known(user);
}

bool doctor_has_rules(const struct doctor_user *user)
{
	return user && user->result.kind == POLICY_RULES;
}

void doctor_users_free(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->user_count; i++) {
		policy_subject_free(&doctor->users[i]->subject);
		policy_result_free(&doctor->users[i]->result);
		free(doctor->users[i]);
	}
	free(doctor->users);
	doctor->users = NULL;
	doctor->user_count = doctor->user_capacity = 0;
}

static bool names_groups(const struct conf *conf)
{
	for (size_t i = 0; i < conf->statement_count; i++)
		if (conf->statements[i].who.kind == CONF_GROUP ||
		    conf->statements[i].who.kind == CONF_GID_RANGE)
			return true;
	return false;
}

static bool is_directory(const char *source)
{
	static const char *const names[] = { "ldap",	"sss",	  "winbind", "nis",
					     "nisplus", "hesiod", "aad",     "himmelblau" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(source, names[i]) == 0)
			return true;
	return false;
}

/*
 * The C library tells that a directory was silent only if nothing is asked after it: see "Groups
 * from a directory" in bpfdev.conf(5).
 */
static bool look_at_sources(const char *line, void *data)
{
	static const char database[] = "group:";
	const char *at = line + strspn(line, " \t");
	struct doctor *doctor = data;
	char *copy, *rest, *word, silent[64] = "";
	bool in_action = false;

	if (strncmp(at, database, strlen(database)) != 0)
		return false;
	copy = rest = xstrdup(at + strlen(database));
	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		/* Of actions, "[NOTFOUND=return UNAVAIL=return]", this one matters. */
		in_action |= *word == '[';
		if (in_action) {
			if (strcasestr(word, "UNAVAIL=return"))
				*silent = '\0';
			in_action = !strchr(word, ']');
			continue;
		}
		if (*silent) {
			doctor_find(doctor, DOCTOR_WARN, TOPIC, silent,
				    "is not the last source of \"group:\" in /etc/nsswitch.conf: "
				    "when it does not answer nobody can tell, and its groups' "
				    "members log in without the rules of lines for groups");
			doctor_advise(doctor,
				      "write [UNAVAIL=return] behind %s there, or let it be the "
				      "last; bpfdev.conf(5) says why",
				      silent);
			*silent = '\0';
		}
		if (is_directory(word))
			snprintf(silent, sizeof(silent), "%s", word);
	}
	free(copy);
	return false;
}

void doctor_check_groups(struct doctor *doctor)
{
	if (doctor->conf && names_groups(doctor->conf))
		doctor_read_lines("/etc/nsswitch.conf", look_at_sources, doctor);
}

static bool is_line(const char *line, void *data)
{
	(void)line;
	(void)data;
	return true;
}

/* Groups that pam_group gives a login are in no database, so that the module cannot know them. */
void doctor_check_pam_group(struct doctor *doctor)
{
	struct pam_stack_names services = { 0 };
	bool used = false;

	if (!doctor->conf || !names_groups(doctor->conf) ||
	    !doctor_read_lines("/etc/security/group.conf", is_line, NULL))
		return;
	if (pam_stack_services("", &services) == 0) {
		for (size_t i = 0; i < services.count && !used; i++) {
			struct pam_stack stack;

			used = pam_stack_load("", services.items[i], "auth", &stack) == 0 &&
			       pam_stack_find(&stack, "pam_group.so", 0) < stack.count;
			pam_stack_free(&stack);
		}
	}
	pam_stack_names_free(&services);
	if (!used)
		return;
	doctor_find(
		doctor, DOCTOR_NOTE, TOPIC, "pam_group",
		"gives logins groups by /etc/security/group.conf: lines for groups do not count "
		"who is in one by that alone");
	doctor_advise(doctor, "name these users, or make them members of a group of /etc/group");
}

/* Whether a filter was made from the policy that is looked at: PAM lines may name several. */
static bool is_of_policy(const struct doctor *doctor, const struct machine_unit *unit)
{
	const struct conf_paths *paths = &doctor->options.paths;
	const struct bpfdev_info *info = &unit->info;

	return unit->known && strncmp(info->policy, paths->main, sizeof(info->policy) - 1) == 0 &&
	       !!(info->flags & BPFDEV_CONF) == paths->main_required;
}

/* Units of one user follow each other; the manager is the last. One without a filter is a matter of
 * the processes in it. */
static void look_at_manager(struct doctor *doctor, struct machine_unit *unit)
{
	const struct doctor_user *user = doctor_user_of_uid(doctor, unit->unit.uid);
	struct reason why = { "" };

	if (!user)
		return;
	if (machine_judge(&doctor->machine, unit, &why) < 0) {
		doctor_find(doctor, DOCTOR_BLIND, "sessions", user->subject.name,
			    "the user manager cannot be looked at: %s", why.text);
		doctor_advise(doctor, "mend that, and look again");
	} else if (unit->manager == ENFORCE_LIVE_STALE) {
		doctor_find(doctor, DOCTOR_NOTE, "sessions", user->subject.name,
			    "the user manager has not the filter that the open sessions, or the "
			    "policy, come to");
		doctor_advise(doctor, "bpfdev reload brings it in line");
	}
}

static void tell_old(struct doctor *doctor, uid_t uid, size_t old, size_t live)
{
	const struct doctor_user *user = old ? doctor_user_of_uid(doctor, uid) : NULL;

	if (!user)
		return;
	doctor_find(doctor, DOCTOR_WARN, "sessions", user->subject.name,
		    "%zu of %zu filtered session%s %s other rules than the policy gives by now",
		    old, live, live == 1 ? "" : "s", old == 1 ? "has" : "have");
	doctor_advise(doctor, "bpfdev reload gives them those that count now");
}

/* As status compares them: the same text may come to other rules by now. */
static bool is_old(struct doctor *doctor, struct machine_unit *unit)
{
	struct reason why;

	return machine_judge(&doctor->machine, unit, &why) == 0 &&
	       unit->policy == MACHINE_POLICY_CHANGED;
}

/* What lends them ends within seconds of its time. */
static void look_at_exceptions(struct doctor *doctor, const struct machine_unit *unit)
{
	uint64_t now = enforce_boottime();

	for (size_t i = 0; i < BPFDEV_EXCEPTIONS && unit->known; i++) {
		const struct bpfdev_exception *exception = &unit->info.exceptions[i];

		if (!exception->access || exception->until + OVERDUE > now)
			continue;
		doctor_find(doctor, DOCTOR_WARN, "sessions", unit->unit.user,
			    "the exception for %s in %s should have ended %" PRIu64 " minutes ago",
			    exception->device, unit->unit.name,
			    (now - (uint64_t)exception->until) / 60);
		doctor_advise(doctor,
			      "bpfdev revoke --expired %s ends it; systemctl list-timers says what "
			      "became of bpfdev-revoke-%u-*.timer",
			      unit->unit.user, unit->unit.uid);
	}
}

void doctor_check_sessions(struct doctor *doctor)
{
	struct machine *machine = &doctor->machine;
	size_t live = 0, old = 0;

	for (size_t i = 0; i < machine->unit_count && doctor->conf; i++) {
		struct machine_unit *unit = &machine->units[i];
		bool last = i + 1 == machine->unit_count ||
			    machine->units[i + 1].unit.uid != unit->unit.uid;

		if (unit->unit.role == BPFDEV_SESSION)
			look_at_exceptions(doctor, unit);
		if (is_of_policy(doctor, unit) && unit->unit.role == BPFDEV_SESSION &&
		    !(unit->info.flags & BPFDEV_CLOSED)) {
			live++;
			old += is_old(doctor, unit);
		}
		if (last) {
			tell_old(doctor, unit->unit.uid, old, live);
			live = old = 0;
		}
		if (is_of_policy(doctor, unit) && unit->unit.role == BPFDEV_MANAGER)
			look_at_manager(doctor, unit);
	}
}

static bool has_conditions(const struct conf_when *when)
{
	return when->origin != CONF_ORIGIN_ANY || when->service || when->tty;
}

/* How many lines with conditions are about the user; those that an exempt line covers are not. */
static size_t count_conditions(struct doctor *doctor, const struct doctor_user *user)
{
	struct policy_survey survey;
	struct reason why;
	size_t count = 0;

	if (xcheck(policy_survey(doctor->conf, &user->subject, &policy_manager_session, &survey,
				 &why)) < 0) {
		doctor_find(doctor, DOCTOR_BLIND, "linger", user->subject.name,
			    "which lines count cannot be told: %s", why.text);
		doctor_advise(doctor, "mend that, and look again");
		return 0;
	}
	for (size_t i = 0; i < doctor->conf->statement_count; i++)
		count += has_conditions(&doctor->conf->statements[i].when) &&
			 survey.lines[i].standing != POLICY_OTHERS &&
			 survey.lines[i].standing != POLICY_EXEMPTED;
	policy_survey_free(&survey);
	return count;
}

static void check_user(struct doctor *doctor, const char *name)
{
	const struct doctor_user *user = doctor_user_of_name(doctor, name);

	if (!doctor_has_rules(user) || !count_conditions(doctor, user))
		return;
	doctor_find(
		doctor, DOCTOR_NOTE, "linger", name,
		"lingers and has rules with conditions: while no session is open, conditional deny "
		"lines apply to the user manager, and conditional allow lines do not");
	doctor_advise(doctor,
		      "if a service of theirs needs such a line, add service=systemd-user to it");
}

void doctor_check_linger(struct doctor *doctor)
{
	DIR *dir = doctor->conf ? opendir(LINGER) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			check_user(doctor, entry->d_name);
	if (dir)
		closedir(dir);
}
