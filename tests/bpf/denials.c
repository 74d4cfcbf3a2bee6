// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "denials.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "filter/call.h"
#include "tables.h"

#define PROCESSES_MAX 8

void denials_read_at(int cgroup_fd, struct denials *denials)
{
	struct reason why = { "" };
	int prog = find_filter(cgroup_fd);

	if (filter_read_denials(prog, &denials->items, &denials->count, &denials->lost, &why) != 0)
		fail_msg("%s", why.text);
	close(prog);
}

void denials_read(const struct scratch *scratch, struct denials *denials)
{
	denials_read_at(scratch->fd, denials);
}

void denials_free(struct denials *denials)
{
	free(denials->items);
}

const struct filter_denial *denials_of(const struct denials *denials, enum bpfdev_type type,
				       uint32_t major, uint32_t minor, uint32_t access)
{
	const struct filter_denial *found = NULL;

	for (size_t i = 0; i < denials->count; i++) {
		const struct filter_denial *item = &denials->items[i];

		if (item->type != type || item->major != major || item->minor != minor ||
		    item->access != access)
			continue;
		assert_null(found);
		found = item;
	}
	assert_non_null(found);
	return found;
}

uint64_t denials_sum(const struct denials *denials)
{
	uint64_t sum = denials->lost;

	for (size_t i = 0; i < denials->count; i++)
		sum += denials->items[i].count;
	return sum;
}

bool denials_know_process(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_pid_tgid },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd;

	lift_memlock();
	fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, "asks", "GPL", code, ARRAY_SIZE(code),
			   NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool denials_take_locked_memory(void)
{
	/* Not by libbpf, which would raise the limit at its first map. */
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	struct rlimit before, none = { 0 };
	int fd;

	getrlimit(RLIMIT_MEMLOCK, &before);
	none.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &none);
	fd = call_create_map(&attr);
	setrlimit(RLIMIT_MEMLOCK, &before);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

struct storm *storm_new(const struct scratch *scratch, uint32_t processes, uint32_t minors,
			uint64_t rounds)
{
	struct storm *storm = mmap(NULL, sizeof(*storm), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(storm, MAP_FAILED);
	assert_between(processes, 1, PROCESSES_MAX);
	*storm = (struct storm) { .processes = processes, .minors = minors, .rounds = rounds };
	snprintf(storm->path, sizeof(storm->path), "%s/storm", scratch->nodes);
	return storm;
}

void storm_free(struct storm *storm)
{
	munmap(storm, sizeof(*storm));
}

/* Waits until all have come here as often as this process, this time included: @times. */
static void wait_for_all(struct storm *storm, uint64_t times)
{
	__atomic_add_fetch(&storm->here, 1, __ATOMIC_SEQ_CST);
	while (storm->here < times * storm->processes && !storm->stop)
		sched_yield();
}

/* Returns how often it was refused; UINT64_MAX: not always. */
static uint64_t ask_once_each(struct storm *storm, const char *path, uint64_t round)
{
	for (uint32_t minor = 0; minor < storm->minors; minor++) {
		if (storm->abreast)
			wait_for_all(storm, 2 + round * storm->minors + minor);
		if (mknod(path, S_IFCHR | 0600, makedev(STORM_MAJOR, minor)) == 0 || errno != EPERM)
			return UINT64_MAX;
	}
	return storm->minors;
}

int storm_job(void *data)
{
	struct storm *storm = data;
	uint64_t refused = 0;
	char folder[160], path[200];

	snprintf(folder, sizeof(folder), "%s.%d", storm->path, getpid());
	snprintf(path, sizeof(path), "%s/node", folder);
	if (mkdir(folder, 0700) < 0)
		return 1;
	wait_for_all(storm, 1);
	for (uint64_t i = 0; storm->rounds ? i < storm->rounds : !storm->stop; i++) {
		uint64_t now = ask_once_each(storm, path, i);

		if (now == UINT64_MAX)
			return 2;
		refused += now;
	}
	__atomic_add_fetch(&storm->refused, refused, __ATOMIC_SEQ_CST);
	return 0;
}

void storm_run(const struct scratch *scratch, struct storm *storm)
{
	pid_t pids[PROCESSES_MAX];

	storm->here = 0;
	for (uint32_t i = 0; i < storm->processes; i++)
		pids[i] = scratch_start(scratch, NULL, storm_job, storm);
	for (uint32_t i = 0; i < storm->processes; i++)
		assert_int_equal(scratch_wait(pids[i]), 0);
}
