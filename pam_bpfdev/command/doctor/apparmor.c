// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether AppArmor confines login services, and has denied them what the module does in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/run.h"
#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "apparmor"
#define PROFILES "/sys/kernel/security/apparmor/profiles"
#define DENIED "apparmor=\"DENIED\""

/* Programs that let users in: profiles have their paths, or their names. */
static const char *const services[] = {
	"sshd",	   "sshd-session", "login", "cron",    "crond",	      "atd",
	"su",	   "sudo",	   "gdm3",  "lightdm", "sddm-helper", "gdm-session-worker",
	"runuser", "xrdp-sesman",
};

/* "/usr/sbin/sshd" and "usr.sbin.sshd" are of sshd, and so is "sshd". */
static bool is_service(const char *profile, size_t length)
{
	size_t start = length;

	while (start > 0 && profile[start - 1] != '/' && profile[start - 1] != '.')
		start--;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strlen(services[i]) == length - start &&
		    strncmp(profile + start, services[i], length - start) == 0)
			return true;
	return false;
}

/* Those of login services that are enforced, as a list for a sentence. NULL: there are none. */
static char *find_profiles(void)
{
	FILE *file = fopen(PROFILES, "re");
	char *line = NULL, *list = NULL, *longer;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		char *mode = strrchr(line, ' ');

		if (!mode || strcmp(mode, " (enforce)\n") != 0 ||
		    !is_service(line, (size_t)(mode - line)))
			continue;
		longer = xasprintf("%s%s%.*s", list ? list : "", list ? ", " : "",
				   (int)(mode - line), line);
		free(list);
		list = longer;
	}
	free(line);
	if (file)
		fclose(file);
	return list;
}

/* Whether the word NAME="..." of a line, of which @name is the beginning, is a login service. */
static bool names_service(const char *line, const char *name)
{
	const char *value = strstr(line, name);

	value = value ? value + strlen(name) : "";
	return is_service(value, strcspn(value, "\""));
}

/* Of what little else in a login service does, nothing says that it was us. */
static bool is_ours(const char *line)
{
	if (strstr(line, "pam_bpfdev") || strstr(line, "comm=\"bpfdev\""))
		return true;
	return names_service(line, " profile=\"") &&
	       (strstr(line, "capname=\"bpf\"") || strstr(line, "capname=\"perfmon\"") ||
		strstr(line, "capname=\"sys_admin\"") || strstr(line, " name=\"/sys/fs/cgroup/"));
}

static bool is_loaded(const char *line)
{
	/* The kernel also says so of one that it has already, and skips. */
	return strstr(line, "apparmor=\"STATUS\" operation=\"profile_") &&
	       !strstr(line, "info=\"same as current profile") && names_service(line, " name=\"");
}

void doctor_check_apparmor(struct doctor *doctor)
{
	struct doctor_denials denials = {
		.topic = TOPIC,
		.pattern = "-gapparmor=",
		.types = "AVC",
		.begin = DENIED,
		.is_ours = is_ours,
		.is_change = is_loaded,
	};
	char *profiles = find_profiles();
	bool seen;

	if (!profiles)
		return;
	seen = doctor_look_for_denials(doctor, &denials);
	if (denials.count) {
		doctor_find(
			doctor, DOCTOR_WARN, TOPIC, "",
			"AppArmor confines %s: users with rules are refused; %zu accesses of ours "
			"were denied since a profile was loaded; the last one: %s",
			profiles, denials.count, denials.last);
		doctor_advise(doctor,
			      "have the profile include <abstractions/pam_bpfdev>, in a file "
			      "below /etc/apparmor.d/local, and load it by apparmor_parser -r");
	} else if (seen) {
		doctor_find(
			doctor, DOCTOR_OK, TOPIC, "",
			"AppArmor confines %s, and has denied nothing of ours since a profile was loaded",
			profiles);
	}
	free(profiles);
}
