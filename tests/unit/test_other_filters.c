/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What other programs expect of their device filters, said in policies: the meaning of the tables in
 * the tests of systemd, runc and opencontainers/cgroups, crun, the kernel, LXC and snapd. Those
 * filters begin with nothing; "alice deny *" takes the baseline away where that matters.
 */
#include "check.h"

#include <stdio.h>

#include "login.h"

struct expectation {
	const char *of;	      /* whose, and what it is about */
	const char *policy;   /* for alice */
	const char *requests; /* "+c 1:3 rw": is allowed; "-c 1:3 rw": is refused; ", " between */
};

/* The device that both a name and its number stand for in login_world is c 240 "zork". */
static const struct expectation expectations[] = {
	{ "systemd, DevicePolicy=closed: what every program needs", "alice allow c 10:229",
	  "+c 1:3 r, +c 1:3 w, +c 1:5 r, +c 1:5 w, +c 1:7 r, +c 1:7 w, +c 1:8 r, +c 1:8 w, "
	  "+c 1:9 r, +c 1:9 w, +c 5:0 r, +c 5:0 w, +c 5:2 r, +c 5:2 w" },
	{ "systemd, DevicePolicy=strict: nothing but what is listed, bit by bit",
	  "alice deny *\nalice allow c 1:3 rw\nalice allow c 1:8 r\nalice allow c 1:5 w",
	  "+c 1:3 r, +c 1:3 w, +c 1:3 rw, +c 1:8 r, -c 1:8 w, -c 1:8 rw, -c 1:5 r, +c 1:5 w, "
	  "-c 1:5 rw, -c 1:7 r, -c 1:7 w" },
	{ "systemd, a driver by name: its majors, no other",
	  "alice deny *\nalice allow char-zork rw",
	  "+c 240:0 r, +c 240:0 w, +c 240:77 rw, +c 5:0 r, -c 1:3 r, -c 1:3 w, -b 240:0 r" },
	{ "systemd, a driver by its major", "alice deny *\nalice allow c 1:* rw",
	  "+c 1:3 r, +c 1:3 w, +c 1:7 r, +c 1:7 w, -c 5:0 r, -c 5:0 w, -c 1:7 m" },
	{ "systemd, all character devices", "alice deny *\nalice allow char-* rw",
	  "+c 1:3 rw, +c 700:9 rw, -c 1:3 m, -b 8:0 r" },
	{ "systemd, all block devices", "alice deny *\nalice allow block-* rw",
	  "-c 1:3 rw, +b 8:0 rw, +b 700:9 r" },
	{ "systemd, no device allowed", "alice deny *", "-c 1:3 rw, -c 1:3 r, -b 8:0 m" },
	{ "systemd, a driver that there is not", "alice deny *\nalice allow char-foobarxxx rw",
	  "-c 1:3 rw, -c 240:0 r" },

	{ "runc, no rules", "alice deny *", "-c 1:3 r, -c 1:3 w, -c 1:3 m, -b 8:0 rwm" },
	{ "runc, the built-in list",
	  "alice deny *\nalice allow c *:* m\nalice allow b *:* m\nalice allow c 1:3 rwm\n"
	  "alice allow c 1:5 rwm\nalice allow c 1:7 rwm\nalice allow c 1:8 rwm\n"
	  "alice allow c 1:9 rwm\nalice allow c 5:0 rwm\nalice allow c 5:2 rwm\n"
	  "alice allow c 136:* rwm\nalice allow c 10:200 rwm",
	  "+c 1:3 rwm, +c 1:5 rwm, +c 1:7 rwm, +c 1:8 rwm, +c 1:9 rwm, +c 5:0 rwm, +c 5:2 rwm, "
	  "+c 136:0 rwm, +c 136:255 rwm, +c 10:200 rwm, +c 42:42 m, +b 42:42 m, -c 42:42 r, "
	  "-c 42:42 rm, -b 8:0 r, -b 8:0 wm, -c 10:201 rw, -c 137:0 r" },
	{ "runc, privileged", "alice allow *", "+c 1:1 rwm, +b 8:0 rwm, +c 4095:1048575 rwm" },
	{ "runc, privileged but for one device", "alice allow *\nalice deny b 8:0 rwm",
	  "-b 8:0 r, -b 8:0 w, -b 8:0 m, +b 8:1 rwm, +c 8:0 rwm" },
	{ "runc, what was denied before everything is allowed: only the rest is said here",
	  "alice allow *\nalice deny b 8:2", "+b 8:1 rwm, -b 8:2 r, -b 8:2 rwm" },
	{ "our own reading of the same list: an exact device outranks all, whatever comes later",
	  "alice deny b 8:1\nalice allow *\nalice deny b 8:2", "-b 8:1 r, -b 8:2 r, +b 8:3 rwm" },

	{ "cgroups, a list of one", "alice allow c 4:2 rw",
	  "+c 4:2 rw, -c 4:2 m, -c 4:3 r, -b 4:2 r" },
	{ "cgroups, all minors of a major", "alice deny *\nalice allow b 0:* m",
	  "+b 0:0 m, +b 0:99 m, -b 0:0 r, -c 0:1 m" },
	{ "cgroups, a rule that another has already", "alice allow c *:* rwm\nalice allow c 1:1 r",
	  "+c 1:1 rwm, +c 2:2 rwm, -b 1:1 r" },
	{ "cgroups, bits are added", "alice allow b 5:12 rw\nalice allow b 5:12 rm",
	  "+b 5:12 rwm, -b 5:13 r" },
	{ "cgroups, bits are added to all minors", "alice allow b 5:* rw\nalice allow b 5:* rm",
	  "+b 5:12 rwm, +b 5:0 rwm" },
	{ "cgroups, a rule is added",
	  "alice allow c 2:1 rwm\nalice allow b 1:5 r\n"
	  "alice allow c 42:1337 rm",
	  "+c 2:1 rwm, +b 1:5 r, +c 42:1337 rm, -c 42:1337 w" },
	{ "cgroups, a rule is taken away",
	  "alice allow c 42:1337 rm\nalice allow b 1:5 r\nalice deny c 42:1337 rm",
	  "-c 42:1337 r, -c 42:1337 m, +b 1:5 r" },
	{ "cgroups, one is taken away that there is not",
	  "alice allow b 1:5 r\nalice deny c 4:1 rw", "+b 1:5 r, -c 4:1 r" },
	{ "cgroups, more is taken away than was given",
	  "alice allow c 42:1337 w\nalice deny c 42:1337 rw", "-c 42:1337 w, -c 42:1337 rw" },
	{ "cgroups, a part is taken away", "alice allow c 42:1337 rm\nalice deny c 42:1337 r",
	  "-c 42:1337 r, +c 42:1337 m, -c 42:1337 rm" },
	{ "cgroups, a hole in all minors, which cgroup v1 has not",
	  "alice allow c 42:* rm\nalice deny c 42:1337 r",
	  "-c 42:1337 r, +c 42:1337 m, +c 42:1336 rm" },
	{ "cgroups, a hole in what is denied",
	  "alice allow *\nalice deny c 42:* rm\n"
	  "alice allow c 42:1337 r",
	  "+c 42:1337 r, -c 42:1337 m, -c 42:1 r, +c 42:1 w" },

	{ "crun, everything is denied", "alice deny *", "-c 10:229 r, -c 10:229 rw" },
	{ "crun, a device to read is not one to write", "alice deny *\nalice allow c 10:229 r",
	  "+c 10:229 r, -c 10:229 w, -c 10:229 rw" },

	{ "Linux, the selftest's program: c 1:3 and 1:9",
	  "alice deny *\nalice allow c 1:3\nalice allow c 1:9",
	  "+c 1:3 m, +c 1:9 r, +c 1:3 w, -c 1:5 m, -c 1:8 r, -c 1:5 w, -b 1:3 m" },
	{ "Linux, cgroup v1: an exception of the right type only",
	  "alice deny *\nalice allow c 1:3 mr", "+c 1:3 mr, +c 1:3 m, -c 1:3 w, -b 1:3 r" },

	{ "LXC, the default list",
	  "alice deny *\nalice allow c *:* m\nalice allow b *:* m\nalice allow c 1:3\n"
	  "alice allow c 1:5\nalice allow c 1:7\nalice allow c 5:0\nalice allow c 5:1\n"
	  "alice allow c 5:2\nalice allow c 1:8\nalice allow c 1:9\nalice allow c 136:*",
	  "+c 5:1 rw, +c 1:9 rwm, +c 136:7 rw, +b 8:0 m, -b 8:0 r, -c 10:229 rw" },
	{ "LXC, all but one", "alice allow a *:* rwm\nalice deny c 10:229 rwm",
	  "-c 10:229 r, -c 10:229 m, +c 10:228 rwm, +b 7:0 rwm" },

	{ "snapd, what every snap has and a device that is assigned",
	  "alice allow c 1:3\nalice allow c 5:1\nalice allow c 10:200\nalice allow c 136-143:*\n"
	  "alice allow c 195:0\nalice allow c 195:255",
	  "+c 1:3 rw, +c 5:1 rw, +c 10:200 rwm, +c 143:9 rw, +c 195:0 rw, +c 195:255 rw, "
	  "-c 195:1 rw, -c 144:0 rw, -b 8:0 r" },
	{ "snapd, an exact minor beside all minors", "alice allow c 10:*\nalice allow b 8:1",
	  "+c 10:0 rw, +c 10:255 rw, +b 8:1 rw, -b 8:2 r, -c 8:1 r" },
};

/* Lists that their readers refuse; ours is to say what was expected. */
static const struct {
	const char *line, *expected;
} mistakes[] = {
	{ "alice allow b 1", "expected" },	  { "alice allow p *:* rwm", "expected" },
	{ "alice allow c -1:3 rwm", "expected" }, { "alice allow c foo:27 rwm", "expected" },
	{ "alice allow b 1:-4 rwm", "expected" }, { "alice allow b 1:foo rwm", "expected" },
	{ "alice allow b 1:7 rwk", "expected" },  { "alice allow c 1:2:3 r", "expected" },
};

/* What the policy refuses of "c 1:3 rw". */
static uint32_t ask(const struct policy_result *result, const char *request)
{
	unsigned int major, minor;
	char type, letters[4];

	assert_int_equal(sscanf(request, "%c %u:%u %3[rwm]", &type, &major, &minor, letters), 4);
	if (result->kind == POLICY_UNRESTRICTED)
		return 0;
	return table_refused(result->table, type == 'b' ? BPFDEV_BLOCK : BPFDEV_CHAR, major, minor,
			     device_parse_access(letters, NULL));
}

static size_t check_one(const struct expectation *expectation)
{
	struct conf *conf = login_policy(expectation->policy);
	struct policy_result result;
	char *requests = strdup(expectation->requests), *rest = requests, *request;
	size_t count = 0;

	assert_int_equal(policy_decide(conf, &login_world.source, &alice, &local, &result, NULL),
			 0);
	while ((request = strsep(&rest, ","))) {
		request += strspn(request, " ");
		count++;
		if ((ask(&result, request + 1) == 0) != (*request == '+'))
			fail_msg("%s: %s\n%s", expectation->of, request, expectation->policy);
	}
	free(requests);
	policy_result_free(&result);
	conf_free(conf);
	return count;
}

static void requests_come_out_as_others_expect(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expectations); i++)
		count += check_one(&expectations[i]);
	print_message("%zu requests\n", count);
}

static void what_others_refuse_to_read_is_a_mistake(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		const char *line = mistakes[i].line;
		struct conf *conf;

		assert_int_equal(conf_parse("policy", line, strlen(line), false, &conf), 0);
		if (conf->error_count != 1)
			fail_msg("%s: %zu mistakes", line, conf->error_count);
		assert_contains(conf->errors[0].what.text, mistakes[i].expected);
		conf_free(conf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_out_as_others_expect),
		cmocka_unit_test(what_others_refuse_to_read_is_a_mistake),
	};

	return cmocka_run_group_tests(tests, login_setup, login_teardown);
}
