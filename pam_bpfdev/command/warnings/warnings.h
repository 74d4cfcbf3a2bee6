/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is legal in a policy and surely not meant. Looks things up, prints nothing. */
#ifndef WARNINGS_H
#define WARNINGS_H

#include <stddef.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "device/device.h"
#include "policy/policy.h"

/* The user database, as warnings need it: an interface, so that tests can have one of their own. */

/* So many names are listed at most: a directory may have any number, and they only make hints. */
#define ACCOUNTS_LISTED_MAX 4096

struct name_entry {
	char *name;
	uint32_t id; /* uid, gid, or what the list is about */
};

struct name_list {
	struct name_entry *items;
	size_t count, capacity;
};

struct accounts {
	uid_t uid_min; /* UID_MIN of login.defs: regular accounts begin here */
	/* Both return 1 with *@id; 0: there is none; or a negative errno with @why. */
	int (*user_id)(const struct accounts *accounts, const char *name, uid_t *id,
		       struct reason *why);
	int (*group_id)(const struct accounts *accounts, const char *name, gid_t *id,
			struct reason *why);
	/* As policy_subject_load(). */
	int (*subject)(const struct accounts *accounts, const char *name,
		       struct policy_subject *subject, struct reason *why);
	/* Some that there are; none if the database does not list them. */
	void (*list_users)(const struct accounts *accounts, struct name_list *list);
	void (*list_groups)(const struct accounts *accounts, struct name_list *list);
};

/* This system's, through NSS. Returns 0 or a negative errno with @why. */
int accounts_system(struct accounts *accounts, struct reason *why);

/* Appends a copy of @name. */
void name_list_add(struct name_list *list, const char *name, id_t id);

/* The name that @word is a slip of the finger away from, or NULL. */
const char *name_list_nearest(const struct name_list *list, const char *word);

void name_list_free(struct name_list *list);

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
	WARNING_NO_TTY,	     /* tty= that is no terminal's name */
	WARNING_NO_SERVICE,  /* service= that no PAM service fits */
	WARNING_OUTRANKS,    /* an "allow *" above lines that deny something to more users */
	WARNING_NO_RESET,    /* an "allow *" behind denials, which stay */
	WARNING_UNANNOUNCED, /* a denied path whose node comes without an event */
	WARNING_NO_RULES,    /* nobody is filtered */
	WARNING_UNREAD,	     /* a file that looks like one of the policy's, and is not */
	WARNING_LOOKUP, /* something could not be looked at, so other warnings may be missing */
};

struct warning {
	struct conf_place place;
	char *path; /* not NULL: a file or folder that is not among conf's, in its place */
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
	const char
		*pam_root; /* what PAM's files are below, "" for /; NULL: these are not looked at */
	const struct conf_paths *paths; /* of conf; NULL: nothing is said of files as such */
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
