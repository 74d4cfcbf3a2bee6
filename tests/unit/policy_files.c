/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "check.h"

#include "policy_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

char files_folder[PATH_MAX];
char files_vendor[FILES_PATH_MAX], files_main[FILES_PATH_MAX], files_dropins[FILES_PATH_MAX];
struct conf_paths files_paths;

const char *files_at(const char *name)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", files_folder, name);
	return path;
}

void files_write(const char *name, const char *text)
{
	world_write(files_at(name), text, strlen(text));
}

struct conf *files_load(void)
{
	struct conf *conf = NULL;

	assert_int_equal(conf_load(&files_paths, &conf), 0);
	assert_non_null(conf);
	return conf;
}

void files_expect_users(const char *users, int line)
{
	struct conf *conf = files_load();
	struct reason why = { "" };
	char found[1024] = "";

	for (size_t i = 0; i < conf->statement_count; i++)
		sprintf(found + strlen(found), "%s%s", i ? " " : "", conf->statements[i].who.name);
	if (conf->error_count)
		conf_describe_error(conf, &conf->errors[0], &why);
	if (conf->error_count || strcmp(found, users) != 0) {
		print_error("found \"%s\", expected \"%s\" %s\n", found, users, why.text);
		_fail(__FILE__, line);
	}
	conf_free(conf);
}

static void expect_mistake(const char *name, const char *fragment, bool last, int line)
{
	struct conf *conf = files_load();
	struct reason why = { "no mistake" };
	char place[3 * PATH_MAX];

	snprintf(place, sizeof(place), "%s: ", files_at(name));
	if (conf->error_count)
		conf_describe_error(conf, &conf->errors[last ? conf->error_count - 1 : 0], &why);
	conf_free(conf);
	if (strncmp(why.text, place, strlen(place)) == 0 && strstr(why.text, fragment))
		return;
	print_error("\"%s\", expected \"%s...%s\"\n", why.text, place, fragment);
	_fail(__FILE__, line);
}

void files_expect_refused(const char *name, const char *fragment, int line)
{
	expect_mistake(name, fragment, false, line);
}

void files_expect_last(const char *name, const char *fragment)
{
	expect_mistake(name, fragment, true, __LINE__);
}

int files_setup(void **state)
{
	(void)state;
	world_make_folder(files_folder);
	snprintf(files_vendor, sizeof(files_vendor), "%s/vendor", files_folder);
	snprintf(files_main, sizeof(files_main), "%s/main.conf", files_folder);
	snprintf(files_dropins, sizeof(files_dropins), "%s/drop", files_folder);
	files_paths = (struct conf_paths) { .vendor = files_vendor,
					    .main = files_main,
					    .dropins = files_dropins,
					    .owner = geteuid() };
	return mkdir(files_vendor, 0755) || mkdir(files_dropins, 0755);
}

int files_teardown(void **state)
{
	(void)state;
	/* A test may have failed as somebody else. */
	if (seteuid(getuid()))
		return -1;
	world_remove_folder(files_folder);
	return 0;
}
