// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a decision costs, and a load: of our program, of one that decides as libvirt's does, of one
 * that only returns 1, and of any that are in the kernel already.
 *
 * usage: bench_decisions RULES REPEATS ASKS [NAME=ID ...]    ID: of a program with the same rules
 *
 * Lines of fields with tabs between them: "decision", whose, what was asked, nanoseconds a run as the kernel
 * counts it (which includes that it looks at its clock), nanoseconds net; "load", whose, milliseconds. Net is what the
 * program at each of DEPTH nested cgroups adds to access(2), divided by DEPTH. What is compared is
 * measured by turns, on one processor; the figures are medians.
 */
#include "scratch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "filter/filter.h"
#include "lookups.h"
#include "tables.h"

#define DEPTH 24
#define MOST 32 /* contenders */
#define REPEATS_MAX 99
#define LOAD_PATIENCE 2e9 /* ns; no more loads of one contender after that */
/* The rules' devices, as peers.py has them. */
#define FIRST_MAJOR 300
#define MAJORS 200
#define OF_A_MAJOR 100
#define UNKNOWN_MINOR 99999

struct contender {
	const char *whose, *asked;
	int prog;
	uint32_t major, minor; /* asked for */
	bool allowed;
	char node[128];
	double counted[REPEATS_MAX], net[REPEATS_MAX];
};

struct bench {
	struct scratch *scratch;
	uint32_t rules, repeats, asks;
	char inner[768];
	int cgroups[DEPTH];
	double *ns; /* shared with who asks */
	struct contender contenders[MOST];
	size_t count;
};

static uint32_t major_of(uint32_t i)
{
	return FIRST_MAJOR + i / OF_A_MAJOR % MAJORS;
}

static uint32_t minor_of(uint32_t i)
{
	return i % OF_A_MAJOR + i / (OF_A_MAJOR * MAJORS) * OF_A_MAJOR;
}

static int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[count / 2];
}

static double now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Everything runs on the last processor: on the first one is more of what the machine does besides. */
static void stay_on_one_processor(void)
{
	cpu_set_t set, one;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
	}
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static void make_cgroups(struct bench *bench)
{
	char name[512] = "n";

	for (int i = 0; i < DEPTH; i++) {
		if (i > 0)
			strcat(name, "/n");
		scratch_mkdir(bench->scratch, name, bench->inner, sizeof(bench->inner));
		bench->cgroups[i] = open(bench->inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(bench->cgroups[i] >= 0);
	}
}

/* These rules, and one for a whole major if that is not 0. */
static struct table *make_rules_table(const struct bench *bench, uint32_t whole)
{
	struct table_rule *rules = calloc(bench->rules + 1, sizeof(*rules));
	struct table *table;

	assert_non_null(rules);
	for (uint32_t i = 0; i < bench->rules; i++)
		rules[i] = (struct table_rule)ALLOW(CHAR, major_of(i), minor_of(i),
						    BPFDEV_READ | BPFDEV_WRITE);
	if (whole)
		rules[bench->rules] =
			(struct table_rule)ALLOW(CHAR, whole, BPFDEV_ANY, BPFDEV_ACCESS);
	table = make_table(rules, bench->rules + !!whole);
	free(rules);
	return table;
}

/* Our program, attached to nothing any more; @ns: how long loading and attaching took. */
static int load_ours(const struct bench *bench, uint32_t whole, double *ns)
{
	struct table *table = make_rules_table(bench, whole);
	int cgroup = bench->cgroups[0], prog;
	double start = now_ns(CLOCK_MONOTONIC);

	attach_table(cgroup, table, -1);
	*ns = now_ns(CLOCK_MONOTONIC) - start;
	prog = find_filter(cgroup);
	assert_int_equal(filter_detach(cgroup, prog, NULL), 0);
	table_free(table);
	return prog;
}

static int load_lookups(const struct bench *bench, bool all)
{
	struct lookups_entry *entries = calloc(bench->rules + 1, sizeof(*entries));
	int prog;

	assert_non_null(entries);
	for (uint32_t i = 0; i < bench->rules; i++)
		entries[i] = (struct lookups_entry) { major_of(i), minor_of(i),
						      BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };
	entries[bench->rules] = (struct lookups_entry) { LOOKUPS_ANY, LOOKUPS_ANY,
							 BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE };
	prog = lookups_load(entries, bench->rules + all);
	assert_true(prog >= 0);
	free(entries);
	return prog;
}

static void add(struct bench *bench, struct contender contender)
{
	assert_true(bench->count < MOST);
	scratch_node(bench->scratch, BPFDEV_CHAR, contender.major, contender.minor, contender.node,
		     sizeof(contender.node));
	bench->contenders[bench->count++] = contender;
}

/* The list's first and last device, and one that is not in it. */
static void add_list(struct bench *bench, const char *whose, int prog)
{
	uint32_t last = bench->rules - 1;

	add(bench,
	    (struct contender) { whose, "first", prog, major_of(0), minor_of(0), .allowed = true });
	add(bench, (struct contender) { whose, "last", prog, major_of(last), minor_of(last),
					.allowed = true });
	add(bench, (struct contender) { whose, "refused", prog, FIRST_MAJOR, UNKNOWN_MINOR,
					.allowed = false });
}

static void add_contenders(struct bench *bench, char **peers)
{
	double ns;

	add(bench,
	    (struct contender) { "empty", "any", load_other(1), FIRST_MAJOR, 0, .allowed = true });
	add_list(bench, "ours", load_ours(bench, 0, &ns));
	add(bench, (struct contender) { "ours", "miss", load_ours(bench, FIRST_MAJOR, &ns),
					FIRST_MAJOR, UNKNOWN_MINOR, .allowed = true });
	add(bench, (struct contender) { "ours", "major", load_ours(bench, FIRST_MAJOR - 1, &ns),
					FIRST_MAJOR - 1, UNKNOWN_MINOR, .allowed = true });
	add_list(bench, "lookups", load_lookups(bench, false));
	add(bench, (struct contender) { "lookups", "miss", load_lookups(bench, true), FIRST_MAJOR,
					UNKNOWN_MINOR, .allowed = true });
	for (; *peers; peers++) {
		char *name = strsep(peers, "=");
		int prog = bpf_prog_get_fd_by_id((uint32_t)strtoul(*peers, NULL, 10));

		assert_true(prog >= 0);
		add_list(bench, name, prog);
	}
}

struct asking {
	const struct bench *bench;
	const struct contender *contender;
};

/* Asked for a device, the kernel runs the programs; no driver need have it. */
static int ask(void *data)
{
	const struct asking *asking = data;
	const struct bench *bench = asking->bench;
	const char *node = asking->contender->node;
	double start;

	for (uint32_t i = 0; i < bench->asks / 10 + 1; i++)
		access(node, R_OK);
	start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (uint32_t i = 0; i < bench->asks; i++)
		access(node, R_OK);
	*bench->ns = (now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / bench->asks;
	return access(node, R_OK) == 0;
}

/* Nanoseconds for one access(2) in the innermost cgroup, which must end as it should. */
static double time_asks(struct bench *bench, const struct contender *contender, bool allowed)
{
	struct asking asking = { bench, contender };

	if (scratch_run(bench->scratch, bench->inner, ask, &asking) != allowed)
		fail_msg("%s, %s: not %s", contender->whose, contender->asked,
			 allowed ? "allowed" : "refused");
	return *bench->ns;
}

static void measure_net(struct bench *bench, uint32_t repeat)
{
	for (size_t i = 0; i < bench->count; i++) {
		struct contender *contender = &bench->contenders[i];
		double none = time_asks(bench, contender, true);

		for (int level = 0; level < DEPTH; level++)
			attach_other(bench->cgroups[level], contender->prog);
		contender->net[repeat] =
			(time_asks(bench, contender, contender->allowed) - none) / DEPTH;
		for (int level = 0; level < DEPTH; level++)
			bpf_prog_detach2(contender->prog, bench->cgroups[level], BPF_CGROUP_DEVICE);
	}
}

static void measure_counted(struct bench *bench, uint32_t repeat)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	assert_true(stats >= 0);
	for (size_t i = 0; i < bench->count; i++) {
		struct contender *contender = &bench->contenders[i];
		struct bpf_prog_info before = { 0 }, after = { 0 };
		uint32_t size = sizeof(before);

		attach_other(bench->cgroups[0], contender->prog);
		bpf_obj_get_info_by_fd(contender->prog, &before, &size);
		time_asks(bench, contender, contender->allowed);
		bpf_obj_get_info_by_fd(contender->prog, &after, &size);
		bpf_prog_detach2(contender->prog, bench->cgroups[0], BPF_CGROUP_DEVICE);
		contender->counted[repeat] = (double)(after.run_time_ns - before.run_time_ns) /
					     (double)(after.run_cnt - before.run_cnt);
	}
	close(stats);
}

static void bench_decisions(struct bench *bench)
{
	for (uint32_t repeat = 0; repeat < bench->repeats; repeat++) {
		measure_net(bench, repeat);
		measure_counted(bench, repeat);
	}
	for (size_t i = 0; i < bench->count; i++) {
		struct contender *contender = &bench->contenders[i];

		printf("decision\t%s\t%s\t%.1f\t%.1f\n", contender->whose, contender->asked,
		       median(contender->counted, bench->repeats),
		       median(contender->net, bench->repeats));
	}
}

/*
 * Loads again what is in the kernel. The peers' programs have no maps and call nothing, so the kernel's copy is what they
 * loaded themselves.
 */
static int load_again(int prog)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	struct bpf_insn *insns;
	int again;

	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &size), 0);
	assert_int_equal(info.nr_map_ids, 0);
	insns = malloc(info.xlated_prog_len);
	assert_non_null(insns);
	info = (struct bpf_prog_info) { .xlated_prog_len = info.xlated_prog_len,
					.xlated_prog_insns = (uintptr_t)insns };
	assert_int_equal(bpf_obj_get_info_by_fd(prog, &info, &size), 0);
	again = bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, "peer", "GPL", insns,
			      info.xlated_prog_len / sizeof(*insns), NULL);
	free(insns);
	return again;
}

/* How long it takes to have such a program attached to a cgroup that has none, in milliseconds. */
static double time_load(const struct bench *bench, const struct contender *contender)
{
	double start = now_ns(CLOCK_MONOTONIC), ns;
	int prog;

	if (strcmp(contender->whose, "ours") == 0) {
		prog = load_ours(bench, 0, &ns);
	} else {
		prog = strcmp(contender->whose, "lookups") == 0 ? load_lookups(bench, false)
								: load_again(contender->prog);
		assert_true(prog >= 0);
		attach_other(bench->cgroups[0], prog);
		ns = now_ns(CLOCK_MONOTONIC) - start;
		bpf_prog_detach2(prog, bench->cgroups[0], BPF_CGROUP_DEVICE);
	}
	close(prog);
	return ns / 1e6;
}

static void bench_loads(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		const struct contender *contender = &bench->contenders[i];
		double ms[REPEATS_MAX], spent = 0;
		uint32_t repeat = 0;

		if (strcmp(contender->asked, "any") != 0 && strcmp(contender->asked, "first") != 0)
			continue;
		while (repeat < bench->repeats && spent < LOAD_PATIENCE / 1e6)
			spent += ms[repeat++] = time_load(bench, contender);
		printf("load\t%s\t%.3f\n", contender->whose, median(ms, repeat));
	}
}

static uint32_t number(const char *word, uint32_t most)
{
	unsigned long value = word ? strtoul(word, NULL, 10) : 0;

	if (value == 0 || value > most) {
		fprintf(stderr, "usage: bench_decisions RULES REPEATS ASKS [NAME=ID ...]\n");
		exit(2);
	}
	return (uint32_t)value;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	void *state;

	if (argc < 4)
		argv[1] = NULL;
	bench.rules = number(argv[1], 1000000);
	bench.repeats = number(argv[2], REPEATS_MAX);
	bench.asks = number(argv[3], 1000000);
	if (scratch_setup(&state) < 0)
		return 1;
	bench.scratch = state;
	if (bench.scratch->unable) {
		fprintf(stderr, "bench: %s\n", bench.scratch->unable);
		return 1;
	}
	stay_on_one_processor();
	bench.ns = mmap(NULL, sizeof(*bench.ns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	assert_ptr_not_equal(bench.ns, MAP_FAILED);
	make_cgroups(&bench);
	add_contenders(&bench, argv + 4);
	bench_decisions(&bench);
	bench_loads(&bench);
	scratch_teardown(&state);
	return 0;
}
