/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One PAM service: who comes in by it, and whether the module is there for them. */
#ifndef DOCTOR_PAM_SERVICE_H
#define DOCTOR_PAM_SERVICE_H

#include "conf/arguments.h"
#include "command/doctor/doctor.h"
#include "command/doctor/pam/stack.h"
#include "command/doctor/pam/walk.h"

#define PAM_SERVICE_MODULE "pam_bpfdev.so"
#define PAM_SERVICE_SYSTEMD "pam_systemd.so"

/* What its sessions are, as far as its name tells. */
enum pam_service_kind {
	PAM_SERVICE_UNKNOWN,
	PAM_SERVICE_LOGIN,
	PAM_SERVICE_GREETER, /* the login screen itself */
	PAM_SERVICE_INNER,   /* su and the like: within the session that they are started from */
	PAM_SERVICE_JOBS,    /* cron, at */
	PAM_SERVICE_MANAGER, /* systemd-user */
	PAM_SERVICE_OTHER,   /* whatever has no file of its own */
	PAM_SERVICE_NEVER,   /* opens no sessions, whatever its file says */
};

struct pam_service {
	const char *root; /* of the file system that is looked at; "": the machine's own */
	const char *name;
	enum pam_service_kind kind;
	struct pam_stack stack; /* of session lines */
	/* The rest is set by pam_service_look(). */
	size_t module, systemd; /* their first lines, or the stack's count */
	struct pam_ways ways;
	struct arguments arguments; /* of the module; point into the stack */
};

enum pam_service_kind pam_service_kind_of(const char *name);

/* Looks at the stack that was loaded. Returns 0 or -ENOMEM. */
int pam_service_look(struct pam_service *service);

/* Whether the module, or pam_systemd, is in the stack. */
bool pam_service_has_module(const struct pam_service *service);
bool pam_service_has_systemd(const struct pam_service *service);

/* Adds what there is to say of a service that was looked at. */
void pam_service_judge(struct doctor *doctor, const struct pam_service *service);

#endif
