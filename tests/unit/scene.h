/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Users who were denied devices, and the lines that are suggested for them. */
#ifndef SCENE_H
#define SCENE_H

#include "command/suggest/suggest.h"
#include "login.h"

#define SCENE_MAX 64
#define SCENE_USES_MAX 5000

struct scene {
	struct suggest_request request;
	struct suggest_user users[SCENE_MAX];
	struct suggest_login logins[SCENE_MAX];
	struct suggest_use uses[SCENE_USES_MAX];
	struct suggest suggest;
	char lines[8192];
};

/* With the policy @text, and nobody. End it with scene_end(). */
void scene_begin(struct scene *scene, const char *text);

/* The same, with alice logged in. Returns the login. */
size_t scene_begin_alice(struct scene *scene, const char *text);

/* Logs a user in, who stays the caller's. Returns the login. */
size_t scene_login(struct scene *scene, const struct policy_subject *subject,
		   const struct policy_session *session);

/* Something was denied there, once. */
void scene_deny(struct scene *scene, size_t login, uint32_t type, uint32_t major, uint32_t minor,
		uint32_t access);

/* The lines, with single blanks and a newline behind each. A failure fails the test. */
const char *scene_lines(struct scene *scene);

/* Expects these lines, and ends it. */
void scene_end_with(struct scene *scene, const char *lines);

/* How many wishes no line grants. */
size_t scene_blocked(const struct scene *scene);

void scene_end(struct scene *scene);

#endif
