// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Users, groups and devices that a policy names: those that are not there, or better not named. */
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "command/base/memory.h"
#include "command/warnings/internal.h"

void name_list_add(struct name_list *list, const char *name, id_t id)
{
	*xappend(list) = (struct name_entry) { xstrdup(name), id };
}

const char *name_list_nearest(const struct name_list *list, const char *word)
{
	const char **names = xcalloc(list->count + 1, sizeof(*names)), *near;

	for (size_t i = 0; i < list->count; i++)
		names[i] = list->items[i].name;
	near = conf_nearest(word, names, list->count);
	free(names);
	return near;
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

static void list_users(const struct accounts *accounts, struct name_list *list)
{
	const struct passwd *entry;

	(void)accounts;
	setpwent();
	while (list->count < ACCOUNTS_LISTED_MAX && (entry = getpwent()))
		name_list_add(list, entry->pw_name, entry->pw_uid);
	endpwent();
}

static void list_groups(const struct accounts *accounts, struct name_list *list)
{
	const struct group *entry;

	(void)accounts;
	setgrent();
	while (list->count < ACCOUNTS_LISTED_MAX && (entry = getgrent()))
		name_list_add(list, entry->gr_name, entry->gr_gid);
	endgrent();
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

void warnings_list_users(struct warnings_run *run)
{
	if (!run->users_listed)
		run->input->accounts->list_users(run->input->accounts, &run->users);
	run->users_listed = true;
}

/* The user or group that was probably meant, or NULL: there is none like it. */
static const char *find_near(struct warnings_run *run, bool group, const char *name)
{
	if (!group) {
		warnings_list_users(run);
		return name_list_nearest(&run->users, name);
	}
	if (!run->groups_listed)
		run->input->accounts->list_groups(run->input->accounts, &run->groups);
	run->groups_listed = true;
	return name_list_nearest(&run->groups, name);
}

/* 1: found with *@id; 0: there is none; or a negative errno with @why. */
static int find_id(const struct warnings_run *run, bool group, const char *name, uint32_t *id,
		   struct reason *why)
{
	const struct accounts *accounts = run->input->accounts;

	return group ? accounts->group_id(accounts, name, id, why)
		     : accounts->user_id(accounts, name, id, why);
}

/* The group of administrators, whatever it is called here; NULL: the name is none of them. */
static const char *find_administrators(struct warnings_run *run, const char *name)
{
	static const char *const names[] = { "sudo", "wheel", "admin" };
	const char *found = NULL;
	bool is_one = false;
	uint32_t id;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		is_one |= strcmp(name, names[i]) == 0;
		if (!found && find_id(run, true, names[i], &id, NULL) == 1)
			found = names[i];
	}
	return is_one ? found : NULL;
}

/* Whose name it is without what some directories add before a "\" or behind an "@", if there is one. */
static const char *find_account(struct warnings_run *run, bool group, const char *name)
{
	const char *backslash = strrchr(name, '\\'), *at = strchr(name, '@'), *near = NULL;
	char *account = xstrndup(backslash ? backslash + 1 : name,
				 !backslash && at ? (size_t)(at - name) : strlen(name));
	uint32_t id;

	if (group)
		near = find_administrators(run, name);
	if (!near && strcmp(account, name) != 0 && find_id(run, group, account, &id, NULL) == 1)
		near = find_near(run, group, account);
	free(account);
	return near;
}

/* What to write instead: " (did you mean ...?)", or "". */
static void hint(struct warnings_run *run, bool group, const char *name, char *out, size_t size)
{
	static const char *const everybody[] = { "all",	      "any",   "anyone", "everyone",
						 "everybody", "users", "user" };
	const char *near;
	char written[80];
	uint32_t id;

	*out = '\0';
	for (size_t i = 0; i < sizeof(everybody) / sizeof(everybody[0]); i++)
		if (strcasecmp(name, everybody[i]) == 0) {
			snprintf(out, size, " (did you mean \"*\", every regular account?)");
			return;
		}
	if (name[strspn(name, "0123456789")] == '\0')
		snprintf(out, size, " (did you mean \"%s:%s\", by number?)", group ? "@" : "",
			 QUOTE(name));
	else if (find_id(run, !group, name, &id, NULL) == 1)
		snprintf(out, size, " (did you mean the %s, \"%s\"?)", group ? "user" : "group",
			 QUOTE(conf_quote_name(name, !group, written, sizeof(written))));
	else if ((near = find_account(run, group, name)) || (near = find_near(run, group, name)))
		snprintf(out, size, " (did you mean \"%s\"?)",
			 QUOTE(conf_quote_name(near, group, written, sizeof(written))));
}

static void warn_missing(struct warnings_run *run, const struct warnings_line *lines, size_t count)
{
	const struct conf_statement *first = warnings_statement(run, lines->statement);
	const char *name = lines->who.name;
	bool group = lines->who.kind == CONF_GROUP;
	char meant[160], nobody[64] = "this line names nobody";

	hint(run, group, name, meant, sizeof(meant));
	if (count > 1)
		snprintf(nobody, sizeof(nobody), "this line and %zu more name nobody", count - 1);
	warnings_add(
		run, &first->place, first->place.column, group ? WARNING_NO_GROUP : WARNING_NO_USER,
		"there is no %s \"%s\", so %s; expected one that the %s database has%s",
		group ? "group" : "user", QUOTE(name), nobody, group ? "group" : "user", meant);
}

void warnings_unknown(struct warnings_run *run, const struct warnings_line *line,
		      const struct reason *why)
{
	const struct conf_statement *first = warnings_statement(run, line->statement);

	run->lookup_failed = true;
	warnings_add(run, &first->place, first->place.column, WARNING_LOOKUP,
		     "%s, so the names in the policy cannot be checked; expected a user "
		     "database that answers: try again when it does",
		     why->text);
}

void warnings_look_up(struct warnings_run *run, struct warnings_line *lines, size_t count)
{
	bool group = lines->who.kind == CONF_GROUP;
	enum name_state state = NAME_UNKNOWN;
	const char *name = lines->who.name;
	struct reason why = { "" };
	uint32_t id = 0;

	if (!name)
		return;
	if (!run->lookup_failed) {
		int found = xcheck(find_id(run, group, name, &id, &why));

		state = found == 1 ? NAME_KNOWN : found == 0 ? NAME_MISSING : NAME_UNKNOWN;
		if (state == NAME_MISSING)
			warn_missing(run, lines, count);
		else if (state == NAME_UNKNOWN)
			warnings_unknown(run, lines, &why);
	}
	for (size_t i = 0; i < count; i++) {
		lines[i].state = state;
		if (state == NAME_KNOWN && group)
			lines[i].who = (struct conf_who) { CONF_GID_RANGE, NULL, id, id };
		else if (state == NAME_KNOWN)
			lines[i].who.low = id;
	}
}

/* Root's uid has more names than one on some systems. */
static bool is_root(const struct warnings_who *who)
{
	if (who->who->kind == CONF_USER)
		return strcmp(who->who->name, "root") == 0 ||
		       (who->state == NAME_KNOWN && who->who->low == 0);
	return who->who->kind == CONF_UID && who->who->low == 0;
}

static void warn_of_root(struct warnings_run *run, const struct warnings_who *who)
{
	for (size_t i = 0; i < who->count; i++) {
		const struct conf_statement *line =
			warnings_statement(run, who->lines[i].statement);

		if (line->verb == CONF_EXEMPT)
			continue;
		warnings_add(run, &line->place, line->place.column, WARNING_ROOT,
			     "\"%s\" names root, so root's own logins are filtered, and who "
			     "mends this machine may find its devices locked; expected lines "
			     "for other users only: root is free where no line names it",
			     QUOTE(line->text));
		return;
	}
}

/*
 * Whether a range names no account that lines for ranges can name. System accounts are those below
 * UID_MIN and a range above it, so if neither an end nor UID_MIN is regular, nothing between is.
 */
static bool is_system_only(const struct warnings_run *run, const struct conf_who *who)
{
	uid_t uid_min = run->input->accounts->uid_min;
	const uid_t uids[] = { who->low, who->high, uid_min };
	struct policy_subject subject = { .uid_min = uid_min };

	for (size_t i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		subject.uid = uids[i];
		if (policy_rank_by_id(&subject, who) != TABLE_BASELINE)
			return false;
	}
	return true;
}

void warnings_of_who(struct warnings_run *run, struct warnings_who *who)
{
	const struct conf_statement *first = warnings_statement(run, who->lines->statement);

	if (is_root(who)) {
		warn_of_root(run, who);
	} else if (who->who->kind == CONF_UID_RANGE && is_system_only(run, who->who)) {
		who->state = NAME_MISSING;
		warnings_add(run, &first->place, first->place.column, WARNING_SYSTEM,
			     "only system accounts have a uid in %s, and lines for ranges do not "
			     "name those; expected uids from %u (UID_MIN) on, or lines with the "
			     "name of an account or its :uid",
			     QUOTE(first->text), run->input->accounts->uid_min);
	}
}

static const char *type_name(uint32_t type)
{
	return type == BPFDEV_BLOCK ? "block" : "char";
}

/* The drivers of this machine, and whether the glob is fine but for its type. */
struct drivers {
	const struct device_spec *device;
	struct name_list names; /* of the right type */
	bool other_type;
};

static void note_driver(const struct device_driver *driver, void *data)
{
	struct drivers *drivers = data;
	uint32_t wanted = drivers->device->block ? BPFDEV_BLOCK : BPFDEV_CHAR;

	if (driver->type != wanted)
		drivers->other_type =
			drivers->other_type || fnmatch(drivers->device->text, driver->name, 0) == 0;
	else
		name_list_add(&drivers->names, driver->name, driver->type);
}

/* A slip of the finger, or the beginning of a name: "video" of video4linux. */
static const char *nearest_driver(const struct name_list *names, const char *word)
{
	const char *near = name_list_nearest(names, word);

	for (size_t i = 0; !near && strlen(word) > 2 && i < names->count; i++)
		if (strncmp(names->items[i].name, word, strlen(word)) == 0)
			near = names->items[i].name;
	return near;
}

/* The driver that was probably meant, for a message; "" if there is none like it. */
static int hint_driver(struct warnings_run *run, const struct device_spec *device, char *out,
		       size_t size)
{
	struct drivers drivers = { .device = device };
	uint32_t type = device->block ? BPFDEV_BLOCK : BPFDEV_CHAR, other = BPFDEV_TYPES - 1 - type;
	int ret = xcheck(device_each_driver(run->input->devices, note_driver, &drivers, run->why));
	const char *near;

	*out = '\0';
	if (*device->text && !device->text[strspn(device->text, "0123456789:")])
		snprintf(out, size, " (did you mean \"%c %s%s\", by number?)", *type_name(type),
			 QUOTE(device->text), strchr(device->text, ':') ? "" : ":*");
	else if (ret == 0 && drivers.other_type)
		snprintf(out, size, " (did you mean \"%s-%s\"?)", type_name(other),
			 QUOTE(device->text));
	else if (ret == 0 && (near = nearest_driver(&drivers.names, device->text)))
		snprintf(out, size, " (did you mean \"%s-%s\"?)", type_name(type), QUOTE(near));
	name_list_free(&drivers.names);
	return ret;
}

static int warn_of_driver(struct warnings_run *run, const struct conf_place *line,
			  const struct device_spec *device)
{
	char meant[160], misc[NAMES_MISC_SIZE];
	int ret = 0;

	if (!device->block &&
	    names_misc(run->input->conf, run->input->devices, device->text, misc)) {
		warnings_add(run, line, device->column, WARNING_NO_DRIVER,
			     "\"char-%s\" is no driver but a device of char-misc, so it stands for "
			     "nothing; expected %s",
			     QUOTE(device->text), misc);
		return 0;
	}
	ret = hint_driver(run, device, meant, sizeof(meant));
	if (ret == 0)
		warnings_add(run, line, device->column, WARNING_NO_DRIVER,
			     "no driver \"%s-%s\" is loaded, and the kernel has assigned it no "
			     "major: until it comes, a line that allows it allows nothing, and one "
			     "that denies it denies every major that no driver has; expected a "
			     "name of /proc/devices, or of a driver that is loaded when it is "
			     "needed%s",
			     type_name(device->block ? BPFDEV_BLOCK : BPFDEV_CHAR),
			     QUOTE(device->text), meant);
	return ret;
}

static bool is_folder(const struct warnings_run *run, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (snprintf(real, sizeof(real), "%s%s", run->input->devices->dev, path + strlen("/dev")) >=
	    (int)sizeof(real))
		return false;
	return stat(real, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Whether there is a device whose path begins so, as /dev/video0 does with /dev/video. */
static bool begins_some(const struct warnings_run *run, const char *path)
{
	char *pattern = xasprintf("%s%s[0-9a-z]", run->input->devices->dev, path + strlen("/dev"));
	glob_t found;
	bool any = !strpbrk(path, "*?[") && glob(pattern, GLOB_NOSORT, NULL, &found) == 0;

	if (any)
		globfree(&found);
	free(pattern);
	return any;
}

static void warn_of_path(struct warnings_run *run, const struct conf_place *line,
			 const struct device_spec *device)
{
	const char *path = QUOTE(device->text);
	bool some = begins_some(run, device->text);

	if (strstr(path, "**"))
		warnings_add(run, line, device->column, WARNING_NO_PATH,
			     "\"%s\" leads to no device, so it stands for nothing now; \"*\" is no "
			     "\"/\", however many there are: expected a \"/*\" for each folder",
			     path);
	else if (is_folder(run, device->text))
		warnings_add(run, line, device->column, WARNING_NO_PATH,
			     "\"%s\" is a folder, so it stands for nothing; expected "
			     "\"%s/*\" for the devices in it",
			     path, path);
	else
		warnings_add(
			run, line, device->column, WARNING_NO_PATH,
			"\"%s\" leads to no device, so it stands for nothing now; expected a "
			"path that is there, or that udev gives to a device when it comes%s%s%s",
			path, some ? " (did you mean \"" : "", some ? path : "",
			some ? "*\"?)" : "");
}

/* @seen: per class, it has been looked into already. */
static bool has_plugged(const struct conf *conf, const struct device_spec *device, bool *seen)
{
	const struct conf_class *class;

	if (device->kind != DEVICE_CLASS)
		return device->kind == DEVICE_USB || device->kind == DEVICE_TAG;
	class = conf_find_class(conf, device->text);
	if (!class || seen[class - conf->classes])
		return false;
	seen[class - conf->classes] = true;
	for (size_t i = 0; i < class->count; i++)
		if (has_plugged(conf, &class->devices[i], seen))
			return true;
	return false;
}

/* What is named by what it is may well be elsewhere now: then there is nothing to be said of it. */
static bool may_be_absent(const struct conf *conf, const struct device_spec *device)
{
	bool *seen = xcalloc(conf->class_count + 1, sizeof(*seen));
	bool absent = has_plugged(conf, device, seen);

	free(seen);
	return absent;
}

static int warn_of_nothing(struct warnings_run *run, const struct conf_place *line,
			   const struct device_spec *device)
{
	if (may_be_absent(run->input->conf, device))
		return 0;
	if (device->kind == DEVICE_DRIVER)
		return warn_of_driver(run, line, device);
	if (device->kind == DEVICE_PATH)
		warn_of_path(run, line, device);
	else
		warnings_add(
			run, line, device->column, WARNING_EMPTY_CLASS,
			"class \"@%s\" stands for nothing here: none of its devices is there; "
			"expected a driver that is loaded, a path that exists or numbers among "
			"them",
			QUOTE(device->text));
	return 0;
}

/*
 * One device of a line. Too many rules are a mistake where they are used, not where a class is
 * defined: -EINVAL, it was added.
 */
static int look_at(struct warnings_run *run, const struct conf_place *line,
		   const struct device_spec *device, bool used)
{
	struct conf_place place = { line->file, line->line, device->column };
	struct device_patterns patterns = { 0 };
	struct reason what;
	int ret = xcheck(
		policy_resolve(run->input->conf, run->input->devices, device, &patterns, &what));

	if (ret == -E2BIG) {
		if (used)
			conf_add_error(run->input->conf, &place, &what);
		ret = used ? -EINVAL : 0;
	} else if (ret < 0) {
		ret = 0;
		warnings_add(run, line, device->column, WARNING_LOOKUP,
			     "%s, so what this stands for is not known; expected to be "
			     "allowed to look: try again as root",
			     what.text);
	} else if (ret == 0 && patterns.count == 0) {
		ret = warn_of_nothing(run, line, device);
	}
	device_patterns_free(&patterns);
	return ret;
}

bool warnings_is_shipped(const struct warnings_run *run, const struct conf_class *class)
{
	const char *vendor = run->input->vendor;
	const char *path = run->input->conf->files[class->place.file].path;
	size_t length = vendor ? strlen(vendor) : 0;

	return length && strncmp(path, vendor, length) == 0 && path[length] == '/';
}

static int look_at_class(struct warnings_run *run, const struct conf_class *class)
{
	int ret = 0;

	if (class->before)
		warnings_add(run, &class->place, class->place.column, WARNING_SHADOWED,
			     "this is all that is in the class \"@%s\", in the place of line %u; "
			     "expected one line with all of its devices",
			     class->name, class->before);
	for (size_t i = 0; i < class->count && ret == 0; i++) {
		const struct device_spec *device = &class->devices[i];

		if (device->kind == DEVICE_DRIVER || device->kind == DEVICE_PATH)
			ret = look_at(run, &class->place, device, false);
	}
	return ret;
}

int warnings_of_devices(struct warnings_run *run)
{
	const struct conf *conf = run->input->conf;
	int ret = 0, mistakes = 0;

	for (size_t i = 0; i < conf->statement_count && ret == 0; i++) {
		const struct conf_statement *line = &conf->statements[i];

		if (line->verb != CONF_ALLOW && line->verb != CONF_DENY)
			continue;
		ret = look_at(run, &line->place, &line->device, true);
		if (ret == -EINVAL) {
			mistakes = ret;
			ret = 0;
		}
	}
	for (size_t i = 0; i < conf->class_count && ret == 0; i++)
		if (!warnings_is_shipped(run, &conf->classes[i]))
			ret = look_at_class(run, &conf->classes[i]);
	return ret < 0 ? ret : mistakes;
}
