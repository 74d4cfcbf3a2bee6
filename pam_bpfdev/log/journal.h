/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* An entry of systemd's journal, with fields that journalctl(1) can look for. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stddef.h>

/* Where journald takes entries from programs: systemd's "Native Journal Protocol". */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* So many fields may an entry have. */
#define JOURNAL_FIELDS_MAX 64

struct journal_field {
	const char *name;  /* capital letters, digits and underscores; may stand more than once */
	const char *value; /* any bytes but NUL; NULL and "": the field is left out */
};

/*
 * Sends one entry to the journal that listens at @path. Never waits, and leaves nothing behind.
 * Returns 0: journald has it; or a negative errno: it has nothing of it. -ENOENT: no journal is
 * there; -EAGAIN: it does not keep up; -E2BIG: more than JOURNAL_FIELDS_MAX fields.
 */
int journal_send(const char *path, const struct journal_field *fields, size_t count);

#endif
