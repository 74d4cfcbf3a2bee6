// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which PAM services sessions are opened by, and whether the module is there for whoever comes in. */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "conf/arguments.h"
#include "command/doctor/doctor.h"
#include "command/pam/stack.h"

#define TOPIC "pam"
#define MODULE "pam_bpfdev.so"
#define SYSTEMD "pam_systemd.so"

/* What a service's sessions are, as far as its name tells. */
enum kind {
	KIND_UNKNOWN,
	KIND_LOGIN,
	KIND_GREETER, /* the login screen itself */
	KIND_INNER,   /* su and the like: within the session that they are started from */
	KIND_JOBS,    /* cron, at */
	KIND_MANAGER, /* systemd-user */
	KIND_OTHER,   /* whatever has no file of its own */
	KIND_NEVER,   /* opens no sessions, whatever its file says */
};

struct service {
	const char *root; /* of the file system that is looked at; "": the machine's own */
	const char *name;
	enum kind kind;
	struct pam_stack stack; /* of session lines */
	/* The rest is set by look_at(). */
	size_t module, systemd; /* their first lines, or the stack's count */
	struct pam_ways ways;
	struct arguments arguments; /* of the module; point into the stack */
};

/* The first glob that fits counts. */
static const struct {
	const char *glob;
	enum kind kind;
} kinds[] = {
	{ POLICY_MANAGER_SERVICE, KIND_MANAGER },
	{ "other", KIND_OTHER },
	{ "cron", KIND_JOBS },
	{ "crond", KIND_JOBS },
	{ "atd", KIND_JOBS },
	{ "su", KIND_INNER },
	{ "su-l", KIND_INNER },
	{ "sudo", KIND_INNER },
	{ "sudo-i", KIND_INNER },
	{ "doas", KIND_INNER },
	{ "runuser", KIND_INNER },
	{ "runuser-l", KIND_INNER },
	{ "gdm-launch-environment", KIND_GREETER },
	{ "*-greeter", KIND_GREETER },
	{ "gdm*", KIND_LOGIN },
	{ "lightdm*", KIND_LOGIN },
	{ "sddm*", KIND_LOGIN },
	{ "lxdm", KIND_LOGIN },
	{ "xdm", KIND_LOGIN },
	{ "greetd", KIND_LOGIN },
	{ "xrdp-sesman", KIND_LOGIN },
	{ "cockpit", KIND_LOGIN },
	{ "login", KIND_LOGIN },
	{ "remote", KIND_LOGIN },
	{ "systemd-run0", KIND_LOGIN },
	{ "sshd", KIND_LOGIN },
	{ "vsftpd", KIND_LOGIN },
	{ "proftpd", KIND_LOGIN },
	{ "chfn", KIND_NEVER },
	{ "chsh", KIND_NEVER },
	{ "chage", KIND_NEVER },
	{ "passwd", KIND_NEVER },
	{ "chpasswd", KIND_NEVER },
	{ "newusers", KIND_NEVER },
	{ "polkit-1", KIND_NEVER },
	{ "vlock", KIND_NEVER },
	{ "*screensaver", KIND_NEVER },
	{ "swaylock", KIND_NEVER },
	{ "i3lock", KIND_NEVER },
};

static enum kind kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (fnmatch(kinds[i].glob, name, 0) == 0)
			return kinds[i].kind;
	return KIND_UNKNOWN;
}

static bool has_module(const struct service *service)
{
	return service->module < service->stack.count;
}

static bool has_systemd(const struct service *service)
{
	return service->systemd < service->stack.count;
}

static void look_at(struct service *service)
{
	const struct pam_stack *stack = &service->stack;

	service->module = pam_stack_find(stack, MODULE, 0);
	service->systemd = pam_stack_find(stack, SYSTEMD, 0);
	if (has_module(service)) {
		const struct pam_stack_line *line = &stack->lines[service->module];

		for (size_t i = 0; i < line->argument_count; i++)
			arguments_parse(line->arguments[i], &service->arguments, NULL);
	}
	service->ways = pam_stack_walk(stack, MODULE);
}

static void find(struct doctor *doctor, enum doctor_level level, const struct service *service,
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
static void advise_line(struct doctor *doctor, const struct service *service)
{
	const struct pam_stack *stack = &service->stack;

	if (has_systemd(service))
		advise_file(doctor, "\"session required " MODULE "\", behind " SYSTEMD ",",
			    stack->lines[service->systemd].file);
	else
		advise_file(doctor,
			    "\"session required " SYSTEMD
			    "\" and, behind it, \"session required " MODULE "\"",
			    stack->files[0]);
}

/* Where Debian has what jobs and managers share; else the service's own file. */
static void advise_shared(struct doctor *doctor, const struct service *service)
{
	const char *file = service->stack.files[0];

	for (size_t i = 1; i < service->stack.file_count; i++)
		if (strstr(service->stack.files[i], "/common-session"))
			file = service->stack.files[i];
	advise_file(doctor, "\"session required " MODULE "\"", file);
}

/* Whether root alone can start it, as is so with runuser(1). */
static bool is_roots(const struct service *service)
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
static void judge_unfiltered(struct doctor *doctor, const struct service *service)
{
	if (service->kind == KIND_GREETER) {
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
static void judge_plain(struct doctor *doctor, const struct service *service)
{
	switch (service->kind) {
	case KIND_INNER:
		find(doctor, DOCTOR_OK, service,
		     "users stay in the session that they start it from");
		break;
	case KIND_JOBS:
		find(doctor, DOCTOR_BAD, service,
		     MODULE
		     " is not among the session lines: jobs of users with rules run without them");
		advise_shared(doctor, service);
		break;
	case KIND_LOGIN:
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

static void judge_absent(struct doctor *doctor, const struct service *service)
{
	if (service->kind == KIND_MANAGER) {
		find(doctor, DOCTOR_BAD, service,
		     MODULE
		     " is not among the session lines: managers of users who are not logged in "
		     "(loginctl enable-linger) run without rules");
		advise_shared(doctor, service);
	} else if (has_systemd(service)) {
		judge_unfiltered(doctor, service);
	} else {
		judge_plain(doctor, service);
	}
}

/* Ways through the stack on which the module does not keep anybody in. Returns whether one is. */
static bool judge_ways(struct doctor *doctor, const struct service *service)
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
static bool judge_file(struct doctor *doctor, const struct service *service)
{
	const struct pam_stack_line *line = &service->stack.lines[service->module];
	int action = line->actions[PAM_STACK_MODULE_UNKNOWN];

	if (pam_files_has_module(service->root, line->module))
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
static void judge_no_session(struct doctor *doctor, const struct service *service)
{
	const struct pam_stack_line *line = &service->stack.lines[service->module];
	bool jobs = service->kind == KIND_JOBS;
	const char *whose = jobs ? "jobs of users with rules" : "users with rules";

	if (service->arguments.nosession_ignore) {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, service->name,
			    "%s:%u: nosession=ignore lets %s %s without them", line->file,
			    line->number, whose, jobs ? "run" : "in");
		doctor_advise(doctor, "take that word out: then they are refused");
	} else if (service->arguments.left_alone && !has_systemd(service)) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, service->name,
			    "%s are refused outside of the cgroups that fit nosession=ignore:%s, "
			    "where somebody else limits devices",
			    whose, service->arguments.left_alone);
		doctor_advise(doctor, "nothing, if that is whom this service is for");
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
static bool judge_order(struct doctor *doctor, const struct service *service)
{
	if (service->kind == KIND_MANAGER || service->systemd < service->module ||
	    (service->kind == KIND_INNER && !has_systemd(service)))
		return false;
	judge_no_session(doctor, service);
	return true;
}

/* What the module says of its arguments, on all of its lines. Returns whether it says anything. */
static bool judge_words(struct doctor *doctor, const struct service *service)
{
	const struct pam_stack *stack = &service->stack;
	bool said = false;

	for (size_t at = service->module; at < stack->count;
	     at = pam_stack_find(stack, MODULE, at + 1)) {
		const struct pam_stack_line *line = &stack->lines[at];
		struct arguments ignored = { 0 };
		struct reason why;

		for (size_t i = 0; i < line->argument_count; i++) {
			if (arguments_parse(line->arguments[i], &ignored, &why))
				continue;
			said = true;
			doctor_find(doctor, DOCTOR_WARN, TOPIC, service->name, MODULE ": %s",
				    why.text);
			doctor_advise(doctor, "mend %s:%u; pam_bpfdev(8) has the arguments",
				      line->file, line->number);
		}
	}
	return said;
}

/* What the administrator asked for, and should know of. Returns whether there was any of it. */
static bool judge_arguments(struct doctor *doctor, const struct service *service)
{
	const struct pam_stack_line *line = &service->stack.lines[service->module];
	bool said = service->arguments.onerr_succeed;

	if (said) {
		find(doctor, DOCTOR_WARN, service,
		     "onerr=succeed lets users in without rules when these cannot be put in place");
		doctor_advise(doctor, "take that word out of %s:%u once all is set up", line->file,
			      line->number);
	}
	if (service->arguments.nosession_ignore && service->systemd < service->module &&
	    service->kind != KIND_INNER && service->kind != KIND_MANAGER) {
		said = true;
		find(doctor, DOCTOR_WARN, service,
		     "nosession=ignore lets users in without rules when " SYSTEMD " fails");
		doctor_advise(doctor, "take that word out of %s:%u", line->file, line->number);
	}
	return judge_words(doctor, service) || said;
}

static void judge_present(struct doctor *doctor, const struct service *service)
{
	static const char manager[] = MODULE " filters the managers of users",
			  others[] = MODULE " filters who comes in, or refuses them";
	bool said = judge_ways(doctor, service);

	said |= judge_file(doctor, service);
	said |= judge_order(doctor, service);
	said |= judge_arguments(doctor, service);
	if (!said)
		find(doctor, DOCTOR_OK, service, service->kind == KIND_MANAGER ? manager : others);
}

static void judge(struct doctor *doctor, const struct service *service)
{
	if (service->kind == KIND_NEVER)
		return;
	doctor_check_adopted(doctor, service->root, service->name, &service->stack);
	if (has_module(service))
		judge_present(doctor, service);
	/* A stack that always refuses lets nobody in, so nothing is missing from it. */
	else if (service->ways.passes)
		judge_absent(doctor, service);
}

struct services {
	struct service *items; /* one of each name, in the same order */
	struct pam_stack_names names;
};

/* Sessions of a service without session lines are opened by those of "other". */
static bool needs_other(const struct service *service)
{
	return service->stack.count == 0 &&
	       (service->kind == KIND_LOGIN || service->kind == KIND_JOBS ||
		service->kind == KIND_MANAGER);
}

/* Returns 0, also if no file is about it; or a negative errno. */
static int load(struct service *service)
{
	int ret = pam_stack_load(service->root, service->name, "session", &service->stack);

	if ((ret == 0 || ret == -ENOENT) && needs_other(service)) {
		pam_stack_free(&service->stack);
		ret = pam_stack_load(service->root, "other", "session", &service->stack);
	}
	if (ret == 0)
		look_at(service);
	return ret == -ENOENT ? 0 : ret;
}

static void load_all(struct doctor *doctor, struct services *services, const char *root)
{
	for (size_t i = 0; i < services->names.count; i++) {
		struct service *service = &services->items[i];
		int ret;

		service->root = root;
		service->name = services->names.items[i];
		service->kind = kind_of(service->name);
		ret = load(service);
		if (ret == 0)
			continue;
		pam_stack_free(&service->stack);
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, service->name,
			    "its lines cannot be followed: %s", strerror(-ret));
		doctor_advise(doctor, "look at what they include");
	}
}

static bool includes(const struct service *service, const char *file)
{
	for (size_t i = 1; i < service->stack.file_count; i++)
		if (strcmp(service->stack.files[i], file) == 0)
			return true;
	return false;
}

/* A file that only others include, as Debian's common-session, and no service has the name of. */
static bool is_part(const struct services *services, const struct service *part)
{
	if (part->kind != KIND_UNKNOWN || part->stack.file_count == 0)
		return false;
	if (strncmp(part->name, "common-", strlen("common-")) == 0)
		return true;
	for (size_t i = 0; i < services->names.count; i++)
		if (&services->items[i] != part &&
		    includes(&services->items[i], part->stack.files[0]))
			return true;
	return false;
}

/* Which policy a service's line asks for; "": the system's. */
static const char *policy_of(const struct service *service)
{
	return service->arguments.conf ? service->arguments.conf : "";
}

static void judge_policies(struct doctor *doctor, const struct services *services)
{
	const char *first = NULL;
	bool mixed = false;

	for (size_t i = 0; i < services->names.count; i++) {
		const struct service *service = &services->items[i];
		const char *policy = policy_of(service);

		if (!has_module(service) || is_part(services, service))
			continue;
		first = first ? first : policy;
		mixed |= strcmp(first, policy) != 0;
		if (!*policy)
			continue;
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, service->name,
			    "takes its rules from %s (conf=), without drop-ins", policy);
		doctor_advise(doctor, "for other commands of bpfdev: --conf=%s", policy);
	}
	if (mixed) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "",
			    "which policy counts depends on how users come in");
		doctor_advise(doctor, "look at each with bpfdev doctor --conf=PATH");
	} else if (first && *first) {
		doctor->conf_path = xstrdup(first);
	}
}

/* Adds what the module's lines of a service leave alone. */
static void note_left_alone(struct doctor *doctor, const struct service *service)
{
	const struct pam_stack *stack = &service->stack;

	for (size_t at = service->module; at < stack->count;
	     at = pam_stack_find(stack, MODULE, at + 1)) {
		const struct pam_stack_line *line = &stack->lines[at];
		struct arguments arguments = { 0 };
		char *before = doctor->left_alone;

		for (size_t i = 0; i < line->argument_count; i++)
			arguments_parse(line->arguments[i], &arguments, NULL);
		if (!arguments.left_alone)
			continue;
		doctor->left_alone = xasprintf("%s%s%s", before ? before : "", before ? "," : "",
					       arguments.left_alone);
		free(before);
	}
}

static void judge_all(struct doctor *doctor, struct services *services)
{
	bool any = false;

	for (size_t i = 0; i < services->names.count; i++) {
		const struct service *service = &services->items[i];

		any |= has_module(service);
		note_left_alone(doctor, service);
		if (service->stack.count && !is_part(services, service))
			judge(doctor, service);
	}
	judge_policies(doctor, services);
	if (any)
		return;
	doctor_find(doctor, DOCTOR_BAD, TOPIC, "",
		    "no service has pam_bpfdev.so: nobody is filtered");
	doctor_advise(doctor, "pam_bpfdev(8) says where its line belongs");
}

void doctor_check_pam_below(struct doctor *doctor, const char *root)
{
	struct services services = { 0 };
	int ret = pam_stack_services(root, &services.names);

	if (ret < 0) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "PAM's files cannot be listed: %s",
			    strerror(-ret));
		doctor_advise(doctor, "see that /etc/pam.d can be read");
	} else {
		/* systemd asks for it also where no file is about it. */
		pam_stack_names_add(&services.names, POLICY_MANAGER_SERVICE);
		services.items = xcalloc(services.names.count, sizeof(*services.items));
		load_all(doctor, &services, root);
		judge_all(doctor, &services);
		for (size_t i = 0; i < services.names.count; i++)
			pam_stack_free(&services.items[i].stack);
	}
	free(services.items);
	pam_stack_names_free(&services.names);
}

void doctor_check_pam(struct doctor *doctor)
{
	doctor_check_pam_below(doctor, "");
}
