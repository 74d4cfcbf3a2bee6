/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* PAM's files as distributions have them, below pam_root. */
#ifndef PAM_STACKS_H
#define PAM_STACKS_H

/* Where modules are. */
#define SECURITY "/usr/lib/x86_64-linux-gnu/security/"

/* Appends @text to the file @path below pam_root. */
void pam_append(const char *path, const char *text);

/* The modules that they have in common, and pam_bpfdev. */
void pam_put_modules(void);

/* All of Debian 12's. */
void pam_put_bookworm(void);

/* All of Debian sid's. */
void pam_put_sid(void);

/* Fedora's, as far as they matter here. */
void pam_put_fedora(void);

#endif
