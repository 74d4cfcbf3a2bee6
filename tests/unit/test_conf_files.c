/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Which files a policy is made of, and in which order they are read. */
#include "check.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "policy_files.h"

static void files_are_read_in_order(void **state)
{
	(void)state;
	files_write("vendor/a.conf", "class cam c 81:*\n");
	files_write("main.conf", "one audit\ntwo audit\n");
	files_write("drop/20.conf", "four audit");
	files_write("drop/10.conf", "three audit");
	expect_users("one two three four");
}

static void drop_ins_come_in_the_order_of_their_bytes(void **state)
{
	static const char *const locales[] = { "C", "C.UTF-8", "en_US.UTF-8", "de_DE.UTF-8", "" };

	(void)state;
	files_write("drop/a.conf", "a audit");
	files_write("drop/B.conf", "B audit");
	files_write("drop/10.conf", "ten audit");
	files_write("drop/9.conf", "nine audit");
	files_write("drop/_.conf", "underscore audit");
	files_write("drop/\xc3\xa4.conf", "umlaut audit");
	files_write("drop/b-1.conf", "hyphen audit");
	files_write("drop/b.conf", "dot audit");
	files_write("drop/b1.conf", "one audit");
	for (size_t i = 0; i < ARRAY_SIZE(locales); i++) {
		setlocale(LC_ALL, locales[i]);
		expect_users("ten nine B underscore a hyphen dot one umlaut");
	}
	setlocale(LC_ALL, "C");
}

static void only_files_called_conf_count(void **state)
{
	(void)state;
	files_write("drop/a.conf", "a audit");
	files_write("drop/b.conf~", "b audit");
	files_write("drop/c.conf.dpkg-old", "c audit");
	files_write("drop/.d.conf", "d audit");
	files_write("drop/e.CONF", "e audit");
	files_write("drop/econf", "e audit");
	files_write("drop/.conf", "f audit");
	files_write("drop/README", "not a policy");
	assert_int_equal(mkdir(files_at("drop/folder"), 0777), 0);
	expect_users("a");
}

static void missing_folders_are_empty_ones(void **state)
{
	(void)state;
	files_write("main.conf", "main audit");
	assert_int_equal(rmdir(files_vendor), 0);
	assert_int_equal(rmdir(files_dropins), 0);
	expect_users("main");
	files_paths.vendor = NULL;
	files_paths.dropins = NULL;
	expect_users("main");
}

static void the_main_file_may_be_missing_unless_it_was_asked_for(void **state)
{
	(void)state;
	files_write("drop/a.conf", "a audit");
	expect_users("a");
	files_paths.main_required = true;
	expect_refused("main.conf", "No such file");
	files_write("main.conf", "# nothing\n");
	expect_users("a");
}

/* As one is that is just being written. */
static void an_empty_main_file_is_a_mistake(void **state)
{
	(void)state;
	files_write("main.conf", "");
	expect_refused("main.conf", "the file is empty");
	files_write("drop/a.conf", "");
	files_write("main.conf", "main audit");
	expect_users("main");
}

/* The main file, or its absence, was not changed just now. */
static void make_old(const char *name)
{
	const struct timespec times[] = { { time(NULL) - 60, 0 }, { time(NULL) - 60, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, files_at(name), times, 0), 0);
}

/* Runs @write in a child a moment and loads the policy meanwhile. */
static void expect_main_after(void (*write)(void))
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		nanosleep(&(struct timespec) { 0, 200000000 }, NULL);
		write();
		_exit(0);
	}
	expect_users("main");
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void write_main(void)
{
	files_write("main.conf", "main audit\n");
}

static void who_is_patient_waits_for_what_is_being_written(void **state)
{
	(void)state;
	files_paths.patient = true;
	files_write("main.conf", "");
	expect_main_after(write_main);
	files_write("main.conf", "someone audit\n");
	expect_main_after(write_main);
	/* As editors do that move the old file away. */
	assert_int_equal(unlink(files_at("main.conf")), 0);
	expect_main_after(write_main);
}

static void what_was_written_before_is_not_waited_for(void **state)
{
	(void)state;
	files_paths.patient = true;
	files_write("main.conf", "");
	make_old("main.conf");
	make_old("vendor");
	make_old("drop");
	expect_refused("main.conf", "the file is empty");
	files_write("main.conf", "main audit\n");
	make_old("main.conf");
	expect_users("main");
}

/* Writes the policy again and again; says on @ready that it has begun. Ends by a signal only. */
static void keep_writing(int ready)
{
	for (unsigned int i = 0;; i++) {
		files_write("main.conf", i % 2 ? "main audit\n" : "");
		if (!i && write(ready, "", 1) != 1)
			_exit(1);
	}
}

static void what_never_stands_still_is_a_mistake(void **state)
{
	int ready[2];
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		keep_writing(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	files_paths.patient = true;
	files_expect_last("main.conf", "has been changing for 5 seconds");
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
}

/* su has the uid of who runs it, and only its effective one is root's. */
static void a_folder_that_only_root_may_enter_is_looked_into(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chmod(files_folder, 0700), 0);
	assert_int_equal(setresuid(65534, 0, 0), 0);
	expect_users("");
	assert_int_equal(setresuid(0, 0, 0), 0);
}

static void places_name_the_file(void **state)
{
	struct reason why;
	struct conf *conf;

	(void)state;
	files_write("main.conf", "one audit\n");
	files_write("drop/a.conf", "# fine\ntwo audti\n");
	conf = files_load();
	assert_int_equal(conf->error_count, 1);
	conf_describe_error(conf, &conf->errors[0], &why);
	assert_contains(why.text, "/drop/a.conf:2:5: unknown verb");
	assert_contains(why.text, files_folder);
	assert_string_equal(conf->files[conf->statements[0].place.file].path, files_main);
	conf_free(conf);
}

static void mistakes_in_all_files_are_found(void **state)
{
	struct conf *conf;

	(void)state;
	files_write("vendor/a.conf", "class\n");
	files_write("main.conf", "one\n");
	files_write("drop/a.conf", "two\nalice audit\n");
	assert_int_equal(symlink("a.conf", files_at("drop/b.conf")), 0);
	conf = files_load();
	assert_int_equal(conf->error_count, 4);
	assert_int_equal(conf->file_count, 4);
	conf_free(conf);
}

static void vendor_files_hold_classes_only(void **state)
{
	struct reason why;
	struct conf *conf;

	(void)state;
	files_write("vendor/a.conf", "class cam *\nalice allow *\n");
	conf = files_load();
	assert_int_equal(conf->error_count, 1);
	conf_describe_error(conf, &conf->errors[0], &why);
	assert_contains(why.text, "/vendor/a.conf:2:1: only class statements");
	conf_free(conf);
}

static uint32_t major_of_class(const char *name)
{
	struct conf *conf = files_load();
	uint32_t major;

	assert_int_equal(conf->error_count, 0);
	assert_non_null(conf_find_class(conf, name));
	major = conf_find_class(conf, name)->devices[0].major.low;
	conf_free(conf);
	return major;
}

static void the_last_class_of_a_name_counts(void **state)
{
	(void)state;
	files_write("vendor/a.conf", "class cam c 1:1\n");
	assert_int_equal(major_of_class("cam"), 1);
	files_write("vendor/b.conf", "class cam c 2:1\n");
	assert_int_equal(major_of_class("cam"), 2);
	files_write("main.conf", "alice allow @cam\nclass cam c 3:1\n");
	assert_int_equal(major_of_class("cam"), 3);
	files_write("drop/a.conf", "class cam c 4:1\n");
	assert_int_equal(major_of_class("cam"), 4);
	files_write("drop/b.conf", "class cam c 5:1\nclass cam c 6:1");
	assert_int_equal(major_of_class("cam"), 6);
}

static void there_may_be_many_files(void **state)
{
	char name[32];
	struct conf *conf;

	(void)state;
	for (int i = 0; i < CONF_FILES_MAX - 1; i++) {
		snprintf(name, sizeof(name), "vendor/%05d.conf", i);
		files_write(name, "");
	}
	files_write("main.conf", "main audit");
	expect_users("main");
	assert_int_equal(chmod(files_dropins, 0777), 0);
	conf = files_load();
	assert_true(conf->error_count > 0);
	conf_free(conf);
	assert_int_equal(chmod(files_dropins, 0755), 0);
	files_write("drop/a.conf", "a audit");
	conf = files_load();
	assert_true(conf->error_count > 0);
	assert_contains(conf->errors[0].what.text, "files");
	conf_free(conf);
}

static void the_digest_is_of_all_files(void **state)
{
	struct conf *first, *second;

	(void)state;
	files_write("main.conf", "main audit");
	first = files_load();
	second = files_load();
	assert_true(first->digest == second->digest);
	conf_free(second);
	files_write("drop/a.conf", "a audit");
	second = files_load();
	assert_true(first->digest != second->digest);
	conf_free(second);
	conf_free(first);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		file_test(files_are_read_in_order),
		file_test(drop_ins_come_in_the_order_of_their_bytes),
		file_test(only_files_called_conf_count),
		file_test(missing_folders_are_empty_ones),
		file_test(the_main_file_may_be_missing_unless_it_was_asked_for),
		file_test(an_empty_main_file_is_a_mistake),
		file_test(who_is_patient_waits_for_what_is_being_written),
		file_test(what_was_written_before_is_not_waited_for),
		file_test(what_never_stands_still_is_a_mistake),
		file_test(a_folder_that_only_root_may_enter_is_looked_into),
		file_test(places_name_the_file),
		file_test(mistakes_in_all_files_are_found),
		file_test(vendor_files_hold_classes_only),
		file_test(the_last_class_of_a_name_counts),
		file_test(there_may_be_many_files),
		file_test(the_digest_is_of_all_files),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
