/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Devices by what they are: USB ids, tags and links of udev; now, and in an event of udev. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpfdev.h"
#include "device/device.h"
#include "world.h"

static struct world world;

static struct device_spec parsed(const char *word)
{
	struct device_spec spec;
	struct reason why = { "" };
	int used;

	if (device_parse(word, NULL, &spec, &used, &why) < 0)
		fail_msg("%s: %s", word, why.text);
	assert_int_equal(used, 1);
	return spec;
}

static void expect_usb(const char *word, bool any_vendor, uint32_t vendor, bool any_product,
		       uint32_t product, const char *serial)
{
	struct device_spec spec = parsed(word);
	char written[128];

	assert_int_equal(spec.kind, DEVICE_USB);
	assert_true(spec.block && spec.character);
	assert_int_equal(spec.usb.vendor.any, any_vendor);
	assert_int_equal(spec.usb.product.any, any_product);
	assert_true(any_vendor || spec.usb.vendor.low == vendor);
	assert_true(any_product || spec.usb.product.low == product);
	assert_int_equal(spec.usb.serial == NULL, serial == NULL);
	if (serial)
		assert_string_equal(spec.usb.serial, serial);
	assert_string_equal(spec.text, word + 4);
	assert_true(device_write(&spec, written, sizeof(written)));
	assert_string_equal(written, word);
	assert_true(device_follows(&spec));
}

static void usb_devices_are_written_by_their_ids(void **state)
{
	(void)state;
	expect_usb("usb:46f4:0001", false, 0x46f4, false, 1, NULL);
	expect_usb("usb:ABCD:eF09", false, 0xabcd, false, 0xef09, NULL);
	expect_usb("usb:*:0001", true, 0, false, 1, NULL);
	expect_usb("usb:46f4:*", false, 0x46f4, true, 0, NULL);
	expect_usb("usb:*:*", true, 0, true, 0, NULL);
	expect_usb("usb:46f4:0001:*", false, 0x46f4, false, 1, "*");
	expect_usb("usb:46f4:0001:A[12]-?", false, 0x46f4, false, 1, "A[12]-?");
	expect_usb("usb:1d6b:0002:0000:00:14.0", false, 0x1d6b, false, 2, "0000:00:14.0");
}

static void mistake(const char *word, const char *fragment)
{
	struct device_spec spec;
	struct reason why = { "" };
	int used;

	if (device_parse(word, NULL, &spec, &used, &why) != -EINVAL)
		fail_msg("%s: not a mistake", word);
	assert_int_equal(used, 1);
	assert_contains(why.text, fragment);
}

static void malformed_identities_are_mistakes(void **state)
{
	(void)state;
	mistake("usb:", "expected usb:VENDOR:PRODUCT[:SERIAL]");
	mistake("usb:46f4", "expected usb:VENDOR:PRODUCT[:SERIAL]");
	mistake("usb:46f4:", "bad product id \"\"");
	mistake("usb::0001", "bad vendor id \"\"");
	mistake("usb:0x46f4:1", "without 0x");
	mistake("usb:46f4:0X01", "without 0x");
	mistake("usb:46f4:1", "bad product id \"1\"");
	mistake("usb:46f44:0001", "bad vendor id \"46f44\"");
	mistake("usb:46g4:0001", "four hexadecimal digits");
	mistake("usb:46*:0001", "four hexadecimal digits");
	mistake("usb:+6f4:0001", "bad vendor id");
	mistake("usb: 6f4:0001", "bad vendor id");
	mistake("usb:**:0001", "bad vendor id");
	mistake("usb:46f4:0001:", "serial number is missing");
	mistake("usb:46f4:0001:[a", "without \"]\"");
	mistake("usb:46f4:0001:a\\", "backslash");
	mistake("usb:46f4:0001:\"a\"", "quotes");
	mistake("tag:", "name is missing");
	mistake("tag:a*", "bad tag");
	mistake("tag:../data", "bad tag");
	mistake("tag:a/b", "bad tag");
	mistake("tag:a:b", "bad tag");
	mistake("46f4:0001", "usb:46f4:0001");
	mistake("c58e:9e84", "usb:c58e:9e84");
	mistake("c189:1024", "c M:m");
	mistake("USB:46f4:0001", "usb:VENDOR:PRODUCT[:SERIAL]");
	mistake("usb", "tag:NAME");
}

static void devices_are_written_as_they_are_read(void **state)
{
	static const char *const words[] = {
		"*",	    "c 1:3",	 "b 8:*",   "a 4-7:0-2",   "c *:*",   "char-drm",
		"block-sd", "/dev/null", "@webcam", "tag:uaccess", "usb:*:*",
	};
	struct device_spec spec;
	char text[64], written[64];
	const char *rest;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		strcpy(text, words[i]);
		assert_int_equal(device_parse_text(text, &spec, &rest, NULL), 0);
		assert_true(device_write(&spec, written, strlen(words[i]) + 1));
		assert_string_equal(written, words[i]);
		assert_false(device_write(&spec, written, strlen(words[i])));
		assert_string_equal(written, "");
	}
}

/* Writes what the device stands for as "c240:0 b8:1", in rising order. */
static int resolved(const struct device_source *source, const char *word, char *out,
		    struct reason *why)
{
	static const struct {
		uint32_t type, major, minor;
	} known[] = { { BPFDEV_BLOCK, 8, 0 },	{ BPFDEV_BLOCK, 8, 1 }, { BPFDEV_BLOCK, 8, 2 },
		      { BPFDEV_BLOCK, 240, 3 }, { BPFDEV_CHAR, 1, 5 },	{ BPFDEV_CHAR, 240, 0 },
		      { BPFDEV_CHAR, 240, 1 },	{ BPFDEV_CHAR, 240, 2 } };
	struct device_patterns patterns = { 0 };
	struct device_spec spec = parsed(word);
	int ret = device_resolve(source, &spec, &patterns, why);
	size_t listed = 0;

	*out = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		for (size_t j = 0; j < patterns.count; j++) {
			if (patterns.items[j].type != known[i].type ||
			    patterns.items[j].major != known[i].major ||
			    patterns.items[j].minor != known[i].minor)
				continue;
			sprintf(out + strlen(out), "%s%c%u:%u", *out ? " " : "",
				known[i].type == BPFDEV_BLOCK ? 'b' : 'c', known[i].major,
				known[i].minor);
			listed++;
		}
	}
	if (listed != patterns.count)
		strcat(out, " and others");
	device_patterns_free(&patterns);
	return ret;
}

#define expect(word, devices) expect_devices(word, devices, __LINE__)

static void expect_devices(const char *word, const char *devices, int line)
{
	char found[512];
	struct reason why = { "" };
	int ret = resolved(&world.source, word, found, &why);

	if (ret == 0 && strcmp(found, devices) == 0)
		return;
	print_error("%s: %d \"%s\", expected \"%s\" (%s)\n", word, ret, found, devices, why.text);
	_fail(__FILE__, line);
}

static void usb_devices_are_found_in_sysfs(void **state)
{
	(void)state;
	expect("usb:46f4:0001", "b8:0 b8:1");
	expect("usb:46F4:*", "b8:0 b8:1");
	expect("usb:46f4:0001:A-1", "b8:0");
	expect("usb:46f4:0001:A-?", "b8:0 b8:1");
	expect("usb:46f4:0001:a-1", "");
	expect("usb:46f4:0001:A", "");
	expect("usb:0403:6001:FT:1", "c240:0");
	/* What is plugged into a hub is below it. */
	expect("usb:05e3:0610", "b8:1 c240:0");
	expect("usb:05e3:0610:*", "b8:1 c240:0");
	expect("usb:05e3:0610:?*", "");
	expect("usb:*:*", "b8:0 b8:1 c240:0");
	expect("usb:dead:beef", "");
}

static void what_is_odd_in_sysfs_is_no_usb_device(void **state)
{
	(void)state;
	world_put(world.sys, "devices/pci0/usb2/2-1/idVendor", "46f4");
	world_put(world.sys, "devices/pci0/usb2/2-1/idProduct", "");
	world_put(world.sys, "devices/pci0/usb2/2-1/x/dev", "240:1\n");
	world_link(world.sys, "dev/char/240:1", "../../devices/pci0/usb2/2-1/x");
	world_put(world.sys, "devices/pci0/usb2/2-2/idVendor", "46f4 and more\n");
	world_put(world.sys, "devices/pci0/usb2/2-2/idProduct", "0001\n");
	world_put(world.sys, "devices/pci0/usb2/2-2/x/dev", "240:2\n");
	world_link(world.sys, "dev/char/240:2", "../../devices/pci0/usb2/2-2/x");
	/* Outside a USB bus, nobody's word counts. */
	world_put(world.sys, "devices/virtual/usbfake/idVendor", "46f4\n");
	world_put(world.sys, "devices/virtual/usbfake/idProduct", "0001\n");
	world_link(world.sys, "dev/char/240:3", "../../devices/virtual/usbfake");
	world_link(world.sys, "dev/char/240:4", "../../devices/pci0/usb1/1-9/gone");
	world_link(world.sys, "dev/char/4096:0", "../../devices/pci0/usb1/1-1/host0/quux0");
	world_link(world.sys, "dev/char/1:1048576", "../../devices/pci0/usb1/1-1/host0/quux0");
	world_link(world.sys, "dev/char/240", "../../devices/pci0/usb1/1-1/host0/quux0");
	world_link(world.sys, "dev/char/240:5x", "../../devices/pci0/usb1/1-1/host0/quux0");
	world_link(world.sys, "dev/char/loop", "loop");
	world_put(world.sys, "dev/char/240:6/idVendor", "46f4\n");
	expect("usb:46f4:0001", "b8:0 b8:1");
	expect("usb:*:*:A-*", "b8:0 b8:1");
}

/* A rule must not become nothing because it cannot be told what it is about. */
static void without_sysfs_a_usb_device_is_an_error(void **state)
{
	struct device_source source = world.source;
	char found[512];
	struct reason why = { "" };

	(void)state;
	source.sys = NULL;
	assert_true(resolved(&source, "usb:46f4:0001", found, &why) < 0);
	assert_contains(why.text, "no sysfs");
	source.sys = "/nonexistent/sys";
	assert_true(resolved(&source, "usb:46f4:0001", found, &why) < 0);
	assert_contains(why.text, "/nonexistent/sys/dev/char");
	assert_string_equal(found, "");
}

static void attributes_that_cannot_be_read_are_an_error(void **state)
{
	char found[512], path[PATH_MAX + 64];
	struct reason why = { "" };

	(void)state;
	world_put(world.sys, "devices/pci0/usb3/3-1/idProduct", "0001\n");
	world_link(world.sys, "dev/char/240:9", "../../devices/pci0/usb3/3-1");
	snprintf(path, sizeof(path), "%s/devices/pci0/usb3/3-1/idVendor", world.sys);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(resolved(&world.source, "usb:46f4:0001", found, &why), -EISDIR);
	assert_contains(why.text, "3-1/idVendor");
	assert_int_equal(rmdir(path), 0);
	expect("usb:46f4:0001", "b8:0 b8:1");
}

static void tags_are_those_of_now(void **state)
{
	(void)state;
	expect("tag:kiosk", "b8:0 c240:1");
	expect("tag:lab", "b8:0"); /* of c240:1 it was one before */
	expect("tag:no-such-tag", "");
	world_put(world.udev, "tags/odd/c240:0", "");
	world_put(world.udev, "data/c240:0", "Q:oddity\nQ:od\nE:Q:odd\n Q:odd\nV:1\n");
	world_put(world.udev, "tags/odd/b8:1", "");
	world_put(world.udev, "data/b8:1", "V:1\nE:A=B\nQ:odd");
	world_put(world.udev, "tags/odd/c99999:0", "");
	world_put(world.udev, "data/c99999:0", "V:1\nQ:odd\n");
	world_put(world.udev, "tags/odd/c240:2 ", "");
	world_put(world.udev, "data/c240:2 ", "V:1\nQ:odd\n");
	world_put(world.udev, "tags/odd/c1:5", ""); /* no entry */
	expect("tag:odd", "b8:1");
}

static void without_udev_nothing_is_tagged(void **state)
{
	struct device_source source = world.source;
	char found[512];

	(void)state;
	source.udev = NULL;
	assert_int_equal(resolved(&source, "tag:kiosk", found, NULL), 0);
	assert_string_equal(found, "");
	assert_int_equal(resolved(&source, "/dev/zork0", found, NULL), 0);
	source.udev = "/nonexistent/udev";
	assert_int_equal(resolved(&source, "tag:kiosk", found, NULL), 0);
	assert_string_equal(found, "");
}

/* As systemd 252 and later write them, and as 247 does; one with a name that is cut. */
static void make_claims(void)
{
	char longer[NAME_MAX + 1], name[2 * NAME_MAX], line[2 * NAME_MAX];

	world_link(world.udev, "links/disk\\x2fby-label\\x2fDATA/b8:0", "0:/dev/quux0");
	world_link(world.udev, "links/disk\\x2fby-label\\x2fDATA/b8:1", "0:/dev/quux1");
	world_link(world.udev, "links/disk\\x2fby-label\\x2fDATA/b9999:1", "0:/dev/no");
	world_put(world.udev, "links/\\x2fdisk\\x2fby-label\\x2fOLD\\x5cx20ONE/b240:3", "");
	world_put(world.udev, "links/\\x2fdisk\\x2fby-label\\x2fOLD\\x5cx20ONE/.lock", "");
	world_link(world.udev, "links/disk\\x2fby-label\\x2f.hidden/b8:2", "0:/dev/no");
	memset(longer, 'L', sizeof(longer));
	longer[NAME_MAX] = '\0';
	memcpy(longer, "disk\\x2fby-path\\x2f", 18);
	snprintf(name, sizeof(name), "links/%s/c240:2", longer);
	world_link(world.udev, name, "0:/dev/zork10");
	snprintf(line, sizeof(line), "S:other\nS:disk/by-path/%0250d\nV:1\n", 7);
	world_put(world.udev, "data/c240:2", line);
}

static void a_link_means_all_who_claim_it(void **state)
{
	char path[512];

	(void)state;
	make_claims();
	expect("/dev/disk/by-label/DATA", "b8:0 b8:1");
	expect("/dev//disk///by-label/DATA", "b8:0 b8:1");
	expect("/dev/disk/by-label/D*", "b8:0 b8:1");
	expect("/dev/disk/*/DATA", "b8:0 b8:1");
	expect("/dev/disk/by-label/*", "b8:0 b8:1 b240:3");
	expect("/dev/disk/by-label/OLD\\\\x20ONE", "b240:3");
	expect("/dev/disk/by-label/.h*", "b8:2");
	expect("/dev/disk/by-label/DAT", "");
	expect("/dev/disk/by-label", "");
	expect("/dev/*DATA", "");
	expect("/dev/disk/by-path/*7", "c240:2");
	expect("/dev/disk/by-path/*8", "");
	snprintf(path, sizeof(path), "/dev/disk/by-path/%0250d", 7);
	expect(path, "c240:2");
}

static const struct device_event quux0 = {
	.has_number = true,
	.type = BPFDEV_BLOCK,
	.major = 8,
	.minor = 0,
	.node = "/dev/quux0",
	.links = "/dev/disk/by-label/NEW /dev/disk/by-id/usb-A",
	.tags = ":systemd:kiosk:",
	.sysfs = "/devices/pci0/usb1/1-1/host0/quux0",
	.subsystem = "block",
};

#define expect_named(word, event, named) check_named(word, event, named, __LINE__)

static void check_named(const char *word, const struct device_event *event, int named, int line)
{
	struct device_spec spec = parsed(word);
	struct reason why = { "" };
	int ret = device_names(&world.source, &spec, event, &why);

	if (ret == named)
		return;
	print_error("%s: %d, expected %d (%s)\n", word, ret, named, why.text);
	_fail(__FILE__, line);
}

static void an_event_says_what_the_device_will_be(void **state)
{
	(void)state;
	expect_named("/dev/quux0", &quux0, 1);
	expect_named("/dev/quux?", &quux0, 1);
	expect_named("/dev//quux0", &quux0, 1);
	expect_named("/dev/quux1", &quux0, 0);
	expect_named("/dev/disk/by-label/NEW", &quux0, 1);
	expect_named("/dev/disk/by-id/*", &quux0, 1);
	expect_named("/dev/disk/*", &quux0, 0);
	expect_named("/dev/disk/by-label/NE", &quux0, 0);
	expect_named("usb:46f4:0001:A-1", &quux0, 1);
	expect_named("usb:1d6b:*", &quux0, 1);
	expect_named("usb:46f4:0001:A-2", &quux0, 0);
	expect_named("tag:kiosk", &quux0, 1);
	expect_named("tag:systemd", &quux0, 1);
	expect_named("tag:system", &quux0, 0);
	expect_named("tag:lab", &quux0, 0); /* what the database has is of before */
	expect_named("char-zork", &quux0, 0);
	expect_named("*", &quux0, 0);
	expect_named("@class", &quux0, 0);
}

static void what_is_gone_or_has_no_node_is_not_named(void **state)
{
	struct device_event gone = quux0, nodeless = quux0, silent = { .has_number = true };

	(void)state;
	gone.gone = true;
	nodeless.has_number = false;
	silent.node = silent.links = silent.tags = silent.sysfs = silent.subsystem = "";
	expect_named("/dev/quux0", &gone, 0);
	expect_named("usb:46f4:0001", &gone, 0);
	expect_named("tag:kiosk", &gone, 0);
	expect_named("usb:46f4:0001", &nodeless, 0);
	expect_named("usb:*:*", &silent, 0);
	expect_named("tag:kiosk", &silent, 0);
	expect_named("/dev/*", &silent, 0);
}

/* A link that somebody made by hand leads to the device; one that udev is taking away does not. */
static void links_of_before_do_not_count(void **state)
{
	struct device_event event = quux0;

	(void)state;
	if (!world.has_nodes)
		cannot_run("device nodes cannot be made here");
	expect_named("/dev/by-id/second", &quux0, 1);
	world_put(world.udev, "data/b8:0", "S:by-id/second\nV:1\n");
	expect_named("/dev/by-id/second", &quux0, 0);
	expect_named("/dev/by-id/*", &quux0, 0);
	event.links = "/dev/by-id/first /dev/by-id/second";
	expect_named("/dev/by-id/second", &event, 1);
	/* Another device's link of that name is not this one's. */
	expect_named("/dev/sub/up", &quux0, 0);
}

static void events_with_odd_texts_do_no_harm(void **state)
{
	struct device_event event = quux0;

	(void)state;
	event.links = "  /dev/ dev/x /dev//y  /dev/disk/by-label/NEWER ";
	event.node = "/dev/";
	event.tags = "::kiosk";
	event.sysfs = "/";
	expect_named("/dev/disk/by-label/NEW", &event, 0);
	expect_named("/dev/x", &event, 0);
	expect_named("tag:kiosk", &event, 1);
	expect_named("usb:*:*", &event, 0);
	event.sysfs = "/devices/pci0/usb1/1-1/not/there/yet";
	expect_named("usb:46f4:0001", &event, 1);
	event.sysfs = "/usb1";
	expect_named("usb:*:*", &event, 0);
}

static void expect_identity(const char *serial, const char *identity)
{
	struct device_known known = { .usb = true, .vendor = 0x46f4, .product = 1 };
	char text[DEVICE_SERIAL_SIZE];

	snprintf(known.serial, sizeof(known.serial), "%s", serial);
	assert_true(device_known_usb(&known, text));
	assert_string_equal(text, identity);
}

static void what_a_device_says_becomes_a_word_of_a_policy(void **state)
{
	struct device_known known = { .usb = true, .vendor = 0xffff, .product = 0xabcd };
	char text[DEVICE_SERIAL_SIZE];

	(void)state;
	expect_identity("", "usb:46f4:0001");
	expect_identity("A-1", "usb:46f4:0001:A-1");
	expect_identity("a:b", "usb:46f4:0001:a:b");
	expect_identity("a b#c\"d'e\tf\x7f", "usb:46f4:0001:a?b?c?d?e?f?");
	expect_identity("[*]?\\", "usb:46f4:0001:\\[\\*]\\?\\\\");
	expect_identity("\xc3\xa4\xc3\xb6x\xff", "usb:46f4:0001:*x*");
	memset(known.serial, '*', sizeof(known.serial) - 1);
	assert_true(device_known_usb(&known, text));
	assert_int_equal(strncmp(text, "usb:ffff:abcd:\\*\\*", 18), 0);
	assert_true(strlen(text) < sizeof(text) && text[strlen(text) - 1] == '*');
	parsed(text);
	known.usb = false;
	assert_false(device_known_usb(&known, text));
	assert_string_equal(text, "");
}

static void what_is_known_of_a_device(void **state)
{
	struct device_known known;
	char text[DEVICE_SERIAL_SIZE];

	(void)state;
	world_put(world.sys, "devices/pci0/usb1/1-1/manufacturer", "ACME\n");
	world_put(world.sys, "devices/pci0/usb1/1-1/product", "Stick 1\n");
	world_put(world.udev, "data/b8:0",
		  "S:disk/by-label/B\nS:disk/by-id/A\nG:x\nG:kiosk\n"
		  "Q:kiosk\nE:A=B\nV:1\n");
	assert_int_equal(device_know(&world.source, BPFDEV_BLOCK, 8, 0, &known), 0);
	assert_true(device_known_usb(&known, text));
	assert_string_equal(text, "usb:46f4:0001:A-1");
	assert_string_equal(known.name, "ACME Stick 1");
	assert_int_equal(known.links.count, 2);
	assert_string_equal(known.links.items[0], "disk/by-id/A");
	assert_int_equal(known.tags.count, 1);
	assert_string_equal(known.tags.items[0], "kiosk");
	device_known_free(&known);
	/* Not the hub that it is plugged into, nor the bus. */
	assert_int_equal(device_know(&world.source, BPFDEV_CHAR, 240, 0, &known), 0);
	assert_true(known.usb && known.vendor == 0x0403 && known.product == 0x6001);
	assert_string_equal(known.name, "");
	device_known_free(&known);
	assert_int_equal(device_know(&world.source, BPFDEV_CHAR, 1, 5, &known), 0);
	assert_false(known.usb);
	device_known_free(&known);
	world_put(world.udev, "data/b8:1", "G:b\nG:a\n");
	assert_int_equal(device_know(&world.source, BPFDEV_BLOCK, 8, 1, &known), 0);
	assert_int_equal(known.tags.count, 2);
	assert_string_equal(known.tags.items[0], "a");
	device_known_free(&known);
}

static void udev_is_awaited(void **state)
{
	struct device_source source = world.source;

	(void)state;
	assert_int_equal(device_await_udev(&source, 0), 0);
	world_put(world.udev, "queue", "");
	assert_int_equal(device_await_udev(&source, 0), 1);
	assert_int_equal(device_await_udev(&source, 10), 1);
	source.udev = NULL;
	assert_int_equal(device_await_udev(&source, 0), 0);
}

static int make_world(void **state)
{
	(void)state;
	world_make(&world);
	return 0;
}

static int remove_world(void **state)
{
	(void)state;
	world_remove(&world);
	return 0;
}

#define world_test(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(usb_devices_are_written_by_their_ids),
		cmocka_unit_test(malformed_identities_are_mistakes),
		cmocka_unit_test(devices_are_written_as_they_are_read),
		world_test(usb_devices_are_found_in_sysfs),
		world_test(what_is_odd_in_sysfs_is_no_usb_device),
		world_test(without_sysfs_a_usb_device_is_an_error),
		world_test(attributes_that_cannot_be_read_are_an_error),
		world_test(tags_are_those_of_now),
		world_test(without_udev_nothing_is_tagged),
		world_test(a_link_means_all_who_claim_it),
		world_test(an_event_says_what_the_device_will_be),
		world_test(what_is_gone_or_has_no_node_is_not_named),
		world_test(links_of_before_do_not_count),
		world_test(events_with_odd_texts_do_no_harm),
		cmocka_unit_test(what_a_device_says_becomes_a_word_of_a_policy),
		world_test(what_is_known_of_a_device),
		world_test(udev_is_awaited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
