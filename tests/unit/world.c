/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "world.h"

#include <err.h>
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
	world_write(world->proc_devices, proc_devices_text, sizeof(proc_devices_text) - 1);
	if (mkdir(world->dev, 0755))
		err(1, "%s", world->dev);
	fill_dev(world);
	find_groups(world);
	world->source.proc_devices = world->proc_devices;
	world->source.dev = world->dev;
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
