// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* All PAM services of the machine. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/doctor/pam/service.h"

#define TOPIC "pam"

struct services {
	struct pam_service *items; /* one of each name, in the same order */
	struct pam_stack_names names;
};

static int add_name(struct pam_stack_names *names, const char *name)
{
	char **grown = reallocarray(names->items, names->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	names->items = grown;
	grown[names->count] = strdup(name);
	return grown[names->count] ? (names->count++, 0) : -ENOMEM;
}

/* systemd asks for it also where no file is about it. */
static int list(struct services *services, const char *root)
{
	int ret = pam_stack_services(root, &services->names);

	for (size_t i = 0; i < services->names.count; i++)
		if (strcmp(services->names.items[i], POLICY_MANAGER_SERVICE) == 0)
			return ret;
	return ret < 0 ? ret : add_name(&services->names, POLICY_MANAGER_SERVICE);
}

/* Sessions of a service without session lines are opened by those of "other". */
static bool needs_other(const struct pam_service *service)
{
	return service->stack.count == 0 &&
	       (service->kind == PAM_SERVICE_LOGIN || service->kind == PAM_SERVICE_JOBS ||
		service->kind == PAM_SERVICE_MANAGER);
}

static int load(struct pam_service *service)
{
	int ret = pam_stack_load(service->root, service->name, "session", &service->stack);

	if ((ret == 0 || ret == -ENOENT) && needs_other(service)) {
		pam_stack_free(&service->stack);
		ret = pam_stack_load(service->root, "other", "session", &service->stack);
	}
	if (ret == 0)
		ret = pam_service_look(service);
	return ret == -ENOENT ? 0 : ret;
}

static void load_all(struct doctor *doctor, struct services *services, const char *root)
{
	for (size_t i = 0; i < services->names.count; i++) {
		struct pam_service *service = &services->items[i];
		int ret;

		service->root = root;
		service->name = services->names.items[i];
		service->kind = pam_service_kind_of(service->name);
		ret = load(service);
		if (ret == -ENOMEM)
			doctor->error = ret;
		if (ret == 0)
			continue;
		pam_stack_free(&service->stack);
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, service->name,
			    "its lines cannot be followed: %s", strerror(-ret));
		doctor_advise(doctor, "look at what they include");
	}
}

static bool includes(const struct pam_service *service, const char *file)
{
	for (size_t i = 1; i < service->stack.file_count; i++)
		if (strcmp(service->stack.files[i], file) == 0)
			return true;
	return false;
}

/* A file that only others include, as Debian's common-session, and no service has the name of. */
static bool is_part(const struct services *services, const struct pam_service *part)
{
	if (part->kind != PAM_SERVICE_UNKNOWN || part->stack.file_count == 0)
		return false;
	if (strncmp(part->name, "common-", strlen("common-")) == 0)
		return true;
	for (size_t i = 0; i < services->names.count; i++)
		if (&services->items[i] != part &&
		    includes(&services->items[i], part->stack.files[0]))
			return true;
	return false;
}

/* Which policy a service's line asks for; "": the system's. */
static const char *policy_of(const struct pam_service *service)
{
	return service->arguments.conf ? service->arguments.conf : "";
}

static void judge_policies(struct doctor *doctor, const struct services *services)
{
	const char *first = NULL;
	bool mixed = false;

	for (size_t i = 0; i < services->names.count; i++) {
		const struct pam_service *service = &services->items[i];
		const char *policy = policy_of(service);

		if (!pam_service_has_module(service) || is_part(services, service))
			continue;
		first = first ? first : policy;
		mixed |= strcmp(first, policy) != 0;
		if (!*policy)
			continue;
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, service->name,
			    "takes its rules from %s (conf=), without drop-ins", policy);
		doctor_advise(doctor, "for other commands of bpfdev: --conf=%s", policy);
	}
	if (mixed) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "",
			    "which policy counts depends on how users come in");
		doctor_advise(doctor, "look at each with bpfdev doctor --conf=PATH");
	} else if (first && *first) {
		doctor->conf_path = strdup(first);
		if (!doctor->conf_path)
			doctor->error = -ENOMEM;
	}
}

static void judge_all(struct doctor *doctor, struct services *services)
{
	bool any = false;

	for (size_t i = 0; i < services->names.count; i++) {
		const struct pam_service *service = &services->items[i];

		any |= pam_service_has_module(service);
		if (service->stack.count && !is_part(services, service))
			pam_service_judge(doctor, service);
	}
	judge_policies(doctor, services);
	if (any)
		return;
	doctor_find(doctor, DOCTOR_BAD, TOPIC, "",
		    "no service has pam_bpfdev.so: nobody is filtered");
	doctor_advise(doctor, "pam_bpfdev(8) says where its line belongs");
}

static void services_free(struct services *services)
{
	for (size_t i = 0; services->items && i < services->names.count; i++)
		pam_stack_free(&services->items[i].stack);
	free(services->items);
	pam_stack_names_free(&services->names);
}

void doctor_check_pam_below(struct doctor *doctor, const char *root)
{
	struct services services = { 0 };
	int ret = list(&services, root);

	if (ret == 0) {
		services.items = calloc(services.names.count + 1, sizeof(*services.items));
		ret = services.items ? 0 : -ENOMEM;
	}
	if (ret == -ENOMEM) {
		doctor->error = ret;
	} else if (ret < 0) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "PAM's files cannot be listed: %s",
			    strerror(-ret));
		doctor_advise(doctor, "see that /etc/pam.d can be read");
	} else {
		load_all(doctor, &services, root);
		judge_all(doctor, &services);
	}
	services_free(&services);
}

void doctor_check_pam(struct doctor *doctor)
{
	doctor_check_pam_below(doctor, "");
}
