/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "check.h"

#include "pam_root.h"
#include "pam_stacks.h"

void pam_append(const char *path, const char *text)
{
	char full[2 * PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", pam_root, path);
	file = fopen(full, "a");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void pam_put_modules(void)
{
	pam_put(SECURITY "pam_permit.so", "");
	pam_put(SECURITY "pam_bpfdev.so", "");
}

/* The files that all releases have alike, as far as they matter here. */
static void put_debian(void)
{
	static const char begin[] = "session\t[default=1]\t\t\tpam_permit.so\n"
				    "session\trequisite\t\t\tpam_deny.so\n"
				    "session\trequired\t\t\tpam_permit.so\n"
				    "session optional\t\t\tpam_umask.so\n"
				    "session\trequired\tpam_unix.so \n";

	pam_put_modules();
	pam_put("/etc/pam.d/common-auth", "auth\t[success=1 default=ignore]\tpam_unix.so nullok\n"
					  "auth\trequisite\tpam_deny.so\n"
					  "auth\trequired\tpam_permit.so\n");
	pam_put("/etc/pam.d/common-account", "account\trequired\tpam_permit.so\n");
	pam_put("/etc/pam.d/common-session", begin);
	pam_append("/etc/pam.d/common-session", "session\toptional\tpam_systemd.so \n");
	pam_put("/etc/pam.d/common-session-noninteractive", begin);
	pam_put("/etc/pam.d/sshd",
		"@include common-auth\naccount required pam_nologin.so\n@include common-account\n"
		"session [success=ok ignore=ignore module_unknown=ignore default=bad]  "
		"pam_selinux.so close\nsession    required     pam_loginuid.so\n"
		"session    optional     pam_keyinit.so force revoke\n@include common-session\n"
		"session    optional     pam_mail.so standard noenv # [1]\n"
		"session    required     pam_env.so # [1]\n");
	pam_put("/etc/pam.d/login", "auth optional pam_faildelay.so  delay=3000000\n"
				    "session required pam_loginuid.so\n@include common-auth\n"
				    "@include common-account\n@include common-session\n");
	pam_put("/etc/pam.d/su", "auth sufficient pam_rootok.so\n@include common-auth\n"
				 "@include common-session\n");
	pam_put("/etc/pam.d/sudo", "session required pam_limits.so\n@include common-auth\n"
				   "@include common-session-noninteractive\n");
	pam_put("/etc/pam.d/cron", "@include common-auth\nsession required pam_loginuid.so\n"
				   "@include common-session-noninteractive \n");
	pam_put("/etc/pam.d/atd", "@include common-auth\n@include common-session-noninteractive\n");
	pam_put("/etc/pam.d/runuser", "auth\t\tsufficient\tpam_rootok.so\n"
				      "session\t\trequired\tpam_unix.so\n");
	pam_put("/etc/pam.d/passwd", "@include common-password\n");
	pam_put("/etc/pam.d/chfn", "auth sufficient pam_rootok.so\n@include common-session\n");
	pam_put("/etc/pam.d/other", "@include common-auth\n@include common-session\n");
}

/* It has runuser-l and su-l include others; systemd-user is in /usr/lib in all. */
void pam_put_bookworm(void)
{
	put_debian();
	pam_put("/etc/pam.d/su-l", "auth include su\nsession optional pam_keyinit.so force revoke\n"
				   "session include su\n");
	pam_put("/etc/pam.d/runuser-l", "auth include runuser\n-session optional pam_systemd.so\n"
					"session include runuser\n");
	pam_put("/usr/lib/pam.d/systemd-user", "@include common-account\n"
					       "session  required pam_selinux.so close\n"
					       "@include common-session-noninteractive\n"
					       "session  optional pam_systemd.so\n");
}

void pam_put_sid(void)
{
	pam_put_bookworm();
	pam_put("/etc/pam.d/su-l", "auth sufficient pam_rootok.so\n@include common-auth\n"
				   "@include common-session\n");
	pam_put("/etc/pam.d/runuser-l", "auth sufficient pam_rootok.so\n"
					"-session optional pam_systemd.so\n"
					"session required pam_unix.so\n");
	pam_put("/etc/pam.d/remote", "session required pam_loginuid.so\n@include common-auth\n"
				     "@include common-session\n");
}

void pam_put_fedora(void)
{
	static const char auth[] = "auth required pam_env.so\nauth sufficient pam_unix.so\n"
				   "auth required pam_deny.so\n"
				   "session optional pam_keyinit.so revoke\n"
				   "-session optional pam_systemd.so\n"
				   "session [success=1 default=ignore] pam_succeed_if.so service "
				   "in crond quiet use_uid\nsession required pam_unix.so\n";

	pam_put_modules();
	pam_put("/etc/pam.d/system-auth", auth);
	pam_put("/etc/pam.d/password-auth", auth);
	pam_put("/etc/pam.d/postlogin",
		"session optional pam_umask.so silent\n"
		"session [success=1 default=ignore] pam_succeed_if.so "
		"service !~ gdm* service !~ su* quiet\n"
		"session [default=1] pam_lastlog.so nowtmp silent\n"
		"session optional pam_lastlog.so silent noupdate showfailed\n");
	pam_put("/etc/pam.d/sshd", "auth substack password-auth\nsession required pam_selinux.so\n"
				   "session include password-auth\nsession include postlogin\n");
	pam_put("/etc/pam.d/crond", "auth include password-auth\nsession include password-auth\n");
	pam_put("/etc/pam.d/systemd-user", "session required pam_selinux.so close\n"
					   "session include system-auth\n");
	pam_put("/etc/pam.d/other", "auth required pam_deny.so\nsession required pam_deny.so\n");
}
