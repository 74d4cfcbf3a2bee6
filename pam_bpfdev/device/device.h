/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A device as a policy names it, and the numbers that it stands for on this machine. */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

/* So many rules may one device of a policy line stand for; more is a mistake, not a cut. */
#define DEVICE_PATTERNS_MAX 4096

enum device_kind {
	DEVICE_ALL,	/* "*" */
	DEVICE_NUMBERS, /* "c M:m" */
	DEVICE_DRIVER,	/* "char-GLOB", "block-GLOB" */
	DEVICE_PATH,	/* "/dev/GLOB" */
	DEVICE_CLASS,	/* "@class": resolved by whoever knows the classes */
};

/* Inclusive. any: "*", which later also covers numbers that no range can name. */
struct device_range {
	bool any;
	uint32_t low, high;
};

/* A device as it was written. */
struct device_spec {
	enum device_kind kind;
	bool block, character;		  /* types: both for "*" and "a M:m" */
	struct device_range major, minor; /* DEVICE_NUMBERS */
	const char *text; /* the glob, path or class without its prefix; not owned */
	uint32_t column;  /* in its policy line, from 1 */
};

/*
 * One rule's device: an exact number, or one of the three wildcards. each_major: written as a rule
 * for every single major ("char-*"), so that it is as specific as "M:*" although major is ANY.
 */
struct device_pattern {
	uint32_t type;	       /* enum bpfdev_type */
	uint32_t major, minor; /* or BPFDEV_ANY */
	bool each_major;
};

struct device_patterns {
	struct device_pattern *items;
	size_t count, capacity;
};

/* Where device names are looked up; the tests put files of their own there. */
struct device_source {
	const char *proc_devices; /* "/proc/devices" */
	const char *dev;	  /* "/dev": what "/dev" in a policy stands for */
};

extern const struct device_source device_source_system;

/*
 * Understands the word @text (NUL-terminated, must outlive @spec) as a device. For "a", "b" and "c"
 * @numbers is the word after it (NULL: there is none) and *@used is set to 2, otherwise to 1.
 * Pure text: nothing on the machine is looked at. On a mistake in the second word *@used is 2.
 * Returns 0, or -EINVAL with what was expected in @why.
 */
int device_parse(const char *text, const char *numbers, struct device_spec *spec, int *used,
		 struct reason *why);

/*
 * Finds what glob(7) takes as plain characters and nobody means so: a set without an end, a
 * backslash at the end, quotes. Returns 0, or -EINVAL with @why.
 */
int device_check_glob(const char *glob, struct reason *why);

/*
 * Appends to @patterns what @spec (any kind but DEVICE_CLASS) stands for now. A driver or path that
 * does not exist stands for nothing; drivers whose major the kernel has assigned for good are known
 * also while they are not loaded (Documentation/admin-guide/devices.txt). Paths: symbolic links are
 * followed, but only through directories below /dev that root owns and others cannot write to.
 * Returns 0; -E2BIG: more than DEVICE_PATTERNS_MAX rules; -ENOMEM; or what reading gave, in @why.
 */
int device_resolve(const struct device_source *source, const struct device_spec *spec,
		   struct device_patterns *patterns, struct reason *why);

void device_patterns_free(struct device_patterns *patterns);

/* A driver and majors of it, from @low to @high. */
struct device_driver {
	uint32_t type; /* enum bpfdev_type */
	uint32_t low, high;
	const char *name;
	bool registered; /* it is loaded; else the majors are assigned to it for good */
};

typedef void device_driver_visit(const struct device_driver *driver, void *data);

/*
 * Visits the drivers whose names a policy can use: first those that are loaded, as they stand in
 * /proc/devices, then those with assigned majors, which may be the same again.
 * Returns 0, or a negative errno with @why: /proc/devices cannot be read.
 */
int device_each_driver(const struct device_source *source, device_driver_visit *visit, void *data,
		       struct reason *why);

#endif
