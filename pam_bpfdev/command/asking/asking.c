// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A question about a user's login: its options, the user, the policy, the answer and its words. */
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/asking/asking.h"
#include "command/base/lines.h"
#include "command/base/memory.h"
#include "command/base/row.h"

static void take_text(const char **place, const char *value, const char *name,
		      struct argp_state *state)
{
	if (!*value)
		argp_error(state, "--%s: expected a name", name);
	*place = value;
}

static void take_service(void *data, const char *value, struct argp_state *state)
{
	struct asking *asking = data;

	take_text(&asking->service, value, "service", state);
}

/* As the module takes it from PAM: without "/dev/". */
static void take_tty(void *data, const char *value, struct argp_state *state)
{
	struct asking *asking = data;

	take_text(&asking->tty, value, "tty", state);
	if (strncmp(value, "/dev/", 5) == 0)
		asking->tty += 5;
}

static void take_remote(void *data, const char *value, struct argp_state *state)
{
	struct asking *asking = data;

	asking->remote = true;
	if (value)
		take_text(&asking->rhost, value, "remote", state);
}

static void take_kind(struct asking *asking, enum policy_session_kind kind,
		      struct argp_state *state)
{
	if (asking->kind != POLICY_LOGIN && asking->kind != kind)
		argp_error(state, "--su and --manager exclude each other");
	asking->kind = kind;
}

static void take_su(void *data, const char *value, struct argp_state *state)
{
	(void)value;
	take_kind(data, POLICY_JOB, state);
}

static void take_manager(void *data, const char *value, struct argp_state *state)
{
	(void)value;
	take_kind(data, POLICY_MANAGER, state);
}

static void check(void *data, struct argp_state *state)
{
	const struct asking *asking = data;

	if (asking->local && asking->remote)
		argp_error(state, "--local and --remote exclude each other");
	if (asking->kind == POLICY_MANAGER &&
	    (asking->local || asking->remote || asking->service || asking->tty))
		argp_error(state, "--manager is no login: no other option about one goes with it");
}

static const struct command_option login_options[] = {
	{ "local", 0, NULL, "a login at the machine itself: no remote host (the default)",
	  offsetof(struct asking, local), NULL },
	{ "remote", 0, "[HOST]", "a login over the network", 0, take_remote },
	{ "service", 0, "NAME",
	  "the PAM service; login if left out, sshd with --remote, su with --su", 0, take_service },
	{ "tty", 0, "NAME", "the terminal; none if left out, ssh for service sshd", 0, take_tty },
	{ "su", 0, NULL, "not a login but su, sudo, cron or the like, which make no session", 0,
	  take_su },
	{ "manager", 0, NULL, "the user's systemd manager while no session is open", 0,
	  take_manager },
	{ 0 },
};

const struct command_set asking_set = { login_options, 2, check };

bool asking_is_told(const struct asking *asking)
{
	return asking->kind != POLICY_LOGIN || asking->local || asking->remote || asking->service ||
	       asking->tty;
}

struct asking asking_turned(const struct asking *asking)
{
	struct asking turned = *asking;

	turned.remote = !asking->remote;
	turned.local = !turned.remote;
	turned.rhost = NULL;
	return turned;
}

/* What PAM would say of the login; where no option says it, as sshd or login would have it. */
static struct policy_session session_of(const struct asking *asking)
{
	struct policy_session session = { asking->service, asking->tty, "", "", asking->kind };

	if (asking->kind == POLICY_MANAGER)
		return policy_manager_session;
	if (!session.service)
		session.service = asking->kind == POLICY_JOB ? "su"
				  : asking->remote	     ? "sshd"
							     : "login";
	/* Conditions ask only whether there is a remote host. */
	if (asking->remote)
		session.rhost = asking->rhost ? asking->rhost : "remote";
	/* That is what sshd calls it before there is a terminal. */
	if (!session.tty)
		session.tty = strcmp(session.service, "sshd") == 0 ? "ssh" : "";
	return session;
}

int asking_find_user(const char *user, struct asked *asked)
{
	struct reason why;
	int ret = policy_subject_load(user, &asked->subject, &why);

	asked->devices = &device_source_system;
	/* Whether there is such a user is no secret, but it is not what is to be said here. */
	if (geteuid() != 0 && (ret != 0 || asked->subject.uid != getuid())) {
		output_error("only root may ask about other users (try: sudo bpfdev ...)");
		return COMMAND_FAILED;
	}
	if (ret == 0)
		return COMMAND_YES;
	output_error("%s%s", why.text,
		     *user == '@' ? "; expected one user, as lines for others decide beside those "
				    "for a group"
				  : "");
	return COMMAND_FAILED;
}

/* A file or folder of the policy that is there, but not for whoever runs this; NULL: none. */
static const char *find_unreadable(const struct conf_paths *paths, const struct conf *conf)
{
	if (paths->dropins && access(paths->dropins, R_OK | X_OK) < 0 && errno == EACCES)
		return paths->dropins;
	if (access(paths->main, R_OK) < 0 && errno == EACCES)
		return paths->main;
	for (size_t i = 0; i < conf->file_count; i++)
		if (access(conf->files[i].path, R_OK) < 0 && errno == EACCES)
			return conf->files[i].path;
	return NULL;
}

/* An administrator may keep the rules from those whom they are for. */
static int check_readable(const struct conf_paths *paths)
{
	struct conf_paths now = *paths;
	const char *unreadable = NULL;
	struct conf *conf;

	now.patient = false;
	if (conf_load(&now, &conf) < 0)
		return COMMAND_YES; /* said by who loads it next */
	unreadable = find_unreadable(paths, conf);
	if (unreadable)
		output_error("%s may be read by root only: ask your administrator", unreadable);
	conf_free(conf);
	return unreadable ? COMMAND_FAILED : COMMAND_YES;
}

int asking_load(const struct command_options *options, struct asked *asked)
{
	int status = geteuid() == 0 ? COMMAND_YES : check_readable(&options->paths);

	return status == COMMAND_YES ? command_load_policy(options, &asked->conf) : status;
}

void asking_close(struct asked *asked)
{
	conf_free(asked->conf);
	policy_subject_free(&asked->subject);
	asked->conf = NULL;
}

int asking_decide(const struct asking *asking, struct asked *asked, struct answer *answer)
{
	const struct policy_session session = session_of(asking);
	struct reason why;
	int ret;

	*answer = (struct answer) { 0 };
	ret = policy_decide(asked->conf, asked->devices, &asked->subject, &session, &answer->result,
			    &why);
	if (ret == 0)
		ret = policy_survey(asked->conf, &asked->subject, &session, &answer->survey, &why);
	if (xcheck(ret) == 0)
		return COMMAND_YES;
	policy_result_free(&answer->result);
	output_error("%s", why.text);
	return asked->conf->error_count ? COMMAND_MISTAKES : COMMAND_FAILED;
}

void answer_free(struct answer *answer)
{
	policy_result_free(&answer->result);
	policy_survey_free(&answer->survey);
}

/* What of the login no option said: "origin", "service", "tty". */
static json_t *assumed_json(const struct asking *asking)
{
	/* su and its like, and the manager, have neither origin nor terminal. */
	bool login = asking->kind == POLICY_LOGIN;
	json_t *array = json_array();

	if (login && !asking->local && !asking->remote)
		row_append(array, json_string("origin"));
	if (asking->kind != POLICY_MANAGER && !asking->service)
		row_append(array, json_string("service"));
	if (login && !asking->tty)
		row_append(array, json_string("tty"));
	return array;
}

/* Adds a group that is not there yet. */
static void add_group(json_t *names, const char *name)
{
	json_t *text = output_string(name), *known;
	size_t i;

	json_array_foreach(names, i, known)
	{
		if (json_equal(known, text)) {
			json_decref(text);
			return;
		}
	}
	row_append(names, text);
}

/* The user's groups that matter: those that lines about the user name. */
static json_t *groups_json(const struct asked *asked, const struct policy_survey *survey)
{
	const struct policy_subject *subject = &asked->subject;
	json_t *names = json_array();

	for (size_t i = 0; i < asked->conf->statement_count; i++) {
		const struct conf_who *who = &asked->conf->statements[i].who;

		if (survey->lines[i].standing == POLICY_OTHERS)
			continue;
		if (who->kind == CONF_GROUP)
			add_group(names, who->name);
		for (int j = 0; who->kind == CONF_GID_RANGE && j < subject->group_count; j++) {
			gid_t gid = subject->groups[j];
			const struct group *group;
			char number[16];

			if (gid < who->low || gid > who->high)
				continue;
			group = getgrgid(gid);
			snprintf(number, sizeof(number), ":%u", gid);
			add_group(names, group ? group->gr_name : number);
		}
	}
	return names;
}

const struct conf_statement *asking_highest(const struct conf *conf,
					    const struct policy_survey *survey, enum conf_verb verb)
{
	enum table_rank rank = verb == CONF_EXEMPT ? survey->exempt : survey->audit;

	for (size_t i = 0; i < conf->statement_count; i++)
		if (conf->statements[i].verb == verb && survey->lines[i].rank == rank &&
		    survey->lines[i].standing == POLICY_COUNTS)
			return &conf->statements[i];
	return NULL;
}

static bool has_group(const struct policy_subject *subject, gid_t low, gid_t high)
{
	for (int i = 0; i < subject->group_count; i++)
		if (subject->groups[i] >= low && subject->groups[i] <= high)
			return true;
	return false;
}

/* Whether @who would name the user, were it a regular account's. */
static bool would_name(const struct policy_subject *subject, const struct conf_who *who)
{
	const struct group *group;

	switch (who->kind) {
	case CONF_ANYONE:
		return true;
	case CONF_UID_RANGE:
		return subject->uid >= who->low && subject->uid <= who->high;
	case CONF_GID_RANGE:
		return has_group(subject, who->low, who->high);
	case CONF_GROUP:
		group = getgrnam(who->name);
		return group && has_group(subject, group->gr_gid, group->gr_gid);
	default:
		return false;
	}
}

/* Why lines that seem to be about the user are not. */
static void print_account(const struct asked *asked, const struct policy_survey *survey)
{
	static const char *const why[] = {
		[POLICY_ROOT] = "which is root",
		[POLICY_SYSTEM] = "a system account: its uid is below UID_MIN of login.defs",
		[POLICY_GREETER] = "a login screen's user",
		[POLICY_NOBODY] = "which is no regular account",
	};
	enum policy_account account = policy_account_of(&asked->subject);
	const char *lines =
		account == POLICY_NOBODY ? "lines for *" : "lines for groups, ranges and *";
	const struct conf *conf = asked->conf;

	for (size_t i = 0; account != POLICY_REGULAR && i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];
		char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

		if (survey->lines[i].standing != POLICY_OTHERS ||
		    !would_name(&asked->subject, &statement->who))
			continue;
		output_line("%s do not name %s, %s; so not %s: %s", lines, asked->subject.name,
			    why[account], lines_place(conf, statement, place),
			    conf_describe_statement(statement, text, sizeof(text)));
		return;
	}
}

void asking_print_none(const struct asked *asked, const struct policy_survey *survey)
{
	output_line("no line names %s: no filter, everything is allowed", asked->subject.name);
	print_account(asked, survey);
}

/* The names with commas between. @out: @size bytes. Takes @names over. */
static char *join_names(json_t *names, char *out, size_t size)
{
	json_t *name;
	size_t i, used = 0;

	*out = '\0';
	json_array_foreach(names, i, name)
	{
		if (used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "",
						 json_string_value(name));
	}
	json_decref(names);
	return out;
}

/* "as a remote login by service sshd on tty ssh". */
static void describe(const struct asking *asking, char *out, size_t size)
{
	struct policy_session session = session_of(asking);

	if (asking->kind == POLICY_MANAGER)
		snprintf(out, size, "as the user's systemd manager while no session is open");
	else if (asking->kind == POLICY_JOB)
		snprintf(out, size, "by su, sudo or the like (service %s)", session.service);
	else
		snprintf(out, size, "as a %s login%s%s by service %s%s%s",
			 asking->remote ? "remote" : "local", asking->rhost ? " from " : "",
			 asking->rhost ? asking->rhost : "", session.service,
			 *session.tty ? " on tty " : " without a tty", session.tty);
}

/* The exempt or audit line that changes what the others do. */
static void print_highest(const struct conf *conf, const struct policy_survey *survey,
			  enum conf_verb verb)
{
	const struct conf_statement *statement = asking_highest(conf, survey, verb);
	enum table_rank rank = verb == CONF_EXEMPT ? survey->exempt : survey->audit;
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];

	if (statement)
		output_line("%s %s%s %s, by %s: %s",
			    verb == CONF_EXEMPT ? "exempt: lines for" : "audit: what lines for",
			    lines_rank_words(rank), rank == TABLE_ANYONE ? "" : " and lower ranks",
			    verb == CONF_EXEMPT ? "do not count" : "deny is allowed and recorded",
			    lines_place(conf, statement, place),
			    conf_describe_statement(statement, text, sizeof(text)));
}

void asking_print_head(const struct asking *asking, const struct asked *asked,
		       const struct policy_survey *survey)
{
	char login[512], assumed[32], groups[1024];

	describe(asking, login, sizeof(login));
	join_names(assumed_json(asking), assumed, sizeof(assumed));
	output_line("%s, %s%s%s%s", asked->subject.name, login, *assumed ? " (assumed: " : "",
		    assumed, *assumed ? ")" : "");
	print_highest(asked->conf, survey, CONF_EXEMPT);
	print_highest(asked->conf, survey, CONF_AUDIT);
	if (*join_names(groups_json(asked, survey), groups, sizeof(groups)))
		output_line("groups that lines name: %s", groups);
	print_account(asked, survey);
}

static json_t *highest_json(const struct conf *conf, const struct policy_survey *survey,
			    enum conf_verb verb)
{
	const struct conf_statement *statement = asking_highest(conf, survey, verb);

	if (!statement)
		return json_null();
	return lines_json(conf, statement, survey->lines[statement - conf->statements].rank);
}

void asking_set_json(json_t *object, const struct asking *asking, const struct asked *asked,
		     const struct answer *answer)
{
	static const char *const kinds[] = { "login", "job", "manager" };
	static const char *const filters[] = { "none", "unrestricted", "rules" };
	static const char *const accounts[] = { "regular", "root", "system", "greeter", "nobody" };
	enum policy_account account = policy_account_of(&asked->subject);
	const struct policy_survey *survey = &answer->survey;
	struct policy_session session = session_of(asking);
	json_t *login = json_pack("{ss sb so so so so}", "kind", kinds[asking->kind], "remote",
				  asking->remote, "service", output_string(session.service), "tty",
				  output_string(session.tty), "rhost",
				  output_string(asking->rhost ? asking->rhost : ""), "assumed",
				  assumed_json(asking));

	row_put(object, "account", json_string(accounts[account]));
	row_put(object, "login", login);
	row_put(object, "filter", json_string(filters[answer->result.kind]));
	row_put(object, "groups", groups_json(asked, survey));
	row_put(object, "exempt", highest_json(asked->conf, survey, CONF_EXEMPT));
	row_put(object, "audit", highest_json(asked->conf, survey, CONF_AUDIT));
}
