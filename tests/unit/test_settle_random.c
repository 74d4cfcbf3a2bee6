/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Random devices come, change and go, and so do drivers: rules that have followed each event are what
 * they would be if all their names were looked up anew.
 */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bpfdev.h"
#include "dice.h"
#include "rules/rules.h"
#include "world.h"

#define PORTS 5
#define MAJOR 240
#define EVENTS 40
#define LINES_MAX 6

static const char *const words[] = {
	"usb:1111:0001:A", "usb:1111:*",   "usb:*:*:B",	  "tag:kiosk", "tag:lab",
	"/dev/by-id/a",	   "/dev/by-id/b", "/dev/by-*/*", "/dev/new*", "/dev/new1",
	"/dev/by-id/[!a]", "char-zork",	   "char-qu*",	  "*"
};
static const char *const links[] = { "by-id/a", "by-id/b", "by-path/a" };
static const char *const tags[] = { "kiosk", "lab" };
static const char *const serials[] = { "", "A", "B" };

/* What is plugged into a port; its number is free once it has gone. */
struct plugged {
	bool is, usb;
	uint32_t product, minor;
	const char *serial;
	bool link[3], tag[2];
};

struct machine {
	char folder[PATH_MAX], dev[PATH_MAX], sys[PATH_MAX], udev[PATH_MAX], proc_devices[PATH_MAX];
	struct device_source source;
	struct plugged ports[PORTS];
	struct dice dice;
	char log[EVENTS * 100]; /* what has happened, for a failure */
};

static void in(const char *folder, const char *name, char *path)
{
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		abort();
}

static void note(struct machine *machine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct machine *machine, const char *format, ...)
{
	size_t length = strlen(machine->log);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(machine->log + length, sizeof(machine->log) - length, format, arguments);
	va_end(arguments);
}

static void write_drivers(struct machine *machine)
{
	char text[200];

	snprintf(text, sizeof(text), "Character devices:\n240 new\n%s%s\nBlock devices:\n",
		 dice_percent(&machine->dice, 50) ? "510 zork\n" : "",
		 dice_percent(&machine->dice, 50) ? "511 quux\n" : "");
	world_write(machine->proc_devices, text, strlen(text));
	note(machine, "drivers: %s", text);
}

static void make_machine(struct machine *machine, struct dice dice)
{
	*machine = (struct machine) { .dice = dice };
	world_make_folder(machine->folder);
	in(machine->folder, "dev", machine->dev);
	in(machine->folder, "sys", machine->sys);
	in(machine->folder, "udev", machine->udev);
	in(machine->folder, "devices", machine->proc_devices);
	world_put(machine->dev, "by-id/.here", "");
	world_put(machine->dev, "by-path/.here", "");
	world_put(machine->sys, "dev/block/.here", "");
	world_put(machine->sys, "dev/char/.here", "");
	world_put(machine->udev, "data/.here", "");
	write_drivers(machine);
	machine->source = (struct device_source) { .proc_devices = machine->proc_devices,
						   .dev = machine->dev,
						   .sys = machine->sys,
						   .udev = machine->udev };
}

static void put(const struct machine *machine, const char *text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(const struct machine *machine, const char *text, const char *format, ...)
{
	char name[200];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	world_put(machine->folder, name, text);
}

/* Replaces what is there. */
static void link_to(const struct machine *machine, const char *name, const char *target)
{
	char path[PATH_MAX];

	in(machine->folder, name, path);
	unlink(path);
	world_link(machine->folder, name, target);
}

static void drop(const struct machine *machine, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void drop(const struct machine *machine, const char *format, ...)
{
	char name[200], path[PATH_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	in(machine->folder, name, path);
	if (unlink(path) < 0 && errno != ENOENT)
		fail_msg("%s: %s", path, strerror(errno));
}

/* --- What the kernel does --- */

static void appear(const struct machine *machine, size_t port)
{
	const struct plugged *device = &machine->ports[port];
	char text[32], name[64], target[64], path[PATH_MAX];

	snprintf(text, sizeof(text), "%d:%u\n", MAJOR, device->minor);
	put(machine, text, "sys/devices/port%zu/new/dev", port);
	if (device->usb) {
		put(machine, "1111\n", "sys/devices/port%zu/idVendor", port);
		snprintf(text, sizeof(text), "%04x\n", device->product);
		put(machine, text, "sys/devices/port%zu/idProduct", port);
		if (*device->serial)
			put(machine, device->serial, "sys/devices/port%zu/serial", port);
	}
	snprintf(name, sizeof(name), "sys/dev/char/%d:%u", MAJOR, device->minor);
	snprintf(target, sizeof(target), "../../devices/port%zu/new", port);
	link_to(machine, name, target);
	snprintf(name, sizeof(name), "new%u", device->minor);
	in(machine->dev, name, path);
	assert_int_equal(mknod(path, S_IFCHR | 0600, makedev(MAJOR, device->minor)), 0);
}

static void disappear(const struct machine *machine, size_t port)
{
	const struct plugged *device = &machine->ports[port];

	drop(machine, "sys/dev/char/%d:%u", MAJOR, device->minor);
	drop(machine, "sys/devices/port%zu/new/dev", port);
	drop(machine, "sys/devices/port%zu/idVendor", port);
	drop(machine, "sys/devices/port%zu/idProduct", port);
	drop(machine, "sys/devices/port%zu/serial", port);
	drop(machine, "dev/new%u", device->minor);
}

/* --- What udev does, behind its rules --- */

/* The name of a link in udev's list of who claims it. */
static void escape(const char *link, char *out)
{
	for (; *link; link++)
		out = *link == '/' ? stpcpy(out, "\\x2f") : (*out = *link, out + 1);
	*out = '\0';
}

/* A link leads to one of those who claim it: which one is not known. */
static void update_link(struct machine *machine, size_t link)
{
	size_t claims[PORTS], count = 0;
	char name[64], target[64];

	drop(machine, "dev/%s", links[link]);
	for (size_t i = 0; i < PORTS; i++)
		if (machine->ports[i].is && machine->ports[i].link[link])
			claims[count++] = i;
	if (!count)
		return;
	snprintf(name, sizeof(name), "dev/%s", links[link]);
	snprintf(target, sizeof(target), "../new%u",
		 machine->ports[claims[dice_below(&machine->dice, (uint32_t)count)]].minor);
	link_to(machine, name, target);
}

static void forget(struct machine *machine, uint32_t minor)
{
	char escaped[64];

	drop(machine, "udev/data/c%d:%u", MAJOR, minor);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		drop(machine, "udev/tags/%s/c%d:%u", tags[i], MAJOR, minor);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		escape(links[i], escaped);
		drop(machine, "udev/links/%s/c%d:%u", escaped, MAJOR, minor);
	}
}

static void remember(struct machine *machine, const struct plugged *device)
{
	char text[200] = "", escaped[64];

	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (device->link[i]) {
			escape(links[i], escaped);
			snprintf(text + strlen(text), 64, "S:%s\n", links[i]);
			put(machine, "", "udev/links/%s/c%d:%u", escaped, MAJOR, device->minor);
		}
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (device->tag[i]) {
			snprintf(text + strlen(text), 64, "G:%s\nQ:%s\n", tags[i], tags[i]);
			put(machine, "", "udev/tags/%s/c%d:%u", tags[i], MAJOR, device->minor);
		}
	strcat(text, "V:1\n");
	put(machine, text, "udev/data/c%d:%u", MAJOR, device->minor);
}

static void conclude(struct machine *machine, const struct plugged *device)
{
	forget(machine, device->minor);
	if (device->is)
		remember(machine, device);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		update_link(machine, i);
}

/* --- Events --- */

struct told {
	char node[32], links[128], tags[64], sysfs[64];
	struct device_event event;
};

static void describe(const struct machine *machine, size_t port, bool gone, struct told *told)
{
	const struct plugged *device = &machine->ports[port];

	*told = (struct told) { .tags = ":" };
	snprintf(told->node, sizeof(told->node), "/dev/new%u", device->minor);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (device->link[i])
			snprintf(told->links + strlen(told->links), 32, "%s/dev/%s",
				 *told->links ? " " : "", links[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (device->tag[i])
			snprintf(told->tags + strlen(told->tags), 16, "%s:", tags[i]);
	snprintf(told->sysfs, sizeof(told->sysfs), "/devices/port%zu/new", port);
	told->event = (struct device_event) {
		.gone = gone,
		.has_number = true,
		.type = BPFDEV_CHAR,
		.major = MAJOR,
		.minor = device->minor,
		.node = told->node,
		.links = told->links,
		.tags = told->tags,
		.sysfs = told->sysfs,
		.subsystem = "new",
	};
}

static void settle(struct machine *machine, struct rules *rules, const struct device_event *event)
{
	struct reason why = { "" };
	bool changed;

	if (rules_settle(rules, &machine->source, event, &changed, &why) != 0)
		fail_msg("%s", why.text);
}

static uint32_t free_minor(const struct machine *machine)
{
	uint32_t minor = 0;

	for (size_t i = 0; i < PORTS; i++)
		if (machine->ports[i].is && machine->ports[i].minor == minor) {
			minor++;
			i = SIZE_MAX;
		}
	return minor;
}

static void give_names(struct machine *machine, struct plugged *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		device->link[i] = dice_percent(&machine->dice, 40);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		device->tag[i] = dice_percent(&machine->dice, 40);
}

static void plug(struct machine *machine, struct rules *rules, size_t port)
{
	struct plugged device = { .usb = dice_percent(&machine->dice, 70),
				  .product = 1 + dice_below(&machine->dice, 2),
				  .minor = free_minor(machine),
				  .serial = DICE_PICK(&machine->dice, serials) };
	struct told told;

	give_names(machine, &device);
	device.is = true;
	machine->ports[port] = device;
	appear(machine, port);
	describe(machine, port, false, &told);
	settle(machine, rules, &told.event);
	conclude(machine, &machine->ports[port]);
	note(machine, "plug %s %s %s usb %d %04x %s\n", told.node, told.links, told.tags,
	     device.usb, device.product, device.serial);
}

static void unplug(struct machine *machine, struct rules *rules, size_t port)
{
	struct told told;

	describe(machine, port, true, &told);
	disappear(machine, port);
	machine->ports[port].is = false;
	if (dice_percent(&machine->dice, 50))
		settle(machine, rules, &told.event);
	conclude(machine, &machine->ports[port]);
	settle(machine, rules, &told.event);
	note(machine, "unplug %s\n", told.node);
}

/* A rule of udev's gives it other names. */
static void rename_device(struct machine *machine, struct rules *rules, size_t port)
{
	struct told told;

	give_names(machine, &machine->ports[port]);
	describe(machine, port, false, &told);
	settle(machine, rules, &told.event);
	conclude(machine, &machine->ports[port]);
	note(machine, "change %s %s %s\n", told.node, told.links, told.tags);
}

static void happen(struct machine *machine, struct rules *rules)
{
	size_t port = dice_below(&machine->dice, PORTS);

	if (dice_percent(&machine->dice, 10)) {
		write_drivers(machine);
		settle(machine, rules, NULL);
	} else if (!machine->ports[port].is) {
		plug(machine, rules, port);
	} else if (dice_percent(&machine->dice, 40)) {
		rename_device(machine, rules, port);
	} else {
		unplug(machine, rules, port);
	}
}

static void make_rules(struct dice *dice, struct rules *rules, const char **chosen)
{
	size_t count = 1 + dice_below(dice, LINES_MAX);

	*rules = (struct rules) { .unrestricted = false };
	for (size_t i = 0; i < count; i++) {
		struct rules_line line = { .source = (uint32_t)i + 1,
					   .access = (uint8_t)(1 + dice_below(dice, BPFDEV_ACCESS)),
					   .rank = dice_percent(dice, 50) ? TABLE_USER
									  : TABLE_GROUP,
					   .allow = dice_percent(dice, 50) };
		int used;

		chosen[i] = DICE_PICK(dice, words);
		assert_int_equal(device_parse(chosen[i], NULL, &line.device, &used, NULL), 0);
		assert_int_equal(rules_add(rules, &line), 0);
	}
	chosen[count] = NULL;
}

static uint64_t digest_of(const struct machine *machine, struct rules *rules)
{
	struct reason why = { "" };
	struct table *table = NULL;
	uint64_t digest;

	if (rules_resolve(rules, &machine->source, NULL, &why) != 0 ||
	    rules_fold(rules, NULL, &table, &why) != 0)
		fail_msg("%s", why.text);
	digest = table_digest(table);
	assert_int_equal(rules_table_follows(table), rules_follow(rules));
	table_free(table);
	return digest;
}

/* Through the kernel and back, as a filter carries them; what is left is looked up at the next need. */
static void carry(struct rules *rules)
{
	void *bytes;
	size_t size;

	assert_int_equal(rules_pack(rules, &bytes, &size), 0);
	rules_free(rules);
	assert_int_equal(rules_unpack(bytes, size, rules, NULL), 0);
	free(bytes);
}

static void try(uint64_t seed)
{
	struct dice dice = dice_from_seed(seed), again = dice;
	const char *chosen[LINES_MAX + 1], *other[LINES_MAX + 1];
	struct machine machine;
	struct rules rules, anew;

	make_rules(&dice, &rules, chosen);
	make_machine(&machine, dice);
	digest_of(&machine, &rules);
	for (int i = 0; i < EVENTS; i++) {
		struct dice same = again;

		carry(&rules);
		digest_of(&machine, &rules);
		happen(&machine, &rules);
		make_rules(&same, &anew, other);
		if (digest_of(&machine, &rules) != digest_of(&machine, &anew)) {
			for (size_t j = 0; chosen[j]; j++)
				print_error("%s\n", chosen[j]);
			fail_msg("after event %d\n%s", i, machine.log);
		}
		rules_free(&anew);
	}
	rules_free(&rules);
	world_remove_folder(machine.folder);
}

static bool can_make_nodes(void)
{
	char folder[PATH_MAX], path[PATH_MAX];
	bool can;

	world_make_folder(folder);
	in(folder, "node", path);
	can = mknod(path, S_IFCHR | 0600, makedev(MAJOR, 0)) == 0;
	world_remove_folder(folder);
	return can;
}

static void rules_that_follow_are_what_they_would_be_anew(void **state)
{
	uint64_t seed = dice_run_seed(), trials = dice_environment("PAM_BPFDEV_MACHINES", 40);

	(void)state;
	if (!can_make_nodes())
		cannot_run("device nodes cannot be made here");
	for (uint64_t i = 0; i < trials; i++)
		try(seed + i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_follow_are_what_they_would_be_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
