/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Reads a policy as the module does and says what is wrong with it, or how it decides.
 *
 *   check_policy VENDOR POLICY
 *   check_policy VENDOR POLICY PROC_DEVICES DEV TYPE MAJOR MINOR ACCESS [KEY=VALUE...]
 *
 * VENDOR is the folder of the classes that ship. The second form prints "unfiltered", "allowed",
 * "audited" (allowed for audit only) or "denied", and the number of rules. Keys: user, uid, group
 * (NAME:GID that the user is a member of, may be repeated), service, tty, rhost, manager.
 * Exit status: 0, 1: the policy has mistakes, 2: anything else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpfdev.h"
#include "conf/conf.h"
#include "policy/internal.h"
#include "table/table.h"

#define GROUPS_MAX 8
#define UID_MIN 1000

/* Who asks, and for what. */
struct question {
	struct policy_subject subject;
	struct policy_session session;
	bool manager;
	enum bpfdev_type type;
	uint32_t major, minor, access;
};

static const char *group_names[GROUPS_MAX];
static gid_t group_ids[GROUPS_MAX];
static int group_count;

/* In the place of policy_subject.c: the groups of the command line are all that there are. */
int policy_group_look_up(struct policy_group *group, const struct policy_subject *subject,
			 struct reason *why)
{
	(void)subject, (void)why;
	for (int i = 0; i < group_count; i++) {
		if (group->name && strcmp(group_names[i], group->name) == 0) {
			group->gid = group_ids[i];
			group->exists = true;
		}
	}
	return 0;
}

/* Nobody but who asks has a name. */
int policy_user_id(const char *name, uid_t *uid, struct reason *why)
{
	(void)name, (void)uid, (void)why;
	return 0;
}

static bool add_group(char *text)
{
	char *colon = strchr(text, ':');

	if (!colon || group_count == GROUPS_MAX)
		return false;
	*colon = '\0';
	group_names[group_count] = text;
	group_ids[group_count++] = (gid_t)strtoul(colon + 1, NULL, 10);
	return true;
}

static bool read_key(struct question *question, char *text)
{
	char *value = strchr(text, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (strcmp(text, "user") == 0)
		question->subject.name = value;
	else if (strcmp(text, "uid") == 0)
		question->subject.uid = (uid_t)strtoul(value, NULL, 10);
	else if (strcmp(text, "group") == 0)
		return add_group(value);
	else if (strcmp(text, "service") == 0)
		question->session.service = value;
	else if (strcmp(text, "tty") == 0)
		question->session.tty = value;
	else if (strcmp(text, "rhost") == 0)
		question->session.rhost = value;
	else if (strcmp(text, "manager") == 0)
		question->manager = true;
	else
		return false;
	return true;
}

static uint32_t read_access(const char *letters)
{
	uint32_t access = strchr(letters, 'r') ? BPFDEV_READ : 0;

	if (strchr(letters, 'w'))
		access |= BPFDEV_WRITE;
	if (strchr(letters, 'm'))
		access |= BPFDEV_MKNOD;
	return access;
}

/* "TYPE MAJOR MINOR ACCESS [KEY=VALUE...]" */
static bool read_question(struct question *question, int argc, char **argv)
{
	*question = (struct question) {
		.subject = { .name = "nobody-in-particular", .uid = 2000, .uid_min = UID_MIN },
		.session = { "login", "", "" },
	};
	if (argc < 4)
		return false;
	question->type = argv[0][0] == 'b' ? BPFDEV_BLOCK : BPFDEV_CHAR;
	question->major = (uint32_t)strtoul(argv[1], NULL, 10);
	question->minor = (uint32_t)strtoul(argv[2], NULL, 10);
	question->access = read_access(argv[3]);
	for (int i = 4; i < argc; i++)
		if (!read_key(question, argv[i]))
			return false;
	question->subject.groups = group_ids;
	question->subject.group_count = group_count;
	return true;
}

static const char *verdict(const struct table *table, const struct question *question)
{
	const struct bpfdev_entry *entry;

	if (!table)
		return "unfiltered";
	if (table_refused(table, question->type, question->major, question->minor,
			  question->access))
		return "denied";
	entry = table_find(table, question->type, question->major, question->minor);
	return entry->audit & question->access ? "audited" : "allowed";
}

static int print_errors(const struct conf *conf)
{
	struct reason line;

	for (size_t i = 0; i < conf->error_count && i < CONF_ERRORS_MAX; i++) {
		conf_describe_error(conf, &conf->errors[i], &line);
		puts(line.text);
	}
	return conf->error_count ? 1 : 0;
}

static int answer(struct conf *conf, const struct device_source *devices,
		  const struct question *question)
{
	struct policy_result result = { 0 };
	struct reason why;
	int ret;

	ret = policy_decide(conf, devices, &question->subject,
			    question->manager ? &policy_manager_session : &question->session,
			    &result, &why);
	if (ret < 0) {
		if (print_errors(conf))
			return 1;
		puts(why.text);
		return 2;
	}
	printf("%s %u\n", verdict(result.table, question), result.rule_count);
	policy_result_free(&result);
	return 0;
}

int main(int argc, char **argv)
{
	struct device_source devices = { 0 };
	struct conf_paths paths = { .main_required = true, .owner = geteuid() };
	struct question question;
	struct conf *conf;
	int ret;

	if (argc < 3 || argc == 4)
		return 2;
	paths.vendor = argv[1];
	paths.main = argv[2];
	if (conf_load(&paths, &conf) < 0)
		return 2;
	ret = print_errors(conf);
	if (ret == 0 && argc > 4) {
		devices = (struct device_source) { .proc_devices = argv[3],
						   .dev = argv[4],
						   .sys = "/sys" };
		ret = read_question(&question, argc - 5, argv + 5)
			      ? answer(conf, &devices, &question)
			      : 2;
	}
	conf_free(conf);
	return ret;
}
