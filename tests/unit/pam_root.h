/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A root of a file system with PAM's files in it, made anew for every test. */
#ifndef PAM_ROOT_H
#define PAM_ROOT_H

#include <limits.h>

extern char pam_root[PATH_MAX];

/* cmocka's setup and teardown of a test. There are no folders in the root at first. */
int pam_root_setup(void **state);
int pam_root_teardown(void **state);

#define pam_test(name) cmocka_unit_test_setup_teardown(name, pam_root_setup, pam_root_teardown)

/* Writes a file, and makes the folders that it is in: pam_put("/etc/pam.d/sshd", "..."). */
void pam_put(const char *path, const char *text);

#endif
