/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Services of root's that open devices for whoever asks them, and what they make of the rules. */
#ifndef DOORS_H
#define DOORS_H

#include <stdbool.h>
#include <stdint.h>

/* Where bpfdev ask asks; and what has polkit run it, below /etc or /usr/share. */
#define DOORS_SOCKET "/run/bpfdev-ask.socket"
#define DOORS_RULES "polkit-1/rules.d/60-bpfdev.rules"

enum door {
	DOOR_ABSENT, /* it is not installed, or has nothing to do with the device */
	DOOR_OBEYS,  /* it opens what the rules allow */
	DOOR_SHUT,   /* it would obey, but nobody listens: it serves nobody with rules */
	DOOR_LOCKED, /* the same, as polkitd may not ask there */
	DOOR_FREE,   /* it opens devices whatever the rules say */
};

/* udisks2: block devices. */
enum door doors_udisks(void);

/* systemd-logind, which passes devices to the display server of whoever sits at the machine. */
enum door doors_logind(uint32_t type, uint32_t major);

#endif
