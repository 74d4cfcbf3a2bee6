/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Every call for memory or a descriptor fails once, and then all from it on: what cannot be done is
 * an error, never another policy. What leaks is seen by AddressSanitizer.
 *
 * To be linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,
 * --wrap=strdup,--wrap=strndup,--wrap=open,--wrap=openat,--wrap=opendir,--wrap=fopen,--wrap=fdopendir
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "policy/policy.h"
#include "table/table.h"
#include "policy_files.h"
#include "world.h"

static struct {
	bool armed, lasting;
	unsigned long calls, fail_at;
} faults;

static bool fails(int error)
{
	unsigned long call = faults.calls;

	if (!faults.armed)
		return false;
	faults.calls++;
	if (call != faults.fail_at && !(faults.lasting && call > faults.fail_at))
		return false;
	errno = error;
	return true;
}

#define WRAP(type, name, error, failed, parameters, arguments)                                     \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails(error) ? (failed) : __real_##name arguments;                          \
	}

WRAP(void *, malloc, ENOMEM, NULL, (size_t size), (size))
WRAP(void *, calloc, ENOMEM, NULL, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, ENOMEM, NULL, (void *old, size_t size), (old, size))
WRAP(void *, reallocarray, ENOMEM, NULL, (void *old, size_t n, size_t size), (old, n, size))
WRAP(char *, strdup, ENOMEM, NULL, (const char *text), (text))
WRAP(char *, strndup, ENOMEM, NULL, (const char *text, size_t size), (text, size))
/* The mode, which only new files have, may be missing: then nobody looks at it. */
WRAP(int, open, EMFILE, -1, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, openat, EMFILE, -1, (int fd, const char *path, int flags, mode_t mode),
     (fd, path, flags, mode))
WRAP(FILE *, fopen, EMFILE, NULL, (const char *path, const char *mode), (path, mode))
/* With large files, and with checks of arguments, the C library has other names for the same. */
WRAP(int, open64, EMFILE, -1, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, openat64, EMFILE, -1, (int fd, const char *path, int flags, mode_t mode),
     (fd, path, flags, mode))
WRAP(int, __open64_2, EMFILE, -1, (const char *path, int flags), (path, flags))
WRAP(int, __openat64_2, EMFILE, -1, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(FILE *, fopen64, EMFILE, NULL, (const char *path, const char *mode), (path, mode))
WRAP(DIR *, opendir, EMFILE, NULL, (const char *path), (path))
WRAP(DIR *, fdopendir, ENOMEM, NULL, (int fd), (fd))

static struct world world;
static gid_t gids[] = { 0, 6 };
static struct policy_subject subject = { "alice", 1000, 0, gids, 2, 1000, NULL, 0, true };
static const struct policy_session session = { "login", "tty1", "", "", POLICY_LOGIN };

static const char policy_text[] =
	"@root deny char-zork* rw local\n@disk deny @all\n@adm allow @all\n* allow * r\n"
	"alice allow /dev/zork*\nalice deny /dev/by-id/*\nalice allow /dev/alias/* r\n"
	"alice deny c 100-300:*\nalice allow c 7-9:0-99 w service=login,sshd tty=tty*\n"
	"alice allow b 600-700:3\n@root audit\nclass all char-* block-quux @more\n"
	"class more c 1:1 c 1:2 c 1:3 /dev/sub/deep/b\n"
	"alice deny usb:46f4:0001:A-2 r\nalice allow tag:kiosk r\n";

/* What came of one run. */
struct outcome {
	int ret;
	size_t mistakes;
	uint64_t digest;
};

static int unite(const struct policy_result *result, uint64_t *digest)
{
	const struct table *both[2] = { result->table, result->table };
	struct table *united = NULL;
	int ret = table_union(both, 2, &united, NULL);

	if (ret == 0)
		*digest ^= table_digest(united) * 31;
	if (ret == 0)
		table_free(united);
	return ret;
}

static struct outcome load_and_decide(void)
{
	struct outcome outcome = { 0, 0, 0 };
	struct policy_result result = { 0 };
	struct conf *conf = NULL;
	struct reason why;

	outcome.ret = conf_load(&files_paths, &conf);
	if (outcome.ret)
		return outcome;
	outcome.mistakes = conf->error_count;
	outcome.ret = policy_decide(conf, &world.source, &subject, &session, &result, &why);
	if (outcome.ret == 0) {
		outcome.digest = table_digest(result.table) ^ result.rule_count;
		outcome.ret = unite(&result, &outcome.digest);
		policy_result_free(&result);
	}
	conf_free(conf);
	return outcome;
}

static struct outcome load_subject(void)
{
	struct outcome outcome = { 0, 0, 0 };
	struct policy_subject loaded;

	outcome.ret = policy_subject_load("nobody", &loaded, NULL);
	/* That a buffer was too small tells nobody that there is no memory for a larger one. */
	if (outcome.ret == -ERANGE)
		outcome.ret = 1;
	if (outcome.ret)
		return outcome;
	outcome.digest = loaded.uid * 31u + loaded.gid * 7u + (unsigned int)loaded.group_count +
			 loaded.alias_count * 5u + loaded.local;
	policy_subject_free(&loaded);
	return outcome;
}

/* What an event of udev is about, or an error: never that it is about nothing. */
static struct outcome look_at_event(void)
{
	static const char *const devices[] = { "/dev/by-id/third", "/dev/alias/*",
					       "/dev/zork0",	   "/dev/quux*",
					       "usb:*:*:A-1",	   "usb:*:*:A-2",
					       "tag:lab",	   "/dev/by-id/second" };
	const struct device_event event = { false,
					    true,
					    BPFDEV_BLOCK,
					    8,
					    0,
					    "/dev/quux0",
					    "/dev/by-id/third",
					    ":lab:",
					    "/devices/pci0/usb1/1-1/host0/quux0",
					    "block" };
	struct outcome outcome = { 0, 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(devices) && outcome.ret == 0; i++) {
		struct device_spec spec;
		int used, ret;

		assert_int_equal(device_parse(devices[i], NULL, &spec, &used, NULL), 0);
		ret = device_names(&world.source, &spec, &event, NULL);
		if (ret < 0)
			outcome.ret = ret;
		else
			outcome.digest = outcome.digest * 2 + (uint64_t)ret;
	}
	return outcome;
}

static struct outcome run(struct outcome (*scenario)(void), unsigned long fail_at, bool lasting)
{
	struct outcome outcome;

	faults.calls = 0;
	faults.fail_at = fail_at;
	faults.lasting = lasting;
	faults.armed = true;
	outcome = scenario();
	faults.armed = false;
	return outcome;
}

static void check_outcome(const struct outcome *wanted, const struct outcome *outcome,
			  unsigned long fail_at)
{
	if (outcome->ret < 0)
		return;
	assert_int_equal(outcome->ret, 0);
	if (outcome->digest == wanted->digest && outcome->mistakes == wanted->mistakes)
		return;
	fail_msg("call %lu failed, and the policy is another one", fail_at);
}

static void fail_every_call(struct outcome (*scenario)(void))
{
	struct outcome wanted = run(scenario, ULONG_MAX, false), outcome;
	unsigned long calls = faults.calls;

	assert_int_equal(wanted.ret, 0);
	assert_true(calls > 3);
	for (unsigned long i = 0; i < calls; i++) {
		outcome = run(scenario, i, false);
		check_outcome(&wanted, &outcome, i);
		outcome = run(scenario, i, true);
		check_outcome(&wanted, &outcome, i);
	}
	print_message("%lu calls\n", calls);
}

static void a_policy_is_as_written_or_an_error(void **state)
{
	(void)state;
	files_write("main.conf", policy_text);
	fail_every_call(load_and_decide);
}

/* Hints may be lost for want of memory, mistakes may not. */
static void mistakes_are_never_lost(void **state)
{
	static const char text[] =
		"alice allow @webcma\nclass webcam *\nalice alow *\nclass a @a\n";
	struct outcome outcome;

	(void)state;
	files_write("main.conf", text);
	outcome = run(load_and_decide, ULONG_MAX, false);
	assert_int_equal(outcome.ret, -EINVAL);
	assert_int_equal(outcome.mistakes, 3);
	for (unsigned long i = 0, calls = faults.calls; i < calls; i++) {
		outcome = run(load_and_decide, i, true);
		assert_true(outcome.ret < 0);
	}
}

static void an_event_is_understood_or_an_error(void **state)
{
	(void)state;
	fail_every_call(look_at_event);
}

static void a_user_is_known_or_an_error(void **state)
{
	(void)state;
	fail_every_call(load_subject);
}

static int make_files(void **state)
{
	char name[32];

	world_make(&world);
	world_link(world.udev, "links/by-id\\x2fthird/b240:3", "0:/dev/third");
	world_put(world.udev, "data/b8:0", "S:by-id/second\nG:kiosk\n");
	if (files_setup(state))
		return -1;
	files_write("vendor/a.conf", "class more c 9:9\n");
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "drop/%d.conf", i);
		files_write(name, "alice deny c 77:1\n");
	}
	return 0;
}

static int remove_files(void **state)
{
	files_teardown(state);
	world_remove(&world);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_as_written_or_an_error),
		cmocka_unit_test(mistakes_are_never_lost),
		cmocka_unit_test(an_event_is_understood_or_an_error),
		cmocka_unit_test(a_user_is_known_or_an_error),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
