// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Devices that a policy names and that this machine does not have. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "command/warnings/internal.h"

static const char *type_name(uint32_t type)
{
	return type == BPFDEV_BLOCK ? "block" : "char";
}

/* The drivers of this machine, and whether the glob is fine but for its type. */
struct drivers {
	const struct device_spec *device;
	struct name_list names; /* of the right type */
	bool other_type;
	int error;
};

static void note_driver(const struct device_driver *driver, void *data)
{
	struct drivers *drivers = data;
	uint32_t wanted = drivers->device->block ? BPFDEV_BLOCK : BPFDEV_CHAR;

	if (driver->type != wanted)
		drivers->other_type =
			drivers->other_type || fnmatch(drivers->device->text, driver->name, 0) == 0;
	else if (drivers->error == 0)
		drivers->error = name_list_add(&drivers->names, driver->name, driver->type);
}

/* The driver that was probably meant, for a message; "" if there is none like it. */
static int hint_driver(struct warnings_run *run, const struct device_spec *device, char *out,
		       size_t size)
{
	struct drivers drivers = { .device = device };
	uint32_t type = device->block ? BPFDEV_BLOCK : BPFDEV_CHAR, other = BPFDEV_TYPES - 1 - type;
	int ret = device_each_driver(run->input->devices, note_driver, &drivers, run->why);
	const char *near;

	*out = '\0';
	if (ret == 0)
		ret = drivers.error;
	if (ret == 0 && drivers.other_type) {
		snprintf(out, size, " (did you mean \"%s-%s\"?)", type_name(other),
			 QUOTE(device->text));
	} else if (ret == 0) {
		ret = name_list_nearest(&drivers.names, device->text, &near);
		if (ret == 0 && near)
			snprintf(out, size, " (did you mean \"%s-%s\"?)", type_name(type),
				 QUOTE(near));
	}
	name_list_free(&drivers.names);
	return ret;
}

static int warn_of_driver(struct warnings_run *run, const struct conf_place *line,
			  const struct device_spec *device)
{
	char meant[160];
	int ret = hint_driver(run, device, meant, sizeof(meant));

	if (ret < 0)
		return ret;
	return warnings_add(run, line, device->column, WARNING_NO_DRIVER,
			    "no driver \"%s-%s\" is loaded, and the kernel has assigned it no "
			    "major, so it stands for nothing now; expected a name of "
			    "/proc/devices, or a module that is loaded before users log in%s",
			    type_name(device->block ? BPFDEV_BLOCK : BPFDEV_CHAR),
			    QUOTE(device->text), meant);
}

static bool is_folder(const struct warnings_run *run, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (snprintf(real, sizeof(real), "%s%s", run->input->devices->dev, path + strlen("/dev")) >=
	    (int)sizeof(real))
		return false;
	return stat(real, &st) == 0 && S_ISDIR(st.st_mode);
}

static int warn_of_path(struct warnings_run *run, const struct conf_place *line,
			const struct device_spec *device)
{
	const char *path = QUOTE(device->text);

	if (is_folder(run, device->text))
		return warnings_add(run, line, device->column, WARNING_NO_PATH,
				    "\"%s\" is a folder, so it stands for nothing; expected "
				    "\"%s/*\" for the devices in it",
				    path, path);
	return warnings_add(run, line, device->column, WARNING_NO_PATH,
			    "\"%s\" leads to no device, so it stands for nothing now; expected a "
			    "path that is there before users log in, or the numbers or the driver "
			    "of the device",
			    path);
}

static int warn_of_nothing(struct warnings_run *run, const struct conf_place *line,
			   const struct device_spec *device)
{
	if (device->kind == DEVICE_DRIVER)
		return warn_of_driver(run, line, device);
	if (device->kind == DEVICE_PATH)
		return warn_of_path(run, line, device);
	return warnings_add(run, line, device->column, WARNING_EMPTY_CLASS,
			    "class \"@%s\" stands for nothing here: none of its devices is there; "
			    "expected a driver that is loaded, a path that exists or numbers among "
			    "them",
			    QUOTE(device->text));
}

/*
 * One device of a line. Too many rules are a mistake where they are used, not where a class is
 * defined: -EINVAL, it was added.
 */
static int look_at(struct warnings_run *run, const struct conf_place *line,
		   const struct device_spec *device, bool used)
{
	struct conf_place place = { line->file, line->line, device->column };
	struct device_patterns patterns = { 0 };
	struct reason what;
	int ret = policy_resolve(run->input->conf, run->input->devices, device, &patterns, &what);

	if (ret == -E2BIG) {
		if (used)
			conf_add_error(run->input->conf, &place, &what);
		ret = used ? -EINVAL : 0;
	} else if (ret < 0 && ret != -ENOMEM) {
		ret = warnings_add(run, line, device->column, WARNING_LOOKUP,
				   "%s, so what this stands for is not known; expected to be "
				   "allowed to look: try again as root",
				   what.text);
	} else if (ret == 0 && patterns.count == 0) {
		ret = warn_of_nothing(run, line, device);
	}
	device_patterns_free(&patterns);
	return ret;
}

/* Whether the class came with the system, from the folder of such. */
static bool is_shipped(const struct warnings_run *run, const struct conf_class *class)
{
	const char *vendor = run->input->vendor;
	const char *path = run->input->conf->files[class->place.file].path;
	size_t length = vendor ? strlen(vendor) : 0;

	return length && strncmp(path, vendor, length) == 0 && path[length] == '/';
}

static int look_at_class(struct warnings_run *run, const struct conf_class *class)
{
	int ret = 0;

	for (size_t i = 0; i < class->count && ret == 0; i++) {
		const struct device_spec *device = &class->devices[i];

		if (device->kind == DEVICE_DRIVER || device->kind == DEVICE_PATH)
			ret = look_at(run, &class->place, device, false);
	}
	return ret;
}

int warnings_of_devices(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;
	int ret = 0, mistakes = 0;

	for (size_t i = 0; i < conf->statement_count && ret == 0; i++) {
		const struct conf_statement *line = &conf->statements[i];

		if (line->verb != CONF_ALLOW && line->verb != CONF_DENY)
			continue;
		ret = look_at(run, &line->place, &line->device, true);
		if (ret == -EINVAL) {
			mistakes = ret;
			ret = 0;
		}
	}
	for (size_t i = 0; i < conf->class_count && ret == 0; i++)
		if (!is_shipped(run, &conf->classes[i]))
			ret = look_at_class(run, &conf->classes[i]);
	return ret < 0 ? ret : mistakes;
}
