// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "memory.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include "tables.h"

#define MAPS_MAX 16

struct table *make_usual_table(void)
{
	struct table_rule rules[20];

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		rules[i] = (struct table_rule)ALLOW(CHAR, 10 + i / 2, 3 + i, BPFDEV_ACCESS);
	return make_table(rules, ARRAY_SIZE(rules));
}

static long memory_of_one(int fd, const char *name, bool show)
{
	char path[64], line[128];
	FILE *file;
	long bytes = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		sscanf(line, "memlock: %ld", &bytes);
	fclose(file);
	if (show)
		printf("  %-20s %7ld\n", name, bytes);
	return bytes;
}

static long memory_of_map(uint32_t id, bool show)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	char name[32];
	long bytes;

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	snprintf(name, sizeof(name), "map %s", info.name);
	bytes = memory_of_one(fd, name, show);
	close(fd);
	return bytes;
}

long memory_of(int prog_fd, bool show)
{
	uint32_t ids[MAPS_MAX], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .map_ids = (uintptr_t)ids, .nr_map_ids = MAPS_MAX };
	long sum = memory_of_one(prog_fd, "program", show);

	assert_int_equal(bpf_obj_get_info_by_fd(prog_fd, &info, &size), 0);
	for (uint32_t i = 0; i < info.nr_map_ids; i++)
		sum += memory_of_map(ids[i], show);
	if (show)
		printf("  %-20s %7ld\n", "sum", sum);
	return sum;
}
