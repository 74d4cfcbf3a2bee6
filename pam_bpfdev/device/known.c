// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* From a device that is there back to the names that a policy can have for it. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpfdev.h"
#include "base/array.h"
#include "device/internal.h"

static void find_usb(const struct device_source *source, uint32_t type, uint32_t major,
		     uint32_t minor, struct device_known *known)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t length;

	if (!source->sys ||
	    snprintf(path, sizeof(path), "%s/dev/%s/%u:%u", source->sys,
		     type == BPFDEV_BLOCK ? "block" : "char", major, minor) >= (int)sizeof(path))
		return;
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return;
	target[length] = '\0';
	known->usb = device_find_usb(source, device_below_sysfs(target), known);
}

static int append(struct device_texts *texts, const char *text)
{
	char **grown = array_grow(texts->items, texts->count, &texts->capacity, sizeof(*grown));

	if (grown)
		texts->items = grown;
	if (!grown || !(grown[texts->count] = strdup(text)))
		return -ENOMEM;
	texts->count++;
	return 0;
}

static void free_texts(struct device_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
	*texts = (struct device_texts) { 0 };
}

/* The tags of the entry: those of now, and those that it ever had, for a udev without the former. */
struct entry {
	struct device_known *known;
	struct device_texts ever;
	bool has_version;
};

static int see_line(const char *line, void *data, struct reason *why)
{
	struct entry *entry = data;

	(void)why;
	if (strncmp(line, "V:", 2) == 0)
		entry->has_version = true;
	else if (strncmp(line, "S:", 2) == 0)
		return append(&entry->known->links, line + 2);
	else if (strncmp(line, "Q:", 2) == 0)
		return append(&entry->known->tags, line + 2);
	else if (strncmp(line, "G:", 2) == 0)
		return append(&entry->ever, line + 2);
	return 0;
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void sort(struct device_texts *texts)
{
	if (texts->count)
		qsort(texts->items, texts->count, sizeof(*texts->items), compare_texts);
}

int device_know(const struct device_source *source, uint32_t type, uint32_t major, uint32_t minor,
		struct device_known *known)
{
	struct entry entry = { .known = known };
	char id[32];
	int ret;

	*known = (struct device_known) { 0 };
	find_usb(source, type, major, minor, known);
	snprintf(id, sizeof(id), "%c%u:%u", type == BPFDEV_BLOCK ? 'b' : 'c', major, minor);
	ret = device_udev_lines(source, id, see_line, &entry, NULL);
	if (ret == 0 && !entry.has_version) {
		struct device_texts now = known->tags;

		known->tags = entry.ever;
		entry.ever = now;
	}
	free_texts(&entry.ever);
	sort(&known->links);
	sort(&known->tags);
	return ret == -ENOMEM ? ret : 0;
}

void device_known_free(struct device_known *known)
{
	free_texts(&known->links);
	free_texts(&known->tags);
	*known = (struct device_known) { 0 };
}

/*
 * One character of a serial number, or what stands for it in a glob that is one word of a policy.
 * Bytes of others than ASCII may be characters or not, as the locale has it. Returns behind it.
 */
static char *write_character(char *out, const char **text)
{
	unsigned char c = (unsigned char)**text;

	if (c >= 0x80) {
		while ((unsigned char)**text >= 0x80)
			++*text;
		*out++ = '*';
		return out;
	}
	++*text;
	if (!isgraph(c) || strchr("#\"'", c)) {
		*out++ = '?';
		return out;
	}
	if (strchr("*?[\\", c))
		*out++ = '\\';
	*out++ = (char)c;
	return out;
}

bool device_known_usb(const struct device_known *known, char *out)
{
	char *end = out + snprintf(out, DEVICE_SERIAL_SIZE, "usb:%04x:%04x", known->vendor,
				   known->product);
	const char *last = out + DEVICE_SERIAL_SIZE - 4;

	if (!known->usb) {
		*out = '\0';
		return false;
	}
	if (*known->serial)
		*end++ = ':';
	for (const char *text = known->serial; *text;) {
		/* What does not fit may be anything. */
		if (end >= last) {
			*end++ = '*';
			break;
		}
		end = write_character(end, &text);
	}
	*end = '\0';
	return true;
}
