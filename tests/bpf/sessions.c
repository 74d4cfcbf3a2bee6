// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "sessions.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "filter/filter.h"
#include "tests/bpfdev.skel.h"
#include "tables.h"

/* Lives until the other end of the pipe is closed. */
static int stay(void *data)
{
	const struct sessions *sessions = data;
	char byte;

	for (size_t i = 0; i < sessions->count; i++)
		close(sessions->ends[i]);
	return read(sessions->ends[sessions->count], &byte, 1) == 0 ? 0 : 1;
}

bool is_populated(const char *cgroup)
{
	char path[600], line[64] = "";
	FILE *file;
	bool is;

	snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
	file = fopen(path, "re");
	assert_non_null(file);
	is = fgets(line, sizeof(line), file) && strcmp(line, "populated 1\n") == 0;
	fclose(file);
	return is;
}

int begin_session(struct sessions *sessions, const char *name)
{
	char path[512];
	int ends[2], at = sessions->count, fd;

	assert_true(sessions->count < ARRAY_SIZE(sessions->pids));
	scratch_mkdir(sessions->scratch, name, path, sizeof(path));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	sessions->ends[at] = ends[0];
	sessions->pids[at] = fork();
	assert_true(sessions->pids[at] >= 0);
	if (sessions->pids[at] == 0) {
		close(ends[1]);
		_exit(stay(sessions));
	}
	close(ends[0]);
	sessions->ends[at] = ends[1];
	sessions->count++;
	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", sessions->scratch->cgroup, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(dprintf(fd, "%d", sessions->pids[at]) > 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/%s", sessions->scratch->cgroup, name);
	assert_true(is_populated(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The last one first: the later ones have the earlier ones' pipes open, but for those they close. */
void end_sessions(struct sessions *sessions)
{
	while (sessions->count--) {
		close(sessions->ends[sessions->count]);
		assert_int_equal(scratch_wait(sessions->pids[sessions->count]), 0);
	}
	sessions->count = 0;
}

int open_cgroup(const struct scratch *scratch, const char *name)
{
	char path[512];
	int fd;

	scratch_mkdir(scratch, name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

void attach_minor(int cgroup_fd, uint32_t minor, uint32_t flags)
{
	struct table_rule common = ALLOW(CHAR, 1, 3, BPFDEV_READ);
	struct table_rule own = ALLOW(CHAR, 1, minor, BPFDEV_ACCESS);
	struct table_rule rules[] = { minor == 7 ? own : common, minor == 7 ? common : own };
	struct table *table = make_table(rules, ARRAY_SIZE(rules));
	struct bpfdev_info info = { .uid = 4242, .flags = flags, .rule_count = minor };

	strcpy(info.user, "someone");
	assert_int_equal(attached(filter_attach(cgroup_fd, &info, table, -1, NULL)), 0);
	table_free(table);
	close(cgroup_fd);
}

void attach_other_version(int cgroup_fd)
{
	struct bpfdev_bpf *program = bpfdev_bpf__open();

	lift_memlock();
	assert_non_null(program);
	program->rodata->data.info.magic = BPFDEV_INFO_MAGIC;
	program->rodata->data.info.version = BPFDEV_INFO_VERSION + 1;
	assert_int_equal(bpfdev_bpf__load(program), 0);
	attach_other(cgroup_fd, bpf_program__fd(program->progs.pam_bpfdev));
	bpfdev_bpf__destroy(program);
	close(cgroup_fd);
}
