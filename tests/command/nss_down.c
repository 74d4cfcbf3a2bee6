/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A user database that does not answer, for nsswitch.conf: "group: files down". Only of the group
 * "roster" (gid 3000, with alice in it) it knows, but not of which groups a user is a member.
 * Modules differ in the error that stands for this: here by name ECONNREFUSED, by gid ENOENT.
 */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <string.h>

#define ROSTER "roster"
#define ROSTER_GID 3000

enum nss_status _nss_down_getpwnam_r(const char *name, struct passwd *entry, char *buffer,
				     size_t size, int *error);
enum nss_status _nss_down_getgrnam_r(const char *name, struct group *entry, char *buffer,
				     size_t size, int *error);
enum nss_status _nss_down_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size,
				     int *error);

static char roster[] = ROSTER, no_password[] = "*", alice[] = "alice";
static char *members[] = { alice, NULL };

static enum nss_status answer(struct group *entry)
{
	*entry = (struct group) {
		.gr_name = roster,
		.gr_passwd = no_password,
		.gr_gid = ROSTER_GID,
		.gr_mem = members,
	};
	return NSS_STATUS_SUCCESS;
}

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
	(void)buffer, (void)size;
	*error = ECONNREFUSED;
	return strcmp(name, ROSTER) == 0 ? answer(entry) : NSS_STATUS_UNAVAIL;
}

enum nss_status _nss_down_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size,
				     int *error)
{
	(void)buffer, (void)size;
	*error = ENOENT;
	return gid == ROSTER_GID ? answer(entry) : NSS_STATUS_UNAVAIL;
}
