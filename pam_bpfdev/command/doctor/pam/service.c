// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <fnmatch.h>
#include <string.h>

#include "command/doctor/pam/service.h"

/* The first glob that fits counts. */
static const struct {
	const char *glob;
	enum pam_service_kind kind;
} kinds[] = {
	{ POLICY_MANAGER_SERVICE, PAM_SERVICE_MANAGER },
	{ "other", PAM_SERVICE_OTHER },
	{ "cron", PAM_SERVICE_JOBS },
	{ "crond", PAM_SERVICE_JOBS },
	{ "atd", PAM_SERVICE_JOBS },
	{ "su", PAM_SERVICE_INNER },
	{ "su-l", PAM_SERVICE_INNER },
	{ "sudo", PAM_SERVICE_INNER },
	{ "sudo-i", PAM_SERVICE_INNER },
	{ "doas", PAM_SERVICE_INNER },
	{ "runuser", PAM_SERVICE_INNER },
	{ "runuser-l", PAM_SERVICE_INNER },
	{ "gdm-launch-environment", PAM_SERVICE_GREETER },
	{ "*-greeter", PAM_SERVICE_GREETER },
	{ "gdm*", PAM_SERVICE_LOGIN },
	{ "lightdm*", PAM_SERVICE_LOGIN },
	{ "sddm*", PAM_SERVICE_LOGIN },
	{ "lxdm", PAM_SERVICE_LOGIN },
	{ "xdm", PAM_SERVICE_LOGIN },
	{ "greetd", PAM_SERVICE_LOGIN },
	{ "xrdp-sesman", PAM_SERVICE_LOGIN },
	{ "cockpit", PAM_SERVICE_LOGIN },
	{ "login", PAM_SERVICE_LOGIN },
	{ "remote", PAM_SERVICE_LOGIN },
	{ "sshd", PAM_SERVICE_LOGIN },
	{ "vsftpd", PAM_SERVICE_LOGIN },
	{ "proftpd", PAM_SERVICE_LOGIN },
	{ "chfn", PAM_SERVICE_NEVER },
	{ "chsh", PAM_SERVICE_NEVER },
	{ "chage", PAM_SERVICE_NEVER },
	{ "passwd", PAM_SERVICE_NEVER },
	{ "chpasswd", PAM_SERVICE_NEVER },
	{ "newusers", PAM_SERVICE_NEVER },
	{ "polkit-1", PAM_SERVICE_NEVER },
	{ "vlock", PAM_SERVICE_NEVER },
	{ "*screensaver", PAM_SERVICE_NEVER },
	{ "swaylock", PAM_SERVICE_NEVER },
	{ "i3lock", PAM_SERVICE_NEVER },
};

enum pam_service_kind pam_service_kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (fnmatch(kinds[i].glob, name, 0) == 0)
			return kinds[i].kind;
	return PAM_SERVICE_UNKNOWN;
}

bool pam_service_has_module(const struct pam_service *service)
{
	return service->module < service->stack.count;
}

bool pam_service_has_systemd(const struct pam_service *service)
{
	return service->systemd < service->stack.count;
}

int pam_service_look(struct pam_service *service)
{
	const struct pam_stack *stack = &service->stack;

	service->module = pam_stack_find(stack, PAM_SERVICE_MODULE, 0);
	service->systemd = pam_stack_find(stack, PAM_SERVICE_SYSTEMD, 0);
	if (pam_service_has_module(service)) {
		const struct pam_stack_line *line = &stack->lines[service->module];

		for (size_t i = 0; i < line->argument_count; i++)
			arguments_parse(line->arguments[i], &service->arguments);
	}
	return pam_stack_walk(stack, PAM_SERVICE_MODULE, &service->ways);
}
