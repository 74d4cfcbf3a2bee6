/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Numbers back to paths and drivers, and the words for the lines of a policy. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "command/base/lines.h"
#include "command/base/names.h"
#include "login.h"

#define ANY BPFDEV_ANY
/* The nodes of the world that are no links stand first. */
#define REAL_NODES 10

static struct names *names;

static int look(void **state)
{
	int ret = login_setup(state);

	names = names_new(&login_world.source);
	return ret || !names;
}

static int forget(void **state)
{
	names_free(names);
	return login_teardown(state);
}

static void needs_nodes(void)
{
	if (!login_world.has_nodes)
		cannot_run("device nodes cannot be made here");
}

static const char *path_of(uint32_t type, uint32_t major, uint32_t minor)
{
	static char path[NAMES_PATH_SIZE];
	bool found = names_path(names, type, major, minor, path);

	assert_int_equal(found, *path != '\0');
	return path;
}

static void every_node_is_found(void **state)
{
	char wanted[NAMES_PATH_SIZE];

	(void)state;
	needs_nodes();
	for (size_t i = 0; i < REAL_NODES; i++) {
		const struct world_node *node = &world_nodes[i];

		snprintf(wanted, sizeof(wanted), "/dev/%s", node->path);
		assert_string_equal(path_of(node->type, node->major, node->minor), wanted);
	}
}

/* The kernel knows a /dev/null, but it is not in this /dev. */
static void what_is_not_there_has_no_path(void **state)
{
	(void)state;
	assert_string_equal(path_of(BPFDEV_CHAR, 1, 3), "");
	assert_string_equal(path_of(BPFDEV_BLOCK, 240, 0), "");
	assert_string_equal(path_of(BPFDEV_CHAR, 240, ANY), "");
	assert_string_equal(path_of(BPFDEV_CHAR, ANY, ANY), "");
}

/* A device of misc that has no number of its own is known by /proc/misc only. */
static void devices_of_misc_are_named(void **state)
{
	struct conf *conf =
		login_policy("class machines c 10:232 c 10:238\nclass two c 1:3 c 10:229\n");
	struct device_source source = login_world.source;
	char path[PATH_MAX + 16], out[NAMES_MISC_SIZE];
	static const char misc[] = "232 kvm\n 57 zorkmisc\n";

	(void)state;
	assert_true(names_misc(conf, &source, "kvm", out));
	assert_string_equal(out, "\"@machines\" or \"c 10:232\"");
	assert_true(names_misc(conf, &source, "fuse", out));
	assert_string_equal(out, "\"c 10:229\"");
	assert_false(names_misc(conf, &source, "zorkmisc", out));
	assert_string_equal(out, "");
	snprintf(path, sizeof(path), "%s/misc", login_world.folder);
	world_write(path, misc, sizeof(misc) - 1);
	source.proc_misc = path;
	assert_true(names_misc(conf, &source, "zorkmisc", out));
	assert_string_equal(out, "\"c 10:57\"");
	assert_false(names_misc(conf, &source, "zorkmisk", out));
	conf_free(conf);
}

static void node_at(const char *name, mode_t mode)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", login_world.dev, name);
	if (mode & S_IFCHR)
		assert_int_equal(mknod(path, S_IFCHR | 0600, makedev(333, 4)), 0);
	else
		assert_int_equal(mkdir(path, 0700) | chmod(path, mode), 0);
}

/* Users can fill a folder like /dev/shm, and what is in there is not what people call a device. */
static void folders_of_others_are_not_looked_into(void **state)
{
	struct names *later;
	char path[NAMES_PATH_SIZE];

	(void)state;
	needs_nodes();
	node_at("shm", 01777);
	node_at("shm/mine", S_IFCHR);
	later = names_new(&login_world.source);
	assert_false(names_path(later, BPFDEV_CHAR, 333, 4, path));
	names_free(later);
	node_at("longer-than-shm", 0755);
	node_at("longer-than-shm/mine", S_IFCHR);
	later = names_new(&login_world.source);
	assert_true(names_path(later, BPFDEV_CHAR, 333, 4, path));
	assert_string_equal(path, "/dev/longer-than-shm/mine");
	names_free(later);
}

static const char *drivers_of(uint32_t type, uint32_t major)
{
	static char drivers[NAMES_DRIVERS_SIZE];
	bool found = names_drivers(names, type, major, drivers);

	assert_int_equal(found, *drivers != '\0');
	return drivers;
}

static void drivers_are_those_that_are_loaded_or_assigned(void **state)
{
	(void)state;
	for (size_t i = 0; i < world_driver_count; i++)
		assert_string_equal(drivers_of(world_drivers[i].type, world_drivers[i].major),
				    world_drivers[i].name);
	assert_string_equal(drivers_of(BPFDEV_CHAR, 226), "drm");
	assert_string_equal(drivers_of(BPFDEV_CHAR, 195),
			    "nvidia,nvidia-frontend,nvidiactl,nvidia-modeset");
	assert_string_equal(drivers_of(BPFDEV_BLOCK, 70), "sd");
	assert_string_equal(drivers_of(BPFDEV_BLOCK, 226), "");
	assert_string_equal(drivers_of(BPFDEV_CHAR, 4095), "");
	assert_string_equal(drivers_of(BPFDEV_CHAR, ANY), "");
}

static void drivers_that_share_a_major_are_told_once_each(void **state)
{
	static const char text[] =
		"Character devices:\n  4 /dev/vc/0\n  4 tty\n  4 ttyS\n  4 tty\n";
	struct device_source source = { .dev = login_world.dev };
	char path[PATH_MAX + 16], drivers[NAMES_DRIVERS_SIZE];
	struct names *others;

	(void)state;
	snprintf(path, sizeof(path), "%s/other", login_world.folder);
	world_write(path, text, sizeof(text) - 1);
	source.proc_devices = path;
	others = names_new(&source);
	assert_true(names_drivers(others, BPFDEV_CHAR, 4, drivers));
	assert_string_equal(drivers, "/dev/vc/0,tty,ttyS");
	names_free(others);
}

static void the_best_name_is_a_path_or_else_the_driver(void **state)
{
	char best[NAMES_BEST_SIZE];

	(void)state;
	if (login_world.has_nodes)
		assert_string_equal(names_best(names, BPFDEV_CHAR, 240, 1, best), "/dev/zork1");
	assert_string_equal(names_best(names, BPFDEV_CHAR, 240, 99, best), "char-zork");
	assert_string_equal(names_best(names, BPFDEV_BLOCK, 240, ANY, best), "block-quuxp");
	assert_string_equal(names_best(names, BPFDEV_BLOCK, 4000, 0, best), "");
}

/* What the kernel calls a device, without a look at all of /dev. */
static void a_name_without_a_walk(void **state)
{
	static const char uevent[] = "MAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666\n";
	char path[PATH_MAX + 16], name[DEVICE_NAME_SIZE];

	(void)state;
	world_link(login_world.sys, "dev/char/1:3", "../../devices/virtual/mem/null");
	world_put(login_world.sys, "devices/virtual/mem/null/uevent", uevent);
	assert_string_equal(device_name(&login_world.source, BPFDEV_CHAR, 240, 1, name),
			    "char-zork");
	assert_string_equal(device_name(&login_world.source, BPFDEV_BLOCK, 240, 1, name),
			    "block-quuxp");
	assert_string_equal(device_name(&login_world.source, BPFDEV_BLOCK, 4000, 0, name), "");
	assert_false(device_node(&login_world.source, BPFDEV_CHAR, 1, 3, name));
	assert_string_equal(name, "");
	needs_nodes();
	snprintf(path, sizeof(path), "%s/null", login_world.dev);
	assert_int_equal(mknod(path, S_IFCHR | 0600, makedev(1, 5)), 0);
	assert_false(device_node(&login_world.source, BPFDEV_CHAR, 1, 3, name));
	assert_int_equal(unlink(path) | mknod(path, S_IFCHR | 0600, makedev(1, 3)), 0);
	assert_true(device_node(&login_world.source, BPFDEV_CHAR, 1, 3, name));
	assert_string_equal(name, "null");
	assert_string_equal(device_name(&login_world.source, BPFDEV_CHAR, 1, 3, name), "/dev/null");
	assert_int_equal(unlink(path), 0);
}

static void numbers_are_as_in_a_policy(void **state)
{
	char text[NAMES_NUMBERS_SIZE];

	(void)state;
	assert_string_equal(names_numbers(BPFDEV_CHAR, 226, 128, text), "c 226:128");
	assert_string_equal(names_numbers(BPFDEV_BLOCK, 4095, 1048575, text), "b 4095:1048575");
	assert_string_equal(names_numbers(BPFDEV_BLOCK, 8, ANY, text), "b 8:*");
	assert_string_equal(names_numbers(BPFDEV_CHAR, ANY, ANY, text), "c *:*");
}

static void sources_lead_to_their_lines(void **state)
{
	struct conf *conf =
		login_policy("# x\n* allow *\n\nalice deny   c 1:3 \nclass a *\n* audit\n");
	char place[LINES_PLACE_SIZE], text[LINES_TEXT_SIZE];
	const struct conf_statement *found;

	(void)state;
	for (size_t i = 0; i < conf->statement_count; i++)
		assert_ptr_equal(lines_find(conf, policy_source(&conf->statements[i])),
				 &conf->statements[i]);
	found = lines_find(conf, 1u << BPFDEV_SOURCE_LINE_BITS | 4);
	assert_true(policy_place(conf, policy_source(found), place, sizeof(place)));
	assert_string_equal(place, "policy:4");
	assert_true(policy_place(conf, policy_source(found), place, 5));
	assert_string_equal(place, "poli");
	assert_false(policy_place(conf, 0, place, sizeof(place)));
	assert_false(policy_place(conf, BPFDEV_SOURCE_BASELINE, place, sizeof(place)));
	assert_false(policy_place(conf, 2u << BPFDEV_SOURCE_LINE_BITS | 4, place, sizeof(place)));
	assert_string_equal(place, "");
	assert_string_equal(lines_place(conf, found, place), "policy:4");
	assert_string_equal(conf_describe_statement(found, text, sizeof(text)), "alice deny c 1:3");
	assert_null(lines_find(conf, 0));
	assert_null(lines_find(conf, BPFDEV_SOURCE_BASELINE));
	assert_null(lines_find(conf, 1u << BPFDEV_SOURCE_LINE_BITS | 3));
	assert_null(lines_find(conf, 2u << BPFDEV_SOURCE_LINE_BITS | 4));
	conf_free(conf);
}

static void conditions_are_named_as_written(void **state)
{
	struct conf *conf = login_policy("* allow * tty=tty1,tty2 remote service=sshd\n* allow * "
					 "local\n");
	char text[LINES_CONDITIONS_SIZE];

	(void)state;
	assert_string_equal(lines_conditions(&conf->statements[0], POLICY_UNMET_TTY, text),
			    "tty=tty1,tty2");
	assert_string_equal(lines_conditions(&conf->statements[0],
					     POLICY_UNMET_TTY | POLICY_UNMET_ORIGIN, text),
			    "remote, tty=tty1,tty2");
	assert_string_equal(lines_conditions(&conf->statements[0], POLICY_UNMET_SESSION, text),
			    "remote, service=sshd, tty=tty1,tty2");
	assert_string_equal(lines_conditions(&conf->statements[1], POLICY_UNMET_ORIGIN, text),
			    "local");
	assert_string_equal(lines_conditions(&conf->statements[1], 0, text), "");
	conf_free(conf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_of_misc_are_named),
		cmocka_unit_test(every_node_is_found),
		cmocka_unit_test(what_is_not_there_has_no_path),
		cmocka_unit_test(folders_of_others_are_not_looked_into),
		cmocka_unit_test(drivers_are_those_that_are_loaded_or_assigned),
		cmocka_unit_test(drivers_that_share_a_major_are_told_once_each),
		cmocka_unit_test(the_best_name_is_a_path_or_else_the_driver),
		cmocka_unit_test(a_name_without_a_walk),
		cmocka_unit_test(numbers_are_as_in_a_policy),
		cmocka_unit_test(sources_lead_to_their_lines),
		cmocka_unit_test(conditions_are_named_as_written),
	};

	return cmocka_run_group_tests(tests, look, forget);
}
