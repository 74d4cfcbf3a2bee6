/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A user database of our own, a world of devices, and policies whose warnings are looked at. The
 * users are those of the table in warned.c: alice and carol are students, bob and carol are staff.
 */
#ifndef WARNED_H
#define WARNED_H

#include "command/warnings/warnings.h"
#include "world.h"

struct warned_user {
	const char *name;
	uid_t uid;
	const char *groups[3]; /* the primary one first */
};

extern const struct warned_user warned_users[];
extern const size_t warned_user_count;

struct warned_database {
	struct accounts accounts;
	bool down;    /* it does not answer */
	bool lists;   /* it can be listed */
	int look_ups; /* that were made */
};

extern struct world warned_world;
extern struct warned_database warned_database;
/* See struct warnings_input. */
extern const char *warned_pam_root;

/* cmocka's setup and teardown of a group of tests, and the setup of each. */
int warned_make_world(void **state);
int warned_remove_world(void **state);
int warned_reset_database(void **state);

#define warned_test(name) cmocka_unit_test_setup(name, warned_reset_database)

/* A policy without mistakes. */
struct conf *warned_parse(const char *text);

/* All warnings on a policy; the search does not fail. */
struct warnings warned_find(struct conf *conf, const char *vendor);

/* All warnings as "LINE:COLUMN KIND", separated by ", ". */
void warned_describe(const struct warnings *warnings, char *out, size_t size);

/* The warnings on a policy are these, as warned_describe() has them. */
#define expect(text, warnings) warned_expect((text), (warnings), __FILE__, __LINE__)
void warned_expect(const char *text, const char *expected, const char *file, int line);

/* There is one warning on a policy, and @fragment is in it. */
#define expect_text(text, fragment) warned_expect_text((text), (fragment), __FILE__, __LINE__)
void warned_expect_text(const char *text, const char *fragment, const char *file, int line);

#endif
