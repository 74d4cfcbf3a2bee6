/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What paths below /dev stand for, and which folders and links are trusted on the way. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpfdev.h"
#include "device/device.h"
#include "world.h"

static struct world world;
/* What the folder of these tests is called below dev. */
#define HERE "here"

static const char *below_dev(const char *name)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/" HERE "/%s", world.dev, name);
	return path;
}

static void make_folder(const char *name, mode_t mode)
{
	assert_int_equal(mkdir(below_dev(name), 0755), 0);
	assert_int_equal(chmod(below_dev(name), mode), 0);
}

/* A char node with major 240. */
static void make_node(const char *name, unsigned int minor)
{
	assert_int_equal(mknod(below_dev(name), S_IFCHR | 0600, makedev(240, minor)), 0);
}

static void make_link(const char *name, const char *target)
{
	assert_int_equal(symlink(target, below_dev(name)), 0);
}

static int resolve(const char *path, struct device_patterns *patterns, struct reason *why)
{
	struct device_spec spec;
	int used;

	assert_int_equal(device_parse(path, NULL, &spec, &used, why), 0);
	return device_resolve(&world.source, &spec, patterns, why);
}

/* @minors: as "0 1 10", of char nodes with major 240, in rising order, without doubles. */
#define expect(path, minors) expect_minors(path, minors, __LINE__)

static void expect_minors(const char *path, const char *minors, int line)
{
	struct device_patterns patterns = { 0 };
	struct reason why = { "" };
	char found[1024] = "";
	int ret = resolve(path, &patterns, &why);

	for (uint32_t minor = 0; minor < 100; minor++) {
		for (size_t i = 0; i < patterns.count; i++) {
			if (patterns.items[i].minor != minor)
				continue;
			sprintf(found + strlen(found), *found ? " %u" : "%u", minor);
			break;
		}
	}
	device_patterns_free(&patterns);
	if (ret == 0 && strcmp(found, minors) == 0)
		return;
	print_error("%s: %d \"%s\", expected \"%s\" (%s)\n", path, ret, found, minors, why.text);
	_fail(__FILE__, line);
}

static void paths_and_globs(void **state)
{
	(void)state;
	make_node("n1", 1);
	make_node("n2", 2);
	make_node("n10", 10);
	make_node(".hidden", 11);
	make_node("a*b", 12);
	make_node("acb", 13);
	make_node("\xc3\xa4", 14);
	expect("/dev/here/n1", "1");
	expect("/dev//here///n1", "1");
	expect("/dev/here/n*", "1 2 10");
	expect("/dev/here/n?", "1 2");
	expect("/dev/here/n[2-9]", "2");
	expect("/dev/here/n[!2-9]", "1");
	expect("/dev/*ere/n1", "1");
	expect("/dev/?*/n1", "1");
	expect("/dev/here/*", "1 2 10 12 13 14");
	expect("/dev/here/.hidden", "11");
	expect("/dev/here/.*", "11");
	expect("/dev/here/a\\*b", "12");
	expect("/dev/here/a*b", "12 13");
	expect("/dev/here/\xc3\xa4", "14");
	expect("/dev/*n1", "");
	expect("/dev/here/n3", "");
	expect("/dev/here", "");
	expect("/dev/absent/n1", "");
	expect("/dev/here/n1/n2", "");
}

static void both_types_and_their_numbers(void **state)
{
	struct device_patterns patterns = { 0 };

	(void)state;
	assert_int_equal(mknod(below_dev("disk"), S_IFBLK | 0600, makedev(4095, 1048575)), 0);
	assert_int_equal(resolve("/dev/here/disk", &patterns, NULL), 0);
	assert_int_equal(patterns.count, 1);
	assert_int_equal(patterns.items[0].type, BPFDEV_BLOCK);
	assert_int_equal(patterns.items[0].major, 4095);
	assert_int_equal(patterns.items[0].minor, 1048575);
	assert_false(patterns.items[0].each_major);
	device_patterns_free(&patterns);
}

static void what_is_no_device_is_no_rule(void **state)
{
	(void)state;
	make_folder("folder", 0755);
	make_node("folder/n7", 7);
	assert_int_equal(mkfifo(below_dev("fifo"), 0600), 0);
	world_write(below_dev("file"), "", 0);
	expect("/dev/here/folder", "");
	expect("/dev/here/fifo", "");
	expect("/dev/here/file", "");
	expect("/dev/here/*", "");
	expect("/dev/here/*/*", "7");
}

static void links_are_followed(void **state)
{
	(void)state;
	make_node("n1", 1);
	make_folder("sub", 0755);
	make_folder("sub/deep", 0755);
	make_node("sub/n2", 2);
	make_node("sub/deep/n3", 3);
	make_link("direct", "n1");
	make_link("second", "direct");
	make_link("third", "./second");
	make_link("into", "sub/n2");
	make_link("sub/out", "../n1");
	make_link("folder", "sub");
	make_link("sub/deep/up", "../../sub/../n1");
	make_link("absolute", "/dev/here/n1");
	expect("/dev/here/direct", "1");
	expect("/dev/here/third", "1");
	expect("/dev/here/into", "2");
	expect("/dev/here/sub/out", "1");
	expect("/dev/here/folder/n2", "2");
	expect("/dev/here/folder/*", "1 2");
	expect("/dev/here/folder/deep/*", "1 3");
	expect("/dev/here/absolute", "1");
}

static void a_chain_of_seven_links_is_followed(void **state)
{
	(void)state;
	make_node("l0", 1);
	for (int i = 1; i <= 7; i++) {
		char name[16], target[16];

		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		make_link(name, target);
	}
	expect("/dev/here/l7", "1");
}

static void circles_lead_nowhere(void **state)
{
	(void)state;
	make_node("n1", 1);
	make_link("self", "self");
	make_link("a", "b");
	make_link("b", "a");
	make_link("dot", ".");
	make_link("dangling", "nowhere");
	expect("/dev/here/self", "");
	expect("/dev/here/a", "");
	expect("/dev/here/self/n1", "");
	expect("/dev/here/dangling", "");
	expect("/dev/here/dot/n1", "1");
	expect("/dev/here/dot/dot/dot/n1", "1");
	expect("/dev/here/*", "1");
	expect("/dev/here/*/*/*", "1");
}

/* The kernel goes up from where a link has led, not from where the link is. */
static void up_is_up_from_the_link_s_target(void **state)
{
	(void)state;
	make_folder("one", 0755);
	make_folder("one/two", 0755);
	make_node("one/n", 1);
	make_node("n", 2);
	make_link("jump", "one/two");
	make_link("up", "jump/../n");
	expect("/dev/here/up", "1");
}

static void links_that_leave_dev_are_not_followed(void **state)
{
	char target[PATH_MAX + 32];

	(void)state;
	make_node("n1", 1);
	snprintf(target, sizeof(target), "%s/" HERE "/n1", world.dev);
	make_link("outside", target);
	make_link("elsewhere", "/tmp");
	make_link("above", "../../dev/" HERE "/n1");
	make_link("root", "/");
	make_link("devel", "/devel/n1");
	make_link("same-name", "/n1");
	expect("/dev/here/outside", "");
	expect("/dev/here/elsewhere/*", "");
	expect("/dev/here/above", "");
	expect("/dev/here/root", "");
	expect("/dev/here/devel", "");
	expect("/dev/here/same-name", "");
}

static void folders_of_others_are_not_trusted(void **state)
{
	(void)state;
	make_node("n1", 1);
	make_folder("shm", 01777);
	make_folder("group", 0775);
	make_folder("theirs", 0755);
	make_node("shm/n2", 2);
	make_node("group/n3", 3);
	make_node("theirs/n4", 4);
	assert_int_equal(chown(below_dev("theirs"), 1000, 0), 0);
	make_link("shm/link", "../n1");
	make_link("theirs/link", "../n1");
	make_link("through", "shm/link");
	make_link("dots", "shm/../n1");
	expect("/dev/here/shm/link", "");
	expect("/dev/here/shm/n2", "");
	expect("/dev/here/shm/*", "");
	expect("/dev/here/group/n3", "");
	expect("/dev/here/theirs/n4", "");
	expect("/dev/here/theirs/link", "");
	expect("/dev/here/through", "");
	expect("/dev/here/*/*", "");
	expect("/dev/here/n1", "1");
}

/* A file's name is not a glob, and a link's target neither. */
static void names_that_look_like_globs(void **state)
{
	(void)state;
	make_folder("*", 0755);
	make_folder("other", 0755);
	make_node("*/n", 1);
	make_node("other/n", 2);
	make_link("link", "*/n");
	make_link("*/back", "../[o]ther/n");
	make_link("*/here", "n");
	expect("/dev/here/link", "1");
	expect("/dev/here/\\*/n", "1");
	expect("/dev/here/\\*/back", "");
	expect("/dev/here/\\*/here", "1");
	expect("/dev/here/other/n", "2");
}

static void a_dev_that_is_not_there_has_no_devices(void **state)
{
	struct device_source source = { .proc_devices = world.proc_devices,
					.dev = "/nonexistent/dev" };
	struct device_patterns patterns = { 0 };
	struct device_spec spec;
	int used;

	(void)state;
	assert_int_equal(device_parse("/dev/null", NULL, &spec, &used, NULL), 0);
	assert_int_equal(device_resolve(&source, &spec, &patterns, NULL), 0);
	assert_int_equal(patterns.count, 0);
	device_patterns_free(&patterns);
}

static void too_many_nodes_are_refused(void **state)
{
	struct device_patterns patterns = { 0 };
	struct reason why = { "" };
	char name[16];

	(void)state;
	for (unsigned int i = 0; i <= DEVICE_PATTERNS_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		make_node(name, i);
	}
	assert_int_equal(resolve("/dev/here/*", &patterns, &why), -E2BIG);
	assert_contains(why.text, "4096");
	device_patterns_free(&patterns);
	assert_int_equal(unlink(below_dev("n0")), 0);
	assert_int_equal(resolve("/dev/here/*", &patterns, NULL), 0);
	assert_int_equal(patterns.count, DEVICE_PATTERNS_MAX);
	device_patterns_free(&patterns);
}

static int make_here(void **state)
{
	(void)state;
	assert_int_equal(mkdir(below_dev(""), 0755), 0);
	return 0;
}

static int remove_here(void **state)
{
	(void)state;
	world_remove_folder(below_dev(""));
	return 0;
}

#define path_test(name) cmocka_unit_test_setup_teardown(name, make_here, remove_here)

static void device_nodes_can_be_made(void **state)
{
	(void)state;
	cannot_run("device nodes cannot be made here");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		path_test(paths_and_globs),
		path_test(both_types_and_their_numbers),
		path_test(what_is_no_device_is_no_rule),
		path_test(links_are_followed),
		path_test(a_chain_of_seven_links_is_followed),
		path_test(circles_lead_nowhere),
		path_test(up_is_up_from_the_link_s_target),
		path_test(links_that_leave_dev_are_not_followed),
		path_test(folders_of_others_are_not_trusted),
		path_test(names_that_look_like_globs),
		path_test(a_dev_that_is_not_there_has_no_devices),
		path_test(too_many_nodes_are_refused),
	};
	static const struct CMUnitTest skipped[] = { cmocka_unit_test(device_nodes_can_be_made) };
	int failed;

	world_make(&world);
	failed = world.has_nodes ? cmocka_run_group_tests(tests, NULL, NULL)
				 : cmocka_run_group_tests(skipped, NULL, NULL);
	world_remove(&world);
	return failed;
}
