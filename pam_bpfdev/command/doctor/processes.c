// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Processes that run where no filter is, although their users have rules. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/doctor/devices.h"
#include "command/doctor/place.h"
#include "command/doctor/tally.h"

#define TOPIC "processes"

struct process {
	pid_t pid;
	uid_t uid; /* the real one: who started a program with set-uid is still the user */
	char comm[64];
	const struct doctor_place *place;
	enum session_place whose;
};

struct walk {
	struct doctor *doctor;
	struct doctor_places places;
	struct doctor_tallies strays, devices;
	char namespace[64]; /* our own, of processes */
};

/* Reads who a process is. Returns whether it is one that can still do anything. */
static bool read_status(struct process *process)
{
	char path[64], line[256], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", process->pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	process->uid = 0;
	process->comm[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		/* The kernel writes what would end the line as an escape. */
		sscanf(line, "Name:\t%63[^\n]", process->comm);
		sscanf(line, "State:\t%c", &state);
		sscanf(line, "Uid:\t%u", &process->uid);
	}
	fclose(file);
	return state != 'Z' && state != 'X';
}

static void read_namespace(pid_t pid, char *name, size_t size)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	length = readlink(path, name, size - 1);
	name[length > 0 ? length : 0] = '\0';
}

/* Not so for what a user makes with unshare(1): that stays in the session's cgroup. */
static bool is_in_container(const struct walk *walk, const struct process *process)
{
	char name[sizeof(walk->namespace)];

	if (process->place->session)
		return false;
	read_namespace(process->pid, name, sizeof(name));
	return *name && strcmp(name, walk->namespace) != 0;
}

static const char *advice_for(const struct process *process)
{
	switch (process->place->session ? process->whose : SESSION_NONE) {
	case SESSION_OWN_SCOPE:
	case SESSION_OWN_MANAGER:
		return "bpfdev reload --all gives it the filter that it would get now";
	case SESSION_FOREIGN:
		return "end them; daemons that let users in belong to systemd, not into a session";
	default:
		return "end them; services that must run as a user can have DeviceAllow= in their unit";
	}
}

static void tell_stray(struct walk *walk, const struct process *process, const char *name)
{
	struct doctor_tally tally = {
		.level = DOCTOR_BAD,
		.topic = TOPIC,
		.pid = process->pid,
	};
	char message[PATH_MAX];

	tally.advice = advice_for(process);
	if (is_in_container(walk, process)) {
		tally.level = DOCTOR_WARN;
		tally.advice = "see that no device is given to that container which the user may "
			       "not use";
	}
	snprintf(message, sizeof(message), "%s has no filter%s", process->place->cgroup,
		 tally.level == DOCTOR_WARN ? " and is a container's" : "");
	memcpy(tally.comm, process->comm, sizeof(tally.comm));
	doctor_tally_add(walk->doctor, &walk->strays, &tally, name, message);
}

/* A sound server that is nobody's opens devices for everybody who asks it. */
static bool is_sound_server(const struct process *process)
{
	static const char *const names[] = { "pipewire", "pulseaudio", "wireplumber" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(process->comm, names[i]) == 0)
			return true;
	return false;
}

static void look_at(struct walk *walk, struct process *process)
{
	const struct doctor_user *user;
	char *cgroup;
	int ret = doctor_place_read(process->pid, &cgroup);

	if (ret == -ENOMEM)
		walk->doctor->error = ret;
	if (ret < 0)
		return;
	process->place =
		doctor_place_of(walk->doctor, &walk->places, cgroup, process->uid, &process->whose);
	free(cgroup);
	if (!process->place)
		return;
	if (!process->place->session && is_sound_server(process))
		walk->doctor->sound_server = process->pid;
	/* Root has daemons everywhere, and its login programs had their devices before the filter. */
	if (process->uid == 0)
		return;
	doctor_devices_look(walk->doctor, &walk->devices, process->pid, process->comm,
			    process->place);
	user = doctor_user_of_uid(walk->doctor, process->uid);
	if (doctor_has_rules(user) && !process->place->filtered)
		tell_stray(walk, process, user->subject.name);
}

static void walk_proc(struct walk *walk, DIR *proc)
{
	struct process process;
	struct dirent *entry;

	while ((entry = readdir(proc))) {
		process = (struct process) { .pid = atoi(entry->d_name) };
		if (process.pid <= 0 || !read_status(&process))
			continue;
		if (process.uid != 0 || is_sound_server(&process))
			look_at(walk, &process);
	}
}

static void tell_all(struct walk *walk)
{
	struct doctor *doctor = walk->doctor;

	if (walk->strays.count == 0 && doctor->conf)
		doctor_find(doctor, DOCTOR_OK, TOPIC, "",
			    "no process of a user with rules is outside of the filters");
	doctor_tally_tell(doctor, &walk->strays);
	if (walk->devices.count == 0)
		doctor_find(doctor, DOCTOR_OK, "devices", "",
			    "no session has a device open that its filter denies");
	doctor_tally_tell(doctor, &walk->devices);
}

static void blind(struct doctor *doctor, const char *why)
{
	doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "processes cannot be looked at: %s", why);
	doctor_advise(doctor, "mount proc(5) at /proc so that root sees all processes");
}

void doctor_check_processes(struct doctor *doctor)
{
	struct walk walk = { .doctor = doctor };
	struct reason why = { "" };
	DIR *proc;

	/* Without cgroup2 nothing is filtered at all: that was said. */
	if (!doctor->root)
		return;
	proc = opendir("/proc");
	if (!proc) {
		blind(doctor, strerror(errno));
		return;
	}
	if (doctor_places_init(&walk.places, &why) < 0) {
		blind(doctor, why.text);
	} else {
		read_namespace(getpid(), walk.namespace, sizeof(walk.namespace));
		walk_proc(&walk, proc);
		tell_all(&walk);
	}
	doctor_places_free(&walk.places);
	closedir(proc);
}
