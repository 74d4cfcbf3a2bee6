/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a policy says, in the slowest and plainest way: every question walks all lines once for each
 * access bit. No tables, no folding, no code shared with the program.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include "conf/conf.h"
#include "policy/policy.h"
#include "world.h"

struct naive_request {
	enum bpfdev_type type;
	uint32_t major, minor;
	uint32_t access;
};

struct naive_answer {
	enum policy_kind kind;
	uint32_t refused;
	uint32_t audited; /* of all three bits, also those not asked for */
	uint32_t source[BPFDEV_BITS];
};

/* Least specific first. */
enum naive_specificity { COVERS_NOT, ALL_DEVICES, ANY_MAJOR, ANY_MINOR, EXACT };

enum naive_specificity naive_covers(const struct world *world, const struct conf *conf,
				    const struct device_spec *spec, bool deny,
				    const struct naive_request *request);

/* @session NULL: the user manager while none of the user's sessions is alive. */
struct naive_answer naive_decide(const struct world *world, const struct conf *conf,
				 const struct policy_subject *subject,
				 const struct policy_session *session,
				 const struct naive_request *request);

#endif
