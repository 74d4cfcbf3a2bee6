// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Managers, and what they should have. */
#include "sessions.h"

#include <fcntl.h>
#include <unistd.h>

#include "enforce/live.h"
#include "filter/filter.h"
#include "tables.h"

/* A user with a manager, whose own rules are "allow c 1:9" (where there are any). */
struct managed {
	struct sessions sessions;
	struct session user;
	struct enforce_options options;
	struct policy_subject subject;
	struct enforce_live_base base;
	char slice[512], locks[128];
};

static void set_up(struct managed *managed, struct scratch *scratch, const char *policy)
{
	*managed = (struct managed) { .sessions = { .scratch = scratch } };
	scratch_mkdir(scratch, USERS, managed->slice, sizeof(managed->slice));
	snprintf(managed->locks, sizeof(managed->locks), "%s", scratch->nodes);
	managed->user = (struct session) { .uid = 4242, .slice = managed->slice };
	managed->options.devices = &device_source_system;
	managed->options.lock_folder = managed->locks;
	managed->subject = (struct policy_subject) {
		.name = (char *)"someone", .uid = 4242, .gid = 4242, .uid_min = 1000
	};
	managed->base = (struct enforce_live_base) { &managed->options, &managed->subject, NULL };
	assert_int_equal(conf_parse("test", policy, strlen(policy), false, &managed->base.conf), 0);
	assert_int_equal(managed->base.conf->error_count, 0);
}

static void tear_down(struct managed *managed)
{
	end_sessions(&managed->sessions);
	conf_free(managed->base.conf);
}

static void check_state(const struct managed *managed, int expected)
{
	int descriptors = count_descriptors();

	assert_int_equal(enforce_live_compare(&managed->user, &managed->base, NULL), expected);
	assert_int_equal(count_descriptors(), descriptors);
}

static struct table *union_of(const struct managed *managed)
{
	struct table *table = NULL;

	assert_int_equal(enforce_manager_union(&managed->user, &table, NULL), 1);
	return table;
}

/* Puts the table on the manager, beside what is there, and frees it. */
static void give_manager(const struct managed *managed, struct table *table)
{
	int fd = open_cgroup(managed->sessions.scratch, MANAGER);

	attach_table(fd, table, -1);
	table_free(table);
	close(fd);
}

static void take_from_manager(const struct managed *managed)
{
	int fd = open_cgroup(managed->sessions.scratch, MANAGER), prog_fd = find_filter(fd);

	assert_int_equal(filter_detach(fd, prog_fd, NULL), 0);
	close(prog_fd);
	close(fd);
}

static void test_manager_and_sessions(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct managed managed;

	set_up(&managed, scratch, "someone allow c 1:9\n");
	attach_minor(begin_session(&managed.sessions, USERS "/session-1.scope"), 5, 0);
	close(begin_session(&managed.sessions, USERS "/session-2.scope"));
	check_state(&managed, ENFORCE_LIVE_ABSENT);
	close(open_cgroup(scratch, MANAGER));
	check_state(&managed, ENFORCE_LIVE_MISSING);
	give_manager(&managed, union_of(&managed));
	check_state(&managed, ENFORCE_LIVE_UNION);
	attach_minor(begin_session(&managed.sessions, USERS "/session-3.scope"), 7, 0);
	check_state(&managed, ENFORCE_LIVE_STALE);
	take_from_manager(&managed);
	give_manager(&managed, union_of(&managed));
	check_state(&managed, ENFORCE_LIVE_UNION);
	/* Equal tables count once, sessions that were closed not at all. */
	attach_minor(begin_session(&managed.sessions, USERS "/session-4.scope"), 7, 0);
	attach_minor(begin_session(&managed.sessions, USERS "/session-5.scope"), 11, BPFDEV_CLOSED);
	check_state(&managed, ENFORCE_LIVE_UNION);
	tear_down(&managed);
}

static void test_manager_without_sessions(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct policy_result result;
	struct managed managed;

	set_up(&managed, scratch, "someone allow c 1:9\n");
	attach_minor(begin_session(&managed.sessions, USERS "/session-1.scope"), 5, BPFDEV_CLOSED);
	close(open_cgroup(scratch, MANAGER));
	check_state(&managed, ENFORCE_LIVE_MISSING);
	assert_int_equal(policy_decide(managed.base.conf, &device_source_system, &managed.subject,
				       &policy_manager_session, &result, NULL),
			 0);
	give_manager(&managed, result.table);
	check_state(&managed, ENFORCE_LIVE_BASE);
	conf_free(managed.base.conf);
	assert_int_equal(conf_parse("test", "bob audit\n", 10, false, &managed.base.conf), 0);
	check_state(&managed, ENFORCE_LIVE_STALE);
	take_from_manager(&managed);
	check_state(&managed, ENFORCE_LIVE_FREE);
	tear_down(&managed);
}

/* Where user or policy are unknown, nobody can tell what the manager should have. */
static void test_manager_that_cannot_be_judged(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct managed managed;
	struct conf *conf;

	set_up(&managed, scratch, "someone allow c 1:9\n");
	conf = managed.base.conf;
	managed.base.conf = NULL;
	close(open_cgroup(scratch, MANAGER));
	check_state(&managed, ENFORCE_LIVE_FREE);
	attach_minor(open_cgroup(scratch, MANAGER), 5, 0);
	check_state(&managed, ENFORCE_LIVE_BASE);
	managed.base.conf = conf;
	check_state(&managed, ENFORCE_LIVE_STALE);
	managed.base.subject = NULL;
	check_state(&managed, ENFORCE_LIVE_BASE);
	tear_down(&managed);
}

/* All that is known of a session with another version's filter is what every shell needs. */
static void test_filters_of_another_version(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct managed managed;
	struct table *baseline;

	set_up(&managed, scratch, "someone allow c 1:9\n");
	attach_other_version(begin_session(&managed.sessions, USERS "/session-1.scope"));
	attach_other_version(begin_session(&managed.sessions, USERS "/session-2.scope"));
	assert_int_equal(policy_baseline(&baseline), 0);
	give_manager(&managed, baseline);
	check_state(&managed, ENFORCE_LIVE_UNION);
	take_from_manager(&managed);
	attach_other_version(open_cgroup(scratch, MANAGER));
	check_state(&managed, ENFORCE_LIVE_STALE);
	tear_down(&managed);
}

/* The union is the same whichever session was there first, down to the lines. */
static void test_union_has_no_order(void **state)
{
	static const uint32_t minors[][3] = { { 5, 7, 11 }, { 11, 7, 5 }, { 7, 11, 5 } };
	uint64_t digests[ARRAY_SIZE(minors)];
	struct scratch *scratch = scratch_get(state);

	for (size_t i = 0; i < ARRAY_SIZE(minors); i++) {
		struct managed managed;
		char name[64], path[512];
		struct table *table;

		set_up(&managed, scratch, "");
		for (size_t j = 0; j < 3; j++) {
			snprintf(name, sizeof(name), USERS "/session-%zu.scope", j + 1);
			attach_minor(begin_session(&managed.sessions, name), minors[i][j], 0);
		}
		table = union_of(&managed);
		digests[i] = table_digest(table);
		assert_int_equal(table_refused(table, BPFDEV_CHAR, 1, 11, BPFDEV_ACCESS), 0);
		table_free(table);
		tear_down(&managed);
		for (size_t j = 0; j < 3; j++) {
			snprintf(path, sizeof(path), "%s/" USERS "/session-%zu.scope",
				 scratch->cgroup, j + 1);
			while (is_populated(path))
				usleep(1000);
			assert_int_equal(rmdir(path), 0);
		}
	}
	assert_int_equal(digests[0], digests[1]);
	assert_int_equal(digests[0], digests[2]);
}

/* A login that has filtered its session, and is on its way to the manager. */
struct late_login {
	struct managed *managed;
	int locked, go;
};

static int log_in_late(void *data)
{
	const struct late_login *login = data;
	struct managed *managed = login->managed;
	char byte;
	struct table *table = NULL;
	struct bpfdev_info info = { .uid = 4242 };
	int lock, manager, old;

	lock = session_lock(managed->locks, 4242, 1000, NULL, NULL);
	if (lock < 0 || write(login->locked, "x", 1) != 1 || read(login->go, &byte, 1) < 0)
		return 1;
	/* So that who waits for the lock has begun to. */
	usleep(50000);
	if (session_open_manager(&managed->user, &manager, NULL) != 1 ||
	    enforce_manager_union(&managed->user, &table, NULL) != 1 ||
	    filter_find(manager, &old, NULL) != 1 ||
	    filter_attach(manager, &info, table, old, NULL) < 0)
		return 2;
	session_unlock(lock);
	return 0;
}

static void test_login_under_way_is_waited_for(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct managed managed;
	struct late_login login = { .managed = &managed };
	int locked[2], go[2];
	char byte;
	pid_t pid;

	set_up(&managed, scratch, "");
	attach_minor(begin_session(&managed.sessions, USERS "/session-1.scope"), 5, 0);
	attach_minor(open_cgroup(scratch, MANAGER), 9, 0);
	assert_int_equal(pipe2(locked, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	login.locked = locked[1];
	login.go = go[0];
	pid = scratch_start(scratch, NULL, log_in_late, &login);
	assert_int_equal(read(locked[0], &byte, 1), 1);
	assert_int_equal(write(go[1], "x", 1), 1);
	check_state(&managed, ENFORCE_LIVE_UNION);
	assert_int_equal(scratch_wait(pid), 0);
	close(locked[0]);
	close(locked[1]);
	close(go[0]);
	close(go[1]);
	tear_down(&managed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_manager_and_sessions),
		scratch_test(test_manager_without_sessions),
		scratch_test(test_manager_that_cannot_be_judged),
		scratch_test(test_filters_of_another_version),
		scratch_test(test_union_has_no_order),
		scratch_test(test_login_under_way_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
