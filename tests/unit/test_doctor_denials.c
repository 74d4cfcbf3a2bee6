// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev doctor makes of what the kernel's log and auditd tell of denials, and of not being told. */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "command/doctor/doctor.h"

/* What the two programs say, and how they end; NULL: it is not installed. */
static struct {
	const char *text;
	bool endless; /* there is more of it than is looked at */
	int ret;
} journal, audit;

int __wrap_access(const char *path, int mode);
int __wrap_doctor_run(char *const *argv, char *text);

int __wrap_access(const char *path, int mode)
{
	assert_int_equal(mode, X_OK);
	return (strstr(path, "journalctl") ? journal.text : audit.text) ? 0 : -1;
}

int __wrap_doctor_run(char *const *argv, char *text)
{
	bool is_journal = strstr(argv[0], "journalctl");
	const char *said = is_journal ? journal.text : audit.text;

	assert_non_null(said);
	if (is_journal ? journal.endless : audit.endless) {
		memset(text, 'x', DOCTOR_OUTPUT_MAX - 1);
		memcpy(text, said, strlen(said));
		text[DOCTOR_OUTPUT_MAX - 1] = '\0';
	} else {
		strcpy(text, said);
	}
	return is_journal ? journal.ret : audit.ret;
}

static bool is_ours(const char *line)
{
	return strstr(line, "ours");
}

static bool is_change(const char *line)
{
	return strcmp(line, "loaded") == 0;
}

/* Looks, and checks how many were found, which was the last, and what else was said, if anything. */
static void check(size_t count, const char *last, const char *blind)
{
	struct doctor doctor = { 0 };
	struct doctor_denials denials = { .topic = "topic",
					  .pattern = "-gx",
					  .types = "AVC",
					  .begin = "DENIED",
					  .is_ours = is_ours,
					  .is_change = is_change };

	assert_int_equal(doctor_look_for_denials(&doctor, &denials), !blind);
	assert_int_equal(denials.count, count);
	if (last)
		assert_string_equal(denials.last, last);
	assert_int_equal(doctor.findings.count, blind ? 1 : 0);
	if (blind) {
		assert_int_equal(doctor.findings.items[0].level, DOCTOR_BLIND);
		assert_non_null(strstr(doctor.findings.items[0].message, blind));
		assert_non_null(doctor.findings.items[0].advice);
	}
	doctor_findings_free(&doctor.findings);
	memset(&journal, 0, sizeof(journal));
	memset(&audit, 0, sizeof(audit));
}

static void what_was_denied_before_a_change_does_not_count(void **state)
{
	(void)state;
	check(0, NULL, NULL);
	journal.text =
		"t1: DENIED ours 3\nother\nDENIED ours 2\nDENIED theirs\nloaded\nDENIED ours 1\n";
	check(2, "DENIED ours 3", NULL);
	audit.text = "DENIED ours 1\nloaded\nt: DENIED ours 2\nt: DENIED ours 3\nallowed ours\n";
	check(2, "DENIED ours 3", NULL);
	journal.text = audit.text = "";
	journal.ret = 1; /* journalctl found none */
	check(0, NULL, NULL);
}

static void what_is_not_seen_is_said(void **state)
{
	(void)state;
	journal.text = "";
	journal.ret = -ETIMEDOUT;
	check(0, NULL, "journalctl does not answer");
	audit.text = "";
	audit.ret = -EMFILE;
	check(0, NULL, "ausearch: Too many open files");
	journal.text = "DENIED ours\n";
	journal.endless = true;
	journal.ret = -ECANCELED;
	check(1, "DENIED ours", "not all of it was looked at");
	/* Its older part does not matter; of auditd's it is the newer one that is left out. */
	journal.text = "DENIED ours\nloaded\n";
	journal.endless = true;
	journal.ret = -ECANCELED;
	check(1, "DENIED ours", NULL);
	audit.text = "loaded\nDENIED ours\n";
	audit.endless = true;
	check(1, "DENIED ours", "not all of it was looked at");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_denied_before_a_change_does_not_count),
		cmocka_unit_test(what_is_not_seen_is_said),
	};

	return cmocka_run_group_tests_name("doctor denials", tests, NULL, NULL);
}
