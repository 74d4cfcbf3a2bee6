/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* AppArmor, as /proc shows it: without its library, which the module does not link. */
#ifndef APPARMOR_H
#define APPARMOR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a profile is enforced on this thread. @profile: its name, cut to @size bytes; "": it may not
 * even read that. Without AppArmor none is, nor where one only complains.
 */
bool apparmor_enforces(char *profile, size_t size);

#endif
