// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Denied paths whose nodes come without an event. NVIDIA's driver tells udev of no node: programs of
 * NVIDIA's make them when they are needed, during a session that began without them as a rule.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/memory.h"
#include "command/warnings/internal.h"

/* Folders, or beginnings of names, below /dev, and the driver in /proc/devices; the longest first. */
static const struct unannounced {
	const char *path, *driver;
} unannounced[] = {
	{ "nvidia-caps-imex-channels/", "nvidia-caps-imex-channels" },
	{ "nvidia-caps/", "nvidia-caps" },
	{ "nvidia-uvm", "nvidia-uvm" },
	{ "nvidia-nvswitch", "nvidia-nvswitch" },
	{ "nvidia-nvlink", "nvidia-nvlink" },
	{ "nvidia", "nvidia" },
};

#define DRIVERS (sizeof(unannounced) / sizeof(unannounced[0]))

/*
 * The drivers whose nodes @device, if it is a path, is about: bits, by their places above; 0: udev is
 * told of them all. What stands before the first wildcard may say which one it is.
 */
static unsigned int drivers_of(const struct device_spec *device)
{
	const char *path = device->kind == DEVICE_PATH ? device->text + strlen("/dev/") : "";
	size_t literal = strcspn(path, "*?[\\");
	unsigned int drivers = 0;
	char *begins;

	if (!*path)
		return 0;
	begins = xasprintf("%s*", path);
	for (size_t i = 0; i < DRIVERS; i++) {
		size_t length = strlen(unannounced[i].path);

		if (literal >= length && strncmp(path, unannounced[i].path, length) == 0) {
			drivers |= 1u << i;
			break;
		}
		if (path[literal] && fnmatch(begins, unannounced[i].path, FNM_PATHNAME) == 0)
			drivers |= 1u << i;
	}
	free(begins);
	return drivers;
}

/* Whether all devices of the driver are among those of @device. */
static bool has_driver(const struct conf *conf, const struct device_spec *device,
		       const char *driver)
{
	const struct conf_class *class =
		device->kind == DEVICE_CLASS ? conf_find_class(conf, device->text) : NULL;
	bool found =
		device->kind == DEVICE_ALL || (device->kind == DEVICE_DRIVER && device->character &&
					       fnmatch(device->text, driver, 0) == 0);

	for (size_t i = 0; class && !found && i < class->count; i++)
		found = has_driver(conf, &class->devices[i], driver);
	return found;
}

/* Whether the line denies the driver as much as @deny does its path, in all sessions in which that counts. */
static bool denies_driver(const struct warnings_run *run, const struct conf_statement *line,
			  const struct conf_statement *deny, const char *driver)
{
	return line->verb == CONF_DENY && !(deny->access & ~line->access) &&
	       warnings_implies_in_session(deny, line) &&
	       has_driver(run->input->conf, &line->device, driver);
}

/* Whether a line does that counts for all of @who: those for "*" do where nothing is allowed to @who. */
static bool is_driver_denied(struct warnings_run *run, const struct warnings_who *who,
			     const struct conf_statement *deny, const char *driver)
{
	size_t covering = warnings_cover(run, who);
	const struct conf *conf = run->input->conf;

	for (size_t c = 0; c < covering; c++)
		for (size_t i = 0; i < run->covering[c]->count; i++) {
			uint32_t line = run->covering[c]->lines[i].statement;

			if (denies_driver(run, warnings_statement(run, line), deny, driver))
				return true;
		}
	for (size_t i = 0; !who->allows && i < conf->statement_count; i++)
		if (conf->statements[i].who.kind == CONF_ANYONE &&
		    denies_driver(run, &conf->statements[i], deny, driver))
			return true;
	return false;
}

/*
 * The first path that @device is, or that is in it if it is a class, of whose drivers one is not
 * denied: *@driver. NULL: there is none. Classes have no cycles.
 */
static const struct device_spec *find_open(struct warnings_run *run, const struct warnings_who *who,
					   const struct conf_statement *deny,
					   const struct device_spec *device, const char **driver)
{
	const struct conf *conf = run->input->conf;
	const struct conf_class *class =
		device->kind == DEVICE_CLASS ? conf_find_class(conf, device->text) : NULL;
	const struct device_spec *found = NULL;
	unsigned int drivers = drivers_of(device);

	for (size_t i = 0; i < DRIVERS && !found; i++)
		if (drivers & 1u << i && !is_driver_denied(run, who, deny, unannounced[i].driver)) {
			*driver = unannounced[i].driver;
			found = device;
		}
	for (size_t i = 0; class && !found && i < class->count; i++)
		found = find_open(run, who, deny, &class->devices[i], driver);
	return found;
}

void warnings_of_unannounced(struct warnings_run *run, struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++) {
		uint32_t statement = who->lines[i].statement;
		const struct conf_statement *deny = warnings_statement(run, statement);
		const struct device_spec *path;
		const char *driver;

		if (deny->verb != CONF_DENY || run->dead[statement])
			continue;
		path = find_open(run, who, deny, &deny->device, &driver);
		if (!path)
			continue;
		warnings_add(run, &deny->place, deny->device.column, WARNING_UNANNOUNCED,
			     "NVIDIA's driver does not tell udev of its nodes, so \"%s\" is not "
			     "denied to sessions that began before it was made; expected also a "
			     "line that denies the driver, char-%s or @nvidia, and lines that "
			     "allow paths of it, if some may be used",
			     QUOTE(path->text), driver);
	}
}
