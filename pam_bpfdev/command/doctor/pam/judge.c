// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What there is to say of a PAM service. */
#include <errno.h>
#include <string.h>

#include "command/doctor/pam/files.h"
#include "command/doctor/pam/service.h"

#define TOPIC "pam"
#define MODULE PAM_SERVICE_MODULE
#define SYSTEMD PAM_SERVICE_SYSTEMD

static void find(struct doctor *doctor, enum doctor_level level, const struct pam_service *service,
		 const char *message)
{
	doctor_find(doctor, level, TOPIC, service->name, "%s", message);
}

/* What distributions ship is not for editing: a file of the same name in /etc/pam.d outranks it. */
static void advise_file(struct doctor *doctor, const char *lines, const char *file)
{
	if (strncmp(file, "/etc/", strlen("/etc/")) == 0)
		doctor_advise(doctor, "add %s to %s", lines, file);
	else
		doctor_advise(doctor, "copy %s to /etc/pam.d, and add %s to it", file, lines);
}

/* Where the module's line belongs: beside pam_systemd's. */
static void advise_line(struct doctor *doctor, const struct pam_service *service)
{
	const struct pam_stack *stack = &service->stack;

	if (pam_service_has_systemd(service))
		advise_file(doctor, "\"session required " MODULE "\", behind " SYSTEMD ",",
			    stack->lines[service->systemd].file);
	else
		advise_file(doctor,
			    "\"session required " SYSTEMD
			    "\" and, behind it, \"session required " MODULE "\"",
			    stack->files[0]);
}

/* Where Debian has what jobs and managers share; else the service's own file. */
static void advise_shared(struct doctor *doctor, const struct pam_service *service)
{
	const char *file = service->stack.files[0];

	for (size_t i = 1; i < service->stack.file_count; i++)
		if (strstr(service->stack.files[i], "/common-session"))
			file = service->stack.files[i];
	advise_file(doctor, "\"session required " MODULE "\"", file);
}

/* Whether root alone can start it, as is so with runuser(1). */
static bool is_roots(const struct pam_service *service)
{
	struct pam_stack auth;
	bool is = pam_stack_load(service->root, service->name, "auth", &auth) == 0 && auth.count;

	for (size_t i = 0; i < auth.count; i++)
		if (strcmp(pam_stack_module(&auth.lines[i]), "pam_rootok.so") != 0)
			is = false;
	pam_stack_free(&auth);
	return is;
}

/* pam_systemd.so makes a session here, and nobody filters it. */
static void judge_unfiltered(struct doctor *doctor, const struct pam_service *service)
{
	if (service->kind == PAM_SERVICE_GREETER) {
		find(doctor, DOCTOR_NOTE, service, "the login screen itself has no rules");
		doctor_advise(doctor, "nothing, unless a line of the policy names its account");
	} else if (is_roots(service)) {
		find(doctor, DOCTOR_NOTE, service,
		     "sessions that root opens this way have no rules; nobody else can");
		doctor_advise(doctor, "nothing, unless services start users' programs with it");
	} else {
		find(doctor, DOCTOR_BAD, service,
		     MODULE " is not among the session lines: who comes in this way has no rules");
		advise_line(doctor, service);
	}
}

/* Neither of the two modules is there. */
static void judge_plain(struct doctor *doctor, const struct pam_service *service)
{
	switch (service->kind) {
	case PAM_SERVICE_INNER:
		find(doctor, DOCTOR_OK, service,
		     "users stay in the session that they start it from");
		break;
	case PAM_SERVICE_JOBS:
		find(doctor, DOCTOR_BAD, service,
		     MODULE
		     " is not among the session lines: jobs of users with rules run without them");
		advise_shared(doctor, service);
		break;
	case PAM_SERVICE_LOGIN:
		find(doctor, DOCTOR_BAD, service,
		     "sessions are opened without " SYSTEMD " and " MODULE
		     ": who comes in this way has no rules");
		advise_line(doctor, service);
		break;
	default:
		find(doctor, DOCTOR_NOTE, service,
		     "sessions are opened without " SYSTEMD " and " MODULE);
		doctor_advise(doctor,
			      "if users get a shell this way, add both: they have no rules");
	}
}

static void judge_absent(struct doctor *doctor, const struct pam_service *service)
{
	if (service->kind == PAM_SERVICE_MANAGER) {
		find(doctor, DOCTOR_BAD, service,
		     MODULE
		     " is not among the session lines: managers of users who are not logged in "
		     "(loginctl enable-linger) run without rules");
		advise_shared(doctor, service);
	} else if (pam_service_has_systemd(service)) {
		judge_unfiltered(doctor, service);
	} else {
		judge_plain(doctor, service);
	}
}

/* Ways through the stack on which the module does not keep anybody in. Returns whether one is. */
static bool judge_ways(struct doctor *doctor, const struct pam_service *service)
{
	const struct pam_stack_line *lines = service->stack.lines, *own = &lines[service->module];

	if (service->ways.around) {
		const struct pam_stack_line *line = &lines[service->ways.leads_by];

		doctor_find(doctor, DOCTOR_BAD, TOPIC, service->name,
			    "%s:%u ([%s] %s) can lead past " MODULE
			    ": who comes in that way has no rules",
			    line->file, line->number, line->control, line->module);
		doctor_advise(doctor, "move that line behind the one with " MODULE);
	}
	if (service->ways.forgiven) {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, service->name,
			    "%s:%u: as " MODULE
			    " is \"%s\", users are let in without rules when these "
			    "cannot be put in place",
			    own->file, own->number, own->control);
		doctor_advise(doctor, "make it \"required\"");
	}
	return service->ways.around || service->ways.forgiven;
}

/* Returns whether it is not there. */
static bool judge_file(struct doctor *doctor, const struct pam_service *service)
{
	const struct pam_stack_line *line = &service->stack.lines[service->module];
	int found = pam_files_has_module(service->root, line->module);
	int action = line->actions[PAM_STACK_MODULE_UNKNOWN];

	if (found < 0)
		doctor->error = found;
	if (found)
		return false;
	doctor_find(doctor, DOCTOR_BAD, TOPIC, service->name,
		    "%s:%u names %s, which is not where PAM looks for modules: %s", line->file,
		    line->number, line->module,
		    action == PAM_STACK_DO_BAD || action == PAM_STACK_DO_DIE
			    ? "everybody is refused, root too"
			    : "nobody who comes in has rules");
	doctor_advise(doctor, "install " MODULE ", or take the line out");
	return true;
}

/* No session is there when the module is called: it was made too late, or is not made at all. */
static void judge_no_session(struct doctor *doctor, const struct pam_service *service)
{
	const struct pam_stack_line *line = &service->stack.lines[service->module];
	bool jobs = service->kind == PAM_SERVICE_JOBS;
	const char *whose = jobs ? "jobs of users with rules" : "users with rules";

	if (service->arguments.nosession_ignore) {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, service->name,
			    "%s:%u: nosession=ignore lets %s %s without them", line->file,
			    line->number, whose, jobs ? "run" : "in");
		doctor_advise(doctor, "take that word out: then they are refused");
	} else if (jobs) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, service->name,
			    "%s are refused: there is no session to filter", whose);
		doctor_advise(doctor, "nothing; nosession=ignore would let them run without rules");
	} else {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, service->name,
			    MODULE
			    " is called when there is no session yet that it could filter: it "
			    "refuses all users with rules");
		doctor_advise(doctor, "move the line %s:%u behind one with " SYSTEMD, line->file,
			      line->number);
	}
}

/* Returns whether there was anything to say. */
static bool judge_order(struct doctor *doctor, const struct pam_service *service)
{
	if (service->kind == PAM_SERVICE_MANAGER || service->systemd < service->module ||
	    (service->kind == PAM_SERVICE_INNER && !pam_service_has_systemd(service)))
		return false;
	judge_no_session(doctor, service);
	return true;
}

/* What the administrator asked for, and should know of. Returns whether there was any of it. */
static bool judge_arguments(struct doctor *doctor, const struct pam_service *service)
{
	const struct pam_stack_line *line = &service->stack.lines[service->module];
	struct arguments ignored = { 0 };
	bool said = service->arguments.onerr_succeed;

	if (said) {
		find(doctor, DOCTOR_WARN, service,
		     "onerr=succeed lets users in without rules when these cannot be put in place");
		doctor_advise(doctor, "take that word out of %s:%u once all is set up", line->file,
			      line->number);
	}
	if (service->arguments.nosession_ignore && service->systemd < service->module &&
	    service->kind != PAM_SERVICE_INNER && service->kind != PAM_SERVICE_MANAGER) {
		said = true;
		find(doctor, DOCTOR_WARN, service,
		     "nosession=ignore lets users in without rules when " SYSTEMD " fails");
		doctor_advise(doctor, "take that word out of %s:%u", line->file, line->number);
	}
	for (size_t i = 0; i < line->argument_count; i++) {
		if (arguments_parse(line->arguments[i], &ignored))
			continue;
		said = true;
		doctor_find(doctor, DOCTOR_WARN, TOPIC, service->name,
			    MODULE " does not know its argument \"%s\" and skips it",
			    line->arguments[i]);
		doctor_advise(doctor, "mend %s:%u; pam_bpfdev(8) has the arguments", line->file,
			      line->number);
	}
	return said;
}

static void judge_present(struct doctor *doctor, const struct pam_service *service)
{
	static const char manager[] = MODULE " filters the managers of users",
			  others[] = MODULE " filters who comes in, or refuses them";
	bool said = judge_ways(doctor, service);

	said |= judge_file(doctor, service);
	said |= judge_order(doctor, service);
	said |= judge_arguments(doctor, service);
	if (!said)
		find(doctor, DOCTOR_OK, service,
		     service->kind == PAM_SERVICE_MANAGER ? manager : others);
}

void pam_service_judge(struct doctor *doctor, const struct pam_service *service)
{
	if (service->kind == PAM_SERVICE_NEVER)
		return;
	if (pam_service_has_module(service))
		judge_present(doctor, service);
	/* Where nobody can come in, nobody can come out. */
	else if (service->ways.passes)
		judge_absent(doctor, service);
}
