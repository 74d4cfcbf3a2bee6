// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Whom polkit(8) lets have systemd start programs as others: run0(1), systemd-run(1) and machinectl(1)
 * ask it. What they start is no process of the session, and knows nothing of its rules.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "polkit"
#define PKCHECK "/usr/bin/pkcheck"
#define ACTION "org.freedesktop.systemd1.manage-units"
#define ASKED_MAX 100 /* users: each is a program that is started */

/* Those of the first folder count before those of the same name. */
static const char *const folders[] = { "/etc/polkit-1/rules.d", "/run/polkit-1/rules.d",
				       "/usr/local/share/polkit-1/rules.d",
				       "/usr/share/polkit-1/rules.d" };

struct rules_file {
	char *path;
	const char *name; /* in path */
	size_t folder;
};

struct rules_files {
	struct rules_file *items;
	size_t count, capacity;
};

static int compare(const void *a, const void *b)
{
	const struct rules_file *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ?: (left->folder > right->folder) - (left->folder < right->folder);
}

static void list_files(struct rules_files *files)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		DIR *dir = opendir(folders[i]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			const char *dot = strrchr(entry->d_name, '.');
			char *path;

			if (!dot || strcmp(dot, ".rules") != 0)
				continue;
			path = xasprintf("%s/%s", folders[i], entry->d_name);
			*xappend(files) = (struct rules_file) { path, strrchr(path, '/') + 1, i };
		}
		if (dir)
			closedir(dir);
	}
	qsort(files->items, files->count, sizeof(*files->items), compare);
}

/* Whether @name, quoted and behind @kind in the text @admins, names the user. */
static bool names(const char *admins, const struct policy_subject *subject)
{
	static const char user[] = "unix-user:", group[] = "unix-group:";
	const char *at = admins;
	char name[256], uid[16];
	gid_t gid;

	snprintf(uid, sizeof(uid), "%u", subject->uid);
	while ((at = strstr(at, "unix-"))) {
		const char *begin = strchr(at, ':');
		bool is_user = strncmp(at, user, strlen(user)) == 0;

		at += strlen("unix-");
		if (!begin || (!is_user && strncmp(at - 5, group, strlen(group)) != 0))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(begin + 1, "\"'"), begin + 1);
		if (is_user && (strcmp(name, subject->name) == 0 || strcmp(name, uid) == 0))
			return true;
		if (is_user || policy_group_id(name, &gid, NULL) <= 0)
			continue;
		for (int i = 0; i < subject->group_count; i++)
			if (subject->groups[i] == gid)
				return true;
	}
	return false;
}

static void tell_administrators(struct doctor *doctor, const char *admins, const char *path)
{
	for (size_t i = 0; i < doctor->user_count; i++) {
		const struct doctor_user *user = doctor->users[i];

		if (user->uid == 0 || !doctor_has_rules(user) || !names(admins, &user->subject))
			continue;
		doctor_find(doctor, DOCTOR_BAD, TOPIC, user->subject.name,
			    "has rules, and is an administrator by %s: with their own password, "
			    "run0(1) and systemd-run(1) start anything as root, outside of the "
			    "session and its rules",
			    path);
		doctor_advise(doctor,
			      "take them out of the group that it names, or name another in "
			      "a file of /etc/polkit-1/rules.d that is read before");
	}
}

/* The first function that names any decides; here, the first file that has one. */
static void check_administrators(struct doctor *doctor)
{
	static const char rule[] = "addAdminRule";
	struct rules_files files = { 0 };
	char *text = xmalloc(DOCTOR_OUTPUT_MAX);
	bool found = false;

	list_files(&files);
	for (size_t i = 0; i < files.count; i++) {
		FILE *file = found ? NULL : fopen(files.items[i].path, "re");
		const char *admins;

		text[file ? fread(text, 1, DOCTOR_OUTPUT_MAX - 1, file) : 0] = '\0';
		admins = strstr(text, rule);
		if (admins)
			tell_administrators(doctor, admins, files.items[i].path);
		found |= admins != NULL;
		if (file)
			fclose(file);
		free(files.items[i].path);
	}
	free(files.items);
	free(text);
}

/* A process of the session; 0: there is none. */
static pid_t process_of(const struct machine_unit *unit)
{
	char *path = xasprintf("%s/%s/cgroup.procs", unit->slice, unit->unit.name);
	FILE *file = fopen(path, "re");
	pid_t pid = 0;

	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	free(path);
	return pid;
}

/* Whether it says yes to such a process, and would ask for no password. */
static void ask_polkit(struct doctor *doctor, const struct machine_unit *unit, pid_t pid,
		       char *text)
{
	char number[16];
	char *argv[] = { PKCHECK, "--action-id", ACTION, "--process", number, NULL };

	snprintf(number, sizeof(number), "%d", pid);
	if (doctor_run(argv, text) != 0)
		return;
	doctor_find(
		doctor, DOCTOR_BAD, TOPIC, unit->unit.user,
		"has rules, and may have systemd start anything as root without a password (" ACTION
		"): run0(1) and systemd-run(1) leave the session and its rules");
	doctor_advise(doctor, "see which file in /etc/polkit-1/rules.d says yes to that");
}

static void check_sessions(struct doctor *doctor)
{
	const struct machine *machine = &doctor->machine;
	uid_t last = 0;
	size_t asked = 0;
	char *text;

	text = xmalloc(DOCTOR_OUTPUT_MAX);
	/* Those of one user stand together. */
	for (size_t i = 0; i < machine->unit_count && asked < ASKED_MAX; i++) {
		const struct machine_unit *unit = &machine->units[i];
		pid_t pid =
			unit->unit.role == BPFDEV_SESSION && unit->unit.uid != last &&
					doctor_has_rules(doctor_user_of_uid(doctor, unit->unit.uid))
				? process_of(unit)
				: 0;

		if (!pid)
			continue;
		last = unit->unit.uid;
		asked++;
		ask_polkit(doctor, unit, pid, text);
	}
	free(text);
}

void doctor_check_polkit(struct doctor *doctor)
{
	if (access(PKCHECK, X_OK) < 0)
		return;
	check_administrators(doctor);
	check_sessions(doctor);
}
