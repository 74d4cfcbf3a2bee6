/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Any bytes as a policy: they are read, decided on for a user, folded, united and asked. Nothing
 * may crash, leak or hang, and what comes out must hold together.
 */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpfdev.h"
#include "conf/conf.h"
#include "policy/policy.h"
#include "table/table.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char proc_devices_text[] = "Character devices:\n  1 mem\n  4 tty\n136 pts\n226 drm\n"
					"240 cpu/msr\n\nBlock devices:\n  7 loop\n  8 sd\n";

static char folder[PATH_MAX / 2], proc_devices[PATH_MAX];
static const struct device_source source = {
	.proc_devices = proc_devices, .dev = "/nonexistent/dev", .sys = folder, .udev = folder
};

static gid_t groups[] = { 0, 6, 29, 1000 };
static const struct policy_subject subject = {
	.name = (char[]) { "alice" },
	.uid = 1000,
	.gid = 1000,
	.groups = groups,
	.group_count = 4,
	.uid_min = 1000,
};
static const struct policy_session session = { "login", "tty1", "", "", POLICY_LOGIN };

static void must(int holds)
{
	if (!holds)
		abort();
}

static const char *below(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void remove_folder(void)
{
	unlink(proc_devices);
	rmdir(below("dev/char"));
	rmdir(below("dev"));
	rmdir(folder);
}

/* A machine with some drivers, and without a device. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *parent = getenv("TMPDIR");
	FILE *file;

	(void)argc;
	(void)argv;
	snprintf(folder, sizeof(folder), "%s/bpfdev-fuzz-XXXXXX",
		 parent && *parent ? parent : "/tmp");
	if (!mkdtemp(folder) || mkdir(below("dev"), 0755) || mkdir(below("dev/char"), 0755))
		err(1, "%s", folder);
	snprintf(proc_devices, sizeof(proc_devices), "%s/devices", folder);
	file = fopen(proc_devices, "w");
	if (!file || fputs(proc_devices_text, file) < 0 || fclose(file))
		err(1, "%s", proc_devices);
	atexit(remove_folder);
	return 0;
}

/* One line, for a log. */
static void check_reason(const struct reason *why)
{
	must(memchr(why->text, '\0', sizeof(why->text)) != NULL);
	must(*why->text != '\0');
	for (const unsigned char *c = (const unsigned char *)why->text; *c; c++)
		must(*c >= 0x20 && *c != 0x7f);
}

/* Every place is one that an editor can go to. */
static void check_mistakes(const struct conf *conf, size_t size)
{
	struct reason shown;

	for (size_t i = 0; i < conf->error_count && i < CONF_ERRORS_MAX; i++) {
		const struct conf_place *place = &conf->errors[i].place;

		must(place->file == 0 && place->line <= size + 1 && place->column <= size + 1);
		must(place->line == 0 || place->column > 0);
		check_reason(&conf->errors[i].what);
		conf_describe_error(conf, &conf->errors[i], &shown);
		check_reason(&shown);
		must(strncmp(shown.text, "fuzz:", 5) == 0);
	}
}

static void check_entry(const struct table *table, uint32_t type, uint32_t major, uint32_t minor)
{
	const struct bpfdev_entry *entry = table_find(table, type, major, minor);
	uint32_t refused = table_refused(table, type, major, minor, BPFDEV_ACCESS);

	must((entry->audit & ~entry->allow) == 0);
	must((entry->allow & ~BPFDEV_ACCESS) == 0);
	must((refused ^ entry->allow) == BPFDEV_ACCESS);
	must(table_refused(table, type, major, minor, 0) == 0);
}

static void check_entries(const struct table *table)
{
	static const uint32_t numbers[] = { 0, 1, 5, 226, 512, 4095 };

	must(table->rule_count <= TABLE_RULES_MAX && table->slot_count <= TABLE_SLOTS_MAX);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		for (size_t j = 0; j < sizeof(numbers) / sizeof(numbers[0]); j++)
			for (uint32_t type = 0; type < BPFDEV_TYPES; type++)
				check_entry(table, type, numbers[i], numbers[j]);
	for (uint32_t i = 0; i < table->rule_count; i++)
		if (table->rules[i].key.major != BPFDEV_ANY &&
		    table->rules[i].key.minor != BPFDEV_ANY)
			check_entry(table, table->rules[i].key.type, table->rules[i].key.major,
				    table->rules[i].key.minor);
}

/* The union allows what either allows, wherever it is asked. */
static void check_union(const struct table *a, const struct table *b)
{
	const struct table *both[] = { a, b };
	struct table *united = NULL;

	must(table_union(both, 2, &united, NULL) == 0);
	check_entries(united);
	for (uint32_t i = 0; i < united->rule_count; i++) {
		const struct bpfdev_key *key = &united->rules[i].key;
		uint32_t minor = key->minor & (BPFDEV_MINORS - 1);

		if (key->major != BPFDEV_ANY)
			must(table_find(united, key->type, key->major, minor)->allow ==
			     (table_find(a, key->type, key->major, minor)->allow |
			      table_find(b, key->type, key->major, minor)->allow));
	}
	table_free(united);
}

/* A mistake may show only now, when a device is looked up: then there is one more of them. */
static void check_result(int ret, const struct conf *conf, const struct policy_result *result,
			 const struct reason *why)
{
	must(ret == 0 || ret == -EINVAL || ret == -E2BIG);
	must((ret == -EINVAL) == (conf->error_count > 0));
	if (ret < 0)
		check_reason(why);
	must(ret < 0 || (result->kind == POLICY_NONE) == (result->table == NULL));
	must(ret == 0 || result->table == NULL);
	if (result->table)
		check_entries(result->table);
}

static void decide(struct conf *conf, bool unite)
{
	struct policy_result in_session, alone;
	struct reason why;
	int ret = policy_decide(conf, &source, &subject, &session, &in_session, &why);

	check_result(ret, conf, &in_session, &why);
	ret = policy_decide(conf, &source, &subject, &policy_manager_session, &alone, &why);
	check_result(ret, conf, &alone, &why);
	if (unite && in_session.table && alone.table)
		check_union(in_session.table, alone.table);
	policy_result_free(&in_session);
	policy_result_free(&alone);
}

/* Now and then as a file of classes; uniting takes longer than all the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool classes_only = size % 16 == 15;
	struct conf *conf = NULL;

	must(conf_parse("fuzz", (const char *)data, size, classes_only, &conf) == 0);
	check_mistakes(conf, size);
	decide(conf, size % 8 == 0);
	conf_free(conf);
	return 0;
}
