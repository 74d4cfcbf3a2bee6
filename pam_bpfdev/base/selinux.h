/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* SELinux, as its file system shows it: without its library, which the module does not link. */
#ifndef SELINUX_H
#define SELINUX_H

#define SELINUX_FOLDER "/sys/fs/selinux"

enum selinux_mode {
	SELINUX_OFF, /* or another security module in its place */
	SELINUX_PERMISSIVE,
	SELINUX_ENFORCING, /* also where this process may not ask, as only that refuses it */
};

enum selinux_mode selinux_mode(void);

#endif
