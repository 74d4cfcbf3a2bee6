/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The user database, as warnings need it: an interface, so that tests can have one of their own. */
#ifndef WARNINGS_ACCOUNTS_H
#define WARNINGS_ACCOUNTS_H

#include <stddef.h>
#include <sys/types.h>

#include "policy/policy.h"

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
	/* Some that there are; none if the database does not list them. Return 0 or -ENOMEM. */
	int (*list_users)(const struct accounts *accounts, struct name_list *list);
	int (*list_groups)(const struct accounts *accounts, struct name_list *list);
};

/* This system's, through NSS. Returns 0 or a negative errno with @why. */
int accounts_system(struct accounts *accounts, struct reason *why);

/* Appends a copy of @name. Returns 0, or -ENOMEM. */
int name_list_add(struct name_list *list, const char *name, id_t id);

/*
 * Sets *@near to the one that @word is a slip of the finger away from, or to NULL. Returns 0 or
 * -ENOMEM.
 */
int name_list_nearest(const struct name_list *list, const char *word, const char **near);

void name_list_free(struct name_list *list);

#endif
