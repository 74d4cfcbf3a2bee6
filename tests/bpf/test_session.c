// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which cgroup a path stands for: text only, so no root and no cgroups are needed. */
#include "../unit/check.h"

#include <errno.h>

#include "session/session.h"
#include "session/internal.h"

#define CGROUP "/sys/fs/cgroup"

/* With the hierarchy mounted whole on /sys/fs/cgroup, for uid 1000. */
static const struct {
	const char *cgroup;
	enum session_place place;
	const char *unit; /* below user.slice/user-1000.slice, where it has to be */
} places[] = {
	{ "/user.slice/user-1000.slice/session-3.scope", SESSION_OWN_SCOPE, "session-3.scope" },
	{ "/user.slice/user-1000.slice/session-c1.scope", SESSION_OWN_SCOPE, "session-c1.scope" },
	{ "/user.slice/user-1000.slice/session-3.scope/a/b", SESSION_OWN_SCOPE, "session-3.scope" },
	{ "/user.slice/user-1000.slice/user@1000.service", SESSION_OWN_MANAGER,
	  "user@1000.service" },
	{ "/user.slice/user-1000.slice/user@1000.service/init.scope", SESSION_OWN_MANAGER,
	  "user@1000.service" },
	/* What the user makes below the manager counts for nothing: the first user.slice does. */
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/user-0.slice/session-1.scope",
	  SESSION_OWN_MANAGER, "user@1000.service" },

	{ "/user.slice/user-1001.slice/session-3.scope", SESSION_FOREIGN, NULL },
	{ "/user.slice/user-0.slice/session-3.scope/x", SESSION_FOREIGN, NULL },
	{ "/user.slice/user-1001.slice/user@1001.service/app.slice/gnome-terminal.service",
	  SESSION_FOREIGN, NULL },
	{ "/user.slice/user-1001.slice/user@1001.service/user.slice/user-1000.slice/session-1.scope",
	  SESSION_FOREIGN, NULL },

	{ "/", SESSION_NONE, NULL },
	{ "/system.slice/cron.service", SESSION_NONE, NULL },
	{ "/system.slice/ssh.service/user-1000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/user-runtime-dir@1000.service", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/user@1001.service", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/user@1000.servicex", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/session-.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/session-3.service", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/xsession-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-1000.slice/x/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/x/user-1000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user.slice/user-1000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slicex/user-1000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-01000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-+1000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user- 1000.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-0x3e8.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-1000-a.slice/session-3.scope", SESSION_NONE, NULL },
	/* 2^32 + 1000 and 2^64 + 1000 must not become 1000; 2^32 - 1 is nobody's uid. */
	{ "/user.slice/user-4294968296.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-18446744073709552616.slice/session-3.scope", SESSION_NONE, NULL },
	{ "/user.slice/user-4294967295.slice/session-3.scope", SESSION_NONE, NULL },
};

static void check_place(const char *cgroup, enum session_place place, const char *unit)
{
	const char *slice = CGROUP "/user.slice/user-1000.slice";
	struct session session;
	char path[256];

	assert_int_equal(session_locate(cgroup, CGROUP, "/", 1000, &session, NULL), 0);
	if (session.place != place)
		fail_msg("%s: place %d instead of %d", cgroup, session.place, place);
	assert_string_equal(session.cgroup, cgroup);
	if (unit) {
		snprintf(path, sizeof(path), "%s/%s", slice, unit);
		assert_string_equal(session.slice, slice);
		assert_string_equal(session.unit, path);
		assert_string_equal(session_unit_name(&session), unit);
	} else if (place == SESSION_FOREIGN) {
		assert_non_null(session.slice);
		assert_int_equal(strncmp(session.unit, session.slice, strlen(session.slice)), 0);
	} else {
		assert_null(session.slice);
		assert_null(session.unit);
	}
	session_free(&session);
}

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		check_place(places[i].cgroup, places[i].place, places[i].unit);
}

static void test_root(void **state)
{
	struct session session;

	(void)state;
	assert_int_equal(session_locate("/user.slice/user-0.slice/session-1.scope", CGROUP, "/", 0,
					&session, NULL),
			 0);
	assert_int_equal(session.place, SESSION_OWN_SCOPE);
	session_free(&session);
}

static void check_unit(const char *cgroup, const char *mount_root, const char *unit)
{
	struct session session;

	assert_int_equal(session_locate(cgroup, "/cg", mount_root, 7, &session, NULL), 0);
	assert_int_equal(session.place, SESSION_OWN_SCOPE);
	assert_string_equal(session.unit, unit);
	session_free(&session);
}

/* A container's hierarchy has a prefix, and a mount may show a part of it only. */
static void test_mount_root(void **state)
{
	(void)state;
	check_unit("/a/b/user.slice/user-7.slice/session-1.scope", "/",
		   "/cg/a/b/user.slice/user-7.slice/session-1.scope");
	check_unit("/a/b/user.slice/user-7.slice/session-1.scope", "/a",
		   "/cg/b/user.slice/user-7.slice/session-1.scope");
	check_unit("/a/b/user.slice/user-7.slice/session-1.scope/x", "/a/b/user.slice/user-7.slice",
		   "/cg/session-1.scope");
}

static void check_hidden(const char *cgroup, const char *mount_root)
{
	struct session session;
	struct reason why = { "" };

	assert_int_equal(session_locate(cgroup, "/cg", mount_root, 7, &session, &why), -ENODEV);
	assert_contains(why.text, "/cg");
	assert_null(session.cgroup);
	assert_null(session.unit);
}

static void test_not_below_the_mount(void **state)
{
	(void)state;
	check_hidden("/ab/user.slice/user-7.slice/session-1.scope", "/a");
	check_hidden("/user.slice/user-7.slice/session-1.scope", "/a");
	check_hidden("/user.slice/user-7.slice/session-1.scope", "/..");
	check_hidden("/../user.slice/user-7.slice/session-1.scope", "/");
	check_hidden("/user.slice/user-7.slice/session-1.scope",
		     "/user.slice/user-7.slice/session-1.scope");
}

/* Finds @cgroup in @text; NULL as @point: no mount shows it. */
static void check_mount(char *text, const char *cgroup, const char *point, bool v1, bool v2)
{
	FILE *file = fmemopen(text, strlen(text), "r");
	struct session_mount_seen seen;
	struct session_mount mount;

	assert_non_null(file);
	assert_int_equal(session_mount_find(file, cgroup, &seen, &mount), point ? 1 : 0);
	if (point)
		assert_string_equal(mount.point, point);
	else
		assert_int_equal(seen.v1, v1);
	assert_int_equal(seen.v2, v2);
	session_mount_free(&mount);
	fclose(file);
}

#define V1 "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
#define V2 "38 31 0:38 / /sys/fs/cgroup/unified rw shared:4 master:2 - cgroup2 cgroup2 rw\n"
#define PART "39 31 0:38 /a\\040b /mnt/x\\134y\\012z rw - cgroup2 none rw\n"
#define OUTSIDE "40 31 0:38 /.. /mnt/outside rw - cgroup2 none rw\n"

static void test_mountinfo(void **state)
{
	char v1[] = V1, hybrid[] = V1 V2, parts[] = OUTSIDE PART V2, two[] = V2 PART;
	char broken[] = "\n38\n38 31 0:38 /\n38 31 0:38 / /x rw shared:4\n" V2;
	char none[] = "23 1 254:0 / / rw - ext4 /dev/vda rw\n";

	(void)state;
	check_mount(none, "/", NULL, false, false);
	check_mount(v1, "/x", NULL, true, false);
	check_mount(hybrid, "/x", "/sys/fs/cgroup/unified", true, true);
	check_mount(broken, "/x", "/sys/fs/cgroup/unified", false, true);
	check_mount(parts, "/a b/c", "/mnt/x\\y\nz", false, true);
	check_mount(parts, "/a bc", "/sys/fs/cgroup/unified", false, true);
	check_mount(two, "/a b/c", "/sys/fs/cgroup/unified", false, true);
	check_mount(hybrid, "/../x", NULL, true, true);
	/* Without a "0::" line there is no path, and no mount may be taken for it. */
	check_mount(hybrid, "", NULL, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),	   cmocka_unit_test(test_root),
		cmocka_unit_test(test_mount_root), cmocka_unit_test(test_not_below_the_mount),
		cmocka_unit_test(test_mountinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
