// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What everything stands on: the kernel's device programs, systemd's cgroups, and room for both. */
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "filter/filter.h"
#include "session/session.h"
#include "command/base/memory.h"
#include "command/doctor/doctor.h"
#include "command/machine/logind.h"

#define TOPIC "kernel"
#define RUN "/run"
#define RUN_FILES 64 /* so many files, at least, should find room there */

static void nothing_enforced(struct doctor *doctor, const struct reason *why, const char *advice)
{
	doctor_find(doctor, DOCTOR_BAD, TOPIC, "", "nothing can be enforced: %s", why->text);
	doctor_advise(doctor, "%s", advice);
}

/* Loads what a login would, and lets it go again. */
static int try_program(struct reason *why)
{
	struct table *table = NULL;
	int ret;

	xcheck(policy_baseline(&table));
	ret = filter_try(table, why);
	table_free(table);
	return ret;
}

static void check_programs(struct doctor *doctor)
{
	struct utsname name = { .release = "?" };
	struct reason why = { "" };
	int fd = session_open_cgroup(doctor->machine.root, &why), ret;

	ret = fd < 0 ? fd : filter_probe(fd, &why);
	if (ret == 0)
		ret = try_program(&why);
	if (fd >= 0)
		close(fd);
	uname(&name);
	if (ret < 0)
		nothing_enforced(doctor, &why,
				 "it takes Linux 5.10 or later with CONFIG_CGROUP_BPF, and bpf(2)");
	else
		doctor_find(doctor, DOCTOR_OK, TOPIC, "",
			    "Linux %s loads device programs; cgroup2 is at %s", name.release,
			    doctor->machine.root);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* sd_booted(3) asks for the first folder; the second one is logind's. */
static void check_systemd(struct doctor *doctor)
{
	if (!is_folder("/run/systemd/system")) {
		doctor_find(
			doctor, DOCTOR_BAD, "systemd", "",
			"this machine was not booted with systemd, so that logins get no cgroups "
			"of their own that could be filtered");
		doctor_advise(doctor, "boot with systemd");
	} else if (!is_folder("/run/systemd/seats")) {
		doctor_find(
			doctor, DOCTOR_BAD, "systemd", "",
			"systemd-logind does not run, so that logins get no cgroups of their own "
			"that could be filtered");
		doctor_advise(doctor, "systemctl status systemd-logind.service says why");
	} else {
		doctor_find(doctor, DOCTOR_OK, "systemd", "", "systemd and systemd-logind run");
	}
}

/* What fills up, and then refuses the logins of users with rules. */
static void check_room(struct doctor *doctor)
{
	uint64_t sessions = 0, most = 0;
	struct logind *logind = NULL;
	struct statvfs run;

	/* Without the bus there is no login either that would be counted. */
	if (logind_open(&logind, NULL) == 0 && logind_count(logind, &sessions, &most) == 0 &&
	    most && sessions + most / 10 >= most) {
		doctor_find(doctor, DOCTOR_WARN, "systemd", "",
			    "%" PRIu64 " of %" PRIu64 " sessions are open: logind makes no more "
			    "(SessionsMax=), and without a session users with rules are refused",
			    sessions, most);
		doctor_advise(doctor,
			      "loginctl list-sessions shows those that stay; logind.conf(5) "
			      "has SessionsMax=");
	}
	logind_close(logind);
	if (statvfs(RUN, &run) == 0 && run.f_blocks &&
	    (run.f_bavail < run.f_blocks / 50 || (run.f_files && run.f_favail < RUN_FILES))) {
		doctor_find(doctor, DOCTOR_WARN, "systemd", "",
			    RUN " is nearly full (%" PRIu64 " KiB and %" PRIu64 " files are left): "
				"who has rules takes a lock there, and is refused once it is full",
			    (uint64_t)run.f_bavail * run.f_frsize / 1024, (uint64_t)run.f_favail);
		doctor_advise(doctor, "du -xa " RUN " | sort -n shows what fills it");
	}
}

void doctor_check_kernel(struct doctor *doctor)
{
	struct reason why = { "" };

	if (machine_open(&doctor->machine, &why) < 0)
		nothing_enforced(doctor, &why, "mount cgroup2, as systemd does by default");
	else
		check_programs(doctor);
	check_systemd(doctor);
	check_room(doctor);
}
