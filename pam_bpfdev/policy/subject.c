// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Users and groups, through NSS. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

#define LOGIN_DEFS "/etc/login.defs"
#define PASSWD "/etc/passwd"
#define UID_MIN_DEFAULT 1000
/* A group's members come with it: 10,000 of them need some 100 KiB. */
#define NSS_BUFFER_MAX (64u << 20)
#define GROUPS_MAX (1 << 20)

/* Doubles a buffer that NSS found too small. Returns 0 or -ENOMEM. */
static int grow_buffer(char **buffer, size_t *size)
{
	char *grown;

	if (*size >= NSS_BUFFER_MAX)
		return -ENOMEM;
	*size = *size ? *size * 2 : 4096;
	grown = realloc(*buffer, *size);
	if (!grown)
		return -ENOMEM;
	*buffer = grown;
	return 0;
}

/*
 * ENOENT too is no answer: the C library returns 0 for what does not exist, and ENOENT is what it
 * passes on from the modules of directories that cannot be reached, such as that of nslcd.
 */
static int nss_failed(struct reason *why, const char *what, const char *name, int error)
{
	/* What it found too small could not be made larger. */
	if (error == ERANGE)
		error = ENOMEM;
	reason_set(why, "%s \"%s\" cannot be looked up: %s", what, name,
		   error == ENOENT ? "the directory does not answer" : strerror(error));
	return -error;
}

/*
 * As shadow reads it: decimal, octal or hexadecimal, perhaps in quotes; what is no number is the
 * default.
 */
static void read_uid_min(const char *line, uid_t *uid_min)
{
	const char *value = line + strspn(line, " \t");
	char *end;
	unsigned long long number;

	if (strncmp(value, "UID_MIN", 7) != 0 || !strchr(" \t", value[7]))
		return;
	value += 7;
	value += strspn(value, " \t\"");
	number = strtoull(value, &end, 0);
	*uid_min = UID_MIN_DEFAULT;
	if (end != value && *value != '-' && !end[strspn(end, "\" \t\r\n")] && number < (uid_t)-1)
		*uid_min = (uid_t)number;
}

/* A missing file or setting means the default; one that cannot be read must not pass for that. */
int policy_uid_min(uid_t *uid_min, struct reason *why)
{
	FILE *file = fopen(LOGIN_DEFS, "re");
	char *line = NULL;
	size_t size = 0;
	int error;

	*uid_min = UID_MIN_DEFAULT;
	if (!file) {
		error = errno == ENOENT ? 0 : errno;
	} else {
		errno = 0;
		while (getline(&line, &size, file) >= 0)
			read_uid_min(line, uid_min);
		error = feof(file) ? 0 : errno ? errno : EIO;
		free(line);
		fclose(file);
	}
	if (error)
		reason_set(why, "%s cannot be read: %s", LOGIN_DEFS, strerror(error));
	return -error;
}

/*
 * getgrouplist(3) passes over a group database that fails, so that the user seems to be in fewer
 * groups, and rules on those would be lost. What it leaves in errno tells the failures of this
 * process; those of a remote directory look like an answer.
 */
static int groups_failure(void)
{
	return errno == ENOMEM || errno == EMFILE || errno == ENFILE ? errno : 0;
}

/* Adds the groups of one name of the subject. */
static int load_groups(struct policy_subject *subject, const char *name, gid_t gid,
		       struct reason *why)
{
	int before = subject->group_count, count = 64, asked;
	gid_t *grown;

	do {
		grown = reallocarray(subject->groups, (size_t)before + (size_t)count,
				     sizeof(*grown));
		if (!grown)
			return nss_failed(why, "groups of user", name, ENOMEM);
		subject->groups = grown;
		asked = count;
		errno = 0;
		if (getgrouplist(name, gid, grown + before, &count) >= 0) {
			subject->group_count = before + count;
			break;
		}
		/* It says how many there are; if it does not, guess. */
		count = count > asked ? count : asked * 2;
	} while (count <= GROUPS_MAX && !groups_failure());
	if (groups_failure())
		return nss_failed(why, "groups of user", name, errno);
	if (subject->group_count == before)
		return nss_failed(why, "groups of user", name, E2BIG);
	return 0;
}

/*
 * Looks @name up, or, if that is NULL, @uid. Returns 1 with @entry, whose strings are in *@buffer;
 * 0: there is no such user; or a negative errno with @why. The buffer is to be freed in any case.
 */
static int find_user(const char *name, uid_t uid, struct passwd *entry, char **buffer,
		     struct reason *why)
{
	struct passwd *found = NULL;
	char number[16];
	size_t size = 0;
	int error = ERANGE;

	*buffer = NULL;
	while (error == ERANGE && grow_buffer(buffer, &size) == 0)
		error = name ? getpwnam_r(name, entry, *buffer, size, &found)
			     : getpwuid_r(uid, entry, *buffer, size, &found);
	if (found)
		return 1;
	snprintf(number, sizeof(number), ":%u", uid);
	return error ? nss_failed(why, "user", name ?: number, error) : 0;
}

/* Adds another name of the subject, and its groups. */
static int add_alias(struct policy_subject *subject, const struct passwd *entry, struct reason *why)
{
	char **grown, *name;

	if (strcmp(entry->pw_name, subject->name) == 0)
		return 0;
	for (size_t i = 0; i < subject->alias_count; i++)
		if (strcmp(entry->pw_name, subject->aliases[i]) == 0)
			return 0;
	grown = reallocarray(subject->aliases, subject->alias_count + 1, sizeof(*grown));
	if (grown)
		subject->aliases = grown;
	name = grown ? strdup(entry->pw_name) : NULL;
	if (!name)
		return nss_failed(why, "user", entry->pw_name, ENOMEM);
	grown[subject->alias_count++] = name;
	return load_groups(subject, name, entry->pw_gid, why);
}

#define OTHER_NAMES "other names of user"

/*
 * Adds the name that a line of the local file has, if it is one of the subject's; and sees whether it is the
 * subject's own.
 */
static int add_local_name(struct policy_subject *subject, char *line, size_t length,
			  struct reason *why)
{
	FILE *file = fmemopen(line, length, "r");
	char *buffer = NULL;
	size_t size = length;
	struct passwd entry, *found = NULL;
	int error = file ? ERANGE : ENOMEM, ret = 0;

	while (error == ERANGE && grow_buffer(&buffer, &size) == 0) {
		rewind(file);
		error = fgetpwent_r(file, &entry, buffer, size, &found);
	}
	if (error && error != ENOENT) { /* which a comment gives */
		ret = nss_failed(why, OTHER_NAMES, subject->name, error);
	} else if (found && entry.pw_uid == subject->uid) {
		subject->local |= strcmp(entry.pw_name, subject->name) == 0;
		ret = add_alias(subject, &entry, why);
	}
	free(buffer);
	if (file)
		fclose(file);
	return ret;
}

/*
 * The same of the whole file. fgetpwent_r(3) asks the kernel twice for each line where it is, which a file with
 * a thousand accounts makes felt at each login; so it gets only those that have the uid in them.
 */
static int add_local_names(struct policy_subject *subject, struct reason *why)
{
	FILE *file = fopen(PASSWD, "re");
	char *line = NULL, uid[16];
	size_t size = 0;
	ssize_t length;
	int ret = 0;

	if (!file)
		return errno == ENOENT ? 0 : nss_failed(why, OTHER_NAMES, subject->name, errno);
	snprintf(uid, sizeof(uid), "%u:", subject->uid);
	errno = 0;
	while (ret == 0 && (length = getline(&line, &size, file)) >= 0)
		if (strstr(line, uid))
			ret = add_local_name(subject, line, (size_t)length, why);
	if (ret == 0 && !feof(file))
		ret = nss_failed(why, OTHER_NAMES, subject->name, errno ?: EIO);
	free(line);
	fclose(file);
	return ret;
}

/*
 * Adds the names that the subject's uid has besides: the one that the database has first for it, and
 * those of the local file; and sees whether the subject is in that. A directory cannot be asked for all of them.
 */
static int load_aliases(struct policy_subject *subject, struct reason *why)
{
	struct passwd entry;
	char *buffer = NULL;
	int ret = find_user(NULL, subject->uid, &entry, &buffer, why);

	if (ret > 0)
		ret = add_alias(subject, &entry, why);
	free(buffer);
	return ret < 0 ? ret : add_local_names(subject, why);
}

static int fill(struct policy_subject *subject, const struct passwd *entry, struct reason *why)
{
	int ret;

	*subject = (struct policy_subject) {
		.name = strdup(entry->pw_name),
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
	};
	if (!subject->name)
		return nss_failed(why, "user", entry->pw_name, ENOMEM);
	ret = policy_uid_min(&subject->uid_min, why);
	if (ret == 0)
		ret = load_groups(subject, subject->name, subject->gid, why);
	if (ret == 0)
		ret = load_aliases(subject, why);
	if (ret < 0)
		policy_subject_free(subject);
	return ret;
}

int policy_subject_load(const char *name, struct policy_subject *subject, struct reason *why)
{
	struct passwd entry;
	char *buffer;
	int ret = find_user(name, 0, &entry, &buffer, why);

	*subject = (struct policy_subject) { 0 };
	if (ret == 1) {
		ret = fill(subject, &entry, why);
	} else if (ret == 0) {
		reason_set(why, "there is no user \"%s\"", name);
		ret = 1;
	}
	free(buffer);
	return ret;
}

void policy_subject_free(struct policy_subject *subject)
{
	for (size_t i = 0; i < subject->alias_count; i++)
		free(subject->aliases[i]);
	free(subject->aliases);
	free(subject->name);
	free(subject->groups);
	*subject = (struct policy_subject) { 0 };
}

int policy_user_id(const char *name, uid_t *uid, struct reason *why)
{
	struct passwd entry;
	char *buffer;
	int ret = find_user(name, 0, &entry, &buffer, why);

	if (ret == 1)
		*uid = entry.pw_uid;
	free(buffer);
	return ret;
}

/* Asks for @group, by name or by gid. Returns what getgrnam_r(3) does. */
static int ask_for_group(const struct policy_group *group, struct group *entry, char *buffer,
			 size_t size, struct group **found)
{
	if (group->name)
		return getgrnam_r(group->name, entry, buffer, size, found);
	return getgrgid_r(group->gid, entry, buffer, size, found);
}

static bool lists(const struct group *entry, const struct policy_subject *subject)
{
	for (char **member = entry->gr_mem; member && *member; member++) {
		if (strcmp(*member, subject->name) == 0)
			return true;
		for (size_t i = 0; i < subject->alias_count; i++)
			if (strcmp(*member, subject->aliases[i]) == 0)
				return true;
	}
	return false;
}

int policy_group_look_up(struct policy_group *group, const struct policy_subject *subject,
			 struct reason *why)
{
	struct group entry, *found = NULL;
	char *buffer = NULL, number[16];
	size_t size = 0;
	int error = ERANGE;

	while (error == ERANGE && grow_buffer(&buffer, &size) == 0)
		error = ask_for_group(group, &entry, buffer, size, &found);
	group->exists = found;
	group->lists_user = found && lists(found, subject);
	if (found)
		group->gid = found->gr_gid;
	free(buffer);
	snprintf(number, sizeof(number), ":%u", group->gid);
	return found || !error ? 0 : nss_failed(why, "group", group->name ?: number, error);
}

int policy_group_id(const char *name, gid_t *gid, struct reason *why)
{
	struct policy_group group = { .name = name };
	const struct policy_subject nobody = { .name = (char[]) { "" } };
	int ret = policy_group_look_up(&group, &nobody, why);

	if (ret < 0)
		return ret;
	*gid = group.gid;
	return group.exists;
}
