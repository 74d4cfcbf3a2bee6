/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A record of the kernel's audit trail, which auditd(8) keeps where it runs. */
#ifndef TRAIL_H
#define TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trail_type {
	/* AUDIT_USYS_CONFIG: somebody has changed what the system does. */
	TRAIL_CONFIG = 1111,
	/* AUDIT_USER_DEVICE: what a program decides of devices; that of USBGuard, too. */
	TRAIL_DEVICE = 1137,
};

/* The kernel cuts at 8560. */
#define TRAIL_SIZE 4096
/* Of a value, what is longer is cut. */
#define TRAIL_VALUE_SIZE 256

/* "op=bpfdev-denied acct="sam" ... res=failed": what does not fit is left out, field by field. */
struct trail {
	char text[TRAIL_SIZE];
	size_t used;
};

/* Where the one who caused it came from; NULL and "": not known. */
struct trail_origin {
	const char *rhost, *tty;
};

/* Begins with @op, a word of our own. */
void trail_begin(struct trail *trail, const char *op);

/*
 * Adds a field. @name: a word of our own. @value: anything; what could be taken for more than one value
 * is written in hexadecimal digits, as ausearch(8) reads it. NULL and "" are not known: "?".
 */
void trail_add(struct trail *trail, const char *name, const char *value);
void trail_add_number(struct trail *trail, const char *name, uint64_t value);

/* Ends with the fields that all records of programs end with: exe, hostname, addr, terminal, res. */
void trail_end(struct trail *trail, const struct trail_origin *origin, bool success);

/*
 * Gives it to the kernel, which puts the process, user, login and session before it, and takes up to a
 * minute for that if auditd does not keep up (audit_backlog_wait_time). Nothing else is waited for.
 * Returns 0: the kernel has it, or wants none as auditing is off; or a negative errno: it has not, as
 * there is no audit (-EPROTONOSUPPORT), this is a container (-ECONNREFUSED), or CAP_AUDIT_WRITE is not
 * there (-EPERM).
 */
int trail_send(enum trail_type type, const struct trail *trail);

#endif
