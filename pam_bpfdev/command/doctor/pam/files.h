/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where the files of PAM and its modules are. */
#ifndef DOCTOR_PAM_FILES_H
#define DOCTOR_PAM_FILES_H

#include <stdbool.h>
#include <stdio.h>

struct pam_files {
	const char *root; /* of the file system that is looked at; "": the machine's own */
	bool single;	  /* there are no folders, so /etc/pam.conf is all */
};

bool pam_files_is_single(const char *root);

/*
 * Opens the file of a service, or what a line includes: a path from the root, or a name in the
 * first of PAM's folders that has it. *@path, to be freed, is where it was found, without @files'
 * root. Returns 0; -ENOENT: there is none; or another negative errno.
 */
int pam_files_open(const struct pam_files *files, const char *name, FILE **file, char **path);

/*
 * Whether PAM finds the module that a line names: a path, or a name in the folder of modules.
 * Returns 1, 0 or -ENOMEM.
 */
int pam_files_has_module(const char *root, const char *module);

#endif
