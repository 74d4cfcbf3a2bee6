/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What numbers and drivers' names stand for. */
#include "check.h"

#include <errno.h>

#include "bpfdev.h"
#include "device/device.h"
#include "world.h"

#define ANY BPFDEV_ANY
#define CHAR BPFDEV_CHAR
#define BLOCK BPFDEV_BLOCK

static struct world world;

static struct device_patterns resolve(const char *word, const char *numbers)
{
	struct device_patterns patterns = { 0 };
	struct device_spec spec;
	struct reason why = { "" };
	int used, ret = device_parse(word, numbers, &spec, &used, &why);

	if (ret == 0)
		ret = device_resolve(&world.source, &spec, &patterns, &why);
	if (ret)
		fail_msg("%s: %d: %s", word, ret, why.text);
	return patterns;
}

static bool has(const struct device_patterns *patterns, uint32_t type, uint32_t major,
		uint32_t minor)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (patterns->items[i].type == type && patterns->items[i].major == major &&
		    patterns->items[i].minor == minor && !patterns->items[i].each_major)
			return true;
	return false;
}

static void expect_one(const char *word, const char *numbers, uint32_t type, uint32_t major,
		       uint32_t minor)
{
	struct device_patterns patterns = resolve(word, numbers);

	assert_int_equal(patterns.count, 1);
	assert_true(has(&patterns, type, major, minor));
	device_patterns_free(&patterns);
}

static void expect_both(const char *word, const char *numbers, uint32_t major, uint32_t minor)
{
	struct device_patterns patterns = resolve(word, numbers);

	assert_int_equal(patterns.count, 2);
	assert_true(has(&patterns, CHAR, major, minor));
	assert_true(has(&patterns, BLOCK, major, minor));
	device_patterns_free(&patterns);
}

static void expect_count(const char *word, const char *numbers, size_t count)
{
	struct device_patterns patterns = resolve(word, numbers);

	assert_int_equal(patterns.count, count);
	device_patterns_free(&patterns);
}

static void numbers_stand_for_themselves(void **state)
{
	(void)state;
	expect_one("c", "1:3", CHAR, 1, 3);
	expect_one("b", "4095:1048575", BLOCK, 4095, 1048575);
	expect_one("c", "0:0", CHAR, 0, 0);
	expect_one("c", "001:0003", CHAR, 1, 3);
	expect_one("c", "136:*", CHAR, 136, ANY);
	expect_one("b", "*:7", BLOCK, ANY, 7);
	expect_one("c", "*:*", CHAR, ANY, ANY);
	expect_one("c", "5-5:1-1", CHAR, 5, 1);
	expect_both("a", "1:3", 1, 3);
	expect_both("a", "1:*", 1, ANY);
	expect_both("a", "*:*", ANY, ANY);
	expect_both("*", NULL, ANY, ANY);
}

static void ranges_stand_for_every_number_in_them(void **state)
{
	struct device_patterns patterns = resolve("c", "4-6:1-2");

	(void)state;
	assert_int_equal(patterns.count, 6);
	for (uint32_t major = 4; major <= 6; major++)
		for (uint32_t minor = 1; minor <= 2; minor++)
			assert_true(has(&patterns, CHAR, major, minor));
	device_patterns_free(&patterns);
	patterns = resolve("b", "4094-4095:*");
	assert_int_equal(patterns.count, 2);
	assert_true(has(&patterns, BLOCK, 4094, ANY) && has(&patterns, BLOCK, 4095, ANY));
	device_patterns_free(&patterns);
	patterns = resolve("c", "*:1048574-1048575");
	assert_int_equal(patterns.count, 2);
	assert_true(has(&patterns, CHAR, ANY, 1048574) && has(&patterns, CHAR, ANY, 1048575));
	device_patterns_free(&patterns);
	expect_count("c", "0-4095:*", 4096);
	expect_count("c", "1:0-4095", 4096);
	expect_count("a", "0-31:0-63", 4096);
}

static void expect_too_many(const char *word, const char *numbers)
{
	struct device_patterns patterns = { 0 };
	struct device_spec spec;
	struct reason why = { "" };
	int used, ret = device_parse(word, numbers, &spec, &used, &why);

	if (ret == 0)
		ret = device_resolve(&world.source, &spec, &patterns, &why);
	assert_true(ret == -E2BIG || (ret == -EINVAL && used == 2));
	assert_contains(why.text, "4096");
	device_patterns_free(&patterns);
}

static void a_device_stands_for_so_many_rules_at_most(void **state)
{
	(void)state;
	expect_too_many("c", "1:0-4096");
	expect_too_many("c", "0-64:0-64");
	expect_too_many("a", "0-2048:*");
	expect_too_many("b", "*:0-1048575");
	expect_too_many("a", "0-4095:0-1048575");
}

static void patterns_are_appended(void **state)
{
	struct device_patterns patterns = resolve("c", "1:3");
	struct device_spec spec;
	int used;

	(void)state;
	assert_int_equal(device_parse("b", "8:0-1", &spec, &used, NULL), 0);
	assert_int_equal(used, 2);
	assert_int_equal(device_resolve(&world.source, &spec, &patterns, NULL), 0);
	assert_int_equal(patterns.count, 3);
	assert_true(has(&patterns, CHAR, 1, 3) && has(&patterns, BLOCK, 8, 1));
	device_patterns_free(&patterns);
	device_patterns_free(&patterns);
	assert_null(patterns.items);
}

static void every_driver_is_every_major(void **state)
{
	static const char *const words[] = { "char-*", "block-*", "char-**" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct device_patterns patterns = resolve(words[i], NULL);

		assert_int_equal(patterns.count, 1);
		assert_true(patterns.items[0].each_major);
		assert_int_equal(patterns.items[0].type, words[i][0] == 'b' ? BLOCK : CHAR);
		assert_int_equal(patterns.items[0].major, ANY);
		assert_int_equal(patterns.items[0].minor, ANY);
		device_patterns_free(&patterns);
	}
}

static void drivers_are_found_by_name(void **state)
{
	struct device_patterns patterns = resolve("char-zork", NULL);

	(void)state;
	assert_int_equal(patterns.count, 2);
	assert_true(has(&patterns, CHAR, 5, ANY) && has(&patterns, CHAR, 240, ANY));
	device_patterns_free(&patterns);
	expect_count("char-zork*", NULL, 3);
	expect_count("char-[a-z]ork", NULL, 2);
	expect_one("char-zork?*", NULL, CHAR, 241, ANY);
	expect_one("char-zap/raw", NULL, CHAR, 511, ANY);
	expect_one("char-zap*", NULL, CHAR, 511, ANY);
	expect_one("char-quux", NULL, CHAR, 1, ANY);
	expect_one("block-quux", NULL, BLOCK, 8, ANY);
	expect_one("block-zork*", NULL, BLOCK, 511, ANY);
	expect_count("char-quuxp", NULL, 0);
	expect_count("char-ZORK", NULL, 0);
	expect_count("char-zor", NULL, 0);
	expect_count("block-zork", NULL, 0);
}

/* A module that is loaded when the first webcam is plugged in is not there at login. */
static void drivers_with_assigned_majors_need_not_be_loaded(void **state)
{
	(void)state;
	expect_one("char-video4linux", NULL, CHAR, 81, ANY);
	expect_one("char-drm", NULL, CHAR, 226, ANY);
	expect_one("char-alsa", NULL, CHAR, 116, ANY);
	expect_one("char-input", NULL, CHAR, 13, ANY);
	expect_one("char-usb_device", NULL, CHAR, 189, ANY);
	expect_one("block-loop", NULL, BLOCK, 7, ANY);
	expect_one("block-sr", NULL, BLOCK, 11, ANY);
}

/* sd(4): 8, 65 to 71, 128 to 135. */
static void disks_have_many_majors(void **state)
{
	struct device_patterns patterns = resolve("block-sd", NULL);

	(void)state;
	assert_int_equal(patterns.count, 16);
	assert_true(has(&patterns, BLOCK, 8, ANY) && has(&patterns, BLOCK, 65, ANY));
	assert_true(has(&patterns, BLOCK, 71, ANY) && has(&patterns, BLOCK, 135, ANY));
	device_patterns_free(&patterns);
}

static void resolve_in(const char *text, const char *word, size_t count)
{
	char path[PATH_MAX + 16];
	struct device_source source = world.source;
	struct device_patterns patterns = { 0 };
	struct device_spec spec;
	int used;

	snprintf(path, sizeof(path), "%s/other", world.folder);
	world_write(path, text, strlen(text));
	source.proc_devices = path;
	assert_int_equal(device_parse(word, NULL, &spec, &used, NULL), 0);
	assert_int_equal(device_resolve(&source, &spec, &patterns, NULL), 0);
	assert_int_equal(patterns.count, count);
	device_patterns_free(&patterns);
}

static void odd_lists_of_drivers_do_no_harm(void **state)
{
	(void)state;
	resolve_in("", "char-zork", 0);
	resolve_in("garbage\n\n", "char-zork", 0);
	resolve_in("Character devices:\n", "char-zork", 0);
	resolve_in("Character devices:\n  1 zork\n  1 zork\n", "char-zork", 1);
	resolve_in("Character devices:\n4095 zork", "char-zork", 1);
	resolve_in("Character devices:\n4096 zork\n99999999999 zork\n", "char-zork", 0);
	resolve_in("Character devices:\n-1 zork\n", "char-zork", 0);
	resolve_in("Block devices:\n  1 zork\n", "char-zork", 0);
	resolve_in("Block devices:\n259 zork\nCharacter devices:\n  1 zork\n", "char-zork", 1);
}

/* A rule must not become nothing because its device cannot be looked up. */
static void a_list_of_drivers_that_cannot_be_read_is_an_error(void **state)
{
	struct device_source source = { .proc_devices = "/nonexistent/devices", .dev = world.dev };
	struct device_patterns patterns = { 0 };
	struct device_spec spec;
	struct reason why = { "" };
	int used;

	(void)state;
	assert_int_equal(device_parse("char-zork", NULL, &spec, &used, NULL), 0);
	assert_int_equal(device_resolve(&source, &spec, &patterns, &why), -ENOENT);
	assert_contains(why.text, "/nonexistent/devices");
	assert_int_equal(patterns.count, 0);
	source.proc_devices = "/";
	assert_true(device_resolve(&source, &spec, &patterns, &why) < 0);
	assert_int_equal(device_parse("char-*", NULL, &spec, &used, NULL), 0);
	assert_int_equal(device_resolve(&source, &spec, &patterns, NULL), 0);
	device_patterns_free(&patterns);
}

static void mistakes_say_which_word_is_wrong(void **state)
{
	struct device_spec spec;
	int used = 0;

	(void)state;
	assert_int_equal(device_parse("c", "1", &spec, &used, NULL), -EINVAL);
	assert_int_equal(used, 2);
	assert_int_equal(device_parse("c", NULL, &spec, &used, NULL), -EINVAL);
	assert_int_equal(used, 2);
	assert_int_equal(device_parse("d", "1:3", &spec, &used, NULL), -EINVAL);
	assert_int_equal(used, 1);
	assert_int_equal(device_parse("", NULL, &spec, &used, NULL), -EINVAL);
	assert_int_equal(used, 1);
	assert_int_equal(device_parse("*", "1:3", &spec, &used, NULL), 0);
	assert_int_equal(used, 1);
	assert_int_equal(device_parse("/dev/null", "rw", &spec, &used, NULL), 0);
	assert_int_equal(used, 1);
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

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_stand_for_themselves),
		cmocka_unit_test(ranges_stand_for_every_number_in_them),
		cmocka_unit_test(a_device_stands_for_so_many_rules_at_most),
		cmocka_unit_test(patterns_are_appended),
		cmocka_unit_test(every_driver_is_every_major),
		cmocka_unit_test(drivers_are_found_by_name),
		cmocka_unit_test(drivers_with_assigned_majors_need_not_be_loaded),
		cmocka_unit_test(disks_have_many_majors),
		cmocka_unit_test(odd_lists_of_drivers_do_no_harm),
		cmocka_unit_test(a_list_of_drivers_that_cannot_be_read_is_an_error),
		cmocka_unit_test(mistakes_say_which_word_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
