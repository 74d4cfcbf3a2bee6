// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What fails with the errno of a cgroup that has gone, while the cgroup is there, is a failure. */
#include "slice.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char first[] = "root allow c 510:1 r\n", second[] = "root allow c 510:2 r\n";

struct attempt {
	struct slice *slice;
	int err; /* what loading a program answers */
	int (*what)(struct slice *slice);
};

/* From here on the process cannot load programs, but ask and attach. */
static bool refuse_loads(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_PROG_LOAD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int attempt(void *data)
{
	const struct attempt *attempt = data;

	return refuse_loads(attempt->err) ? attempt->what(attempt->slice) : 255;
}

static void must_fail(struct slice *slice, const char *unit, int (*what)(struct slice *slice))
{
	static const int errors[] = { ENOENT, ENODEV };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct attempt failing = { slice, errors[i], what };

		assert_int_equal(unit ? slice_run(slice, unit, attempt, &failing)
				      : scratch_run(slice->scratch, NULL, attempt, &failing),
				 errors[i]);
	}
}

static int open_session(struct slice *slice)
{
	const struct policy_session session = { "login", "tty9", "", "root", POLICY_LOGIN };
	const struct enforce_systemd nothing = { NULL, NULL };
	struct enforce_report report;
	struct reason why = { "" };

	return -enforce_open(&slice->options, &slice->subject, &session, &nothing, &report, &why);
}

static int adopt(struct slice *slice)
{
	const struct enforce_stray stray = { .unit = ONE,
					     .subject = &slice->subject,
					     .session = { "login", "tty9", "", "", POLICY_LOGIN } };
	struct enforce_change_report report;
	struct reason why = { "" };

	return -enforce_adopt(&slice->options, &slice->user, &stray, &report, &why);
}

static int reload(struct slice *slice)
{
	slice_reload(slice);
	return slice->told ? -slice->reports[slice->told - 1].error : 0;
}

static void test_open(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	close(slice_begin(&slice, ONE));
	must_fail(&slice, ONE, open_session);
	/* The manager's own session. */
	must_fail(&slice, SLICE_MANAGER, open_session);
	slice_free(&slice);
}

static void test_adopt(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	close(slice_begin(&slice, ONE));
	must_fail(&slice, NULL, adopt);
	slice_free(&slice);
}

static void test_reload(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_open(&slice, ONE);
	slice_policy(&slice, second);
	must_fail(&slice, NULL, reload);
	assert_reads(&slice, ONE, "1");
	slice_free(&slice);
}

/* The manager's filter cannot be replaced, the session's need not be. */
static void test_reload_of_manager(void **state)
{
	struct slice slice;

	slice_make(&slice, scratch_get(state));
	slice_policy(&slice, first);
	slice_add_manager(&slice);
	slice_open(&slice, ONE);
	slice_give(&slice, SLICE_MANAGER, (struct bpfdev_info) { .user = "root" }, 5);
	must_fail(&slice, NULL, reload);
	slice_free(&slice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_open),
		scratch_test(test_adopt),
		scratch_test(test_reload),
		scratch_test(test_reload_of_manager),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
