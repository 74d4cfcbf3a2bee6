// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Lines that say something else than other programs have taught their writer: names of services
 * that PAM does not know, lines for all that a group's "allow *" outranks, "allow *" as a reset;
 * and files that look like a part of the policy and are none.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/pam/stack.h"
#include "command/warnings/internal.h"

/*
 * Services of well-known programs: where these are not installed, such a line waits for them, and
 * may be for another machine. From their own sources' pam_start(3).
 */
static const char *const well_known[] = {
	"atd",
	"cockpit",
	"cron",
	"crond",
	"doas",
	"gdm-password",
	"gdm-autologin",
	"gdm-fingerprint",
	"gdm-launch-environment",
	"gdm-smartcard",
	"greetd",
	"lightdm",
	"lightdm-autologin",
	"lightdm-greeter",
	"login",
	"lxdm",
	"proftpd",
	"remote",
	"runuser",
	"runuser-l",
	"sddm",
	"sddm-autologin",
	"sddm-greeter",
	"sshd",
	"su",
	"su-l",
	"sudo",
	"sudo-i",
	"systemd-user",
	"vsftpd",
	"xdm",
	"xrdp-sesman",
};

/* Each is held against each "allow *": of a longer policy, the first ones. */
#define DENIALS_MAX 200

#define WELL_KNOWN (sizeof(well_known) / sizeof(well_known[0]))

static bool is_any(const char *glob, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fnmatch(glob, names[i], 0) == 0)
			return true;
	return false;
}

/* "ssh" and "sshd", "gdm" and "gdm-password", "SSHD" and "sshd"; or a slip of the finger. */
static bool is_near(const char *word, const char *name)
{
	size_t length = strlen(word), other = strlen(name);

	return strncasecmp(word, name, length < other ? length : other) == 0 ||
	       conf_nearest(word, &name, 1);
}

/* Fills @out with " (did you mean ...?)" of up to three names that are near, or "". */
static void hint_services(const char *word, const char *const *names, size_t count, char *out,
			  size_t size)
{
	size_t used = 0, found = 0;
	const char *file = strrchr(word, '/');

	*out = '\0';
	word = file ? file + 1 : word;
	if (strcasecmp(word, "openssh") == 0)
		word = "sshd";
	if (strncasecmp(word, "gnome", 5) == 0)
		word = "gdm-password";
	for (size_t i = 0; i < count && found < 3; i++) {
		if (strlen(word) < 2 || !is_near(word, names[i]))
			continue;
		used += (size_t)snprintf(out + used, size - used, "%s\"%s\"",
					 found++ ? " or " : " (did you mean ", QUOTE(names[i]));
	}
	if (found)
		snprintf(out + used, size - used, "?)");
}

static void look_at_service(struct warnings_run *run, const struct conf_statement *line,
			    const char *glob, uint32_t column)
{
	const struct pam_stack_names *services = run->services;
	const char *const *names = (const char *const *)services->items;
	char meant[300];

	if (is_any(glob, names, services->count) || is_any(glob, well_known, WELL_KNOWN))
		return;
	hint_services(glob, names, services->count, meant, sizeof(meant));
	if (!*meant)
		hint_services(glob, well_known, WELL_KNOWN, meant, sizeof(meant));
	warnings_add(run, &line->place, column, WARNING_NO_SERVICE,
		     "there is no PAM service \"%s\", so service=%s never holds here; expected the "
		     "name of a file in /etc/pam.d, which is what the program calls itself to "
		     "PAM%s",
		     QUOTE(glob), QUOTE(glob), meant);
}

/* PAM's name of a terminal has no /dev/ here; "1" is none, but what some call tty1. */
static void look_at_terminal(struct warnings_run *run, const struct conf_statement *line,
			     const char *glob, uint32_t column)
{
	const char *name = glob + (strncmp(glob, "/dev/", 5) == 0 ? 5 : 0);
	bool number = !name[strspn(name, "0123456789")];

	if (name == glob && !number)
		return;
	warnings_add(run, &line->place, column, WARNING_NO_TTY,
		     "no terminal is called \"%s\" here, so tty=%s never holds; expected its name "
		     "without /dev/ (did you mean \"%s%s\"?)",
		     QUOTE(glob), QUOTE(glob), number ? "tty" : "", QUOTE(name));
}

typedef void look_at_glob(struct warnings_run *run, const struct conf_statement *line,
			  const char *glob, uint32_t column);

/* Looks at each of the names behind "service=" or "tty=". */
static void each_glob(struct warnings_run *run, const struct conf_statement *line,
		      const char *globs, look_at_glob *look)
{
	for (const char *at = globs; at && *at;) {
		size_t length = strcspn(at, ",");
		char *glob = xstrndup(at, length);

		/* The words of a line stay where they were when it was cut into them. */
		look(run, line, glob, line->place.column + (uint32_t)(at - line->text));
		free(glob);
		at += length + (at[length] == ',');
	}
}

/* sshd gives a remote host and "ssh" as the terminal, or neither: it is at no seat. */
static void look_at_place(struct warnings_run *run, const struct conf_statement *line)
{
	const char *service = line->when.service, *tty = line->when.tty;
	bool sshd = (service && strcmp(service, "sshd") == 0) || (tty && strcmp(tty, "ssh") == 0);

	if (line->when.origin == CONF_ORIGIN_LOCAL && sshd)
		warnings_add(run, &line->place, line->place.column, WARNING_NO_SERVICE,
			     "no login by sshd is local, so this line never holds; expected "
			     "remote, or neither of the two, in the place of local");
}

void warnings_of_terminals(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;

	for (size_t i = 0; i < conf->statement_count; i++) {
		each_glob(run, &conf->statements[i], conf->statements[i].when.tty,
			  look_at_terminal);
		look_at_place(run, &conf->statements[i]);
	}
}

void warnings_of_services(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;
	struct pam_stack_names services = { 0 };

	/* Without PAM's files nobody knows. */
	if (!run->input->pam_root || pam_stack_services(run->input->pam_root, &services) < 0 ||
	    !services.count) {
		pam_stack_names_free(&services);
		return;
	}
	run->services = &services;
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *line = &conf->statements[i];

		each_glob(run, line, line->when.service, look_at_service);
	}
	run->services = NULL;
	pam_stack_names_free(&services);
}

/* Whether it is about all devices, in any of the ways to write that. */
static bool is_all(const struct device_spec *device)
{
	return device->kind == DEVICE_ALL ||
	       (device->kind == DEVICE_PATH && strcmp(device->text, "/dev/*") == 0) ||
	       (device->kind == DEVICE_NUMBERS && device->major.any && device->minor.any &&
		device->block && device->character);
}

/* Whether it is about all devices, or about all of a type. */
static bool is_wide(const struct device_spec *device)
{
	return is_all(device) ||
	       (device->kind == DEVICE_NUMBERS && device->major.any && device->minor.any) ||
	       (device->kind == DEVICE_DRIVER && strcmp(device->text, "*") == 0);
}

static bool is_allow_all(const struct conf_statement *line)
{
	return line->verb == CONF_ALLOW && is_wide(&line->device);
}

/* Whether a line can be about devices of that type; what it stands for now tells, if it does. */
static bool is_of_type(struct warnings_run *run, uint32_t statement, bool block)
{
	const struct device_spec *device = &warnings_statement(run, statement)->device;
	const struct device_patterns *patterns;

	if (device->kind == DEVICE_NUMBERS || device->kind == DEVICE_DRIVER)
		return block ? device->block : device->character;
	patterns = warnings_resolve(run, statement);
	for (size_t i = 0; i < patterns->count; i++)
		if ((patterns->items[i].type == BPFDEV_BLOCK) == block)
			return true;
	return !patterns->count;
}

/* Whether @allow may give what @denial takes, which is less than all that it gives. */
static bool gives_back(struct warnings_run *run, const struct conf_statement *allow,
		       uint32_t denial)
{
	const struct conf_statement *deny = warnings_statement(run, denial);

	if (!is_allow_all(allow) || deny->verb != CONF_DENY || is_all(&deny->device) ||
	    !(allow->access & deny->access))
		return false;
	/* char-* and a deny of block devices, char-* and char-*. */
	if (!is_all(&allow->device) &&
	    (is_wide(&deny->device) || !is_of_type(run, denial, allow->device.block)))
		return false;
	return allow->when.origin == CONF_ORIGIN_ANY || deny->when.origin == CONF_ORIGIN_ANY ||
	       allow->when.origin == deny->when.origin;
}

static bool holds_all(const struct device_patterns *wide, const struct device_patterns *narrow)
{
	for (size_t i = 0; i < narrow->count; i++) {
		bool held = false;

		for (size_t j = 0; j < wide->count && !held; j++)
			held = warnings_holds(&wide->items[j], &narrow->items[i]);
		if (!held)
			return false;
	}
	return narrow->count;
}

/* Whether the line denies all that @deny does. What stands for nothing now is compared as written. */
static bool denies_as_much(struct warnings_run *run, uint32_t statement, uint32_t deny)
{
	const struct conf_statement *line = warnings_statement(run, statement),
				    *what = warnings_statement(run, deny);

	if (line->verb != CONF_DENY || (what->access & ~line->access))
		return false;
	if (line->device.kind == what->device.kind && line->device.block == what->device.block &&
	    line->device.text && what->device.text &&
	    strcmp(line->device.text, what->device.text) == 0)
		return true;
	return holds_all(warnings_resolve(run, statement), warnings_resolve(run, deny));
}

/* Whether lines for all of @who, of that rank or a higher one, deny it, too. */
static bool is_said_again(struct warnings_run *run, size_t covering, uint32_t deny)
{
	for (size_t c = 0; c < covering; c++)
		for (size_t i = 0; i < run->covering[c]->count; i++)
			if (denies_as_much(run, run->covering[c]->lines[i].statement, deny))
				return true;
	return false;
}

/* Whether lines for "*" are about those whom @who, of a higher rank, names: they are not, of system
 * accounts. */
static bool are_regular(const struct warnings_run *run, const struct warnings_who *who)
{
	const struct policy_subject subject = { .uid = who->who->low,
						.uid_min = run->input->accounts->uid_min };
	const struct conf_who anyone = { .kind = CONF_ANYONE };

	return who->rank != TABLE_USER || policy_rank_by_id(&subject, &anyone) == TABLE_ANYONE;
}

/* The deny lines for "*", once: so many at most. */
static void list_denials(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;

	if (run->denials)
		return;
	run->denials = xcalloc(DENIALS_MAX, sizeof(*run->denials));
	for (uint32_t i = 0; i < conf->statement_count && run->denial_count < DENIALS_MAX; i++)
		if (conf->statements[i].verb == CONF_DENY &&
		    conf->statements[i].who.kind == CONF_ANYONE && !run->dead[i])
			run->denials[run->denial_count++] = i;
}

/* The lines for "*" that @allow, of @who, takes the effect from: how many, and the first one. */
static size_t find_outranked(struct warnings_run *run, const struct warnings_who *who,
			     const struct conf_statement *allow, uint32_t *first)
{
	size_t covering = warnings_cover(run, who), found = 0;

	list_denials(run);
	for (size_t i = 0; i < run->denial_count; i++)
		if (gives_back(run, allow, run->denials[i]) &&
		    !is_said_again(run, covering, run->denials[i]) && !found++)
			*first = run->denials[i];
	return found;
}

static void warn_of_outranked(struct warnings_run *run, const struct conf_statement *allow,
			      uint32_t first, size_t count)
{
	const struct conf_statement *deny = warnings_statement(run, first);
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE], more[64] = "";
	const char *who = QUOTE(allow->text), *verb;

	conf_describe_statement(deny, text, sizeof(text));
	verb = strstr(text, " deny ");
	if (count > 1)
		snprintf(more, sizeof(more), " (and %zu more such line%s)", count - 1,
			 count == 2 ? "" : "s");
	warnings_add(run, &allow->place, allow->place.column, WARNING_OUTRANKS,
		     "this outranks %s%s: \"%s\" may use what it denies to \"%s\"; expected also a "
		     "line \"%s%s\", or \"%s exempt\" in the place of this one if that is meant",
		     warnings_place(run, &allow->place, first, place), more, who, QUOTE(deny->text),
		     who, verb ? verb : " deny ...", who);
}

void warnings_of_outranked(struct warnings_run *run, struct warnings_who *who)
{
	if (who->rank <= TABLE_ANYONE || (who->who->name && who->state != NAME_KNOWN) ||
	    who->state == NAME_MISSING || !who->allows || !are_regular(run, who))
		return;
	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement, first = 0;
		const struct conf_statement *allow = warnings_statement(run, statement);
		size_t count;

		if (!is_allow_all(allow) || run->dead[statement])
			continue;
		count = find_outranked(run, who, allow, &first);
		if (count)
			warn_of_outranked(run, allow, first, count);
	}
}

void warnings_of_resets(struct warnings_run *run, struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement;
		const struct conf_statement *allow = warnings_statement(run, statement);
		char place[LINES_PLACE_SIZE];
		size_t before = 0;
		uint32_t last = 0;

		if (!is_allow_all(allow) || run->dead[statement] || who->state == NAME_MISSING)
			continue;
		for (size_t j = 0; j < i; j++) {
			uint32_t other = who->lines[j].statement;

			if (run->dead[other] || !gives_back(run, allow, other))
				continue;
			before++;
			last = other;
		}
		if (!before)
			continue;
		warnings_place(run, &allow->place, last, place);
		warnings_add(run, &allow->place, allow->place.column, WARNING_NO_RESET,
			     "this does not undo what lines before it deny (%s%s): a more specific "
			     "device decides wherever its line stands; expected this line before "
			     "them, as they stay in force, or without them",
			     place, before > 1 ? " and others" : "");
	}
}

/* A file or folder that is not read, or has nothing to say. */
static void add_of_path(struct warnings_run *run, const char *path, enum warning_kind kind,
			const char *what)
{
	warnings_add(run, &(struct conf_place) { .file = UINT32_MAX }, 0, kind, "%s", what);
	run->found->items[run->found->count - 1].path = xstrdup(path);
}

static void warn_of_no_rules(struct warnings_run *run, const struct conf_paths *paths)
{
	const struct conf *conf = run->input->conf;
	size_t shipped = 0;

	for (size_t i = 0; i < conf->class_count; i++)
		shipped += warnings_is_shipped(run, &conf->classes[i]);
	/* A file with classes alone may be one of several. */
	if (conf->statement_count || (paths->main_required && shipped < conf->class_count))
		return;
	add_of_path(run, paths->main, WARNING_NO_RULES,
		    access(paths->main, F_OK) < 0 && errno == ENOENT
			    ? "there is no such file, so nobody is filtered; expected the rules in "
			      "it, as bpfdev.conf(5) says"
			    : "no line names anybody, so nobody is filtered; expected the rules "
			      "here, as bpfdev.conf(5) says");
}

/* What editors, package managers and people who put a file aside make of a name. */
static bool is_put_aside(const char *name)
{
	const char *ends = strcasestr(name, ".conf");

	return name[0] == '.' || strncmp(name, "README", strlen("README")) == 0 ||
	       (ends && ends[strlen(".conf")]);
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

void warnings_of_files(struct warnings_run *run)
{
	const struct conf_paths *paths = run->input->paths;
	struct dirent **entries = NULL;
	int count;

	if (!paths)
		return;
	warn_of_no_rules(run, paths);
	count = paths->dropins ? scandir(paths->dropins, &entries, NULL, compare_names) : 0;
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name, *end = strrchr(name, '.');
		char *path = xasprintf("%s/%s", paths->dropins, name);
		struct stat st;

		if (is_put_aside(name) || lstat(path, &st) < 0)
			/* Nothing to say of it. */;
		else if (S_ISDIR(st.st_mode))
			add_of_path(run, path, WARNING_UNREAD,
				    "is a folder, so what is in it is not read; expected the files "
				    "themselves in the folder above");
		else if (!end || strcmp(end, ".conf") != 0)
			add_of_path(run, path, WARNING_UNREAD,
				    "is not read, as its name does not end in \".conf\"; expected "
				    "it to be renamed so, or to be somewhere else");
		free(path);
		free(entries[i]);
	}
	free(entries);
}
