/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where processes run: the sessions, managers and other cgroups, and the filters on them. */
#ifndef DOCTOR_PLACE_H
#define DOCTOR_PLACE_H

#include "filter/filter.h"
#include "session/session.h"
#include "command/doctor/doctor.h"

struct doctor_place {
	char *cgroup; /* as /proc/PID/cgroup has it: of the session or manager; else the whole */
	bool session; /* it is a session or manager of this machine, not of a container on it */
	bool filtered;
	struct bpfdev_info info; /* of the filter; all zero if it cannot be read */
	struct table *table;	 /* what it allows; NULL: unfiltered, or of another version */
};

struct doctor_places {
	char *prefix; /* of the cgroup paths of this machine, if it is a container */
	struct doctor_place **items;
	size_t count, capacity;
};

/* Returns 0; or a negative errno with @why. Free with doctor_places_free() in any case. */
int doctor_places_init(struct doctor_places *places, struct reason *why);

/*
 * Where a process of user @uid with that "0::" path runs, and what that is to the user in *@whose.
 * NULL: it is gone, or what is wrong was found.
 */
const struct doctor_place *doctor_place_of(struct doctor *doctor, struct doctor_places *places,
					   const char *cgroup, uid_t uid,
					   enum session_place *whose);

void doctor_places_free(struct doctor_places *places);

/*
 * Reads the path behind "0::" of the process @pid into *@cgroup, to be freed. Returns 0; -ENOENT:
 * it is gone, or there is no such line; another negative errno.
 */
int doctor_place_read(pid_t pid, char **cgroup);

#endif
