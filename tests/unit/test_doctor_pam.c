// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev doctor says of PAM's files: those of distributions, and what goes wrong with them. */
#include "check.h"

#include "command/doctor/doctor.h"
#include "pam_root.h"
#include "pam_stacks.h"

static struct doctor doctor;

static int setup(void **state)
{
	doctor = (struct doctor) { 0 };
	return pam_root_setup(state);
}

static int teardown(void **state)
{
	doctor_findings_free(&doctor.findings);
	free(doctor.left_alone);
	free(doctor.conf_path);
	return pam_root_teardown(state);
}

#define doctor_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#define LINE "session\trequired\tpam_bpfdev.so\n"

/* As the manual says. */
static void configure_debian(const char *line)
{
	pam_append("/etc/pam.d/common-session", line);
	pam_append("/etc/pam.d/common-session-noninteractive", line);
}

static void look(void)
{
	doctor_findings_free(&doctor.findings);
	doctor_check_pam_below(&doctor, pam_root);
	for (size_t i = 0; i < doctor.findings.count; i++)
		if (doctor.findings.items[i].level != DOCTOR_OK)
			assert_non_null(doctor.findings.items[i].advice);
}

static void print_all(void)
{
	for (size_t i = 0; i < doctor.findings.count; i++)
		print_error("%d %s: %s\n", doctor.findings.items[i].level,
			    doctor.findings.items[i].subject, doctor.findings.items[i].message);
}

/* There is a finding of that level about the service whose message has @fragment in it. */
static void check_found(enum doctor_level level, const char *service, const char *fragment, int at)
{
	for (size_t i = 0; i < doctor.findings.count; i++) {
		const struct doctor_finding *finding = &doctor.findings.items[i];

		if (finding->level == level && strcmp(finding->subject, service) == 0 &&
		    strstr(finding->message, fragment))
			return;
	}
	print_error("nothing says \"%s\" of %s\n", fragment, service);
	print_all();
	_fail(__FILE__, at);
}

#define expect_found(level, service, fragment) check_found(level, service, fragment, __LINE__)

static void check_count(enum doctor_level level, size_t expected, int at)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor.findings.count; i++)
		count += doctor.findings.items[i].level == level;
	if (count == expected)
		return;
	print_all();
	_fail(__FILE__, at);
}

/* So many findings of each level. */
#define expect_counts(bad, warn, note)                                                             \
	do {                                                                                       \
		check_count(DOCTOR_BAD, bad, __LINE__);                                            \
		check_count(DOCTOR_WARN, warn, __LINE__);                                          \
		check_count(DOCTOR_NOTE, note, __LINE__);                                          \
		check_count(DOCTOR_BLIND, 0, __LINE__);                                            \
	} while (0)

static void check_clean_debian(void)
{
	configure_debian(LINE);
	look();
	/* cron, atd, and runuser-l, which is root's. */
	expect_counts(0, 0, 3);
	expect_found(DOCTOR_OK, "sshd", "filters who comes in");
	expect_found(DOCTOR_OK, "login", "filters who comes in");
	expect_found(DOCTOR_OK, "su", "filters who comes in");
	expect_found(DOCTOR_OK, "su-l", "filters who comes in");
	expect_found(DOCTOR_OK, "sudo", "filters who comes in");
	expect_found(DOCTOR_OK, "other", "filters who comes in");
	expect_found(DOCTOR_OK, "systemd-user", "filters the managers");
	expect_found(DOCTOR_OK, "runuser", "users stay in the session");
	expect_found(DOCTOR_NOTE, "runuser-l", "root opens");
	expect_found(DOCTOR_NOTE, "cron", "jobs of users with rules are refused");
	expect_found(DOCTOR_NOTE, "atd", "jobs of users with rules are refused");
}

static void bookworm_is_clean(void **state)
{
	(void)state;
	pam_put_bookworm();
	check_clean_debian();
}

static void sid_is_clean(void **state)
{
	(void)state;
	pam_put_sid();
	check_clean_debian();
	expect_found(DOCTOR_OK, "remote", "filters who comes in");
}

static void fedora_is_clean(void **state)
{
	(void)state;
	pam_put_fedora();
	pam_append("/etc/pam.d/system-auth", LINE);
	pam_append("/etc/pam.d/password-auth", LINE);
	look();
	expect_counts(0, 0, 0);
	expect_found(DOCTOR_OK, "sshd", "filters who comes in");
	/* There it has a session. */
	expect_found(DOCTOR_OK, "crond", "filters who comes in");
	expect_found(DOCTOR_OK, "systemd-user", "filters the managers");
}

static void nothing_is_set_up(void **state)
{
	(void)state;
	pam_put_bookworm();
	look();
	/* sshd, login, su, su-l, other; cron, atd; systemd-user; and all in all. */
	expect_counts(9, 0, 1);
	expect_found(DOCTOR_BAD, "", "no service has pam_bpfdev.so");
	expect_found(DOCTOR_BAD, "sshd", "pam_bpfdev.so is not among the session lines");
	expect_found(DOCTOR_BAD, "cron", "jobs of users with rules run without them");
	expect_found(DOCTOR_BAD, "systemd-user", "managers of users who are not logged in");
	expect_found(DOCTOR_OK, "sudo", "users stay in the session");
}

static const char *advice_about(const char *service)
{
	for (size_t i = 0; i < doctor.findings.count; i++)
		if (strcmp(doctor.findings.items[i].subject, service) == 0)
			return doctor.findings.items[i].advice;
	fail_msg("nothing is said of %s", service);
	return NULL;
}

static void the_advice_names_the_file(void **state)
{
	(void)state;
	pam_put_bookworm();
	look();
	assert_string_equal(advice_about("sshd"), "add \"session required pam_bpfdev.so\", behind "
						  "pam_systemd.so, to /etc/pam.d/common-session");
	assert_string_equal(advice_about("systemd-user"),
			    "add \"session required pam_bpfdev.so\" to "
			    "/etc/pam.d/common-session-noninteractive");
	pam_put("/usr/lib/pam.d/systemd-user", "session required pam_unix.so\n");
	look();
	assert_string_equal(advice_about("systemd-user"),
			    "copy /usr/lib/pam.d/systemd-user to /etc/pam.d, and add \"session "
			    "required pam_bpfdev.so\" to it");
}

static void a_service_without_it(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/sshd",
		"session required pam_unix.so\nsession optional pam_systemd.so\n");
	pam_put("/etc/pam.d/lightdm", "auth required pam_unix.so\nsession required pam_unix.so\n");
	pam_put("/etc/pam.d/gdm-launch-environment", "session optional pam_systemd.so\n"
						     "session required pam_permit.so\n");
	pam_put("/etc/pam.d/somebodys", "session required pam_unix.so\n");
	pam_put("/etc/pam.d/deny-all", "session required pam_deny.so\n");
	look();
	expect_found(DOCTOR_BAD, "sshd", "is not among the session lines");
	expect_found(DOCTOR_BAD, "lightdm", "without pam_systemd.so and pam_bpfdev.so");
	expect_found(DOCTOR_NOTE, "gdm-launch-environment", "the login screen");
	expect_found(DOCTOR_NOTE, "somebodys", "without pam_systemd.so and pam_bpfdev.so");
	expect_counts(2, 0, 5);
}

static void su_with_sessions_of_its_own(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	/* Started by a user's manager, it gets a scope of its own. */
	pam_put("/etc/pam.d/su", "session required pam_unix.so\nsession optional pam_systemd.so\n");
	pam_put("/etc/pam.d/sudo", "session required pam_unix.so\n");
	look();
	expect_found(DOCTOR_BAD, "su", "is not among the session lines");
	expect_found(DOCTOR_OK, "sudo", "users stay in the session");
}

static void services_without_session_lines_are_others(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/sshd", "@include common-auth\n");
	look();
	expect_found(DOCTOR_OK, "sshd", "filters who comes in");
	pam_put("/etc/pam.d/other", "session required pam_unix.so\n");
	look();
	expect_found(DOCTOR_BAD, "sshd", "without pam_systemd.so and pam_bpfdev.so");
	expect_found(DOCTOR_NOTE, "other", "without pam_systemd.so and pam_bpfdev.so");
}

static void it_stands_before_pam_systemd(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/sshd", LINE "session optional pam_systemd.so\n");
	pam_put("/etc/pam.d/login", LINE "session required pam_unix.so\n");
	pam_put("/etc/pam.d/xdm", "session required pam_bpfdev.so nosession=ignore\n"
				  "session optional pam_systemd.so\n");
	look();
	expect_found(DOCTOR_BAD, "sshd", "no session yet");
	expect_found(DOCTOR_BAD, "login", "no session yet");
	expect_found(DOCTOR_BAD, "xdm",
		     "/etc/pam.d/xdm:1: nosession=ignore lets users with rules in");
	expect_counts(3, 0, 3);
}

static void controls(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian("session optional pam_bpfdev.so\n");
	look();
	expect_found(DOCTOR_BAD, "sshd",
		     "/etc/pam.d/common-session:7: as pam_bpfdev.so is \"optional\"");
	expect_found(DOCTOR_BAD, "cron", "common-session-noninteractive:6: as pam_bpfdev.so is");
	expect_found(DOCTOR_BAD, "systemd-user", "\"optional\"");
	assert_string_equal(advice_about("sshd"), "make it \"required\"");
}

static void lines_that_lead_past_it(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/sshd", "session required pam_unix.so\n"
				   "session sufficient pam_ldap.so\n@include common-session\n");
	pam_put("/etc/pam.d/login",
		"session optional pam_systemd.so\n"
		"session [success=1 default=ignore] pam_succeed_if.so uid < 1\n" LINE
		"session required pam_unix.so\n");
	look();
	expect_found(DOCTOR_BAD, "sshd",
		     "/etc/pam.d/sshd:2 ([sufficient] pam_ldap.so) can lead past pam_bpfdev.so");
	expect_found(DOCTOR_BAD, "login",
		     "/etc/pam.d/login:2 ([success=1 default=ignore] pam_succeed_if.so) can lead");
	expect_counts(2, 0, 3);
}

static void the_module_is_not_there(void **state)
{
	char full[2 * PATH_MAX];

	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/login", "session optional pam_systemd.so\n"
				    "session [success=ok module_unknown=ignore default=bad] "
				    "pam_bpfdev.so\nsession required pam_unix.so\n");
	snprintf(full, sizeof(full), "%s%s", pam_root, SECURITY "pam_bpfdev.so");
	assert_int_equal(remove(full), 0);
	look();
	expect_found(DOCTOR_BAD, "sshd",
		     "names pam_bpfdev.so, which is not where PAM looks for "
		     "modules: everybody is refused, root too");
	expect_found(DOCTOR_BAD, "login", "nobody who comes in has rules");
}

static void arguments(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian("session required pam_bpfdev.so onerr=succeed nosesion=ignore debug\n");
	look();
	expect_found(DOCTOR_WARN, "sshd", "onerr=succeed");
	expect_found(DOCTOR_WARN, "sshd", "unknown argument \"nosesion=ignore\" skipped");
	expect_found(DOCTOR_WARN, "systemd-user", "onerr=succeed");
	check_count(DOCTOR_BAD, 0, __LINE__);
}

static void jobs_that_may_run_without_rules(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian("session required pam_bpfdev.so nosession=ignore\n");
	look();
	expect_found(DOCTOR_BAD, "cron", "nosession=ignore lets jobs of users with rules run");
	expect_found(DOCTOR_BAD, "atd", "nosession=ignore lets jobs of users with rules run");
	expect_found(DOCTOR_WARN, "sshd",
		     "nosession=ignore lets users in without rules when "
		     "pam_systemd.so fails");
	expect_found(DOCTOR_OK, "sudo", "filters who comes in");
	expect_found(DOCTOR_OK, "systemd-user", "filters the managers");
	check_count(DOCTOR_BAD, 2, __LINE__);
}

#define ADOPTS "account required pam_slurm_adopt.so\n"
#define JOBS "nosession=ignore:/system.slice/*slurmstepd.scope/job_*"
#define SKIP                                                                                       \
	"session [success=1 default=ignore] pam_exec.so quiet /usr/bin/grep -q job_ /proc/self/cgroup\n"

static void who_is_put_into_a_job_leaves_it(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_append("/etc/pam.d/common-account", ADOPTS);
	pam_put("/etc/pam.d/sshd", "@include common-account\n@include common-session\n");
	pam_put("/etc/pam.d/login", "account required pam_unix.so\n@include common-session\n");
	look();
	expect_found(DOCTOR_BAD, "sshd",
		     "and pam_systemd.so (/etc/pam.d/common-session:6) takes them out again");
	expect_found(DOCTOR_OK, "login", "filters who comes in");
	pam_put("/etc/pam.d/sshd",
		"session required pam_slurm_adopt.so\n@include common-session\n");
	look();
	expect_found(DOCTOR_BAD, "sshd", "pam_slurm_adopt.so (/etc/pam.d/sshd:1) puts who");
}

static void who_is_put_into_a_job_stays_there(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/sshd", ADOPTS SKIP "session substack common-session\n"
					       "session required pam_bpfdev.so\n");
	look();
	expect_found(DOCTOR_BAD, "sshd", "refuses users with rules whom pam_slurm_adopt.so");
	check_count(DOCTOR_BAD, 1, __LINE__);
	pam_put("/etc/pam.d/sshd", ADOPTS SKIP "session substack common-session\n"
					       "session required pam_bpfdev.so " JOBS "\n");
	look();
	expect_found(DOCTOR_OK, "sshd", "filters who comes in");
	expect_counts(0, 0, 3);
	assert_string_equal(doctor.left_alone, "/system.slice/*slurmstepd.scope/job_*");
	/* Without sessions at all. */
	pam_put("/etc/pam.d/sshd", ADOPTS "session required pam_unix.so\n"
					  "session required pam_bpfdev.so " JOBS "\n");
	look();
	expect_found(DOCTOR_NOTE, "sshd",
		     "users with rules are refused outside of the cgroups that "
		     "fit " JOBS);
	expect_counts(0, 0, 4);
	/* The mistake is on the second of two lines. */
	pam_put("/etc/pam.d/sshd",
		ADOPTS SKIP "session substack common-session\n"
			    "session required pam_bpfdev.so nosession=ignore:job\n");
	look();
	expect_found(DOCTOR_WARN, "sshd", "pattern \"job\" must begin with a slash");
	expect_found(DOCTOR_BAD, "sshd", "refuses users with rules whom pam_slurm_adopt.so");
}

static void policies_that_lines_name(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian("session required pam_bpfdev.so conf=/etc/a.conf\n");
	look();
	expect_found(DOCTOR_NOTE, "sshd", "takes its rules from /etc/a.conf");
	assert_string_equal(doctor.conf_path, "/etc/a.conf");
	free(doctor.conf_path);
	doctor.conf_path = NULL;
	pam_put("/etc/pam.d/login", "session optional pam_systemd.so\n" LINE);
	look();
	expect_found(DOCTOR_NOTE, "", "which policy counts depends on how users come in");
	assert_null(doctor.conf_path);
}

static void no_file_about_the_manager(void **state)
{
	(void)state;
	pam_put_modules();
	pam_put("/etc/pam.d/sshd", "session optional pam_systemd.so\n" LINE);
	pam_put("/etc/pam.d/other", "session required pam_unix.so\n");
	look();
	expect_found(DOCTOR_BAD, "systemd-user", "managers of users who are not logged in");
	pam_put("/etc/pam.d/other", "session required pam_unix.so\n" LINE);
	look();
	expect_found(DOCTOR_OK, "systemd-user", "filters the managers");
}

static void loops_of_includes_are_said(void **state)
{
	(void)state;
	pam_put_bookworm();
	configure_debian(LINE);
	pam_put("/etc/pam.d/login", "@include login\n@include login\n");
	look();
	expect_found(DOCTOR_BLIND, "login", "its lines cannot be followed");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		doctor_test(bookworm_is_clean),
		doctor_test(sid_is_clean),
		doctor_test(fedora_is_clean),
		doctor_test(nothing_is_set_up),
		doctor_test(the_advice_names_the_file),
		doctor_test(a_service_without_it),
		doctor_test(su_with_sessions_of_its_own),
		doctor_test(services_without_session_lines_are_others),
		doctor_test(it_stands_before_pam_systemd),
		doctor_test(controls),
		doctor_test(lines_that_lead_past_it),
		doctor_test(the_module_is_not_there),
		doctor_test(arguments),
		doctor_test(jobs_that_may_run_without_rules),
		doctor_test(who_is_put_into_a_job_leaves_it),
		doctor_test(who_is_put_into_a_job_stays_there),
		doctor_test(policies_that_lines_name),
		doctor_test(no_file_about_the_manager),
		doctor_test(loops_of_includes_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
