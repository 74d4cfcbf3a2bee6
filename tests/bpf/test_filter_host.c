// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The process that attaches filters, a login daemon, stays as it was; and what it hears if it may
 * not. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter/filter.h"
#include "tables.h"

#define ROUNDS 100
#define NOBODY 65534

/* A success, and two failures: one before anything is loaded and one after. */
static void use_filters(const struct scratch *scratch)
{
	struct table *table = make_large_table(20);
	struct bpfdev_info info = { 0 };
	struct table *copy;
	int prog, no_cgroup = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_read(prog, &info, &copy, NULL), 0);
	attach_table(scratch->fd, table, prog);
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, prog, NULL)), -ENOENT);
	assert_int_equal(attached(filter_attach(no_cgroup, &info, table, -1, NULL)), -EBADF);
	close(prog);
	prog = find_filter(scratch->fd);
	assert_int_equal(filter_detach(scratch->fd, prog, NULL), 0);
	close(prog);
	close(no_cgroup);
	table_free(copy);
	table_free(table);
}

static void test_process_is_left_alone(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct rlimit before, after;
	int descriptors;
	mode_t mask = umask(027);

	getrlimit(RLIMIT_MEMLOCK, &before);
	before.rlim_cur = 65536;
	setrlimit(RLIMIT_MEMLOCK, &before);
	descriptors = count_descriptors();
	use_filters(scratch);
	use_filters(scratch);
	assert_int_equal(count_descriptors(), descriptors);
	getrlimit(RLIMIT_MEMLOCK, &after);
	assert_memory_equal(&after, &before, sizeof(before));
	assert_int_equal(umask(mask), 027);
}

static bool is_close_on_exec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void test_descriptors_close_on_exec(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_table(NULL, 0);
	int prog;

	attach_table(scratch->fd, table, -1);
	prog = find_filter(scratch->fd);
	assert_true(is_close_on_exec(prog));
	close(prog);
	table_free(table);
}

static void attach_in_new_cgroup(const struct scratch *scratch, const struct bpfdev_info *info,
				 const struct table *table)
{
	struct reason why = { "" };
	char path[512];
	int fd;

	scratch_mkdir(scratch, "round", path, sizeof(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (attached(filter_attach(fd, info, table, -1, &why)) != 0)
		fail_msg("%s", why.text);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

/* No close, no detach: a filter goes with its cgroup. The kernel frees it a moment later. */
static void test_nothing_stays_in_the_kernel(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_large_table(20);
	struct bpfdev_info info = { 0 };

	snprintf(info.user, sizeof(info.user), "test-%d", getpid());
	assert_int_equal(attached(filter_attach(scratch->fd, &info, table, -1, NULL)), 0);
	assert_int_equal(count_loaded(info.user), 1);
	for (int i = 0; i < ROUNDS; i++)
		attach_in_new_cgroup(scratch, &info, table);
	for (int i = 0; i < 500 && count_loaded(info.user) != 1; i++)
		usleep(20000);
	assert_int_equal(count_loaded(info.user), 1);
	table_free(table);
}

struct refusal {
	int cgroup_fd;
	const struct table *table;
	int err;	       /* what seccomp answers to bpf(2); 0: no seccomp */
	const char *fragments; /* of both reasons */
};

/* Every call of a process that may not use bpf(2): 0 if all fail as they should. */
static int be_refused(const struct refusal *refusal, int err)
{
	struct bpfdev_info info = { 0 };
	struct reason why = { "" };
	int prog;

	if (filter_probe(refusal->cgroup_fd, &why) != -err)
		return 1;
	if (!strstr(why.text, refusal->fragments))
		return 2;
	if (filter_find(refusal->cgroup_fd, &prog, NULL) != -err)
		return 3;
	if (attached(filter_attach(refusal->cgroup_fd, &info, refusal->table, -1, &why)) != -err)
		return 4;
	return strstr(why.text, refusal->fragments) ? 0 : 5;
}

static int as_nobody(void *data)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 100;
	return be_refused(data, EPERM);
}

/* What conf/bpfdev-ask.service and conf/bpfdev-monitor.service leave. */
static const uint32_t service_capabilities = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN;

static int as_our_services(void *data)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = {
		{ .effective = service_capabilities, .permitted = service_capabilities },
	};
	const struct scratch *scratch = data;
	struct filter_denial denial = {
		.type = BPFDEV_CHAR, .major = 1, .access = 2, .refused = 2
	};
	struct filter_denial *denials = NULL;
	struct table *table = NULL;
	struct filter filter;
	uint64_t lost;
	size_t count;

	if (syscall(SYS_capset, &header, caps) < 0)
		return 100;
	if (filter_look(scratch->fd, true, NULL, &filter, 1, NULL) != 1 || !filter.readable)
		return 1;
	if (filter_take_table(&filter, &table, NULL) != 0)
		return 2;
	if (filter_count_door(filter.fd, &denial, NULL) != 0)
		return 3;
	if (filter_take_denials(&filter, &denials, &count, &lost, NULL) != 0 || count != 1)
		return 4;
	table_free(table);
	free(denials);
	return 0;
}

static void test_with_the_capabilities_of_our_services(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct table *table = make_large_table(3);

	attach_table(scratch->fd, table, -1);
	assert_int_equal(scratch_run(scratch, NULL, as_our_services, scratch), 0);
	table_free(table);
}

static int under_seccomp(void *data)
{
	const struct refusal *refusal = data;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | refusal->err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return 100;
	return be_refused(refusal, refusal->err);
}

static void test_without_privileges(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct refusal refusal = { .cgroup_fd = scratch->fd, .fragments = "CAP_SYS_ADMIN" };
	struct table *table = make_table(NULL, 0);

	refusal.table = table;
	assert_int_equal(scratch_run(scratch, NULL, as_nobody, &refusal), 0);
	assert_int_equal(count_attached(scratch->fd), 0);
	table_free(table);
}

static void test_under_seccomp(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct refusal refusal = { .cgroup_fd = scratch->fd, .fragments = "seccomp" };
	struct table *table = make_table(NULL, 0);
	int status;

	refusal.table = table;
	refusal.err = EPERM;
	status = scratch_run(scratch, NULL, under_seccomp, &refusal);
	if (status == 100)
		cannot_run("this kernel has no seccomp filters");
	assert_int_equal(status, 0);
	refusal.err = ENOSYS;
	assert_int_equal(scratch_run(scratch, NULL, under_seccomp, &refusal), 0);
	assert_int_equal(count_attached(scratch->fd), 0);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_without_privileges),
		scratch_test(test_with_the_capabilities_of_our_services),
		scratch_test(test_under_seccomp),
		scratch_test(test_process_is_left_alone),
		scratch_test(test_descriptors_close_on_exec),
		scratch_test(test_nothing_stays_in_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
