// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Whether SELinux lets login services do what the module does in them: what its policy says of their
 * domains is asked of the kernel, so it does not matter which policy module allows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/run.h"
#include "base/selinux.h"
#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "selinux"
#define MODULE "pam_bpfdev"
/* What conf/selinux gives to RUN_FOLDER: no other policy knows it. */
#define RUN_TYPE "pam_bpfdev_runtime_t"
#define CONTEXT_SIZE 256
#define DENIED "avc:  denied"
#define INSTALL "install the package pam_bpfdev-selinux, or run \"make install-selinux\""

/* Of services that let users in; a policy need not know them all. */
static const char *const domains[] = { "sshd_t",	 "sshd_session_t", "local_login_t",
				       "remote_login_t", "xdm_t",	   "cockpit_session_t",
				       "crond_t" };

/* What the module asks of bpf(2), by the names of the class "bpf". */
static const char *const permissions[] = { "map_create", "map_read", "map_write", "prog_load",
					   "prog_run" };

/* Asks one of the files that answer a question. Returns whether they did, which is no for what is unknown. */
static bool ask(const char *file, const char *question, char *answer, size_t size)
{
	char path[128];
	ssize_t length = -1;
	int fd;

	snprintf(path, sizeof(path), SELINUX_FOLDER "/%s", file);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (write(fd, question, strlen(question)) >= 0)
		length = read(fd, answer, size - 1);
	close(fd);
	if (length < 0)
		return false;
	answer[length] = '\0';
	return true;
}

/* The context in which a policy has that type; policies without levels want none. */
static bool find_context(const char *role, const char *type, char *context)
{
	char answer[CONTEXT_SIZE];

	snprintf(context, CONTEXT_SIZE, "system_u:%s:%s:s0", role, type);
	if (ask("context", context, answer, sizeof(answer)))
		return true;
	snprintf(context, CONTEXT_SIZE, "system_u:%s:%s", role, type);
	return ask("context", context, answer, sizeof(answer));
}

/* The number in a file of the class "bpf"; 0: the policy does not know that. */
static unsigned int number_of(const char *name)
{
	unsigned int number = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), SELINUX_FOLDER "/class/bpf/%s", name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

/* The bits of all that is needed; what the policy does not know is not asked for. */
static unsigned int needed(void)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < sizeof(permissions) / sizeof(permissions[0]); i++) {
		char name[64];
		unsigned int number;

		snprintf(name, sizeof(name), "perms/%s", permissions[i]);
		number = number_of(name);
		if (number >= 1 && number <= 32)
			bits |= 1u << (number - 1);
	}
	return bits;
}

/* Whether a process of that context may call bpf(2) as the module does. */
static bool may_call(const char *context)
{
	unsigned int class = number_of("index"), bits = needed(), allowed, flags;
	char question[2 * CONTEXT_SIZE + 16], answer[128];

	snprintf(question, sizeof(question), "%s %s %u", context, context, class);
	if (!class || !ask("access", question, answer, sizeof(answer)) ||
	    sscanf(answer, "%x %*x %*x %*x %*u %x", &allowed, &flags) != 2)
		return true;
	return (allowed & bits) == bits || (flags & 1); /* a domain may be permissive */
}

/* The domains that may not, as a list for a sentence. NULL: there are none. */
static char *refused_domains(void)
{
	char *list = NULL, *longer, context[CONTEXT_SIZE];

	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		if (!find_context("system_r", domains[i], context) || may_call(context))
			continue;
		longer = xasprintf("%s%s%s", list ? list : "", list ? ", " : "", domains[i]);
		free(list);
		list = longer;
	}
	return list;
}

/* A folder that was made before the module came has the label of who made it. */
static void check_label(struct doctor *doctor)
{
	char label[CONTEXT_SIZE];
	ssize_t length = getxattr(RUN_FOLDER, "security.selinux", label, sizeof(label) - 1);

	if (length < 0)
		return;
	label[length] = '\0';
	if (strstr(label, ":" RUN_TYPE))
		return;
	doctor_find(doctor, DOCTOR_WARN, TOPIC, "",
		    RUN_FOLDER " has the label %s, which some login services may not use", label);
	doctor_advise(doctor, "restorecon -RF " RUN_FOLDER);
}

/* Copies the value of a word "NAME=VALUE" in the line. Returns whether there is one. */
static bool value_of(const char *line, const char *name, char *value, size_t size)
{
	const char *start = strstr(line, name);
	size_t length;

	if (!start)
		return false;
	start += strlen(name);
	length = strcspn(start, " \n");
	snprintf(value, size, "%.*s", (int)length, start);
	return true;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool is_login_domain(char *context)
{
	char *user = strsep(&context, ":"), *role = strsep(&context, ":"),
	     *type = strsep(&context, ":");

	if (!user || !role || !type)
		return false;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		if (strcmp(type, domains[i]) == 0)
			return true;
	return ends_in(type, "_su_t") || ends_in(type, "_sudo_t");
}

/*
 * Whether it is about us: by our name in it; or a login service that may not do what little else in it
 * does, of which nothing says that it was us.
 */
static bool is_ours(const char *line)
{
	char context[CONTEXT_SIZE], class[32];

	if (strstr(line, MODULE) || strstr(line, "comm=\"bpfdev\""))
		return true;
	if (!value_of(line, "tclass=", class, sizeof(class)) ||
	    !value_of(line, "scontext=", context, sizeof(context)) || !is_login_domain(context))
		return false;
	return strcmp(class, "bpf") == 0 || strstr(line, ":cgroup_t:") ||
	       strstr(line, "{ sys_admin }") || strstr(line, "{ bpf }") ||
	       strstr(line, "{ perfmon }");
}

/*
 * The kernel says so by way of audit, and leaves that out of its log when there is much of it; it also
 * lists the policy's capabilities, and not by way of audit.
 */
#define LOADED "type=1403"
#define LISTED "SELinux:  policy capability "

static bool is_loaded(const char *line)
{
	return strstr(line, LOADED) || strstr(line, LISTED) || strstr(line, "MAC_POLICY_LOAD");
}

static void check_denials(struct doctor *doctor)
{
	struct doctor_denials denials = {
		.topic = TOPIC,
		.pattern = "-g" DENIED "|" LOADED "|" LISTED,
		.types = "AVC,MAC_POLICY_LOAD",
		.begin = DENIED,
		.is_ours = is_ours,
		.is_change = is_loaded,
	};

	doctor_look_for_denials(doctor, &denials);
	if (!denials.count)
		return;
	doctor_find(
		doctor, DOCTOR_WARN, TOPIC, "",
		"%zu accesses of ours were denied since the policy was loaded; the last one: %s",
		denials.count, denials.last);
	doctor_advise(doctor, "\"ausearch -m avc -ts boot | audit2allow\", or \"journalctl -kb | "
			      "audit2allow\", says what would have allowed it; pam_bpfdev(8) has "
			      "what the policy module allows");
}

void doctor_check_selinux(struct doctor *doctor)
{
	enum selinux_mode mode = selinux_mode();
	char context[CONTEXT_SIZE], *refused;
	bool known;

	if (mode == SELINUX_OFF)
		return;
	known = find_context("object_r", RUN_TYPE, context);
	refused = refused_domains();
	if (mode == SELINUX_PERMISSIVE && (!known || refused)) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "",
			    "SELinux is permissive; once it enforces, users with rules would be "
			    "refused, as its policy %s",
			    known ? "does not let every login service call bpf(2)"
				  : "has no module " MODULE);
		doctor_advise(doctor, INSTALL);
	} else if (refused) {
		doctor_find(doctor, DOCTOR_WARN, TOPIC, "",
			    "SELinux enforces, and %s: users with rules are refused by services "
			    "in the domains %s, which may not call bpf(2)",
			    known ? "its policy module " MODULE " is not enough"
				  : "its policy has no module " MODULE,
			    refused);
		doctor_advise(doctor, INSTALL);
	} else {
		doctor_find(doctor, DOCTOR_OK, TOPIC, "", "SELinux %s, and its policy %s",
			    mode == SELINUX_PERMISSIVE ? "is permissive" : "enforces",
			    known ? "has the module " MODULE
				  : "lets login services call bpf(2), without the module " MODULE);
	}
	if (known)
		check_label(doctor);
	check_denials(doctor);
	free(refused);
}
