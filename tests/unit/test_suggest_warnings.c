/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Lines that are suggested: which of them come with a warning. */
#include "check.h"

#include <unistd.h>

#include "scene.h"

#define C BPFDEV_CHAR
#define B BPFDEV_BLOCK

static struct scene scene;

static void deny(uint32_t type, uint32_t major, uint32_t minor, uint32_t access)
{
	scene_deny(&scene, 0, type, major, minor, access);
}

static const char *warning_of(size_t line)
{
	return scene.suggest.lines[line].warning ? scene.suggest.lines[line].warning : "none";
}

static void memory_and_disks_come_with_a_warning(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\nclass memory c 1:1-2\nclass disks b 259:*\n");
	deny(C, 1, 1, R);
	deny(C, 1, 2, R);
	for (uint32_t minor = 4; minor < 9; minor++)
		deny(B, 259, minor, R);
	deny(C, 21, 0, R | W);
	deny(B, 11, 0, R);
	deny(C, 1, 11, R);
	assert_string_equal(scene_lines(&scene), "alice allow b 11:0 r\nalice allow b 259:4-8 r\n"
						 "alice allow c 1:1-2 r\nalice allow c 1:11 r\n"
						 "alice allow c 21:0 rw\n");
	assert_string_equal(warning_of(0), "none");
	assert_contains(warning_of(1), "a disk");
	assert_contains(warning_of(2), "raw memory");
	assert_string_equal(warning_of(3), "none");
	assert_contains(warning_of(4), "raw commands");
	scene_end(&scene);
}

static void warns_with(const char *policy, uint32_t major, uint32_t minor, const char *text)
{
	scene_begin_alice(&scene, policy);
	deny(C, major, minor, R);
	scene_lines(&scene);
	assert_int_equal(scene.suggest.line_count, 1);
	assert_contains(warning_of(0), text);
	scene_end(&scene);
}

static void warns(uint32_t major, uint32_t minor, const char *text)
{
	warns_with("alice audit\n", major, minor, text);
}

static void what_reaches_others_comes_with_a_warning(void **state)
{
	(void)state;
	warns(1, 12, "raw memory");
	warns(4, 0, "a console");
	warns(4, 63, "a console");
	warns(4, 64, "none");
	warns(7, 129, "a console");
	warns(10, 137, "made up");
	warns(10, 196, "hardware itself");
	warns(10, 223, "made up");
	warns(10, 229, "none");
	warns(10, 231, "raw memory");
	warns(10, 232, "none");
	warns(10, 239, "made up");
	warns(10, 240, "made up");
	warns(13, 64, "what others type");
	warns(29, 0, "none");
}

/* Drivers whose majors are another on each machine. */
static void drivers_come_with_a_warning(void **state)
{
	struct device_source before = login_world.source;
	char path[] = "/tmp/bpfdev-drivers-XXXXXX";
	static const char text[] =
		"Character devices:\n5 /dev/tty\n5 /dev/console\n136 pts\n300 hidraw\n301 usbmon\n"
		"302 vfio\n303 vfio-dev\n304 firewire\n305 firetruck\n";
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	login_world.source.proc_devices = path;
	warns(5, 1, "a console");
	warns(171, 0, "hardware itself");
	/* Which everybody may use, but for such a line. */
	warns_with("alice deny c 136:*\n", 136, 4, "terminals of others");
	warns(300, 1, "what others type");
	warns(301, 0, "raw access to USB");
	warns(302, 1, "hardware itself");
	warns(303, 1, "hardware itself");
	warns(304, 1, "hardware itself");
	warns(305, 1, "none");
	login_world.source = before;
	unlink(path);
}

/* What it is, the name says, too. */
static void a_class_of_input_devices_is_named(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\nclass input c 13:*\n");
	for (uint32_t minor = 64; minor < 67; minor++)
		deny(C, 13, minor, R);
	assert_string_equal(scene_lines(&scene), "alice allow @input r\n");
	assert_contains(warning_of(0), "what others type");
	scene_end(&scene);
}

static void a_name_for_memory_has_the_warning(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\nclass dump c 1:1\n");
	deny(C, 1, 1, R);
	assert_string_equal(scene_lines(&scene), "alice allow @dump r\n");
	assert_contains(warning_of(0), "raw memory");
	scene_end(&scene);
}

/* The class is about the device, but about memory, too: the line would hide that. */
static void a_class_with_memory_in_it_is_not_named(void **state)
{
	(void)state;
	scene_begin_alice(&scene, "alice audit\nclass kiosk c 1:1 c 10:229\n");
	deny(C, 1, 1, R);
	deny(C, 10, 229, R);
	scene_end_with(&scene, "alice allow c 1:1 r\nalice allow c 10:229 r\n");
}
int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_and_disks_come_with_a_warning),
		cmocka_unit_test(what_reaches_others_comes_with_a_warning),
		cmocka_unit_test(drivers_come_with_a_warning),
		cmocka_unit_test(a_class_of_input_devices_is_named),
		cmocka_unit_test(a_name_for_memory_has_the_warning),
		cmocka_unit_test(a_class_with_memory_in_it_is_not_named),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
