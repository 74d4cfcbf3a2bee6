// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From udev's environment to an event. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bpfdev.h"
#include "command/settle/event.h"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

/* A number below @limit. */
static bool take_number(const char *text, uint32_t limit, uint32_t *number)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value >= limit)
		return false;
	*number = (uint32_t)value;
	return true;
}

bool event_from_environment(struct device_event *event)
{
	const char *action = variable("ACTION"), *major = variable("MAJOR");
	const char *tags = variable("CURRENT_TAGS");

	*event = (struct device_event) {
		.gone = strcmp(action, "remove") == 0,
		.has_number = *major != '\0',
		.node = variable("DEVNAME"),
		.links = variable("DEVLINKS"),
		.tags = *tags ? tags : variable("TAGS"),
		.sysfs = variable("DEVPATH"),
		.subsystem = variable("SUBSYSTEM"),
	};
	if (!*action || !*event->sysfs || !*event->subsystem)
		return false;
	event->type = strcmp(event->subsystem, "block") == 0 ? BPFDEV_BLOCK : BPFDEV_CHAR;
	return !event->has_number || (take_number(major, BPFDEV_MAJORS, &event->major) &&
				      take_number(variable("MINOR"), BPFDEV_MINORS, &event->minor));
}

/*
 * A serial number as a policy has it. udev has written "_" for what it does not like, blanks first of
 * all (udev_util_replace_chars).
 */
static void write_serial(const char *serial, char *out, size_t size)
{
	snprintf(out, size, "%s%s", *serial ? ":" : "", serial);
	for (; *out; out++)
		if (*out == '_')
			*out = '?';
}

/*
 * The properties that 60-persistent-*.rules and usb_id give: of what is on USB only by the way, as
 * disks are, the first; else the second, which name another bus's ids as well.
 */
static bool write_usb(char *out, size_t size)
{
	bool above = *variable("ID_USB_VENDOR_ID");
	const char *vendor = variable(above ? "ID_USB_VENDOR_ID" : "ID_VENDOR_ID");
	const char *product = variable(above ? "ID_USB_MODEL_ID" : "ID_MODEL_ID");
	const char *serial = variable(above ? "ID_USB_SERIAL_SHORT" : "ID_SERIAL_SHORT");
	char text[128];

	if (!*vendor || !*product || (!above && strcmp(variable("ID_BUS"), "usb") != 0))
		return false;
	write_serial(serial, text, sizeof(text));
	return snprintf(out, size, "usb:%s:%s%s", vendor, product, text) < (int)size;
}

/* The first link that says which device it is: others are another's soon. */
static bool write_link(const char *links, char *out, size_t size)
{
	while (*links) {
		size_t length = strcspn(links, " ");

		if (length < size && memmem(links, length, "/by-id/", strlen("/by-id/"))) {
			snprintf(out, size, "%.*s", (int)length, links);
			return true;
		}
		links += length + (links[length] == ' ');
	}
	return false;
}

bool event_identity(const struct device_event *event, char *out, size_t size)
{
	if (write_usb(out, size) || write_link(event->links, out, size))
		return true;
	*out = '\0';
	return false;
}

const char *event_name(const struct device_event *event)
{
	return *event->node ? event->node : event->sysfs;
}

#define PATIENCE_MS 5000
#define PAUSE_MS 10

/* Whether the module at @path is still being loaded. */
static bool is_coming(const char *path)
{
	FILE *file = fopen(path, "re");
	char state[16] = "";
	bool coming = file && fscanf(file, "%15s", state) == 1 && strcmp(state, "coming") == 0;

	if (file)
		fclose(file);
	return coming;
}

void event_await_module(const struct device_event *event)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	char path[512];

	if (strcmp(event->subsystem, "module") != 0 || event->gone ||
	    snprintf(path, sizeof(path), "/sys%s/initstate", event->sysfs) >= (int)sizeof(path))
		return;
	for (int waited = 0; waited < PATIENCE_MS && is_coming(path); waited += PAUSE_MS)
		nanosleep(&pause, NULL);
}
