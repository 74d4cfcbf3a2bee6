// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What is in force in a tree of real cgroups, which are named as systemd names them. */
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "enforce/live.h"
#include "tables.h"

/* What was visited: "4242 session-1.scope 1 known 5\n" with the rules; or as the visit says. */
struct seen {
	char lines[16][512];
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

	attach_minor(begin_session(&sessions, USERS "/session-1.scope"), 5, 0);
	fd = begin_session(&sessions, USERS "/session-2.scope");
	attach_other(fd, other);
	close(fd);
	attach_other_version(begin_session(&sessions, USERS "/session-c3.scope"));
	/* Nobody is there (any more). */
	attach_minor(open_cgroup(scratch, USERS "/session-7.scope"), 5, 0);
	attach_minor(open_cgroup(scratch, MANAGER), 9, 0);
	fd = begin_session(&sessions, OTHERS "/session-4.scope");
	attach_other(fd, other);
	attach_minor(dup(fd), 6, 0);
	attach_minor(fd, 7, 0);
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

static void test_visit_ends_the_walk(void **state)
{
	struct scratch *scratch = scratch_get(state);
	struct sessions sessions = { .scratch = scratch };
	struct seen seen = { .answer = -ENODEV };

	close(begin_session(&sessions, USERS "/session-1.scope"));
	close(begin_session(&sessions, OTHERS "/session-2.scope"));
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), -ENODEV);
	assert_int_equal(seen.count, 1);
	seen = (struct seen) { .answer = 77 };
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), 77);
	assert_int_equal(seen.count, 1);
	seen = (struct seen) { .answer = -EIO };
	assert_int_equal(enforce_live_each(scratch->cgroup, note, &seen, NULL), -EIO);
	end_sessions(&sessions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_all_units_are_visited),
		scratch_test(test_manager_is_last_of_a_user),
		scratch_test(test_what_is_not_there_is_no_error),
		scratch_test(test_visit_ends_the_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
