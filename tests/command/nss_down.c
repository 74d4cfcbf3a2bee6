/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A user database that does not answer, for nsswitch.conf: "passwd: down". */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>

enum nss_status _nss_down_getpwnam_r(const char *name, struct passwd *entry, char *buffer,
				     size_t size, int *error);
enum nss_status _nss_down_getgrnam_r(const char *name, struct group *entry, char *buffer,
				     size_t size, int *error);

enum nss_status _nss_down_getpwnam_r(const char *name, struct passwd *entry, char *buffer,
				     size_t size, int *error)
{
	(void)name, (void)entry, (void)buffer, (void)size;
	*error = ECONNREFUSED;
	return NSS_STATUS_UNAVAIL;
}

enum nss_status _nss_down_getgrnam_r(const char *name, struct group *entry, char *buffer,
				     size_t size, int *error)
{
	(void)name, (void)entry, (void)buffer, (void)size;
	*error = ECONNREFUSED;
	return NSS_STATUS_UNAVAIL;
}
