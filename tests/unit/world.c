/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "world.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

const struct world_driver world_drivers[] = {
	{ BPFDEV_CHAR, 5, "zork" },	 { BPFDEV_CHAR, 240, "zork" },
	{ BPFDEV_CHAR, 241, "zorkctl" }, { BPFDEV_CHAR, 511, "zap/raw" },
	{ BPFDEV_CHAR, 1, "quux" },	 { BPFDEV_BLOCK, 8, "quux" },
	{ BPFDEV_BLOCK, 240, "quuxp" },	 { BPFDEV_BLOCK, 511, "zorkblk" },
};
const size_t world_driver_count = sizeof(world_drivers) / sizeof(world_drivers[0]);

static const char proc_devices_text[] = "Character devices:\n"
					"  1 quux\n"
					"  5 zork\n"
					"240 zork\n"
					"241 zorkctl\n"
					"511 zap/raw\n"
					"\n"
					"Block devices:\n"
					"  8 quux\n"
					"240 quuxp\n"
					"511 zorkblk\n";

/* The first ones are nodes, those with a target below are symbolic links to such. */
const struct world_node world_nodes[] = {
	{ "zork0", BPFDEV_CHAR, 240, 0 },	{ "zork1", BPFDEV_CHAR, 240, 1 },
	{ "zork10", BPFDEV_CHAR, 240, 2 },	{ "quux0", BPFDEV_BLOCK, 8, 0 },
	{ "quux1", BPFDEV_BLOCK, 8, 1 },	{ "empty", BPFDEV_CHAR, 1, 5 },
	{ "far", BPFDEV_CHAR, 700, 1048575 },	{ "sub/a0", BPFDEV_CHAR, 241, 0 },
	{ "sub/a1", BPFDEV_CHAR, 241, 1 },	{ "sub/deep/b", BPFDEV_BLOCK, 511, 3 },
	{ "link", BPFDEV_CHAR, 240, 0 },	{ "chain", BPFDEV_CHAR, 240, 0 },
	{ "sub/up", BPFDEV_BLOCK, 8, 1 },	{ "by-id/first", BPFDEV_CHAR, 241, 1 },
	{ "by-id/second", BPFDEV_BLOCK, 8, 0 }, { "alias/a0", BPFDEV_CHAR, 241, 0 },
};
const size_t world_node_count = sizeof(world_nodes) / sizeof(world_nodes[0]);
#define WORLD_REAL_NODES 10

static const struct {
	const char *path, *target;
} links[] = {
	{ "link", "zork0" },
	{ "chain", "link" },
	{ "sub/up", "../quux1" },
	{ "by-id/first", "../sub/a1" },
	{ "by-id/second", "../sub/../quux0" },
	{ "dangling", "nowhere" },
	{ "alias", "alias-of-sub" },
	{ "alias-of-sub", "only-a0" },
	{ "only-a0/a0", "../sub/a0" },
};

static const char *const folders[] = { "sub", "sub/deep", "by-id", "only-a0" };

#define BUS "devices/pci0/usb1"
#define HUB BUS "/1-2"

const struct world_usb world_usb[] = {
	{ BPFDEV_BLOCK, 8, 0, 0x1d6b, 2, "0000:00:14.0" },
	{ BPFDEV_BLOCK, 8, 0, 0x46f4, 1, "A-1" },
	{ BPFDEV_BLOCK, 8, 1, 0x1d6b, 2, "0000:00:14.0" },
	{ BPFDEV_BLOCK, 8, 1, 0x05e3, 0x610, "" },
	{ BPFDEV_BLOCK, 8, 1, 0x46f4, 1, "A-2" },
	{ BPFDEV_CHAR, 240, 0, 0x05e3, 0x610, "" },
	{ BPFDEV_CHAR, 240, 0, 0x1d6b, 2, "0000:00:14.0" },
	{ BPFDEV_CHAR, 240, 0, 0x0403, 0x6001, "FT:1" },
};
const size_t world_usb_count = sizeof(world_usb) / sizeof(world_usb[0]);

const struct world_tag world_tags[] = {
	{ "kiosk", BPFDEV_CHAR, 240, 1 },
	{ "kiosk", BPFDEV_BLOCK, 8, 0 },
	{ "lab", BPFDEV_BLOCK, 8, 0 },
};
const size_t world_tag_count = sizeof(world_tags) / sizeof(world_tags[0]);

static const struct {
	const char *path, *text;
} files[] = {
	{ "sys/" BUS "/idVendor", "1d6b\n" },
	{ "sys/" BUS "/idProduct", "0002\n" },
	{ "sys/" BUS "/serial", "0000:00:14.0\n" },
	{ "sys/" BUS "/1-1/idVendor", "46f4\n" },
	{ "sys/" BUS "/1-1/idProduct", "0001\n" },
	{ "sys/" BUS "/1-1/serial", "A-1\n" },
	{ "sys/" BUS "/1-1/host0/quux0/dev", "8:0\n" },
	{ "sys/" HUB "/idVendor", "05e3\n" },
	{ "sys/" HUB "/idProduct", "0610\n" },
	{ "sys/" HUB "/1-2.1/idVendor", "46f4\n" },
	{ "sys/" HUB "/1-2.1/idProduct", "0001\n" },
	{ "sys/" HUB "/1-2.1/serial", "A-2\n" },
	{ "sys/" HUB "/1-2.1/host1/quux1/dev", "8:1\n" },
	{ "sys/" HUB "/1-2.2/idVendor", "0403\n" },
	{ "sys/" HUB "/1-2.2/idProduct", "6001\n" },
	{ "sys/" HUB "/1-2.2/serial", "FT:1\n" },
	{ "sys/" HUB "/1-2.2/tty/zork0/dev", "240:0\n" },
	{ "sys/devices/virtual/mem/empty/dev", "1:5\n" },
	{ "udev/tags/kiosk/c240:1", "" },
	{ "udev/tags/kiosk/b8:0", "" },
	{ "udev/tags/lab/b8:0", "" },
	{ "udev/tags/lab/c240:1", "" },
	{ "udev/tags/kiosk/n3", "" },
	{ "udev/tags/kiosk/+input:input0", "" },
	{ "udev/data/c240:1", "I:1\nG:kiosk\nG:lab\nQ:kiosk\nV:1\n" },
	{ "udev/data/b8:0", "I:1\nG:kiosk\nG:lab\n" },
	{ "udev/data/n3", "G:kiosk\nQ:kiosk\nV:1\n" },
};

static const struct {
	const char *path, *target;
} sysfs_links[] = {
	{ "sys/dev/block/8:0", "../../" BUS "/1-1/host0/quux0" },
	{ "sys/dev/block/8:1", "../../" HUB "/1-2.1/host1/quux1" },
	{ "sys/dev/char/240:0", "../../" HUB "/1-2.2/tty/zork0" },
	{ "sys/dev/char/1:5", "../../devices/virtual/mem/empty" },
};

static const char *const group_names[] = { "root",  "daemon", "adm",   "tty",	 "disk",
					   "audio", "video",  "users", "nogroup" };

void world_make_folder(char *path)
{
	const char *parent = getenv("TMPDIR");

	snprintf(path, PATH_MAX, "%s/bpfdev-unit-XXXXXX", parent && *parent ? parent : "/tmp");
	if (!mkdtemp(path))
		err(1, "%s", path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

void world_remove_folder(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
		warn("%s is left behind", path);
}

void world_write(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, length) != (ssize_t)length || fchmod(fd, 0644))
		err(1, "%s", path);
	close(fd);
}

/* The longest names are far below PATH_MAX; the compiler cannot know. */
static const char *join(char *out, const char *folder, const char *name)
{
	if (snprintf(out, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		errx(1, "%s: the path is too long", folder);
	return out;
}

/* Makes the folders above the file @path. */
static void make_parents(char *path)
{
	for (char *slash = path; (slash = strchr(slash + 1, '/'));) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			err(1, "%s", path);
		*slash = '/';
	}
}

void world_put(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];

	join(path, folder, name);
	make_parents(path);
	world_write(path, text, strlen(text));
}

void world_link(const char *folder, const char *name, const char *target)
{
	char path[PATH_MAX];

	join(path, folder, name);
	make_parents(path);
	if (symlink(target, path))
		err(1, "%s", path);
}

static void fill_sys_and_udev(struct world *world)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		world_put(world->folder, files[i].path, files[i].text);
	for (size_t i = 0; i < sizeof(sysfs_links) / sizeof(sysfs_links[0]); i++)
		world_link(world->folder, sysfs_links[i].path, sysfs_links[i].target);
}

static bool make_node(const struct world *world, const struct world_node *node)
{
	mode_t type = node->type == BPFDEV_CHAR ? S_IFCHR : S_IFBLK;
	char path[PATH_MAX];

	join(path, world->dev, node->path);
	return !mknod(path, type | 0600, makedev(node->major, node->minor));
}

static void fill_dev(struct world *world)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(join(path, world->dev, folders[i]), 0755))
			err(1, "%s", path);
	world->has_nodes = true;
	for (size_t i = 0; i < WORLD_REAL_NODES; i++)
		world->has_nodes = world->has_nodes && make_node(world, &world_nodes[i]);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i].target, join(path, world->dev, links[i].path)))
			err(1, "%s", path);
}

static void find_groups(struct world *world)
{
	for (size_t i = 0; i < sizeof(group_names) / sizeof(group_names[0]); i++) {
		const struct group *group = getgrnam(group_names[i]);

		if (!group)
			continue;
		world->groups[world->group_count].name = group_names[i];
		world->groups[world->group_count++].gid = group->gr_gid;
	}
}

void world_make(struct world *world)
{
	memset(world, 0, sizeof(*world));
	world_make_folder(world->folder);
	join(world->proc_devices, world->folder, "devices");
	join(world->dev, world->folder, "dev");
	join(world->sys, world->folder, "sys");
	join(world->udev, world->folder, "udev");
	world_write(world->proc_devices, proc_devices_text, sizeof(proc_devices_text) - 1);
	if (mkdir(world->dev, 0755))
		err(1, "%s", world->dev);
	fill_dev(world);
	fill_sys_and_udev(world);
	find_groups(world);
	world->source.proc_devices = world->proc_devices;
	world->source.dev = world->dev;
	world->source.sys = world->sys;
	world->source.udev = world->udev;
}

void world_remove(struct world *world)
{
	world_remove_folder(world->folder);
}

gid_t world_gid(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->group_count; i++)
		if (strcmp(world->groups[i].name, name) == 0)
			return world->groups[i].gid;
	return (gid_t)-1;
}
