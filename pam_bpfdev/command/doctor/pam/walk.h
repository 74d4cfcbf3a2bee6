/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Which ways lead through a stack, whatever its modules may return. */
#ifndef DOCTOR_PAM_WALK_H
#define DOCTOR_PAM_WALK_H

#include "command/doctor/pam/stack.h"

struct pam_ways {
	bool passes;	 /* there is a way through on which PAM says yes */
	bool around;	 /* ... without the module having been called */
	size_t leads_by; /* if so: the line that first leads past it, or the stack's count */
	bool forgiven;	 /* ... although the module said no */
};

/*
 * Follows each way through @stack. Modules may return anything, but for pam_permit.so and
 * pam_deny.so; @module ("pam_bpfdev.so") says yes or no. Returns 0 or -ENOMEM.
 */
int pam_stack_walk(const struct pam_stack *stack, const char *module, struct pam_ways *ways);

#endif
