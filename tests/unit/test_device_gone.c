/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Devices that have gone: what they are called when they go, and by whom a number was had when. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpfdev.h"
#include "command/settle/event.h"
#include "device/device.h"
#include "world.h"

static char folder[PATH_MAX], path[PATH_MAX];

static int set_up(void **state)
{
	(void)state;
	world_make_folder(folder);
	if (snprintf(path, sizeof(path), "%s/gone", folder) >= (int)sizeof(path))
		return -1;
	return 0;
}

static int clean_up(void **state)
{
	(void)state;
	world_remove_folder(folder);
	return 0;
}

static void remember(uint32_t minor, uint64_t until, const char *name)
{
	struct device_gone gone = {
		.until = until, .type = BPFDEV_BLOCK, .major = 8, .minor = minor
	};
	struct reason why = { "" };

	snprintf(gone.name, sizeof(gone.name), "%s", name);
	if (device_gone_remember(path, &gone, &why) < 0)
		fail_msg("%s", why.text);
}

/* @name: NULL, or what had the number at @when. */
static void expect(uint32_t minor, uint64_t when, const char *name)
{
	struct device_gone *items;
	const char *found;
	size_t count;

	assert_int_equal(device_gone_read(path, &items, &count), 0);
	assert_true(count <= DEVICE_GONE_MAX);
	found = device_gone_find(items, count, BPFDEV_BLOCK, 8, minor, when);
	if (name && found)
		assert_string_equal(found, name);
	else
		assert_true(found == name);
	assert_null(device_gone_find(items, count, BPFDEV_CHAR, 8, minor, when));
	assert_null(device_gone_find(items, count, BPFDEV_BLOCK, 9, minor, when));
	free(items);
}

static void number_was_that_of_who_had_it_at_the_time(void **state)
{
	(void)state;
	expect(0, 1, NULL);
	remember(0, 200, "usb:0000:0001:SECOND");
	remember(0, 100, "usb:0000:0001:FIRST");
	remember(16, 150, "usb:0000:0001:OTHER");
	expect(0, 1, "usb:0000:0001:FIRST");
	expect(0, 100, "usb:0000:0001:FIRST");
	expect(0, 101, "usb:0000:0001:SECOND");
	expect(0, 200, "usb:0000:0001:SECOND");
	expect(0, 201, NULL); /* of what is there now */
	expect(16, 150, "usb:0000:0001:OTHER");
	expect(32, 150, NULL);
}

static void oldest_are_forgotten(void **state)
{
	char name[32];

	(void)state;
	for (uint32_t i = 0; i < DEVICE_GONE_MAX + 3; i++) {
		snprintf(name, sizeof(name), "usb:0000:0001:%u", i);
		remember(i, 1000 + i, name);
	}
	expect(2, 1000, NULL);
	expect(3, 1000, "usb:0000:0001:3");
	expect(DEVICE_GONE_MAX + 2, 1000, name);
}

static void damaged_file_remembers_what_is_whole(void **state)
{
	struct device_gone bad = { .until = 10, .type = BPFDEV_BLOCK, .major = 8, .minor = 1 };
	int fd;

	(void)state;
	unlink(path);
	remember(0, 10, "usb:0000:0001:WHOLE");
	fd = open(path, O_WRONLY | O_APPEND);
	memset(bad.name, 'x', sizeof(bad.name)); /* without an end */
	assert_int_equal(write(fd, &bad, sizeof(bad)), sizeof(bad));
	bad.type = 77;
	bad.name[1] = '\0';
	assert_int_equal(write(fd, &bad, sizeof(bad)), sizeof(bad));
	assert_int_equal(write(fd, "rest", 4), 4);
	close(fd);
	expect(0, 10, "usb:0000:0001:WHOLE");
	expect(1, 10, NULL);
	remember(2, 20, "usb:0000:0001:NEW"); /* in the place of what is not whole */
	expect(2, 20, "usb:0000:0001:NEW");
}

static void only_root_reads_it_and_links_are_not_followed(void **state)
{
	const struct device_gone gone = { .until = 1, .name = "usb:0000:0001" };
	struct device_gone *items;
	struct reason why = { "" };
	struct stat st;
	size_t count;

	(void)state;
	unlink(path);
	remember(0, 10, "usb:0000:0001");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 128);
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(device_gone_remember(path, &gone, &why), -ELOOP);
	assert_non_null(strstr(why.text, path));
	assert_int_equal(device_gone_read(path, &items, &count), 0);
	assert_int_equal(count, 0);
	free(items);
}

/* Pairs of udev's properties, up to NULL. */
static void expect_identity(const char *identity, const char *const *properties, const char *links)
{
	static const char *const all[] = {
		"ID_BUS",	    "ID_VENDOR_ID",    "ID_MODEL_ID",	     "ID_SERIAL_SHORT",
		"ID_USB_VENDOR_ID", "ID_USB_MODEL_ID", "ID_USB_SERIAL_SHORT"
	};
	const struct device_event event = { .gone = true, .links = links };
	char out[32];

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		unsetenv(all[i]);
	for (; *properties; properties += 2)
		setenv(properties[0], properties[1], 1);
	assert_int_equal(event_identity(&event, out, sizeof(out)), *identity != '\0');
	assert_string_equal(out, identity);
}

#define PROPERTIES(...)                                                                            \
	(const char *const[])                                                                      \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

static void device_is_called_what_a_policy_can_name(void **state)
{
	static const char *const none[] = { NULL };

	(void)state;
	expect_identity("", none, "");
	expect_identity("usb:0627:0001:ONE",
			PROPERTIES("ID_BUS", "usb", "ID_VENDOR_ID", "0627", "ID_MODEL_ID", "0001",
				   "ID_SERIAL_SHORT", "ONE"),
			"/dev/input/by-id/x");
	expect_identity("usb:0627:0001",
			PROPERTIES("ID_BUS", "usb", "ID_VENDOR_ID", "0627", "ID_MODEL_ID", "0001"),
			"");
	expect_identity("usb:46f4:0001:A?B",
			PROPERTIES("ID_BUS", "scsi", "ID_VENDOR_ID", "QEMU", "ID_USB_VENDOR_ID",
				   "46f4", "ID_USB_MODEL_ID", "0001", "ID_USB_SERIAL_SHORT", "A_B"),
			"");
	/* The ids of another bus. */
	expect_identity(
		"", PROPERTIES("ID_BUS", "pci", "ID_VENDOR_ID", "0x8086", "ID_MODEL_ID", "0x1234"),
		"");
	expect_identity("/dev/disk/by-id/ata-X", none,
			"/dev/disk/by-path/1 /dev/disk/by-id/ata-X /dev/disk/by-id/wwn");
	expect_identity("", none, "/dev/disk/by-path/1");
	/* What does not fit is none. */
	expect_identity("", none, "/dev/disk/by-id/ata-0123456789-0123456789");
	expect_identity("",
			PROPERTIES("ID_BUS", "usb", "ID_VENDOR_ID", "0627", "ID_MODEL_ID", "0001",
				   "ID_SERIAL_SHORT", "0123456789-0123456789"),
			"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_was_that_of_who_had_it_at_the_time),
		cmocka_unit_test(oldest_are_forgotten),
		cmocka_unit_test(damaged_file_remembers_what_is_whole),
		cmocka_unit_test(only_root_reads_it_and_links_are_not_followed),
		cmocka_unit_test(device_is_called_what_a_policy_can_name),
	};

	return cmocka_run_group_tests(tests, set_up, clean_up);
}
