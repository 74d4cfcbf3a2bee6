/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A policy in files: a folder with "vendor", "main.conf" and "drop", made anew for every test. */
#ifndef POLICY_FILES_H
#define POLICY_FILES_H

#include <limits.h>

#include "conf/conf.h"

#define FILES_PATH_MAX (2 * PATH_MAX)

extern char files_folder[PATH_MAX];
extern char files_vendor[FILES_PATH_MAX], files_main[FILES_PATH_MAX], files_dropins[FILES_PATH_MAX];
extern struct conf_paths files_paths;

/* cmocka's setup and teardown of a test. */
int files_setup(void **state);
int files_teardown(void **state);

#define file_test(name) cmocka_unit_test_setup_teardown(name, files_setup, files_teardown)

/* The path of something in the folder; good until the next call. */
const char *files_at(const char *name);
void files_write(const char *name, const char *text);

struct conf *files_load(void);

/* Loads a policy without mistakes; the users of its statements are @users. */
#define expect_users(users) files_expect_users(users, __LINE__)
void files_expect_users(const char *users, int line);

/* Loads a policy whose first mistake is about the file @name as a whole and says @fragment. */
#define expect_refused(name, fragment) files_expect_refused(name, fragment, __LINE__)
void files_expect_refused(const char *name, const char *fragment, int line);

/* The same of the last mistake. */
void files_expect_last(const char *name, const char *fragment);

#endif
