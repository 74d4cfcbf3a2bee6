// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A device as it is written in a policy. Text only. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "bpfdev.h"
#include "device/internal.h"

/* What the names of most nodes are made of. */
#define NODE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-"
#define QUOTE(word) reason_quote((char[80]) { 0 }, 80, word, strlen(word))

static int parse_number(const char **text, uint32_t limit, uint32_t *number, const char *what,
			struct reason *why)
{
	const char *start = *text;
	uint64_t value = 0;

	for (; **text >= '0' && **text <= '9'; (*text)++)
		if (value < limit)
			value = value * 10 + (uint64_t)(**text - '0');
	if (*text == start) {
		reason_set(why, "bad %s \"%s\"; expected a number, a range 4-7 or *", what,
			   QUOTE(start));
		return -EINVAL;
	}
	if (value >= limit) {
		reason_set(why, "%s %.*s is out of range; expected at most %u", what,
			   (int)(*text - start < 20 ? *text - start : 20), start, limit - 1);
		return -EINVAL;
	}
	*number = (uint32_t)value;
	return 0;
}

/* "*", "N" or "N-N", up to @stop. @limit: the first number that is too large. */
static int parse_range(const char **text, char stop, uint32_t limit, const char *what,
		       struct device_range *range, struct reason *why)
{
	const char *start = *text;

	range->any = **text == '*';
	if (range->any) {
		(*text)++;
	} else {
		if (parse_number(text, limit, &range->low, what, why) < 0)
			return -EINVAL;
		range->high = range->low;
		if (**text == '-') {
			(*text)++;
			if (!**text || **text == stop) {
				reason_set(why, "range \"%s\" has no end; expected as in 4-7",
					   QUOTE(start));
				return -EINVAL;
			}
			if (parse_number(text, limit, &range->high, what, why) < 0)
				return -EINVAL;
		}
	}
	if (!range->any && range->low > range->high) {
		reason_set(why, "range %u-%u is the wrong way round; expected %u-%u", range->low,
			   range->high, range->high, range->low);
		return -EINVAL;
	}
	return 0;
}

static uint32_t count_of(const struct device_range *range)
{
	return range->any ? 1 : range->high - range->low + 1;
}

/* Whether the ranges come to more rules than one line may stand for. */
static int check_size(const struct device_spec *spec, struct reason *why)
{
	uint64_t rules = (uint64_t)count_of(&spec->major) * count_of(&spec->minor) *
			 (uint64_t)(spec->block + spec->character);

	if (rules <= DEVICE_PATTERNS_MAX)
		return 0;
	reason_set(why,
		   "the ranges come to %llu rules; expected at most %d a line, so use * in the "
		   "place of a range, or several lines",
		   (unsigned long long)rules, DEVICE_PATTERNS_MAX);
	return -EINVAL;
}

static int parse_numbers(const char *text, struct device_spec *spec, struct reason *why)
{
	const char *start = text;

	spec->kind = DEVICE_NUMBERS;
	if (parse_range(&text, ':', BPFDEV_MAJORS, "major number", &spec->major, why) < 0)
		return -EINVAL;
	if (*text++ == ':') {
		if (parse_range(&text, '\0', BPFDEV_MINORS, "minor number", &spec->minor, why) < 0)
			return -EINVAL;
		if (!*text)
			return check_size(spec, why);
	}
	if (!start[strspn(start, "0123456789")])
		reason_set(why,
			   "bad device numbers \"%s\"; expected MAJOR:MINOR, such as %s:* for all "
			   "of that major",
			   QUOTE(start), QUOTE(start));
	else
		reason_set(why,
			   "bad device numbers \"%s\"; expected MAJOR:MINOR, each a number, a "
			   "range 4-7 or *%s",
			   QUOTE(start),
			   strpbrk(start, "rwm") ? ", and the access behind a blank"
			   : strchr(start, ',')	 ? "; write a line for each"
						 : "");
	return -EINVAL;
}

/* "a", "b" or "c" alone; the numbers are the next word. */
static int parse_typed(char type, const char *numbers, struct device_spec *spec, int *used,
		       struct reason *why)
{
	*used = 2;
	spec->block = type != 'c';
	spec->character = type != 'b';
	if (numbers)
		return parse_numbers(numbers, spec, why);
	reason_set(why, "device numbers missing; expected %c MAJOR:MINOR", type);
	return -EINVAL;
}

/* Behind the "[" of a set: the character behind its "]", or NULL if there is none in the component. */
static const char *end_of_set(const char *set)
{
	set += *set == '!' || *set == '^';
	set += *set == ']';
	set += strcspn(set, "]/");
	return *set == ']' ? set + 1 : NULL;
}

int device_check_glob(const char *glob, struct reason *why)
{
	for (const char *c = glob; *c;) {
		if (*c == '\\' && !c[1]) {
			reason_set(why, "\"%s\" ends in a backslash", QUOTE(glob));
			return -EINVAL;
		}
		if (*c == '"' || *c == '\'') {
			reason_set(why, "\"%s\": quotes are not taken off; write it without",
				   QUOTE(glob));
			return -EINVAL;
		}
		if (*c == '[') {
			c = end_of_set(c + 1);
			if (!c) {
				reason_set(why, "\"%s\": \"[\" without \"]\"", QUOTE(glob));
				return -EINVAL;
			}
			continue;
		}
		c += *c == '\\' ? 2 : 1;
	}
	return 0;
}

static int parse_driver(const char *glob, bool block, struct device_spec *spec, struct reason *why)
{
	spec->kind = DEVICE_DRIVER;
	spec->block = block;
	spec->character = !block;
	spec->text = glob;
	if (strchr(glob, ',')) {
		reason_set(
			why,
			"\"%s\": expected one driver; write a line for each, or, in a class, blanks "
			"between them",
			QUOTE(glob));
		return -EINVAL;
	}
	if (*glob)
		return device_check_glob(glob, why);
	reason_set(why, "driver name missing; expected %s-NAME, as in /proc/devices, or %s-*",
		   block ? "block" : "char", block ? "block" : "char");
	return -EINVAL;
}

static bool has_dot_component(const char *path)
{
	for (const char *p = path; (p = strstr(p, "/.")); p += 2)
		if (p[2] == '/' || !p[2] || (p[2] == '.' && (p[3] == '/' || !p[3])))
			return true;
	return false;
}

static int parse_path(const char *path, struct device_spec *spec, struct reason *why)
{
	spec->kind = DEVICE_PATH;
	spec->block = spec->character = true;
	spec->text = path;
	if (strcmp(path, "/dev/") == 0)
		reason_set(why, "a device's name is missing; expected /dev/NAME");
	else if (strncmp(path, "/dev/", 5) != 0)
		reason_set(why, "path \"%s\" is not below /dev; expected /dev/...", QUOTE(path));
	else if (path[strlen(path) - 1] == '/')
		reason_set(why, "\"%s\" is a folder; write %s* for the devices in it", QUOTE(path),
			   QUOTE(path));
	else if (strstr(path, ",/dev/") || path[strlen(path) - 1] == ',')
		reason_set(
			why,
			"\"%s\": expected one path; write a line for each, or, in a class, blanks "
			"between them",
			QUOTE(path));
	else if (has_dot_component(path))
		reason_set(why, "path \"%s\" has a component \".\" or \"..\"; write it without",
			   QUOTE(path));
	else
		return device_check_glob(path, why);
	return -EINVAL;
}

static int parse_class(const char *name, struct device_spec *spec, struct reason *why)
{
	spec->kind = DEVICE_CLASS;
	spec->text = name;
	if (strchr(name, ',')) {
		reason_set(
			why,
			"\"@%s\": expected one class; write a line for each, or, in a class, blanks "
			"between them",
			QUOTE(name));
		return -EINVAL;
	}
	if (*name)
		return 0;
	reason_set(why, "class name missing; expected @class");
	return -EINVAL;
}

static int parse_unknown(const char *text, struct reason *why)
{
	static const char types[] = "abc";

	if (device_looks_like_usb(text))
		reason_set(why, "unknown device \"%s\"; expected usb:%s for a USB device",
			   QUOTE(text), QUOTE(text));
	else if (*text && strchr(types, *text) && strchr(text, ':'))
		reason_set(why, "unknown device \"%s\"; expected a blank behind the type: %c M:m",
			   QUOTE(text), *text);
	else if (strcmp(text, "char") == 0 || strcmp(text, "block") == 0)
		reason_set(why,
			   "unknown device \"%s\"; expected %s-NAME, %s-* for all, or numbers: %c "
			   "M:m",
			   text, text, text, *text);
	else if (strcasecmp(text, "all") == 0 || strcasecmp(text, "any") == 0)
		reason_set(why, "unknown device \"%s\"; all devices are written \"*\"",
			   QUOTE(text));
	else if (isdigit((unsigned char)*text) && !text[strspn(text, "0123456789-:*")])
		reason_set(why,
			   "unknown device \"%s\"; numbers have a type before them: c M:m of a "
			   "character device, b M:m of a block device",
			   QUOTE(text));
	else if (*text == '"' || *text == '\'')
		reason_set(
			why,
			"unknown device \"%s\"; devices stand without quotation marks, the numbers "
			"behind c or b as a word of their own",
			QUOTE(text));
	else if (*text && !text[strspn(text, "rwm")])
		reason_set(why, "unknown device \"%s\"; the access stands behind the device",
			   QUOTE(text));
	else if (strncmp(text, "dev/", 4) == 0)
		reason_set(why, "unknown device \"%s\"; expected \"/%s\"", QUOTE(text),
			   QUOTE(text));
	else if (islower((unsigned char)*text) && !text[strspn(text, NODE_LETTERS)])
		reason_set(why,
			   "unknown device \"%s\"; expected " DEVICE_FORMS
			   "; a class is written \"@%s\", a node \"/dev/%s\"",
			   QUOTE(text), QUOTE(text), QUOTE(text));
	else
		reason_set(why, "unknown device \"%s\"; expected " DEVICE_FORMS, QUOTE(text));
	return -EINVAL;
}

bool device_is_type(const char *word)
{
	return *word && strchr("abc", *word) && !word[1];
}

int device_parse(const char *text, const char *numbers, struct device_spec *spec, int *used,
		 struct reason *why)
{
	*spec = (struct device_spec) { .kind = DEVICE_ALL, .block = true, .character = true };
	*used = 1;
	if (strcmp(text, "*") == 0)
		return 0;
	if (device_is_type(text))
		return parse_typed(*text, numbers, spec, used, why);
	if (strncmp(text, "char-", 5) == 0)
		return parse_driver(text + 5, false, spec, why);
	if (strncmp(text, "block-", 6) == 0)
		return parse_driver(text + 6, true, spec, why);
	if (strncmp(text, "usb:", 4) == 0)
		return device_parse_usb(text + 4, spec, why);
	if (strncmp(text, "tag:", 4) == 0)
		return device_parse_tag(text + 4, spec, why);
	if (*text == '/')
		return parse_path(text, spec, why);
	if (*text == '@')
		return parse_class(text + 1, spec, why);
	return parse_unknown(text, why);
}

int device_parse_text(char *text, struct device_spec *spec, const char **rest, struct reason *why)
{
	char *blank = strchr(text, ' ');
	const char *second = blank ? blank + strspn(blank, " ") : NULL;
	int used, ret;

	if (blank)
		*blank = '\0';
	ret = device_parse(text, second, spec, &used, why);
	*rest = second && used < 2 ? second : "";
	if (blank && used == 2)
		*blank = ' ';
	return ret;
}

uint32_t device_parse_access(const char *text, const char **bad)
{
	uint32_t access = 0;

	for (; *text == 'r' || *text == 'w' || *text == 'm'; text++)
		access |= *text == 'r' ? BPFDEV_READ : *text == 'w' ? BPFDEV_WRITE : BPFDEV_MKNOD;
	if (bad)
		*bad = text;
	return *text ? 0 : access;
}
