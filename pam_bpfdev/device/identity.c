// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What a device is, as text: "usb:VENDOR:PRODUCT:SERIAL", "tag:NAME"; and any device as text again. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpfdev.h"
#include "device/internal.h"

#define QUOTE(word) reason_quote((char[80]) { 0 }, 80, word, strlen(word))
#define ID_DIGITS 4

static const char usb_form[] = "expected usb:VENDOR:PRODUCT[:SERIAL], the ids as four hexadecimal "
			       "digits, as lsusb shows them, or *";

static bool is_hexadecimal(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

/* Four hexadecimal digits, or "*". @length: bytes up to the colon or the end. */
static int parse_id(const char *text, size_t length, const char *what, struct device_range *id,
		    struct reason *why)
{
	char digits[ID_DIGITS + 1];
	unsigned int number;

	if (length == 1 && *text == '*') {
		*id = (struct device_range) { .any = true };
		return 0;
	}
	if (length != ID_DIGITS || !is_hexadecimal(text, length)) {
		char word[80];

		reason_quote(word, sizeof(word), text, length);
		if (strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0)
			reason_set(why,
				   "bad %s \"%s\"; expected it without 0x: four hexadecimal "
				   "digits, as lsusb shows them, or *",
				   what, word);
		else
			reason_set(why, "bad %s \"%s\"; %s", what, word, usb_form);
		return -EINVAL;
	}
	memcpy(digits, text, length);
	digits[length] = '\0';
	sscanf(digits, "%x", &number);
	*id = (struct device_range) { false, number, number };
	return 0;
}

int device_parse_usb(const char *text, struct device_spec *spec, struct reason *why)
{
	size_t length = strcspn(text, ":");
	const char *product = text + length + 1;

	spec->kind = DEVICE_USB;
	spec->text = text;
	spec->usb = (struct device_usb) { .serial = NULL };
	if (!text[length]) {
		reason_set(why, "\"usb:%s\" is no USB device; %s", QUOTE(text), usb_form);
		return -EINVAL;
	}
	if (parse_id(text, length, "vendor id", &spec->usb.vendor, why) < 0)
		return -EINVAL;
	length = strcspn(product, ":");
	if (parse_id(product, length, "product id", &spec->usb.product, why) < 0)
		return -EINVAL;
	if (!product[length])
		return 0;
	spec->usb.serial = product + length + 1;
	if (*spec->usb.serial)
		return device_check_glob(spec->usb.serial, why);
	reason_set(why,
		   "the serial number is missing behind \"usb:%s\"; expected one, or no colon: "
		   "then any will do",
		   QUOTE(text));
	return -EINVAL;
}

/* Others than these udev does not take either. */
int device_parse_tag(const char *text, struct device_spec *spec, struct reason *why)
{
	static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789-_";

	spec->kind = DEVICE_TAG;
	spec->text = text;
	if (!*text)
		reason_set(why, "the tag's name is missing; expected tag:NAME");
	else if (text[strspn(text, characters)])
		reason_set(why,
			   "bad tag \"%s\"; expected tag:NAME, the name of letters, digits, - "
			   "and _, as a udev rule has it in TAG+=",
			   QUOTE(text));
	else
		return 0;
	return -EINVAL;
}

bool device_looks_like_usb(const char *text)
{
	if (strlen(text) != 2 * ID_DIGITS + 1 || text[ID_DIGITS] != ':' ||
	    !is_hexadecimal(text, ID_DIGITS) || !is_hexadecimal(text + ID_DIGITS + 1, ID_DIGITS))
		return false;
	/* "c189:1024" is rather meant as numbers. */
	return !strchr("abc", *text) || strspn(text + 1, "0123456789") != ID_DIGITS - 1;
}

const char *device_prefix(const struct device_spec *spec)
{
	switch (spec->kind) {
	case DEVICE_DRIVER:
		return spec->block ? "block-" : "char-";
	case DEVICE_USB:
		return "usb:";
	case DEVICE_TAG:
		return "tag:";
	case DEVICE_CLASS:
		return "@";
	case DEVICE_ALL:
	case DEVICE_NUMBERS:
	case DEVICE_PATH:
		break;
	}
	return "";
}

#define RANGE_SIZE 24 /* bytes of two numbers */

static const char *write_range(const struct device_range *range, char *out)
{
	if (range->any)
		return "*";
	if (range->low == range->high)
		snprintf(out, RANGE_SIZE, "%u", range->low);
	else
		snprintf(out, RANGE_SIZE, "%u-%u", range->low, range->high);
	return out;
}

bool device_write(const struct device_spec *spec, char *out, size_t size)
{
	char type = spec->block && spec->character ? 'a' : spec->block ? 'b' : 'c';
	char major[RANGE_SIZE], minor[RANGE_SIZE];
	int length;

	if (spec->kind == DEVICE_ALL)
		length = snprintf(out, size, "*");
	else if (spec->kind == DEVICE_NUMBERS)
		length = snprintf(out, size, "%c %s:%s", type, write_range(&spec->major, major),
				  write_range(&spec->minor, minor));
	else
		length = snprintf(out, size, "%s%s", device_prefix(spec), spec->text);
	if (length >= 0 && (size_t)length < size)
		return true;
	if (size)
		*out = '\0';
	return false;
}
