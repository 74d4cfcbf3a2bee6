// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Conditions that never hold: services and terminals that PAM does not know by such a name. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* "tty1-6" */
static bool is_span(const char *glob)
{
	const char *dash = strrchr(glob, '-');

	return dash && dash > glob && isdigit((unsigned char)dash[-1]) && dash[1] &&
	       !dash[1 + strspn(dash + 1, "0123456789")];
}

static bool is_number(const char *text)
{
	while (isdigit((unsigned char)*text))
		text++;
	return !*text;
}

/* PAM's name of a terminal has no /dev/ here; "1" is none, but what some call tty1. */
static void look_at_terminal(struct warnings_run *run, const struct conf_statement *line,
			     const char *glob, uint32_t column)
{
	const char *name = glob + (strncmp(glob, "/dev/", 5) == 0 ? 5 : 0);
	bool number = is_number(name);

	if (is_span(glob)) {
		warnings_add(run, &line->place, column, WARNING_NO_TTY,
			     "no terminal is called \"%s\", so tty=%s never holds; expected the "
			     "range in brackets, as in tty[1-6]",
			     QUOTE(glob), QUOTE(glob));
		return;
	}
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
