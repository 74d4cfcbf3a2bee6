// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <string.h>

#include "base/digest.h"
#include "command/warnings/keys.h"

uint64_t warnings_key_of_conditions(uint64_t key, const struct conf_when *when)
{
	const char *service = when->service ?: "", *tty = when->tty ?: "";

	key = digest_add(key, &when->origin, sizeof(when->origin));
	key = digest_add(key, service, strlen(service) + 1);
	return digest_add(key, tty, strlen(tty));
}

void warnings_walk_conditions(struct chains *chains, uint64_t key, const struct conf_when *when)
{
	for (int which = 0; which < 8; which++) {
		struct conf_when some = { CONF_ORIGIN_ANY, NULL, NULL };

		if ((which & 1 && when->origin == CONF_ORIGIN_ANY) ||
		    (which & 2 && !when->service) || (which & 4 && !when->tty))
			continue;
		if (which & 1)
			some.origin = when->origin;
		if (which & 2)
			some.service = when->service;
		if (which & 4)
			some.tty = when->tty;
		chains_walk_key(chains, warnings_key_of_conditions(key, &some));
	}
}

uint64_t warnings_key_of_pattern(const struct device_pattern *pattern)
{
	uint64_t key = digest_add(DIGEST_START, &pattern->type, sizeof(pattern->type));

	key = digest_add(key, &pattern->major, sizeof(pattern->major));
	key = digest_add(key, &pattern->minor, sizeof(pattern->minor));
	return digest_add(key, &pattern->each_major, sizeof(pattern->each_major));
}

static uint64_t key_of_id(uint64_t key, const struct device_range *id, bool any)
{
	const uint32_t number = any || id->any ? UINT32_MAX : id->low;

	return digest_add(key, &number, sizeof(number));
}

/* Of a name but for its text. @any_vendor, @any_product: as if it had "*" there. */
static uint64_t key_of_kind(const struct device_spec *device, bool any_vendor, bool any_product)
{
	uint64_t key = digest_add(DIGEST_START, &device->kind, sizeof(device->kind));

	key = digest_add(key, &device->block, sizeof(device->block));
	if (device->kind != DEVICE_USB)
		return key;
	key = key_of_id(key, &device->usb.vendor, any_vendor);
	return key_of_id(key, &device->usb.product, any_product);
}

/* What a name may be a glob in. */
static const char *text_of(const struct device_spec *device)
{
	const char *text = device->kind == DEVICE_USB ? device->usb.serial : device->text;

	return text ?: "";
}

uint64_t warnings_key_of_name(const struct device_spec *device)
{
	const char *text = text_of(device);

	return digest_add(key_of_kind(device, false, false), text, strcspn(text, "*?[\\"));
}

/* Walks all names that may stand for the device: each begins as it does. */
static void walk_beginnings(struct chains *chains, uint64_t key, const struct device_spec *device,
			    const struct conf_when *when)
{
	for (const char *text = text_of(device);; text++) {
		warnings_walk_conditions(chains, key, when);
		if (!*text)
			return;
		key = digest_add(key, text, 1);
	}
}

void warnings_walk_names(struct chains *chains, const struct device_spec *device,
			 const struct conf_when *when)
{
	bool vendor = device->kind == DEVICE_USB && !device->usb.vendor.any;
	bool product = device->kind == DEVICE_USB && !device->usb.product.any;

	chains_walk(chains);
	for (int any = 0; any < 4; any++)
		if ((vendor || !(any & 1)) && (product || !(any & 2)))
			walk_beginnings(chains, key_of_kind(device, any & 1, any & 2), device,
					when);
}
