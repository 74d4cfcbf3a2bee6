/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Random policies, users and denials, and what is suggested for them. */
#ifndef TRIAL_H
#define TRIAL_H

#include "dice.h"
#include "generate.h"
#include "naive.h"
#include "scene.h"

#define TRIAL_LOGINS 4
#define TRIAL_REQUESTS 24 /* that each login makes */

struct trial {
	struct dice dice;
	struct generated policy;
	struct scene scene;
	struct generated_subject users[TRIAL_LOGINS];
	struct naive_request denied[SCENE_MAX]; /* by the place of the use, before sorting */
	size_t logins[SCENE_MAX];
	size_t denied_count;
	struct conf *with;		       /* the policy and the suggested lines */
	struct policy_result after[SCENE_MAX]; /* what that comes to, for each login */
};

/* Makes one of @seed, with the suggestion and what comes of it. A failure fails the test. */
void trial_begin(struct trial *trial, uint64_t seed);

void trial_end(struct trial *trial);

/* Fills in trial->after from trial->with, for one login or all; and frees it. */
void trial_decide_one(struct trial *trial, size_t login);
void trial_decide(struct trial *trial);
void trial_forget(struct trial *trial);

/* Who has logged in. */
const struct policy_subject *trial_subject(const struct trial *trial, size_t login);

/* What the policy says before, in the plainest way. */
struct naive_answer trial_before(const struct trial *trial, size_t login,
				 const struct naive_request *request);

/* The bits that are refused, or pass for audit only, before and with the suggested lines. */
uint32_t trial_denied_before(const struct trial *trial, size_t login,
			     const struct naive_request *request);
uint32_t trial_denied_after(const struct trial *trial, size_t login,
			    const struct naive_request *request);

#endif
