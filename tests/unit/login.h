/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A user who logs in under a policy, and what comes of it. */
#ifndef LOGIN_H
#define LOGIN_H

#include "conf/conf.h"
#include "policy/policy.h"
#include "world.h"

#define R BPFDEV_READ
#define W BPFDEV_WRITE
#define M BPFDEV_MKNOD
/* What login_outcome() says where there are no rules. */
#define NO_FILTER 100
#define EVERYTHING 101

extern struct world login_world;
/* A regular user, and a system account; both of the groups disk and audio. */
extern struct policy_subject alice, daemon_account;
extern const struct policy_session local, remote;

/* cmocka's setup and teardown of a group of tests. */
int login_setup(void **state);
int login_teardown(void **state);

/* A policy without mistakes. */
struct conf *login_policy(const char *text);

/*
 * What @subject is refused of c 240:1 under the policy @text, or NO_FILTER, or EVERYTHING.
 * @session NULL: the user manager.
 */
int login_outcome(const char *text, const struct policy_subject *subject,
		  const struct policy_session *session);

#endif
