/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The sentences of the module's log, and what the journal gets beside them. */
#include "check.h"

#include "log/message.h"

#define DEVICE(type_, major_, minor_, access_, count_, name_, line_)                               \
	{                                                                                          \
		.type = BPFDEV_##type_, .major = major_, .minor = minor_, .access = access_,       \
		.count = count_, .name = name_, .line = line_                                      \
	}
#define CAMERA(count)                                                                              \
	DEVICE(CHAR, 81, 0, BPFDEV_READ | BPFDEV_WRITE, count, "/dev/video0",                      \
	       "/etc/security/bpfdev.conf:4")
#define NAMELESS(count) DEVICE(BLOCK, 4000, 7, BPFDEV_MKNOD, count, "", "no rule")

static const struct policy_session local = { "login", "tty1", "", "", POLICY_LOGIN };
static const struct policy_session remote = { "sshd", "ssh", "192.0.2.7", "", POLICY_LOGIN };
static const struct policy_session nowhere = { "cron", "", "", "", POLICY_LOGIN };

static const char *filtered(const struct enforce_report *report,
			    const struct policy_session *session)
{
	static char text[MESSAGE_SIZE];

	return message_filtered(report, "sam", session, text, sizeof(text));
}

static void an_open_session_says_from_where(void **state)
{
	struct enforce_report report = { .rule_count = 12, .unit = "session-3.scope" };

	(void)state;
	assert_string_equal(filtered(&report, &remote),
			    "sam filtered in session-3.scope: 12 rules, from 192.0.2.7");
	assert_string_equal(filtered(&report, &local),
			    "sam filtered in session-3.scope: 12 rules, on tty1");
	assert_string_equal(filtered(&report, &nowhere),
			    "sam filtered in session-3.scope: 12 rules");
	report.audit = true;
	assert_string_equal(filtered(&report, &local),
			    "sam filtered in session-3.scope: 12 rules, audit, on tty1");
	report.unrestricted = true;
	assert_string_equal(
		filtered(&report, &remote),
		"sam not restricted in session-3.scope: no line of the policy applies to "
		"this session, from 192.0.2.7");
	report.manager = true;
	assert_string_equal(filtered(&report, &nowhere),
			    "user manager of sam filtered in session-3.scope");
}

static const char *denied(const struct enforce_denied *denied)
{
	static char text[MESSAGE_SIZE];

	return message_denied(denied, "sam", "session-3.scope", text, sizeof(text));
}

static void nothing_denied_is_no_sentence(void **state)
{
	(void)state;
	assert_null(denied(&(struct enforce_denied) { .refused = 0 }));
}

static void devices_are_named_with_their_line(void **state)
{
	struct enforce_denied two = {
		.refused = 13,
		.device_count = 2,
		.devices = { CAMERA(12), NAMELESS(1) },
	};

	(void)state;
	assert_string_equal(
		denied(&two),
		"sam was denied 13 times in session-3.scope: /dev/video0 (c 81:0) rw 12 "
		"times by /etc/security/bpfdev.conf:4, b 4000:7 m once by no rule");
}

static void the_service_that_asked_is_named(void **state)
{
	struct enforce_denied one = {
		.refused = 2,
		.device_count = 1,
		.devices = { CAMERA(2) },
	};

	(void)state;
	strcpy(one.devices[0].door, "udisks2");
	assert_string_equal(denied(&one),
			    "sam was denied 2 times in session-3.scope: /dev/video0 (c 81:0) rw 2 "
			    "times through udisks2 by /etc/security/bpfdev.conf:4");
}

static void those_that_are_not_named_are_counted(void **state)
{
	struct enforce_denied many = { .refused = 7, .device_count = ENFORCE_DENIED_DEVICES + 1 };
	const char *said;

	(void)state;
	for (int i = 0; i < ENFORCE_DENIED_DEVICES; i++)
		many.devices[i] = (struct enforce_denied_device)NAMELESS(1);
	said = denied(&many);
	assert_contains(said, "sam was denied 7 times in session-3.scope: b 4000:7 m once");
	assert_string_equal(said + strlen(said) - 15, "; 1 more device");
	many.device_count++;
	said = denied(&many);
	assert_string_equal(said + strlen(said) - 16, "; 2 more devices");
}

static void audit_would_have_been(void **state)
{
	struct enforce_denied one = {
		.audited = 1,
		.device_count = 1,
		.devices = { CAMERA(1) },
	};

	(void)state;
	one.devices[0].audit = true;
	assert_string_equal(denied(&one),
			    "sam would have been denied once in session-3.scope, but for audit: "
			    "/dev/video0 (c 81:0) rw once by /etc/security/bpfdev.conf:4");
}

static void refusals_and_audit_are_told_apart(void **state)
{
	struct enforce_denied both = {
		.refused = 1,
		.audited = 3,
		.device_count = 2,
		.devices = { CAMERA(1), NAMELESS(3) },
	};

	(void)state;
	both.devices[1].audit = true;
	assert_string_equal(
		denied(&both),
		"sam was denied once in session-3.scope, and but for audit 3 times more: "
		"/dev/video0 (c 81:0) rw once by /etc/security/bpfdev.conf:4, for audit "
		"b 4000:7 m 3 times by no rule");
}

static void what_was_not_told_apart_is_said(void **state)
{
	struct enforce_denied lost = {
		.refused = 1,
		.lost = 4,
		.device_count = 1,
		.devices = { NAMELESS(1) },
	};

	(void)state;
	assert_string_equal(denied(&lost),
			    "sam was denied once in session-3.scope: b 4000:7 m once by no rule; "
			    "besides 4 times what there was no room to tell apart");
}

/* There was no memory for any entry but that of the rest. */
static void nothing_told_apart_is_said(void **state)
{
	(void)state;
	assert_string_equal(denied(&(struct enforce_denied) { .lost = 4 }),
			    "sam was denied 4 times in session-3.scope what there was no room to "
			    "tell apart");
}

static void a_sentence_fits_its_place(void **state)
{
	struct enforce_denied one = { .refused = 1, .device_count = 1, .devices = { CAMERA(1) } };
	char text[64];

	(void)state;
	for (size_t size = 1; size <= sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		message_denied(&one, "sam", "session-3.scope", text, size);
		assert_int_equal(strlen(text), size - 1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_open_session_says_from_where),
		cmocka_unit_test(nothing_denied_is_no_sentence),
		cmocka_unit_test(devices_are_named_with_their_line),
		cmocka_unit_test(the_service_that_asked_is_named),
		cmocka_unit_test(those_that_are_not_named_are_counted),
		cmocka_unit_test(audit_would_have_been),
		cmocka_unit_test(refusals_and_audit_are_told_apart),
		cmocka_unit_test(what_was_not_told_apart_is_said),
		cmocka_unit_test(nothing_told_apart_is_said),
		cmocka_unit_test(a_sentence_fits_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
