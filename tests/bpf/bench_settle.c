// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What it costs to have filters follow a device: for one that no rule names, and for one that all
 * do, so that each filter is replaced. Figures for people: nothing here passes or fails.
 *
 * With the words "hold COUNT ROOT" it only makes so many filtered sessions, of as many users, below
 * user.slice in the cgroup ROOT, says "ready", and ends them when its standard input ends.
 */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "enforce/change.h"
#include "filter/filter.h"
#include "rules/rules.h"
#include "tables.h"

#define MANY 500
#define ROUNDS 9
#define FIRST_UID 60001
#define MAJOR 510 /* no driver has it */

struct crowd {
	char root[400];
	size_t count;
	pid_t pids[MANY];
};

static void folder_of(const struct crowd *crowd, size_t i, char *path, size_t size)
{
	snprintf(path, size, "%s/user.slice/user-%zu.slice", crowd->root, FIRST_UID + i);
}

static void scope_of(const struct crowd *crowd, size_t i, char *path, size_t size)
{
	folder_of(crowd, i, path, size);
	snprintf(path + strlen(path), size - strlen(path), "/session-b%zu.scope", i);
}

static void add_rule(struct rules *rules, const char *word, bool allow)
{
	struct rules_line line = { .access = BPFDEV_ACCESS, .rank = TABLE_USER, .allow = allow };
	int used;

	assert_int_equal(device_parse(word, NULL, &line.device, &used, NULL), 0);
	assert_int_equal(rules_add(rules, &line), 0);
}

/* As a login would have it by "USER allow *" and "USER deny tag:bench". */
static void filter_session(size_t i, const char *path)
{
	static const struct device_source nothing = { .proc_devices = "/proc/devices",
						      .dev = "/dev" };
	struct bpfdev_info info = { .role = BPFDEV_SESSION, .uid = (uint32_t)(FIRST_UID + i) };
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rules rules = { 0 };
	struct table *table;

	snprintf(info.user, sizeof(info.user), "bench%zu", i);
	snprintf(info.unit, sizeof(info.unit), "session-b%zu.scope", i);
	add_rule(&rules, "*", true);
	add_rule(&rules, "tag:bench", false);
	assert_int_equal(rules_resolve(&rules, &nothing, NULL, NULL), 0);
	assert_int_equal(rules_fold(&rules, NULL, &table, NULL), 0);
	assert_int_equal(attached(filter_attach(fd, &info, table, -1, NULL)), 0);
	rules_free(&rules);
	table_free(table);
	close(fd);
}

/* A session counts while it has a process. */
static void add_session(struct crowd *crowd)
{
	size_t i = crowd->count++;
	char path[512], procs[600];
	int fd;

	folder_of(crowd, i, path, sizeof(path));
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	scope_of(crowd, i, path, sizeof(path));
	assert_int_equal(mkdir(path, 0755), 0);
	crowd->pids[i] = fork();
	assert_true(crowd->pids[i] >= 0);
	if (crowd->pids[i] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	assert_true(dprintf(fd, "%d", crowd->pids[i]) > 0);
	close(fd);
	filter_session(i, path);
}

static void make_crowd(struct crowd *crowd, const char *root, size_t count)
{
	char path[512];

	*crowd = (struct crowd) { .count = 0 };
	snprintf(crowd->root, sizeof(crowd->root), "%s", root);
	snprintf(path, sizeof(path), "%s/user.slice", root);
	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	while (crowd->count < count)
		add_session(crowd);
}

static void end_crowd(struct crowd *crowd)
{
	char path[512];

	while (crowd->count--) {
		kill(crowd->pids[crowd->count], SIGKILL);
		waitpid(crowd->pids[crowd->count], NULL, 0);
		scope_of(crowd, crowd->count, path, sizeof(path));
		rmdir(path);
		folder_of(crowd, crowd->count, path, sizeof(path));
		rmdir(path);
	}
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* The median of some rounds, in milliseconds. */
static double median_of(void (*job)(void *data, int round), void *data)
{
	double times[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double started = now_ms();

		job(data, round);
		times[round] = now_ms() - started;
	}
	qsort(times, ROUNDS, sizeof(*times), compare_doubles);
	return times[ROUNDS / 2];
}

static void start_true(void *data, int round)
{
	char *const arguments[] = { (char *)"true", NULL };
	pid_t pid;

	(void)data;
	(void)round;
	assert_int_equal(posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, arguments + 1), 0);
	waitpid(pid, NULL, 0);
}

struct settling {
	const struct crowd *crowd;
	struct enforce_options options;
	bool named;
	size_t changed;
};

static void count_changes(const struct enforce_change_report *report, void *data)
{
	struct settling *settling = data;

	settling->changed += report->outcome == ENFORCE_CHANGED;
}

/* One that is named comes and goes by turns. */
static void settle(void *data, int round)
{
	struct settling *settling = data;
	const struct device_event event = { .has_number = true,
					    .gone = settling->named && round % 2,
					    .type = BPFDEV_CHAR,
					    .major = MAJOR,
					    .minor = 1,
					    .node = "/dev/bench",
					    .links = "",
					    .tags = settling->named ? ":bench:" : "",
					    .sysfs = "/devices/virtual/bench",
					    .subsystem = "bench" };
	struct reason why = { "" };

	if (enforce_settle(&settling->options, settling->crowd->root, &event, count_changes,
			   settling, &why) < 0)
		fail_msg("%s", why.text);
}

static void report(const char *root, const char *locks, size_t count, double base)
{
	static const struct device_source devices = { .proc_devices = "/proc/devices",
						      .dev = "/dev" };
	static const struct conf_paths none = { .main = "/nonexistent" };
	struct crowd crowd;
	struct settling settling = {
		.crowd = &crowd,
		.options = { .conf = &none, .devices = &devices, .lock_folder = locks },
	};

	make_crowd(&crowd, root, count);
	for (int named = 0; named < 2; named++) {
		double ms;

		settling.named = named;
		settling.changed = 0;
		ms = median_of(settle, &settling);
		if (settling.changed != (named ? count * ROUNDS : 0))
			fail_msg("%zu filters changed", settling.changed);
		printf("%3zu filters, %-52s %9.3f ms %8.2f x\n", count,
		       named ? "a device that all name: all are replaced"
			     : "a device that no rule names",
		       ms, ms / base);
	}
	end_crowd(&crowd);
}

static int hold(size_t count, const char *root)
{
	struct crowd crowd;
	char byte;

	assert_true(count <= MANY);
	make_crowd(&crowd, root, count);
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	end_crowd(&crowd);
	return 0;
}

int main(int argc, char **argv)
{
	static const size_t counts[] = { 0, 1, 10, MANY };
	struct scratch *scratch;
	void *state;
	double base;

	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		return hold(strtoul(argv[2], NULL, 10), argv[3]);
	scratch_setup(&state);
	scratch = state;
	if (scratch->unable) {
		fprintf(stderr, "bench: %s\n", scratch->unable);
		return 1;
	}
	base = median_of(start_true, NULL);
	printf("%-65s %9.3f ms %8.2f x\n", "fork and exec of /bin/true", base, 1.0);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		report(scratch->cgroup, scratch->nodes, counts[i], base);
	scratch_teardown(&state);
	return 0;
}
