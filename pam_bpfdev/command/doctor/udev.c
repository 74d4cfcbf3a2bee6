// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether rules follow the devices that they name: udev, our rule there, and what it left to root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"

#define TOPIC "udev"
#define RULES "99-zz-bpfdev.rules"
#define COMMAND "bpfdev settle --event"
/* The tag that the rule gives to what could not be settled. */
#define UNSETTLED "bpfdev_unsettled"

/* As udev(7) has them: the first one that has the file counts. */
static const char *const folders[] = {
	"/etc/udev/rules.d",	 "/run/udev/rules.d", "/usr/local/lib/udev/rules.d",
	"/usr/lib/udev/rules.d", "/lib/udev/rules.d",
};

/* Whether what a line names, or a class in it, may be other devices later. */
static bool comes_and_goes(const struct conf *conf, const struct device_spec *device, int depth)
{
	const struct conf_class *class;

	if (device->kind != DEVICE_CLASS)
		return device_follows(device) || device->kind == DEVICE_DRIVER;
	class = conf_find_class(conf, device->text);
	for (size_t i = 0; class && depth && i < class->count; i++)
		if (comes_and_goes(conf, &class->devices[i], depth - 1))
			return true;
	return false;
}

static bool needs_udev(const struct conf *conf)
{
	for (size_t i = 0; i < conf->statement_count; i++) {
		const struct conf_statement *statement = &conf->statements[i];

		if ((statement->verb == CONF_ALLOW || statement->verb == CONF_DENY) &&
		    comes_and_goes(conf, &statement->device, CONF_CLASSES_MAX))
			return true;
	}
	return false;
}

/* The file that udev reads, or NULL: there is none. @path: 128 bytes. */
static FILE *open_rules(char *path)
{
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		FILE *file;

		snprintf(path, 128, "%s/" RULES, folders[i]);
		file = fopen(path, "re");
		if (file)
			return file;
	}
	return NULL;
}

static bool runs_settle(FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && getline(&line, &size, file) >= 0)
		found = line[strspn(line, " \t")] != '#' && strstr(line, COMMAND);
	free(line);
	return found;
}

static void check_rule(struct doctor *doctor)
{
	char path[128];
	FILE *file = open_rules(path);

	if (!file) {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, "",
			    "udev has no " RULES
			    ": what is plugged in, or loaded, after a login has "
			    "the rules of its number, and not those of the lines that name it");
		doctor_advise(doctor, "install the package again, or copy conf/udev/" RULES
				      " to /etc/udev/rules.d");
		return;
	}
	if (runs_settle(file)) {
		doctor_find(doctor, DOCTOR_OK, TOPIC, "",
			    "%s has the rules of open sessions follow devices that come and go",
			    path);
	} else {
		doctor_find(doctor, DOCTOR_BAD, TOPIC, "",
			    "%s does not run \"" COMMAND
			    "\": what is plugged in, or loaded, after a "
			    "login has the rules of its number, and not those of the lines that "
			    "name it",
			    path);
		doctor_advise(doctor, "remove %s if it hides the one of the package", path);
	}
	fclose(file);
}

/* What the rule could not let the filters follow. */
static void check_unsettled(struct doctor *doctor)
{
	static const struct device_spec tag = {
		.kind = DEVICE_TAG, .block = true, .character = true, .text = UNSETTLED
	};
	struct device_patterns patterns = { 0 };
	struct reason why = { "" };

	if (xcheck(device_resolve(&device_source_system, &tag, &patterns, &why)) < 0) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "%s", why.text);
		doctor_advise(doctor, "look at /run/udev");
	}
	for (size_t i = 0; i < patterns.count; i++) {
		const struct device_pattern *device = &patterns.items[i];
		char name[DEVICE_NAME_SIZE];

		device_name(&device_source_system, device->type, device->major, device->minor,
			    name);
		doctor_find(doctor, DOCTOR_WARN, TOPIC, *name ? name : "a device",
			    "root's alone, as the rules of open sessions could not follow it when "
			    "it came");
		doctor_advise(doctor, "journalctl -t bpfdev says why; then \"udevadm trigger\" has "
				      "udev try again");
	}
	device_patterns_free(&patterns);
}

void doctor_check_udev(struct doctor *doctor)
{
	struct stat st;

	if (!doctor->conf || !needs_udev(doctor->conf))
		return;
	if (stat("/run/udev/control", &st) < 0) {
		doctor_find(
			doctor, DOCTOR_WARN, TOPIC, "",
			"udev does not run here: names in rules stand for what is there at a "
			"login; drivers that are not there yet are denied with every major that "
			"nobody has");
		doctor_advise(doctor, "run \"bpfdev settle\" after devices or drivers have come or "
				      "gone");
		return;
	}
	check_rule(doctor);
	check_unsettled(doctor);
}
