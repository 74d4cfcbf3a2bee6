// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What counting denials costs: those who are denied, and those who are not while others are.
 * Figures for people: nothing here passes or fails.
 */
#include "denials.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "tables.h"

#define ASKED 20000
#define REPEATS 15

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values)
{
	qsort(values, REPEATS, sizeof(*values), compare_doubles);
	return values[REPEATS / 2];
}

/* c 1:3 is allowed, c 1:7 is for audit, all else is refused. */
static struct table *make_bench_table(void)
{
	struct table_rule rules[] = {
		ALLOW(CHAR, 1, 3, BPFDEV_ACCESS),
		DENY(CHAR, BPFDEV_ANY, BPFDEV_ANY, BPFDEV_ACCESS),
		RULE(CHAR, 1, 7, BPFDEV_ACCESS, TABLE_GROUP, 0),
	};
	struct table *table;

	assert_int_equal(table_fold(rules, ARRAY_SIZE(rules), TABLE_BASELINE, &table, NULL), 0);
	return table;
}

/* What a process asks again and again. */
struct asking {
	char path[128];
	unsigned int kinds; /* not 0: so many nodes to make, by turns, instead of opening @path */
	int cpu;
	volatile int *stop; /* NULL: ASKED times */
	double *ns;	    /* of the processor's time for each; shared */
};

static void ask(const struct asking *asking, unsigned int i)
{
	int fd;

	if (asking->kinds) {
		mknod(asking->path, S_IFCHR, makedev(STORM_MAJOR, i % asking->kinds));
		return;
	}
	fd = open(asking->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

static int ask_often(void *data)
{
	const struct asking *asking = data;
	unsigned int i = 0;
	double start;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(asking->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	start = now_ns();
	for (; asking->stop ? !*asking->stop : i < ASKED; i++)
		ask(asking, i);
	if (asking->ns)
		*asking->ns = (now_ns() - start) / ASKED;
	return 0;
}

/* Nanoseconds for one run of the program, while a process asks. */
static double time_program(const struct scratch *scratch, int prog, struct asking *asking)
{
	struct bpf_prog_info before = { 0 }, after = { 0 };
	uint32_t size = sizeof(before);

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &before, &size), 0);
	assert_int_equal(scratch_run(scratch, NULL, ask_often, asking), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(prog, &after, &size), 0);
	return (double)(after.run_time_ns - before.run_time_ns) / (after.run_cnt - before.run_cnt);
}

static double time_once(const struct scratch *scratch, int prog, struct asking *asking)
{
	double ns;

	attach_other(scratch->fd, prog);
	ns = time_program(scratch, prog, asking);
	assert_int_equal(bpf_prog_detach2(prog, scratch->fd, BPF_CGROUP_DEVICE), 0);
	return ns;
}

/* Attaches the filter with the table that is measured, and returns its program. */
static int attach_filter(int cgroup_fd)
{
	struct table *table = make_bench_table();

	attach_table(cgroup_fd, table, -1);
	table_free(table);
	return find_filter(cgroup_fd);
}

/* In turns with a program that only returns 1. */
static void compare(const struct scratch *scratch, const char *name, struct asking *asking)
{
	double empty_ns[REPEATS], ns[REPEATS], ratios[REPEATS];
	int empty = load_other(1), prog = attach_filter(scratch->fd);
	struct asking opening = { .kinds = 0 };

	scratch_node(scratch, BPFDEV_CHAR, 1, 3, opening.path, sizeof(opening.path));
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	for (int i = 0; i < REPEATS; i++) {
		empty_ns[i] = time_once(scratch, empty, &opening);
		ns[i] = time_once(scratch, prog, asking);
		ratios[i] = ns[i] / empty_ns[i];
	}
	printf("%-28s %9.1f %9.1f %6.2f\n", name, median(empty_ns), median(ns), median(ratios));
	close(prog);
	close(empty);
}

static void bench_answers(const struct scratch *scratch)
{
	struct asking asking = { .kinds = 0 };
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	assert_true(stats >= 0);
	printf("one answer, median of %d times %d\n", REPEATS, ASKED);
	printf("%-28s %9s %9s %6s\n", "answer", "empty ns", "filter ns", "ratio");
	scratch_node(scratch, BPFDEV_CHAR, 1, 3, asking.path, sizeof(asking.path));
	compare(scratch, "allowed", &asking);
	scratch_node(scratch, BPFDEV_CHAR, 1, 7, asking.path, sizeof(asking.path));
	compare(scratch, "allowed for audit, counted", &asking);
	scratch_node(scratch, BPFDEV_CHAR, 1, 5, asking.path, sizeof(asking.path));
	compare(scratch, "refused, counted", &asking);
	asking.kinds = 10000;
	snprintf(asking.path, sizeof(asking.path), "%s/new", scratch->nodes);
	compare(scratch, "refused, no place to count", &asking);
	close(stats);
}

/* What another process does, on another processor, while allowed opens are measured. */
enum storm_kind { NOTHING, OPENS, REFUSED_UNCOUNTED, REFUSED, REFUSED_ANEW, STORM_KINDS };

static const char *const storm_names[] = {
	"does nothing",	       "opens another node",	   "is refused, not counted",
	"is refused, counted", "is refused, 10,000 kinds",
};

/* Two cgroups, the filter on one of them and on the other a program that refuses everything. */
struct arena {
	const struct scratch *scratch;
	char filtered[512], closed[512];
	int cpus[2];
	struct {
		volatile int stop;
		double ns;
	} * shared;
};

/* Folders of their own, as the kernel counts who uses a node. */
static void prepare(const struct scratch *scratch, const char *folder, int minor, char *path,
		    size_t size)
{
	snprintf(path, size, "%s/%s", scratch->nodes, folder);
	mkdir(path, 0755);
	snprintf(path, size, "%s/%s/c-1-%d", scratch->nodes, folder, minor);
	mknod(path, S_IFCHR | 0666, makedev(1, minor));
}

static pid_t start_storm(const struct arena *arena, enum storm_kind kind, struct asking *asking)
{
	*asking = (struct asking) { .cpu = arena->cpus[1], .stop = &arena->shared->stop };
	prepare(arena->scratch, "storm", kind == OPENS ? 3 : 5, asking->path, sizeof(asking->path));
	if (kind == REFUSED_ANEW) {
		asking->kinds = 10000;
		snprintf(asking->path, sizeof(asking->path), "%s/storm/new", arena->scratch->nodes);
	}
	return scratch_start(arena->scratch,
			     kind == REFUSED_UNCOUNTED ? arena->closed : arena->filtered, ask_often,
			     asking);
}

/* Nanoseconds of the processor's time for an allowed open and close, during a storm. */
static double time_beside(const struct arena *arena, enum storm_kind kind)
{
	struct asking storm, opening = { .cpu = arena->cpus[0], .ns = &arena->shared->ns };
	pid_t pid = 0;

	prepare(arena->scratch, "quiet", 3, opening.path, sizeof(opening.path));
	arena->shared->stop = 0;
	if (kind != NOTHING)
		pid = start_storm(arena, kind, &storm);
	assert_int_equal(scratch_run(arena->scratch, arena->filtered, ask_often, &opening), 0);
	arena->shared->stop = 1;
	if (pid)
		assert_int_equal(scratch_wait(pid), 0);
	return arena->shared->ns;
}

static void compare_storms(const struct arena *arena)
{
	double ns[STORM_KINDS][REPEATS], ratios[STORM_KINDS][REPEATS];

	for (int i = 0; i < REPEATS; i++)
		for (int kind = 0; kind < STORM_KINDS; kind++)
			ns[kind][i] = time_beside(arena, kind);
	for (int kind = 0; kind < STORM_KINDS; kind++)
		for (int i = 0; i < REPEATS; i++)
			ratios[kind][i] = ns[kind][i] / ns[NOTHING][i];
	printf("\nan allowed open and close, while another process ... (median of %d times %d)\n",
	       REPEATS, ASKED);
	printf("%-38s %9s %6s\n", "", "ns", "ratio");
	for (int kind = 0; kind < STORM_KINDS; kind++)
		printf("%-38s %9.1f %6.2f\n", storm_names[kind], median(ns[kind]),
		       median(ratios[kind]));
}

static bool find_processors(int cpus[2])
{
	cpu_set_t allowed;
	int found = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return false;
	for (int cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[found++] = cpu;
	return found == 2;
}

static int make_cgroup(const struct scratch *scratch, const char *name, char *path, size_t size)
{
	scratch_mkdir(scratch, name, path, size);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void bench_storms(const struct scratch *scratch)
{
	struct arena arena = { .scratch = scratch };
	int filtered = make_cgroup(scratch, "filtered", arena.filtered, sizeof(arena.filtered));
	int closed = make_cgroup(scratch, "closed", arena.closed, sizeof(arena.closed));
	int refuses = load_other(0), prog = attach_filter(filtered);

	arena.shared = mmap(NULL, sizeof(*arena.shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(arena.shared, MAP_FAILED);
	attach_other(closed, refuses);
	if (find_processors(arena.cpus))
		compare_storms(&arena);
	else
		printf("\nwhat others do, on another processor: there is none\n");
	munmap(arena.shared, sizeof(*arena.shared));
	close(prog);
	close(refuses);
	close(closed);
	close(filtered);
}

int main(void)
{
	struct scratch *scratch;
	void *state;
	const char *unable;

	if (scratch_setup(&state) < 0)
		return 1;
	scratch = state;
	unable = scratch->unable;
	if (unable) {
		printf("cannot measure: %s\n", unable);
	} else {
		bench_answers(scratch);
		bench_storms(scratch);
	}
	scratch_teardown(&state);
	return unable != NULL;
}
