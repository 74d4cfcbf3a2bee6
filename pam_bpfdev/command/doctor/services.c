// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Services that open devices of their kind for whoever may ask them, and know nothing of anybody's
 * rules: what they ask polkit, if they do, names no device.
 */
#include <unistd.h>

#include "command/doctor/doctor.h"

#define TOPIC "brokers"
#define POLKIT(action) "a file of /etc/polkit-1/rules.d can refuse users " action

static const struct service {
	const char *name, *path, *what, *advice;
} services[] = {
	{ "pcscd", "/usr/sbin/pcscd", "smart cards",
	  POLKIT("org.debian.pcsc-lite.access_pcsc and access_card") },
	{ "cupsd", "/usr/sbin/cupsd", "printers", "lpadmin(8), -u, says who may print" },
	{ "saned", "/usr/sbin/saned", "scanners", "saned(8): saned.conf says who may scan" },
	{ "ModemManager", "/usr/sbin/ModemManager", "modems",
	  POLKIT("org.freedesktop.ModemManager1.*") },
	{ "bluetoothd", "/usr/libexec/bluetooth/bluetoothd", "what is paired by Bluetooth",
	  "a policy in /etc/dbus-1/system.d can keep users from org.bluez" },
	{ "NetworkManager", "/usr/sbin/NetworkManager", "network devices, and switches radios",
	  POLKIT("org.freedesktop.NetworkManager.*") },
};

/* These ask for an administrator's password, unless somebody has told polkit otherwise. */
static const struct {
	const char *name, *path, *actions;
} guarded[] = {
	{ "fwupd", "/usr/libexec/fwupd/fwupd", "org.freedesktop.fwupd.*" },
	{ "snapd", "/usr/lib/snapd/snapd", "io.snapcraft.snapd.*" },
	{ "systemd-homed", "/usr/lib/systemd/systemd-homed", "org.freedesktop.home1.*" },
	{ "usbguard-dbus", "/usr/sbin/usbguard-dbus", "org.usbguard.*" },
};

void doctor_check_services(struct doctor *doctor)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		const struct service *service = &services[i];

		if (access(service->path, F_OK) < 0)
			continue;
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, service->name,
			    "uses %s for whoever may ask it, and does not know their rules",
			    service->what);
		doctor_advise(doctor, "%s", service->advice);
	}
	for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++) {
		if (access(guarded[i].path, F_OK) < 0)
			continue;
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, guarded[i].name,
			    "does not know users' rules, and by default wants an administrator "
			    "for what opens devices");
		doctor_advise(doctor, "nothing, unless polkit's files allow users %s",
			      guarded[i].actions);
	}
}
