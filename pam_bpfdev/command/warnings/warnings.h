/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is legal in a policy and surely not meant. Looks things up, prints nothing. */
#ifndef WARNINGS_H
#define WARNINGS_H

#include <stddef.h>

#include "conf/conf.h"
#include "device/device.h"
#include "command/warnings/accounts.h"

enum warning_kind {
	WARNING_SHADOWED,    /* a line that never decides anything */
	WARNING_NO_USER,     /* names a user that does not exist */
	WARNING_NO_GROUP,    /* the same for groups */
	WARNING_NO_DRIVER,   /* a driver that is not loaded and has no assigned major */
	WARNING_NO_PATH,     /* a path that leads to no device */
	WARNING_EMPTY_CLASS, /* a class that stands for nothing here */
	WARNING_ONLY_DENY,   /* users for whom lines deny, and none allows */
	WARNING_BASELINE,    /* a denied device that every shell needs */
	WARNING_ROOT,	     /* root is named */
	WARNING_SYSTEM,	     /* a range that only system accounts are in */
	WARNING_LOOKUP, /* something could not be looked at, so other warnings may be missing */
};

struct warning {
	struct conf_place place;
	enum warning_kind kind;
	struct reason what; /* also what was expected */
};

struct warnings {
	struct warning *items; /* by file in the order of reading, line and column */
	size_t count, capacity;
};

struct warnings_input {
	struct conf *conf; /* without mistakes */
	const struct device_source *devices;
	const struct accounts *accounts;
	/*
	 * Folder of the classes that ship: these name drivers that few machines have, which is no
	 * reason to warn. NULL: there are none.
	 */
	const char *vendor;
};

/*
 * Finds all there is to warn of. Free with warnings_free(), also after a failure.
 * Returns 0; -EINVAL: a device stands for too many rules here, and that mistake was added to the
 * policy's; another negative errno with @why.
 */
int warnings_find(const struct warnings_input *input, struct warnings *warnings,
		  struct reason *why);

void warnings_free(struct warnings *warnings);

/* A word for scripts: "shadowed", "no-user" ... */
const char *warning_kind_name(enum warning_kind kind);

#endif
