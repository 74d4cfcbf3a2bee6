/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Which files are trusted: who owns them, who can write to them, what they are. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "policy_files.h"
#include "world.h"

static void others_must_not_be_able_to_write(void **state)
{
	static const mode_t modes[] = { 0664, 0646, 0666, 0620, 0602 };

	(void)state;
	files_write("main.conf", "main audit");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		assert_int_equal(chmod(files_main, modes[i]), 0);
		expect_refused("main.conf", "go-w");
	}
	assert_int_equal(chmod(files_main, 0600), 0);
	expect_users("main");
	files_write("drop/a.conf", "a audit");
	assert_int_equal(chmod(files_at("drop/a.conf"), 0664), 0);
	expect_refused("drop/a.conf", "go-w");
	assert_int_equal(chmod(files_at("drop/a.conf"), 0644), 0);
	assert_int_equal(chmod(files_dropins, 0775), 0);
	expect_refused("drop", "go-w");
	assert_int_equal(chmod(files_dropins, 01777), 0);
	expect_refused("drop", "go-w");
	assert_int_equal(chmod(files_dropins, 0755), 0);
	assert_int_equal(chmod(files_vendor, 0777), 0);
	expect_refused("vendor", "go-w");
}

static void files_belong_to_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		cannot_run("only root can give files away");
	files_write("main.conf", "main audit");
	assert_int_equal(chown(files_main, 65534, 0), 0);
	expect_refused("main.conf", "owned by root");
	files_paths.owner = 65534;
	expect_users("main");
	assert_int_equal(chown(files_main, 0, 0), 0);
	expect_users("main");
	files_paths.owner = 0;
	assert_int_equal(chown(files_main, 0, 65534), 0);
	expect_users("main");
	files_write("drop/a.conf", "a audit");
	assert_int_equal(chown(files_at("drop/a.conf"), 65534, 0), 0);
	expect_refused("drop/a.conf", "owned by root");
	assert_int_equal(chown(files_at("drop/a.conf"), 0, 0), 0);
	assert_int_equal(chown(files_dropins, 65534, 0), 0);
	expect_refused("drop", "owned by root");
}

/* A FIFO must not hang a login: the alarm would end the program. */
static void what_is_no_file_is_refused(void **state)
{
	(void)state;
	alarm(60);
	assert_int_equal(mkfifo(files_main, 0644), 0);
	expect_refused("main.conf", "FIFO");
	assert_int_equal(unlink(files_main), 0);
	assert_int_equal(mkdir(files_main, 0755), 0);
	expect_refused("main.conf", "expected a regular file");
	assert_int_equal(rmdir(files_main), 0);
	assert_int_equal(mkfifo(files_at("drop/a.conf"), 0644), 0);
	expect_refused("drop/a.conf", "FIFO");
	assert_int_equal(unlink(files_at("drop/a.conf")), 0);
	assert_int_equal(mkdir(files_at("drop/a.conf"), 0755), 0);
	expect_refused("drop/a.conf", "expected a regular file");
	assert_int_equal(rmdir(files_at("drop/a.conf")), 0);
	assert_int_equal(rmdir(files_dropins), 0);
	files_write("drop", "a file");
	expect_refused("drop", "Not a directory");
	alarm(0);
}

static void links_are_refused_wherever_they_lead(void **state)
{
	(void)state;
	files_write("real.conf", "real audit");
	assert_int_equal(symlink("real.conf", files_main), 0);
	expect_refused("main.conf", "symbolic link");
	assert_int_equal(unlink(files_main), 0);
	assert_int_equal(symlink("nowhere", files_main), 0);
	expect_refused("main.conf", "symbolic link");
	assert_int_equal(unlink(files_main), 0);
	assert_int_equal(symlink("main.conf", files_main), 0);
	expect_refused("main.conf", "symbolic link");
	assert_int_equal(unlink(files_main), 0);
	assert_int_equal(symlink("../real.conf", files_at("drop/a.conf")), 0);
	expect_refused("drop/a.conf", "symbolic link");
	assert_int_equal(unlink(files_at("drop/a.conf")), 0);
	assert_int_equal(symlink("/dev/null", files_at("drop/a.conf")), 0);
	expect_refused("drop/a.conf", "symbolic link");
}

/* Root may read everything: so as somebody else, to whom all of it belongs for that long. */
static void become(uid_t uid)
{
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(files_folder, uid, 0), 0);
	assert_int_equal(chown(files_dropins, uid, 0), 0);
	assert_int_equal(chown(files_main, uid, 0), 0);
	assert_int_equal(seteuid(uid), 0);
	files_paths.owner = uid;
}

static void files_that_cannot_be_read_are_mistakes(void **state)
{
	bool root = geteuid() == 0;

	(void)state;
	files_write("main.conf", "main audit");
	if (root)
		become(65534);
	assert_int_equal(chmod(files_main, 0200), 0);
	expect_refused("main.conf", "Permission denied");
	assert_int_equal(chmod(files_main, 0644), 0);
	assert_int_equal(chmod(files_dropins, 0), 0);
	expect_refused("drop", "Permission denied");
	assert_int_equal(chmod(files_dropins, 0755), 0);
	expect_users("main");
	if (root)
		become(0);
}

static void large_files_are_refused(void **state)
{
	char *text = malloc(CONF_FILE_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '\n', CONF_FILE_MAX + 1);
	memcpy(text, "main audit", 10);
	world_write(files_main, text, CONF_FILE_MAX);
	expect_users("main");
	world_write(files_main, text, CONF_FILE_MAX + 1);
	expect_refused("main.conf", "1 MiB");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		file_test(others_must_not_be_able_to_write),
		file_test(files_belong_to_root),
		file_test(what_is_no_file_is_refused),
		file_test(links_are_refused_wherever_they_lead),
		file_test(files_that_cannot_be_read_are_mistakes),
		file_test(large_files_are_refused),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
