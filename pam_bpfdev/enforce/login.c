// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <stdio.h>
#include <unistd.h>

#include "enforce/login.h"
#include "enforce/manager.h"
#include "filter/filter.h"

void login_free(struct login *login)
{
	if (login->cgroup_fd >= 0)
		close(login->cgroup_fd);
	if (login->prog_fd >= 0)
		close(login->prog_fd);
	session_free(&login->place);
	policy_result_free(&login->policy);
}

bool login_is_own(const struct login *login)
{
	return login->place.place == SESSION_OWN_SCOPE || login->place.place == SESSION_OWN_MANAGER;
}

int login_look(struct login *login)
{
	int ret;

	if (login->cgroup_fd < 0)
		login->cgroup_fd = session_open_cgroup(login->place.unit, login->why);
	if (login->cgroup_fd < 0)
		return login->cgroup_fd;
	if (login->prog_fd >= 0)
		close(login->prog_fd);
	login->prog_fd = -1;
	ret = filter_probe(login->cgroup_fd, login->why);
	return ret < 0 ? ret : filter_find(login->cgroup_fd, &login->prog_fd, login->why);
}

int enforce_lock(const struct enforce_options *options, uid_t uid, struct reason *why)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/pam_bpfdev.%u.lock", options->lock_folder, uid);
	return session_lock(path, SESSION_LOCK_TIMEOUT_MS, why);
}

int login_with_lock(struct login *login, int (*locked)(struct login *login))
{
	int lock = enforce_lock(login->options, login->subject->uid, login->why), ret;

	if (lock < 0)
		return lock;
	snprintf(login->report->unit, sizeof(login->report->unit), "%s",
		 session_unit_name(&login->place));
	ret = locked(login);
	session_unlock(lock);
	return ret;
}

int login_mend_manager(struct login *login)
{
	return enforce_manager(login->options, login->subject, &login->place, &login->report->note,
			       login->why);
}
