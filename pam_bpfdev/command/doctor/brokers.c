// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Programs that do for a user what the rules forbid: services that open devices for whoever may ask
 * them, and sudo.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"
#include "command/machine/doors.h"

#define TOPIC "brokers"
#define NSS_BUFFER (1024 * 1024) /* a group comes with its members' names */
#define SUDO "/usr/bin/sudo"
#define ASKED_MAX 100	 /* users, of sudo: each is a program that is started */
#define MEMBERS_MAX 1000 /* looked up, of each group: a directory may be far away */

/* Who is in one of these has a daemon of root's start containers or machines with any device. */
static const struct {
	const char *name, *what;
} groups[] = {
	{ "docker", "dockerd" },	{ "podman", "podman.socket" }, { "lxd", "lxd" },
	{ "incus-admin", "incusd" },	{ "incus", "incusd" },	       { "libvirt", "libvirtd" },
	{ "libvirt-qemu", "libvirtd" },
};

static void tell_member(struct doctor *doctor, const char *name, size_t group)
{
	doctor_find(doctor, DOCTOR_BAD, TOPIC, name,
		    "has rules, and is in the group %s: %s opens any device for its members",
		    groups[group].name, groups[group].what);
	doctor_advise(doctor, "take them out of the group %s", groups[group].name);
}

static bool is_listed(const struct group *entry, const char *name)
{
	for (char **member = entry->gr_mem; *member; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return false;
}

/* Members that the group does not list have it as their own: of these, those who are known. */
static void check_known(struct doctor *doctor, const struct group *entry, size_t group)
{
	for (size_t i = 0; i < doctor->user_count; i++) {
		const struct doctor_user *user = doctor->users[i];
		bool is = false;

		for (int j = 0; j < user->subject.group_count; j++)
			is |= user->subject.groups[j] == entry->gr_gid;
		if (is && doctor_has_rules(user) && !is_listed(entry, user->subject.name))
			tell_member(doctor, user->subject.name, group);
	}
}

static void check_members(struct doctor *doctor, const struct group *entry, size_t group)
{
	size_t count = 0;

	for (; count < MEMBERS_MAX && entry->gr_mem[count]; count++)
		if (doctor_has_rules(doctor_user_of_name(doctor, entry->gr_mem[count])))
			tell_member(doctor, entry->gr_mem[count], group);
	if (entry->gr_mem[count]) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, entry->gr_name,
			    "has more than %d members: the others were not looked at", MEMBERS_MAX);
		doctor_advise(doctor, "make the group %s smaller", entry->gr_name);
	}
	check_known(doctor, entry, group);
}

static void check_groups(struct doctor *doctor)
{
	char *buffer = xmalloc(NSS_BUFFER);
	struct group entry, *found;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		int error = getgrnam_r(groups[i].name, &entry, buffer, NSS_BUFFER, &found);

		if (found) {
			check_members(doctor, found, i);
		} else if (error == ERANGE) {
			doctor_find(doctor, DOCTOR_BLIND, TOPIC, groups[i].name,
				    "has too many members to be looked at");
			doctor_advise(doctor, "make the group %s smaller", groups[i].name);
		}
	}
	free(buffer);
}

/* Whether somebody who has rules could be denied sticks and disks. */
static bool denies_storage(const struct conf *conf)
{
	bool denies = false, allows = false;

	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];
		/* What a class stands for may be anything. */
		bool storage = statement->device.block || statement->device.kind == DEVICE_CLASS ||
			       statement->device.kind == DEVICE_PATH;

		if (statement->verb == CONF_DENY)
			denies |= storage;
		if (statement->verb == CONF_ALLOW)
			allows |= storage;
	}
	/* Nothing about them at all denies them too. */
	return conf->statement_count && (denies || !allows);
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

/* One right as "sudo -l" tells it: "(RUNAS : GROUPS) TAG: COMMANDS". */
static void look_at_right(struct doctor *doctor, const char *name, const char *right)
{
	const char *close = strchr(right, ')'), *commands = close ? close + 1 : "";
	size_t tag, length = strcspn(right + 1, ":)");
	bool all, root = false;

	/* NOPASSWD: SETENV: and the like. */
	for (commands += strspn(commands, " ");
	     (tag = strspn(commands, CAPITALS)) && commands[tag] == ':';
	     commands += strspn(commands, " "))
		commands += tag + 1;
	all = strncmp(commands, "ALL", 3) == 0 && (!commands[3] || strchr(", ", commands[3]));
	for (const char *at = right + 1, *end = at + length; at < end;) {
		size_t word = strcspn(at, ", :)");

		root |= (word == 3 && strncmp(at, "ALL", word) == 0) ||
			(word == 4 && strncmp(at, "root", word) == 0) ||
			(word == 2 && strncmp(at, "#0", word) == 0);
		at += word + 1;
	}
	if (all && root) {
		doctor_find(
			doctor, DOCTOR_BAD, "sudo", name,
			"has rules, and may run anything as root: root can leave the session and "
			"its rules, by systemd-run(1) for one");
		doctor_advise(doctor,
			      "name the programs that they may run in sudoers(5), or let no "
			      "line name them");
	} else {
		doctor_find(doctor, all ? DOCTOR_WARN : DOCTOR_NOTE, "sudo", name,
			    "has rules, and may become others: %s", right);
		doctor_advise(doctor,
			      "see that none of that starts programs outside of the session: "
			      "user managers, jobs, containers");
	}
}

static void ask_sudo(struct doctor *doctor, const char *name, char *text)
{
	static const char begin[] = "may run the following commands";
	char *argv[] = { SUDO, "-n", "-l", "-U", (char *)name, NULL };
	int ret = doctor_run(argv, text);
	char *rest = ret < 0 ? NULL : strstr(text, begin), *line;

	if (ret < 0) {
		doctor_find(doctor, DOCTOR_BLIND, "sudo", name,
			    "what they may run cannot be told: sudo -l -U: %s",
			    ret == -ETIMEDOUT ? "it does not answer" : strerror(-ret));
		doctor_advise(doctor, "look at sudoers(5)");
	}
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, "    (", 5) == 0)
			look_at_right(doctor, name, line + 4);
}

/* The users whom lines name, and who are in groups that they name: those whom doctor has met. */
static void meet_named(struct doctor *doctor)
{
	char *buffer = xmalloc(NSS_BUFFER);

	for (size_t i = 0; i < doctor->conf->statement_count; i++) {
		const struct conf_who *who = &doctor->conf->statements[i].who;
		struct group entry, *found = NULL;

		if (who->kind == CONF_USER)
			doctor_user_of_name(doctor, who->name);
		if (who->kind == CONF_GROUP)
			getgrnam_r(who->name, &entry, buffer, NSS_BUFFER, &found);
		for (size_t j = 0; found && j < MEMBERS_MAX && found->gr_mem[j]; j++)
			doctor_user_of_name(doctor, found->gr_mem[j]);
	}
	free(buffer);
}

static void check_sudo(struct doctor *doctor)
{
	char *text;
	size_t asked = 0, left = 0;

	if (access(SUDO, X_OK) < 0)
		return;
	text = xmalloc(DOCTOR_OUTPUT_MAX);
	for (size_t i = 0; i < doctor->user_count; i++) {
		const struct doctor_user *user = doctor->users[i];
		bool again = false;

		for (size_t j = 0; j < i; j++)
			again |= doctor->users[j]->uid == user->uid;
		if (again || user->uid == 0 || !doctor_has_rules(user))
			continue;
		if (asked++ < ASKED_MAX)
			ask_sudo(doctor, user->subject.name, text);
		else
			left++;
	}
	free(text);
	if (!left)
		return;
	doctor_find(doctor, DOCTOR_NOTE, "sudo", "", "%zu more users with rules were not looked at",
		    left);
	doctor_advise(doctor, "sudo -l -U USER says what they may run");
}

/* Who is left then: see ask_is_stranger(). */
#define SERVED "serves root alone, and who has no rules if polkitd can read the policy: "

static void check_udisks(struct doctor *doctor)
{
	switch (doors_udisks()) {
	case DOOR_SHUT:
		doctor_find(doctor, DOCTOR_WARN, TOPIC, "udisks2",
			    SERVED "nobody listens at " DOORS_SOCKET
				   ", where polkit asks for users' rules");
		doctor_advise(doctor, "systemctl enable --now bpfdev-ask.socket");
		break;
	case DOOR_LOCKED:
		doctor_find(doctor, DOCTOR_WARN, TOPIC, "udisks2",
			    SERVED "polkitd may not ask for users' rules "
				   "at " DOORS_SOCKET ", which is not of its group");
		doctor_advise(doctor, "systemctl restart bpfdev-ask.socket");
		break;
	case DOOR_FREE:
		if (!doctor->conf || !denies_storage(doctor->conf))
			break;
		doctor_find(doctor, DOCTOR_WARN, TOPIC, "udisks2",
			    "mounts disks and sticks for users at the console, whatever their "
			    "rules say: /usr/share/" DOORS_RULES " is not there");
		doctor_advise(doctor,
			      "install all of pam_bpfdev, or systemctl mask udisks2.service");
		break;
	case DOOR_OBEYS:
		if (doctor->conf && doctor->conf->statement_count)
			doctor_find(doctor, DOCTOR_OK, TOPIC, "udisks2",
				    "mounts, unlocks and opens for users what their rules allow");
		break;
	case DOOR_ABSENT:
		break;
	}
}

static void check_sound(struct doctor *doctor)
{
	if (!doctor->sound_server)
		return;
	doctor_find(doctor, DOCTOR_WARN, TOPIC, "",
		    "process %d is a sound server for all users: it opens microphones and cameras "
		    "for who asks it, whatever their rules say",
		    doctor->sound_server);
	doctor_advise(doctor, "run PipeWire or PulseAudio as services of each user, as they are by "
			      "default");
}

void doctor_check_brokers(struct doctor *doctor)
{
	size_t before = doctor->findings.count;

	check_udisks(doctor);
	if (!doctor->conf || !doctor->conf->statement_count)
		return;
	check_groups(doctor);
	check_sound(doctor);
	doctor_check_services(doctor);
	meet_named(doctor);
	check_sudo(doctor);
	doctor_check_doas(doctor);
	doctor_check_polkit(doctor);
	if (doctor->findings.count == before)
		doctor_find(doctor, DOCTOR_OK, TOPIC, "",
			    "no service is known to open devices for users with rules");
}
