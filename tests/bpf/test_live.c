// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What is in force in a tree of real cgroups, which are named as systemd names them. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../pam_bpfdev/enforce_live.h"
#include "../../pam_bpfdev/enforce_manager.h"
#include "../../pam_bpfdev/filter.h"
#include "bpfdev.skel.h"
#include "tables.h"

#define USERS "user.slice/user-4242.slice"
#define OTHERS "user.slice/user-4243.slice"
#define MANAGER USERS "/user@4242.service"

/* Processes that keep sessions alive until the test ends them. */
struct sessions {
	struct scratch *scratch;
	pid_t pids[8];
	int ends[8];
	size_t count;
};

/* Lives until the other end of the pipe is closed. */
static int stay(void *data)
{
	const struct sessions *sessions = data;
	char byte;

	for (size_t i = 0; i < sessions->count; i++)
		close(sessions->ends[i]);
	return read(sessions->ends[sessions->count], &byte, 1) == 0 ? 0 : 1;
}

static bool is_populated(const char *cgroup)
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

/* Makes the cgroup @name and puts a process there. Returns a descriptor of the cgroup. */
static int begin_session(struct sessions *sessions, const char *name)
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

/* The last one first: the later ones have the earlier ones' pipes open, but for those they close.
 */
static void end_sessions(struct sessions *sessions)
{
	while (sessions->count--) {
		close(sessions->ends[sessions->count]);
		assert_int_equal(scratch_wait(sessions->pids[sessions->count]), 0);
	}
	sessions->count = 0;
}

static int open_cgroup(const struct scratch *scratch, const char *name)
{
	char path[512];
	int fd;

	scratch_mkdir(scratch, name, path, sizeof(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/*
 * A filter that allows c 1:3, by its first or second line, and one more device, for a session or
 * manager; closes @cgroup_fd.
 */
static void filter(int cgroup_fd, uint32_t minor, uint32_t flags)
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

static void filter_of_other_version(int cgroup_fd)
{
	struct bpfdev_bpf *program = bpfdev_bpf__open();

	assert_non_null(program);
	program->rodata->info.magic = BPFDEV_INFO_MAGIC;
	program->rodata->info.version = BPFDEV_INFO_VERSION + 1;
	assert_int_equal(bpfdev_bpf__load(program), 0);
	attach_other(cgroup_fd, bpf_program__fd(program->progs.pam_bpfdev));
	bpfdev_bpf__destroy(program);
	close(cgroup_fd);
}

/* What was visited: "4242 session-1.scope 1 known 5\n" with the rules; or as the visit says. */
struct seen {
	char lines[16][128];
	size_t count;
	int answer; /* of the visit */
};

static int note(const struct enforce_live *live, void *data)
{
	struct seen *seen = data;
	char *line = seen->lines[seen->count++];

	assert_true(seen->count < ARRAY_SIZE(seen->lines));
	snprintf(line, sizeof(seen->lines[0]), "%u %s %s %d %s %u", live->user->uid,
		 live->role == BPFDEV_MANAGER ? "manager" : "session", live->unit, live->filters,
		 live->known ? live->info.user : "unknown",
		 live->known ? live->info.rule_count : 0);
	assert_int_equal(live->prog_fd >= 0, live->filters > 0);
	assert_true(fcntl(live->cgroup_fd, F_GETFD) & FD_CLOEXEC);
	return seen->answer;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void check_seen(struct seen *seen, const char *const *expected, size_t count)
{
	/* Only that the manager comes last is promised. */
	qsort(seen->lines, seen->count, sizeof(seen->lines[0]), compare_lines);
	for (size_t i = 0; i < seen->count && i < count; i++)
		assert_string_equal(seen->lines[i], expected[i]);
	assert_int_equal(seen->count, count);
}

static void test_all_units_are_visited(void **state)
{
	static const char *const expected[] = {
		"4242 manager user@4242.service 1 someone 9",
		"4242 session session-1.scope 1 someone 5",
		"4242 session session-2.scope 0 unknown 0",
		"4242 session session-c3.scope 1 unknown 0",
		"4243 manager user@4243.service 0 unknown 0",
		"4243 session session-4.scope 2 someone 6",
	};
	struct scratch *scratch = scratch_get(state);
	struct sessions sessions = { .scratch = scratch };
	struct seen seen = { .count = 0 };
	int descriptors = count_descriptors(), other = load_other(1), fd;

	filter(begin_session(&sessions, USERS "/session-1.scope"), 5, 0);
	fd = begin_session(&sessions, USERS "/session-2.scope");
	attach_other(fd, other);
	close(fd);
	filter_of_other_version(begin_session(&sessions, USERS "/session-c3.scope"));
	/* Nobody is there (any more). */
	filter(open_cgroup(scratch, USERS "/session-7.scope"), 5, 0);
	filter(open_cgroup(scratch, MANAGER), 9, 0);
	fd = begin_session(&sessions, OTHERS "/session-4.scope");
	attach_other(fd, other);
	filter(dup(fd), 6, 0);
	filter(fd, 7, 0);
	close(open_cgroup(scratch, OTHERS "/user@4243.service"));
	close(open_cgroup(scratch, "user.slice/user-.slice"));

	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), 0);
	check_seen(&seen, expected, ARRAY_SIZE(expected));
	close(other);
	end_sessions(&sessions);
	assert_int_equal(count_descriptors(), descriptors);
}

static void test_manager_is_last_of_a_user(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct sessions sessions = { .scratch = scratch };
	struct session user = { .uid = 4242 };
	struct seen seen = { .count = 0 };
	char slice[512];

	close(begin_session(&sessions, USERS "/session-1.scope"));
	close(begin_session(&sessions, USERS "/session-2.scope"));
	close(begin_session(&sessions, OTHERS "/session-3.scope"));
	close(open_cgroup(scratch, MANAGER));
	scratch_mkdir(scratch, USERS, slice, sizeof(slice));
	user.slice = slice;
	assert_int_equal(enforce_live_of(&user, note, &seen, NULL), 0);
	assert_int_equal(seen.count, 3);
	assert_string_equal(seen.lines[2], "4242 manager user@4242.service 0 unknown 0");
	end_sessions(&sessions);
}

static void test_what_is_not_there_is_no_error(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct session user = { .uid = 4242, .slice = (char *)"/sys/fs/cgroup/none" };
	struct seen seen = { .count = 0 };

	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), 0);
	assert_int_equal(enforce_live_of(&user, note, &seen, NULL), 0);
	assert_int_equal(seen.count, 0);
}

static void test_visit_ends_the_walk_unless_the_unit_has_gone(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct sessions sessions = { .scratch = scratch };
	struct seen seen = { .answer = -ENODEV };

	close(begin_session(&sessions, USERS "/session-1.scope"));
	close(begin_session(&sessions, OTHERS "/session-2.scope"));
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), 0);
	assert_int_equal(seen.count, 2);
	seen = (struct seen) { .answer = -ENOENT };
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), 0);
	assert_int_equal(seen.count, 2);
	seen = (struct seen) { .answer = 77 };
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), 77);
	assert_int_equal(seen.count, 1);
	seen = (struct seen) { .answer = -EIO };
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), -EIO);
	end_sessions(&sessions);
}

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
	filter(begin_session(&managed.sessions, USERS "/session-1.scope"), 5, 0);
	close(begin_session(&managed.sessions, USERS "/session-2.scope"));
	check_state(&managed, ENFORCE_LIVE_ABSENT);
	close(open_cgroup(scratch, MANAGER));
	check_state(&managed, ENFORCE_LIVE_MISSING);
	give_manager(&managed, union_of(&managed));
	check_state(&managed, ENFORCE_LIVE_UNION);
	filter(begin_session(&managed.sessions, USERS "/session-3.scope"), 7, 0);
	check_state(&managed, ENFORCE_LIVE_STALE);
	take_from_manager(&managed);
	give_manager(&managed, union_of(&managed));
	check_state(&managed, ENFORCE_LIVE_UNION);
	/* Equal tables count once, sessions that were closed not at all. */
	filter(begin_session(&managed.sessions, USERS "/session-4.scope"), 7, 0);
	filter(begin_session(&managed.sessions, USERS "/session-5.scope"), 11, BPFDEV_CLOSED);
	check_state(&managed, ENFORCE_LIVE_UNION);
	tear_down(&managed);
}

static void test_manager_without_sessions(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct policy_result result;
	struct managed managed;

	set_up(&managed, scratch, "someone allow c 1:9\n");
	filter(begin_session(&managed.sessions, USERS "/session-1.scope"), 5, BPFDEV_CLOSED);
	close(open_cgroup(scratch, MANAGER));
	check_state(&managed, ENFORCE_LIVE_MISSING);
	assert_int_equal(policy_decide_manager(managed.base.conf, &device_source_system,
					       &managed.subject, &result, NULL),
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
	filter(open_cgroup(scratch, MANAGER), 5, 0);
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
	filter_of_other_version(begin_session(&managed.sessions, USERS "/session-1.scope"));
	filter_of_other_version(begin_session(&managed.sessions, USERS "/session-2.scope"));
	assert_int_equal(policy_baseline(&baseline), 0);
	give_manager(&managed, baseline);
	check_state(&managed, ENFORCE_LIVE_UNION);
	take_from_manager(&managed);
	filter_of_other_version(open_cgroup(scratch, MANAGER));
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
			filter(begin_session(&managed.sessions, name), minors[i][j], 0);
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
	char path[200], byte;
	struct table *table = NULL;
	struct bpfdev_info info = { .uid = 4242 };
	int lock, manager, old;

	snprintf(path, sizeof(path), "%s/pam_bpfdev.4242.lock", managed->locks);
	lock = session_lock(path, 1000, NULL);
	if (lock < 0 || write(login->locked, "x", 1) != 1 || read(login->go, &byte, 1) < 0)
		return 1;
	/* So that who waits for the lock has begun to. */
	usleep(50000);
	manager = session_open_manager(&managed->user, NULL);
	if (enforce_manager_union(&managed->user, &table, NULL) != 1 ||
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
	filter(begin_session(&managed.sessions, USERS "/session-1.scope"), 5, 0);
	filter(open_cgroup(scratch, MANAGER), 9, 0);
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
		scratch_test(test_all_units_are_visited),
		scratch_test(test_manager_is_last_of_a_user),
		scratch_test(test_what_is_not_there_is_no_error),
		scratch_test(test_visit_ends_the_walk_unless_the_unit_has_gone),
		scratch_test(test_manager_and_sessions),
		scratch_test(test_manager_without_sessions),
		scratch_test(test_manager_that_cannot_be_judged),
		scratch_test(test_filters_of_another_version),
		scratch_test(test_union_has_no_order),
		scratch_test(test_login_under_way_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
