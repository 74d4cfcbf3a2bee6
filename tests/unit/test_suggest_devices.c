/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lines that are suggested: how they name devices, and which of their bits. */
#include "check.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "scene.h"

#define C BPFDEV_CHAR
#define B BPFDEV_BLOCK

static struct scene scene;

static void needs_nodes(void)
{
	if (!login_world.has_nodes)
		cannot_run("device nodes cannot be made here");
}

static void deny(uint32_t type, uint32_t major, uint32_t minor, uint32_t access)
{
	scene_deny(&scene, 0, type, major, minor, access);
}

static void nothing_denied_nothing_suggested(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\n");
	scene_end_with(&scene, "");
}

static void bits_of_one_device_come_together(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 7, R);
	deny(C, 700, 7, R | W);
	deny(C, 701, 7, M);
	scene_end_with(&scene, "alice allow c 700:7 rw\nalice allow c 701:7 m\n");
}

static void bits_that_are_allowed_are_left_out(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "@audio allow c 700:* r\nalice audit\n");
	deny(C, 700, 7, R | W);
	deny(C, 700, 8, R);
	assert_string_equal(scene_lines(&scene), "alice allow c 700:7 w\n");
	assert_int_equal(scene.suggest.allowed, 1);
	scene_end(&scene);
}

static void most_of_a_driver_is_the_driver(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 240, 0, R);
	deny(C, 240, 2, W);
	scene_end_with(&scene, "alice allow char-zork rw\n");
}

static void one_of_three_is_not_the_driver(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 240, 1, R);
	scene_end_with(&scene, "alice allow /dev/zork1 r\n");
}

static void make_folder(const char *name, mode_t mode)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", login_world.dev, name);
	assert_int_equal(mkdir(path, 0700) | chmod(path, mode), 0);
}

static void make_bare_node(const char *name, uint32_t major, uint32_t minor)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", login_world.dev, name);
	assert_int_equal(mknod(path, S_IFCHR | 0600, makedev(major, minor)), 0);
}

static void two_of_many_are_not_the_driver(void **state)
{
	(void)state;
	needs_nodes();
	make_folder("many", 0755);
	make_bare_node("many/2", 241, 2);
	make_bare_node("many/3", 241, 3);
	make_bare_node("many/4", 241, 4);
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 241, 3, R);
	deny(C, 241, 4, W);
	scene_end_with(&scene, "alice allow /dev/many/3 r\nalice allow /dev/many/4 w\n");
}

/* The kernel's name is no better than numbers that are a device's for good. */
static void numbers_that_stay_are_used(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 1048575, R);
	scene_end_with(&scene, "alice allow c 700:1048575 r\n");
}

/* At whatever port it is next time, and under which number. */
static void a_usb_device_is_named_by_what_it_is(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\n");
	deny(B, 8, 1, R);
	scene_end_with(&scene, "alice allow usb:46f4:0001:A-2 r\n");
	/* Two nodes of one. */
	scene_begin_alice(&scene, "alice audit\n");
	world_link(login_world.sys, "dev/block/9:1",
		   "../../devices/pci0/usb1/1-2/1-2.1/host1/quux1/quux1p1");
	deny(B, 8, 1, R);
	deny(B, 9, 1, R);
	scene_end_with(&scene, "alice allow usb:46f4:0001:A-2 r\n");
	/* Without a serial number, it may as well be the driver's. */
	world_link(login_world.sys, "dev/char/700:7", "../../devices/pci0/usb1/1-2/other");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 7, R);
	scene_end_with(&scene, "alice allow usb:05e3:0610 r\n");
	scene_begin_alice(&scene, "alice audit\n");
	for (uint32_t minor = 0; minor < 3; minor++)
		deny(C, 240, minor, R);
	scene_end_with(&scene, "alice allow char-zork r\n");
}

static void remove_below(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(unlink(path), 0);
}

/* Of a driver that has been asked for one device only, the serial number says more than the driver. */
static void a_serial_number_is_better_than_the_driver(void **state)
{
	(void)state;
	needs_nodes();
	make_bare_node("zap9", 511, 9);
	world_link(login_world.sys, "dev/char/511:9", "../../devices/pci0/usb1/1-1/zap");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 511, 9, R);
	scene_end_with(&scene, "alice allow usb:46f4:0001:A-1 r\n");
	remove_below(login_world.sys, "dev/char/511:9");
	world_link(login_world.sys, "dev/char/511:9", "../../devices/pci0/usb1/1-2/zap");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 511, 9, R);
	scene_end_with(&scene, "alice allow char-zap/raw r\n");
	remove_below(login_world.sys, "dev/char/511:9");
	remove_below(login_world.dev, "zap9");
}

/* Of how many more there may be, nobody knows. */
static void several_are_the_driver(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 241, 7, R);
	deny(C, 241, 8, R);
	deny(C, 241, 9, R);
	scene_end_with(&scene, "alice allow char-zorkctl r\n");
}

static void a_link_that_stays_is_better_than_numbers(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 241, 1, R);
	scene_end_with(&scene, "alice allow /dev/by-id/first r\n");
}

static void link_to(const char *name, const char *link)
{
	char path[PATH_MAX + 64], target[64];

	snprintf(path, sizeof(path), "%s/%s", login_world.dev, link);
	snprintf(target, sizeof(target), "/dev/%s", name);
	assert_int_equal(symlink(target, path), 0);
}

static void make_node(const char *name, uint32_t minor, const char *link)
{
	make_bare_node(name, 700, minor);
	link_to(name, link);
}

/* Such as udev makes of what a device calls itself; and what is better not in a policy. */
static void links_with_odd_names(void **state)
{
	(void)state;
	needs_nodes();
	make_folder("disk", 0755);
	make_folder("disk/by-id", 0755);
	make_node("odd", 77, "disk/by-id/a*b[c]\\x20d");
	make_node("odder", 78, "disk/by-id/two words");
	make_node("oddest", 79, "disk/by-id/it's");
	make_node("no-comment", 81, "disk/by-id/usb-#1");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 77, R);
	deny(C, 700, 78, R);
	deny(C, 700, 79, W);
	deny(C, 700, 81, R);
	scene_end_with(&scene,
		       "alice allow /dev/disk/by-id/a\\*b\\[c]\\\\x20d r\nalice allow c 700:78 r\n"
		       "alice allow c 700:79 w\nalice allow c 700:81 r\n");
}

static void links_that_others_can_make(void **state)
{
	(void)state;
	needs_nodes();
	make_folder("open", 01777);
	make_folder("open/by-id", 0755);
	make_node("theirs", 88, "open/by-id/mine");
	make_folder("theirs-too", 0755);
	make_folder("theirs-too/by-id", 0777);
	make_node("other", 89, "theirs-too/by-id/mine");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 88, R);
	deny(C, 700, 89, W);
	scene_end_with(&scene, "alice allow c 700:88 r\nalice allow c 700:89 w\n");
}

/* What a device is, is told before where it is plugged in; the shorter name of two. */
static void the_best_of_several_links(void **state)
{
	(void)state;
	needs_nodes();
	make_folder("ports", 0755);
	make_folder("ports/by-path", 0755);
	make_folder("ports/by-id", 0755);
	make_node("port", 99, "ports/by-path/a");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 99, R);
	scene_end_with(&scene, "alice allow /dev/ports/by-path/a r\n");
	make_node("port2", 99, "ports/by-id/longer-name");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 99, R);
	scene_end_with(&scene, "alice allow /dev/ports/by-id/longer-name r\n");
	make_node("port3", 99, "ports/by-id/short");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 700, 99, R);
	scene_end_with(&scene, "alice allow /dev/ports/by-id/short r\n");
}

/* The link that says which one it is does not let others in that are plugged in later. */
static void the_only_device_of_a_driver(void **state)
{
	(void)state;
	needs_nodes();
	make_folder("zap", 0755);
	make_folder("zap/by-path", 0755);
	make_folder("zap/by-id", 0755);
	make_bare_node("zap0", 511, 0);
	make_bare_node("zap/twin", 511, 0);
	link_to("zap0", "zap/by-path/here");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 511, 0, R);
	scene_end_with(&scene, "alice allow char-zap/raw r\n");
	link_to("zap0", "zap/by-id/this");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 511, 0, R);
	scene_end_with(&scene, "alice allow /dev/zap/by-id/this r\n");
	scene_begin_alice(&scene, "alice audit\n");
	deny(C, 511, 0, R);
	deny(C, 511, 1, R);
	scene_end_with(&scene, "alice allow char-zap/raw r\n");
}

/* Memory, misc and the consoles have majors of which nobody means all. */
static void mixed_majors_are_never_a_driver(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\n");
	for (uint32_t minor = 200; minor < 205; minor++)
		deny(C, 10, minor, R);
	deny(C, 10, 223, R | W);
	deny(C, 4, 1, R);
	scene_end_with(
		&scene,
		"alice allow c 4:1 r\nalice allow c 10:200-204 r\nalice allow c 10:223 rw\n");
}

static void numbers_side_by_side_are_a_range(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\n");
	for (uint32_t minor = 8; minor < 12; minor++)
		deny(C, 700, minor, minor == 10 ? W : R);
	deny(B, 700, 7, R);
	scene_end_with(&scene,
		       "alice allow b 700:7 r\nalice allow c 700:8-9 r\nalice allow c 700:10 w\n"
		       "alice allow c 700:11 r\n");
}

/* A longer one would be a mistake; so many were denied in several sessions. */
static void a_range_is_no_longer_than_it_may_be(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\n");
	for (uint32_t minor = 1; minor <= DEVICE_PATTERNS_MAX + 2; minor++)
		deny(C, 702, minor, R);
	scene_end_with(&scene, "alice allow c 702:1-4096 r\nalice allow c 702:4097-4098 r\n");
}

static void a_class_of_one_device_is_its_name(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\nclass fuse c 10:229\n");
	deny(C, 10, 229, R | W);
	scene_end_with(&scene, "alice allow @fuse rw\n");
}

static void a_class_is_used_in_all_its_parts_or_not_named(void **state)
{
	(void)state;
	scene_begin_alice(
		&scene,
		"alice audit\nclass gpu char-zork char-zorkctl\nclass more @gpu char-absent\n");
	for (uint32_t minor = 4; minor < 7; minor++) {
		deny(C, 5, minor, R);
		deny(C, 240, minor, R);
	}
	assert_string_equal(scene_lines(&scene), "alice allow char-zork r\n");
	scene_end(&scene);
	scene_begin_alice(
		&scene,
		"alice audit\nclass gpu char-zork char-zorkctl\nclass more @gpu char-absent\n");
	for (uint32_t minor = 4; minor < 7; minor++) {
		deny(C, 5, minor, R);
		deny(C, 240, minor, R);
		deny(C, 241, minor, W);
	}
	scene_end_with(&scene, "alice allow @gpu rw\n");
}

static void a_driver_is_better_than_a_class_of_a_part_of_it(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\nclass first c 240:0\n");
	deny(C, 240, 0, R);
	deny(C, 240, 2, R);
	scene_end_with(&scene, "alice allow char-zork r\n");
	scene_begin_alice(&scene, "alice audit\nclass first c 240:0\n");
	deny(C, 240, 0, R);
	scene_end_with(&scene, "alice allow @first r\n");
}

/* Nobody has used majors 242 to 250. */
static void a_class_with_whole_majors_beside_is_not_named(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\nclass wide c 239-250:*\nclass all char-*\n");
	for (uint32_t minor = 7; minor < 10; minor++)
		deny(C, 241, minor, R);
	scene_end_with(&scene, "alice allow char-zorkctl r\n");
}

static void a_class_with_more_beside_is_not_named(void **state)
{
	(void)state;
	/* One of ten devices; */
	scene_begin_alice(&scene, "alice audit\nclass ten c 700:0-9\n");
	deny(C, 700, 3, R);
	scene_end_with(&scene, "alice allow c 700:3 r\n");
	/* consoles, and serial ports; */
	scene_begin_alice(&scene, "alice audit\nclass terminals c 4:*\n");
	for (uint32_t minor = 1; minor < 4; minor++)
		deny(C, 4, minor, R);
	scene_end_with(&scene, "alice allow c 4:1-3 r\n");
	/* one minor of all majors. */
	scene_begin_alice(&scene, "alice audit\nclass inner c 241:* c *:200\nclass outer @inner\n");
	for (uint32_t minor = 7; minor < 10; minor++)
		deny(C, 241, minor, R);
	scene_end_with(&scene, "alice allow char-zorkctl r\n");
}

/* The only one of six that is there now. */
static void a_class_is_also_of_devices_to_come(void **state)
{
	(void)state;
	needs_nodes();
	scene_begin_alice(&scene, "alice audit\nclass six c 700:1048570-1048575\n");
	deny(C, 700, 1048575, R);
	scene_end_with(&scene, "alice allow c 700:1048575 r\n");
}

/* A line that names it would be a mistake. */
static void a_class_that_stands_for_too_much(void **state)
{
	(void)state;
	scene_begin_alice(&scene,
			  "alice audit\nclass half c 700:0-2999\nclass vast @half c 701:0-2999\n");
	for (uint32_t minor = 10; minor < 13; minor++) {
		deny(C, 700, minor, R);
		deny(C, 701, minor, R);
	}
	scene_end_with(&scene, "alice allow @half r\nalice allow c 701:10-12 r\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_denied_nothing_suggested),
		cmocka_unit_test(bits_of_one_device_come_together),
		cmocka_unit_test(bits_that_are_allowed_are_left_out),
		cmocka_unit_test(most_of_a_driver_is_the_driver),
		cmocka_unit_test(one_of_three_is_not_the_driver),
		cmocka_unit_test(two_of_many_are_not_the_driver),
		cmocka_unit_test(numbers_that_stay_are_used),
		cmocka_unit_test(several_are_the_driver),
		cmocka_unit_test(a_usb_device_is_named_by_what_it_is),
		cmocka_unit_test(a_serial_number_is_better_than_the_driver),
		cmocka_unit_test(a_link_that_stays_is_better_than_numbers),
		cmocka_unit_test(links_with_odd_names),
		cmocka_unit_test(links_that_others_can_make),
		cmocka_unit_test(the_best_of_several_links),
		cmocka_unit_test(the_only_device_of_a_driver),
		cmocka_unit_test(mixed_majors_are_never_a_driver),
		cmocka_unit_test(numbers_side_by_side_are_a_range),
		cmocka_unit_test(a_range_is_no_longer_than_it_may_be),
		cmocka_unit_test(a_class_of_one_device_is_its_name),
		cmocka_unit_test(a_class_is_used_in_all_its_parts_or_not_named),
		cmocka_unit_test(a_driver_is_better_than_a_class_of_a_part_of_it),
		cmocka_unit_test(a_class_is_also_of_devices_to_come),
		cmocka_unit_test(a_class_that_stands_for_too_much),
		cmocka_unit_test(a_class_with_whole_majors_beside_is_not_named),
		cmocka_unit_test(a_class_with_more_beside_is_not_named),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
