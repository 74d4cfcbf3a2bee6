/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Devices that a process has open: the kernel asks the filter when one is opened, and never again. */
#ifndef DOCTOR_DEVICES_H
#define DOCTOR_DEVICES_H

#include "command/doctor/place.h"
#include "command/doctor/tally.h"

/*
 * Adds to @tallies what the process has open although the filter of @place denies it.
 */
void doctor_devices_look(struct doctor *doctor, struct doctor_tallies *tallies, pid_t pid,
			 const char *comm, const struct doctor_place *place);

#endif
