/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random policies over a small universe, so that lines collide: as statements, and as the text that
 * must be understood as just these statements.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include "conf/conf.h"
#include "policy/policy.h"
#include "dice.h"
#include "naive.h"
#include "world.h"

#define GENERATED_LINES_MAX 16
#define GENERATED_CLASSES_MAX 4
#define GENERATED_DEVICES_MAX 3
#define GENERATED_GROUPS_MAX 6

struct generated {
	struct conf conf;
	struct conf_statement statements[GENERATED_LINES_MAX];
	struct conf_class classes[GENERATED_CLASSES_MAX];
	struct device_spec devices[GENERATED_CLASSES_MAX][GENERATED_DEVICES_MAX];
	char text[16384];
	size_t length;
	uint32_t line; /* being written */
};

struct generated_subject {
	struct policy_subject subject;
	gid_t groups[GENERATED_GROUPS_MAX];
	char name[32];
};

void generate_policy(struct dice *dice, const struct world *world, struct generated *policy);
void generate_subject(struct dice *dice, const struct world *world,
		      struct generated_subject *subject);
struct policy_session generate_session(struct dice *dice);
struct naive_request generate_request(struct dice *dice);

/* A device of any kind; classes only from @classes, which may be 0. */
struct device_spec generate_device(struct dice *dice, const struct world *world, size_t classes);
uint32_t generate_major(struct dice *dice);
uint32_t generate_minor(struct dice *dice);

/* Writes the statements' text; lines and columns of the statements are set. */
void generate_text(struct dice *dice, struct generated *policy);

extern const char *const generated_class_names[GENERATED_CLASSES_MAX];

#endif
