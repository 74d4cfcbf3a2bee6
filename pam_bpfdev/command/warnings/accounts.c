// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/warnings/accounts.h"

int name_list_add(struct name_list *list, const char *name, id_t id)
{
	struct name_entry *grown =
		array_grow(list->items, list->count, &list->capacity, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	grown[list->count] = (struct name_entry) { strdup(name), id };
	if (!grown[list->count].name)
		return -ENOMEM;
	list->count++;
	return 0;
}

int name_list_nearest(const struct name_list *list, const char *word, const char **near)
{
	const char **names = calloc(list->count + 1, sizeof(*names));

	*near = NULL;
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		names[i] = list->items[i].name;
	*near = conf_nearest(word, names, list->count);
	free(names);
	return 0;
}

void name_list_free(struct name_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = (struct name_list) { 0 };
}

static int user_id(const struct accounts *accounts, const char *name, uid_t *id, struct reason *why)
{
	(void)accounts;
	return policy_user_id(name, id, why);
}

static int group_id(const struct accounts *accounts, const char *name, gid_t *id,
		    struct reason *why)
{
	(void)accounts;
	return policy_group_id(name, id, why);
}

static int load_subject(const struct accounts *accounts, const char *name,
			struct policy_subject *subject, struct reason *why)
{
	(void)accounts;
	return policy_subject_load(name, subject, why);
}

static int list_users(const struct accounts *accounts, struct name_list *list)
{
	const struct passwd *entry;
	int ret = 0;

	(void)accounts;
	setpwent();
	while (ret == 0 && list->count < ACCOUNTS_LISTED_MAX && (entry = getpwent()))
		ret = name_list_add(list, entry->pw_name, entry->pw_uid);
	endpwent();
	return ret;
}

static int list_groups(const struct accounts *accounts, struct name_list *list)
{
	const struct group *entry;
	int ret = 0;

	(void)accounts;
	setgrent();
	while (ret == 0 && list->count < ACCOUNTS_LISTED_MAX && (entry = getgrent()))
		ret = name_list_add(list, entry->gr_name, entry->gr_gid);
	endgrent();
	return ret;
}

int accounts_system(struct accounts *accounts, struct reason *why)
{
	*accounts = (struct accounts) {
		.user_id = user_id,
		.group_id = group_id,
		.subject = load_subject,
		.list_users = list_users,
		.list_groups = list_groups,
	};
	return policy_uid_min(&accounts->uid_min, why);
}
