// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Services that open devices for whoever may ask them: what they open is not the user's to open. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "brokers"
#define NSS_BUFFER (1024 * 1024) /* a group comes with its members' names */
#define MEMBERS_MAX 1000	 /* looked up, of each group: a directory may be far away */

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

static void check_udisks(struct doctor *doctor)
{
	static const char service[] =
		"/usr/share/dbus-1/system-services/org.freedesktop.UDisks2.service";

	if (access(service, F_OK) < 0 || !denies_storage(doctor->conf))
		return;
	doctor_find(doctor, DOCTOR_WARN, TOPIC, "udisks2",
		    "mounts disks and sticks for users at the console, whatever their rules say");
	doctor_advise(doctor,
		      "systemctl mask udisks2.service, or deny org.freedesktop.udisks2.* to "
		      "users with rules by polkit(8)");
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

	if (!doctor->conf || !doctor->conf->statement_count)
		return;
	check_groups(doctor);
	check_udisks(doctor);
	check_sound(doctor);
	if (doctor->findings.count == before)
		doctor_find(doctor, DOCTOR_OK, TOPIC, "",
			    "no service is known to open devices for users with rules");
}
