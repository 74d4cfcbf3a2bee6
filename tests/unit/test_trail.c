/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Records of the audit trail: which there are, and that no name can forge a field. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log/record.h"

#define RECORDS_MAX 8

static char sent[RECORDS_MAX][TRAIL_SIZE];
static size_t sent_count;
static long long passed_ms, send_takes_ms;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap___clock_gettime64(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	*now = (struct timespec) { passed_ms / 1000, passed_ms % 1000 * 1000000 };
	return 0;
}

int __wrap___clock_gettime64(clockid_t clock, struct timespec *now)
{
	return __wrap_clock_gettime(clock, now);
}

static int keep(enum trail_type type, const struct trail *trail)
{
	assert_int_equal(type, TRAIL_DEVICE);
	assert_true(sent_count < RECORDS_MAX);
	assert_int_equal(strlen(trail->text), trail->used);
	memcpy(sent[sent_count++], trail->text, trail->used + 1);
	passed_ms += send_takes_ms;
	return -ECONNREFUSED;
}

/* Without exe=, which is this program's. */
static const char *without_exe(char *record)
{
	char *exe = strstr(record, " exe="), *next = strstr(record, " hostname=");

	assert_true(exe && next && exe < next);
	if (exe && next)
		memmove(exe, next, strlen(next) + 1);
	return record;
}

static const char *ended(struct trail *trail, const char *rhost, const char *tty, bool success)
{
	trail_end(trail, &(struct trail_origin) { rhost, tty }, success);
	return without_exe(trail->text);
}

#define NOWHERE " hostname=? addr=? terminal=? res=success"

static const char *value(const char *text)
{
	static struct trail trail;

	trail_begin(&trail, "try");
	trail_add(&trail, "acct", text);
	ended(&trail, NULL, "", true);
	assert_int_equal(strncmp(trail.text, "op=try acct=", strlen("op=try acct=")), 0);
	*strstr(trail.text, NOWHERE) = '\0';
	return trail.text + strlen("op=try acct=");
}

static void no_value_can_be_two(void **state)
{
	char wide[1000];

	(void)state;
	assert_string_equal(value("sam"), "\"sam\"");
	assert_string_equal(value("/dev/nvidia-caps/x=1,y"), "\"/dev/nvidia-caps/x=1,y\"");
	assert_string_equal(value(NULL), "?");
	assert_string_equal(value(""), "?");
	assert_string_equal(value("a b"), "612062");
	assert_string_equal(value("a\" res=success"), "6122207265733D73756363657373");
	assert_string_equal(value("a'"), "6127");
	assert_string_equal(value("\n"), "0A");
	assert_string_equal(value("\x7f"), "7F");
	assert_string_equal(value("\xc3\xa9"), "C3A9");
	memset(wide, 'a', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(strlen(value(wide)), TRAIL_VALUE_SIZE + 2);
	wide[0] = ' ';
	assert_int_equal(strlen(value(wide)), 2 * TRAIL_VALUE_SIZE);
}

static void where_from_is_as_libaudit_has_it(void **state)
{
	static struct trail trail;
	static const struct {
		const char *rhost, *tty, *said;
	} origins[] = {
		{ "192.0.2.7", "ssh", " hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh" },
		{ "2001:db8::7", "", " hostname=2001:db8::7 addr=2001:db8::7 terminal=?" },
		{ "far.example.org", ":0", " hostname=far.example.org addr=? terminal=:0" },
		{ "a res=success", "tty1 x",
		  " hostname=61207265733D73756363657373 addr=? "
		  "terminal=747479312078" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(origins); i++) {
		char expected[200];

		snprintf(expected, sizeof(expected), "op=try%s res=failed", origins[i].said);
		trail_begin(&trail, "try");
		assert_string_equal(ended(&trail, origins[i].rhost, origins[i].tty, false),
				    expected);
	}
}

static void what_does_not_fit_is_left_out(void **state)
{
	static struct trail trail;
	char wide[TRAIL_VALUE_SIZE];
	size_t used;

	(void)state;
	memset(wide, ' ', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	trail_begin(&trail, "try");
	do {
		used = trail.used;
		trail_add(&trail, "wide", wide);
	} while (trail.used > used);
	assert_int_equal(strlen(trail.text), used);
	trail_add_number(&trail, "n", 7);
	assert_string_equal(trail.text + used, " n=7");
}

static const struct policy_session remote = { "sshd", "ssh", "192.0.2.7", "", POLICY_LOGIN };

static const char *recorded(const struct entry *entry)
{
	static char all[RECORDS_MAX * TRAIL_SIZE];

	sent_count = 0;
	record_entry(entry, keep);
	*all = '\0';
	for (size_t i = 0; i < sent_count; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? "\n" : "",
			 without_exe(sent[i]));
	return all;
}

#define FROM " service=\"sshd\" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh"

static void logins_are_recorded_once(void **state)
{
	struct entry entry = { .level = LOG_INFO,
			       .event = ENTRY_OPEN,
			       .user = "sam",
			       .unit = "session-3.scope",
			       .session = &remote };

	(void)state;
	assert_string_equal(recorded(&entry),
			    "op=bpfdev-open acct=\"sam\" unit=\"session-3.scope\"" FROM
			    " res=success");
	entry.level = LOG_DEBUG;
	assert_string_equal(recorded(&entry), "");
	entry.level = LOG_ERR;
	entry.unit = "";
	entry.event = ENTRY_REFUSED;
	assert_string_equal(recorded(&entry),
			    "op=bpfdev-refused acct=\"sam\" unit=?" FROM " res=failed");
	entry.event = ENTRY_UNFILTERED;
	assert_string_equal(recorded(&entry),
			    "op=bpfdev-unfiltered acct=\"sam\" unit=?" FROM " res=success");
	entry.event = ENTRY_CLOSE;
	assert_string_equal(recorded(&entry), "");
	entry.event = ENTRY_TROUBLE;
	assert_string_equal(recorded(&entry), "");
}

static void each_denied_device_is_recorded_once(void **state)
{
	struct enforce_denied denied = {
		.refused = 13,
		.audited = 2,
		.lost = 3,
		.device_count = 3,
		.devices = {
			{ .type = BPFDEV_CHAR, .major = 81, .access = BPFDEV_READ | BPFDEV_WRITE,
			  .count = 12, .name = "/dev/video0", .line = "/etc/security/bpfdev.conf:4" },
			{ .type = BPFDEV_BLOCK, .major = 4000, .minor = 7, .access = BPFDEV_MKNOD,
			  .count = 1, .line = "no rule", .door = "udisks2" },
			{ .type = BPFDEV_CHAR, .major = 1, .minor = 11, .access = BPFDEV_READ,
			  .count = 2, .name = "/dev/kmsg", .line = "x:1", .audit = true },
		},
	};
	const struct entry entry = { .level = LOG_NOTICE,
				     .event = ENTRY_DENIED,
				     .user = "sam",
				     .unit = "user@1000.service",
				     .rules_of = "eve il",
				     .denied = &denied };

#define HEAD " acct=\"sam\" unit=\"user@1000.service\" rules_of=65766520696C"
#define TAIL " hostname=? addr=? terminal=? res="
	(void)state;
	assert_string_equal(recorded(&entry),
			    "op=bpfdev-denied" HEAD
			    " device=\"/dev/video0\" numbers=\"c:81:0\" access=\"rw\" count=12 "
			    "rule=\"/etc/security/bpfdev.conf:4\"" TAIL "failed\n"
			    "op=bpfdev-denied" HEAD
			    " device=\"b:4000:7\" numbers=\"b:4000:7\" access=\"m\" count=1 "
			    "rule=6E6F2072756C65 door=\"udisks2\"" TAIL "failed\n"
			    "op=bpfdev-audited" HEAD
			    " device=\"/dev/kmsg\" numbers=\"c:1:11\" access=\"r\" count=2 "
			    "rule=\"x:1\"" TAIL "success\n"
			    "op=bpfdev-denied" HEAD " device=? count=3" TAIL "failed");
	denied.lost = 0;
	recorded(&entry);
	assert_int_equal(sent_count, 3);
	/* More devices than are told one by one: no more records for it. */
	denied.device_count = 700;
	denied.refused = 100000;
	denied.devices[3] = denied.devices[4] = denied.devices[0];
	recorded(&entry);
	assert_int_equal(sent_count, ENFORCE_DENIED_DEVICES + 1);
	denied = (struct enforce_denied) { .refused = 0 };
	assert_string_equal(recorded(&entry), "");
}

/* It may be a minute for each, and the denials are counted all the same. */
static void where_sending_takes_long_the_rest_is_one_record(void **state)
{
	struct enforce_denied denied = { .refused = 100, .device_count = 4 };
	const struct entry entry = { .level = LOG_NOTICE,
				     .event = ENTRY_DENIED,
				     .user = "sam",
				     .unit = "session-3.scope",
				     .denied = &denied };

	(void)state;
	for (size_t i = 0; i < denied.device_count; i++)
		denied.devices[i] = (struct enforce_denied_device) { .count = 10, .name = "x" };
	send_takes_ms = 600;
	recorded(&entry);
	assert_int_equal(sent_count, 3);
	assert_non_null(strstr(sent[2], " device=? count=80"));
	send_takes_ms = 60000;
	recorded(&entry);
	assert_int_equal(sent_count, 2);
	assert_non_null(strstr(sent[1], " device=? count=90"));
	send_takes_ms = 200;
	recorded(&entry);
	assert_int_equal(sent_count, 5);
	assert_non_null(strstr(sent[4], " device=? count=60"));
	send_takes_ms = 0;
}

/* Whatever the kernel says of it: its answer is had, and nothing left open. */
static void sending_has_an_answer(void **state)
{
	static struct trail trail;
	int ret, before = dup(0);

	(void)state;
	close(before);
	trail_begin(&trail, "bpfdev-test");
	ended(&trail, "", "", true);
	ret = trail_send(TRAIL_DEVICE, &trail);
	assert_true(ret <= 0);
	assert_int_not_equal(ret, -EPROTO);
	assert_int_not_equal(ret, -EAGAIN);
	assert_int_equal(dup(0), before);
	close(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_value_can_be_two),
		cmocka_unit_test(where_from_is_as_libaudit_has_it),
		cmocka_unit_test(what_does_not_fit_is_left_out),
		cmocka_unit_test(logins_are_recorded_once),
		cmocka_unit_test(each_denied_device_is_recorded_once),
		cmocka_unit_test(where_sending_takes_long_the_rest_is_one_record),
		cmocka_unit_test(sending_has_an_answer),
	};

	return cmocka_run_group_tests_name("trail", tests, NULL, NULL);
}
