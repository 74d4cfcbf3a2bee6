// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What Linux-PAM makes of the files in /etc/pam.d, as far as the command reads them too. */
#include "check.h"

#include <errno.h>
#include <sys/stat.h>

#include "command/pam/stack.h"
#include "pam_root.h"

#define TEXT_MAX 4096

__attribute__((format(printf, 2, 3))) static void add_text(char *out, const char *format, ...)
{
	size_t used = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + used, TEXT_MAX - used, format, args);
	va_end(args);
}

/* The stack in one line: ">" for each substack that one is in, then the control and the module. */
static void describe(const struct pam_stack *stack, char *out)
{
	*out = '\0';
	for (size_t i = 0; i < stack->count; i++) {
		const struct pam_stack_line *line = &stack->lines[i];

		if (i)
			add_text(out, "; ");
		for (unsigned int level = 0; level < line->level; level++)
			add_text(out, ">");
		if (line->kind == PAM_STACK_FAIL)
			add_text(out, "FAIL");
		else if (line->kind == PAM_STACK_SUBSTACK)
			add_text(out, "SUBSTACK");
		else
			add_text(out, "%s %s", line->control, line->module);
		for (size_t j = 0; j < line->argument_count; j++)
			add_text(out, " <%s>", line->arguments[j]);
	}
}

static void check_type(const char *service, const char *type, const char *expected, int line)
{
	struct pam_stack stack;
	char text[TEXT_MAX];
	int ret = pam_stack_load(pam_root, service, type, &stack);

	describe(&stack, text);
	if (ret || strcmp(text, expected) != 0) {
		print_error("%s: %s: %s\n", service, strerror(-ret), text);
		_fail(__FILE__, line);
	}
	pam_stack_free(&stack);
}

#define expect_stack(service, expected) check_type(service, "session", expected, __LINE__)

static void words_of_a_line(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/s", "session required pam_unix.so\n"
				"\t session\toptional  pam_env.so\treadenv=1  user_readenv=0 \n"
				"SESSION Required pam_limits.so\n"
				"-session optional pam_systemd.so\n"
				"auth required pam_unix.so nullok\n"
				"account required pam_unix.so\n"
				"password required pam_unix.so\n"
				"session required /lib/security/pam_x.so conf=/a [b c\\]d] e");
	expect_stack("s", "required pam_unix.so; optional pam_env.so <readenv=1> <user_readenv=0>; "
			  "Required pam_limits.so; optional pam_systemd.so; "
			  "required /lib/security/pam_x.so <conf=/a> <b c]d> <e>");
	check_type("s", "auth", "required pam_unix.so <nullok>", __LINE__);
}

static void comments_and_blank_lines(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/s", "#%PAM-1.0\n\n  \t\n# session required pam_no.so\n"
				"session required pam_a.so # with a comment\n"
				"session required pam_b.so x#y\n"
				"  # the end\n");
	expect_stack("s", "required pam_a.so; required pam_b.so <x>");
}

static void lines_that_go_on(void **state)
{
	struct pam_stack stack;

	(void)state;
	pam_put("/etc/pam.d/s",
		"session \\\n  required\\\n\tpam_bpfdev.so \\  \n conf=/a \\\n quiet\n"
		"session required pam_a.so # no \\\n"
		"session required pam_b.so\n");
	expect_stack("s", "required pam_bpfdev.so <conf=/a> <quiet>; required pam_a.so; "
			  "required pam_b.so");
	assert_int_equal(pam_stack_load(pam_root, "s", "session", &stack), 0);
	assert_int_equal(stack.lines[0].number, 1);
	assert_int_equal(stack.lines[1].number, 6);
	assert_int_equal(stack.lines[2].number, 7);
	pam_stack_free(&stack);
}

static void a_file_that_ends_in_a_line_fails(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/s", "session required pam_a.so\nsession required pam_b.so \\\n");
	expect_stack("s", "required pam_a.so; FAIL");
}

static void mistakes_fail(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/part", "nonsense required pam_a.so\nsession required pam_b.so\n");
	pam_put("/etc/pam.d/s",
		"session\nsession required\nnonsense required pam_a.so\n"
		"session include\nsession include missing\nsession substack missing\n"
		"@include missing\nsession include part\n");
	expect_stack("s", "FAIL; FAIL; FAIL; FAIL; SUBSTACK; FAIL; FAIL; FAIL; required pam_b.so");
	/* A type that is none counts as one of auth, the most sensitive. */
	check_type("s", "auth", "FAIL; FAIL", __LINE__);
}

static void includes(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/common", "auth required pam_x.so\nsession required pam_c.so\n");
	pam_put("/etc/pam.d/s", "session required pam_a.so\n"
				"session include common\n"
				"@include common\n"
				"auth include common\n"
				"session substack common\n"
				"session required pam_b.so\n");
	expect_stack("s", "required pam_a.so; required pam_c.so; required pam_c.so; SUBSTACK; "
			  ">required pam_c.so; required pam_b.so");
	check_type("s", "auth", "required pam_x.so; required pam_x.so", __LINE__);
}

static void an_include_of_one_type_takes_no_other(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/deep", "session required pam_d.so\nauth required pam_e.so\n");
	pam_put("/etc/pam.d/common", "@include deep\n");
	pam_put("/etc/pam.d/s", "account include common\n@include common\n");
	expect_stack("s", "required pam_d.so");
}

static void substacks_in_substacks(void **state)
{
	(void)state;
	pam_put("/etc/pam.d/c", "session required pam_c.so\n");
	pam_put("/etc/pam.d/b", "session substack c\nsession include c\n");
	pam_put("/etc/pam.d/s", "session substack b\n");
	expect_stack("s", "SUBSTACK; >SUBSTACK; >>required pam_c.so; >required pam_c.so");
}

static void loops_of_includes_end(void **state)
{
	struct pam_stack stack;

	(void)state;
	pam_put("/etc/pam.d/a", "session include b\nsession required pam_a.so\n");
	pam_put("/etc/pam.d/b", "session include a\n");
	assert_int_equal(pam_stack_load(pam_root, "a", "session", &stack), 0);
	assert_int_equal(stack.count, 9);
	assert_int_equal(stack.lines[0].kind, PAM_STACK_FAIL);
	assert_string_equal(stack.lines[8].module, "pam_a.so");
	pam_stack_free(&stack);
	pam_put("/etc/pam.d/a", "session include a\nsession include a\n@include a\n");
	assert_int_equal(pam_stack_load(pam_root, "a", "session", &stack), -E2BIG);
	assert_true(stack.count <= PAM_STACK_LINES_MAX);
	pam_stack_free(&stack);
}

static void the_administrators_file_outranks_the_distributions(void **state)
{
	struct pam_stack stack;

	(void)state;
	pam_put("/usr/lib/pam.d/s", "session required pam_vendor.so\n");
	expect_stack("s", "required pam_vendor.so");
	pam_put("/etc/pam.d/s", "session required pam_admin.so\n");
	expect_stack("s", "required pam_admin.so");
	pam_put("/usr/lib/pam.d/t", "@include s\nsession include /etc/other\n");
	pam_put("/etc/other", "session required pam_path.so\n");
	expect_stack("t", "required pam_admin.so; required pam_path.so");
	assert_int_equal(pam_stack_load(pam_root, "t", "session", &stack), 0);
	assert_int_equal(stack.file_count, 3);
	assert_string_equal(stack.files[0], "/usr/lib/pam.d/t");
	assert_string_equal(stack.lines[0].file, "/etc/pam.d/s");
	assert_string_equal(stack.lines[1].file, "/etc/other");
	pam_stack_free(&stack);
}

static void services_without_a_file(void **state)
{
	struct pam_stack stack;
	char fifo[2 * PATH_MAX];

	(void)state;
	pam_put("/etc/pam.d/s", "");
	expect_stack("s", "");
	assert_int_equal(pam_stack_load(pam_root, "t", "session", &stack), -ENOENT);
	pam_stack_free(&stack);
	/* One that would keep us waiting is none. */
	snprintf(fifo, sizeof(fifo), "%s/etc/pam.d/fifo", pam_root);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(pam_stack_load(pam_root, "fifo", "session", &stack), -ENOENT);
	pam_stack_free(&stack);
}

static void one_file_for_all(void **state)
{
	struct pam_stack_names names;

	(void)state;
	pam_put("/etc/pam.conf", "sshd session required pam_a.so\n"
				 "SSHD auth required pam_b.so\n"
				 "other session required pam_c.so x\n"
				 "sshd session include /etc/more\n");
	pam_put("/etc/more", "session required pam_d.so\n");
	expect_stack("sshd", "required pam_a.so; required pam_d.so");
	expect_stack("other", "required pam_c.so <x>");
	expect_stack("login", "");
	assert_int_equal(pam_stack_services(pam_root, &names), 0);
	assert_int_equal(names.count, 2);
	assert_string_equal(names.items[0], "other");
	assert_string_equal(names.items[1], "sshd");
	pam_stack_names_free(&names);
	/* Folders make it count no more. */
	pam_put("/etc/pam.d/login", "session required pam_e.so\n");
	expect_stack("login", "required pam_e.so");
	assert_int_equal(pam_stack_services(pam_root, &names), 0);
	assert_int_equal(names.count, 1);
	pam_stack_names_free(&names);
}

static void services_are_listed_once_and_leftovers_never(void **state)
{
	static const char *const expected[] = { "login", "sshd", "su-l", "systemd-user" };
	struct pam_stack_names names;

	(void)state;
	pam_put("/etc/pam.d/sshd", "");
	pam_put("/etc/pam.d/su-l", "");
	pam_put("/etc/pam.d/login", "");
	pam_put("/usr/lib/pam.d/login", "");
	pam_put("/usr/lib/pam.d/systemd-user", "");
	pam_put("/etc/pam.d/sshd.dpkg-old", "");
	pam_put("/etc/pam.d/sshd~", "");
	pam_put("/etc/pam.d/sshd.rpmsave", "");
	pam_put("/etc/pam.d/.login.swp", "");
	pam_put("/etc/pam.d/folder/file", "");
	assert_int_equal(pam_stack_services(pam_root, &names), 0);
	assert_int_equal(names.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(names.items[i], expected[i]);
	pam_stack_names_free(&names);
}

/* Actions of a control, by the places of success, session_err, ignore and module_unknown. */
static void check_actions(const char *control, int success, int error, int ignore, int unknown,
			  int line)
{
	struct pam_stack stack;
	const int *actions;
	char text[256];

	snprintf(text, sizeof(text), "session %s pam_a.so\n", control);
	pam_put("/etc/pam.d/s", text);
	assert_int_equal(pam_stack_load(pam_root, "s", "session", &stack), 0);
	actions = stack.lines[0].actions;
	if (actions[PAM_STACK_SUCCESS] != success || actions[PAM_STACK_SESSION_ERR] != error ||
	    actions[PAM_STACK_IGNORE] != ignore || actions[PAM_STACK_MODULE_UNKNOWN] != unknown) {
		print_error("%s: %d %d %d %d\n", control, actions[PAM_STACK_SUCCESS],
			    actions[PAM_STACK_SESSION_ERR], actions[PAM_STACK_IGNORE],
			    actions[PAM_STACK_MODULE_UNKNOWN]);
		_fail(__FILE__, line);
	}
	pam_stack_free(&stack);
}

#define expect_actions(control, success, error, ignore, unknown)                                   \
	check_actions(control, success, error, ignore, unknown, __LINE__)

static void controls(void **state)
{
	enum { IGNORE = 0, OK = -1, DONE = -2, BAD = -3, DIE = -4, RESET = -5 };

	(void)state;
	expect_actions("required", OK, BAD, IGNORE, BAD);
	expect_actions("REQUISITE", OK, DIE, IGNORE, DIE);
	expect_actions("sufficient", DONE, IGNORE, IGNORE, IGNORE);
	expect_actions("optional", OK, IGNORE, IGNORE, IGNORE);
	expect_actions("[success=ok ignore=ignore module_unknown=ignore default=bad]", OK, BAD,
		       IGNORE, IGNORE);
	expect_actions("[default=1]", 1, 1, 1, 1);
	expect_actions("[success=2 default=ignore]", 2, IGNORE, IGNORE, IGNORE);
	expect_actions("[ success = 12\tsession_err=reset ]", 12, RESET, BAD, BAD);
	expect_actions("[default=die success=ok]", OK, DIE, DIE, DIE);
	expect_actions("[success=done]", DONE, BAD, BAD, BAD);
	/* What is no control denies. */
	expect_actions("[success=0]", BAD, BAD, BAD, BAD);
	expect_actions("[success=ok nonsense=ok default=ok]", BAD, BAD, BAD, BAD);
	expect_actions("[success=ok default=nonsense]", BAD, BAD, BAD, BAD);
	expect_actions("[success]", BAD, BAD, BAD, BAD);
	expect_actions("[success=99999999999999]", BAD, BAD, BAD, BAD);
	expect_actions("requierd", BAD, BAD, BAD, BAD);
}

static void modules_are_found_where_others_are(void **state)
{
	(void)state;
	assert_int_equal(pam_files_has_module(pam_root, "pam_bpfdev.so"), 0);
	pam_put("/usr/lib/x86_64-linux-gnu/security/pam_bpfdev.so", "");
	assert_int_equal(pam_files_has_module(pam_root, "pam_bpfdev.so"), 0);
	pam_put("/usr/lib/x86_64-linux-gnu/security/pam_permit.so", "");
	assert_int_equal(pam_files_has_module(pam_root, "pam_bpfdev.so"), 1);
	assert_int_equal(pam_files_has_module(pam_root, "/opt/pam_bpfdev.so"), 0);
	pam_put("/opt/pam_bpfdev.so", "");
	assert_int_equal(pam_files_has_module(pam_root, "/opt/pam_bpfdev.so"), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		pam_test(words_of_a_line),
		pam_test(comments_and_blank_lines),
		pam_test(lines_that_go_on),
		pam_test(a_file_that_ends_in_a_line_fails),
		pam_test(mistakes_fail),
		pam_test(includes),
		pam_test(an_include_of_one_type_takes_no_other),
		pam_test(substacks_in_substacks),
		pam_test(loops_of_includes_end),
		pam_test(the_administrators_file_outranks_the_distributions),
		pam_test(services_without_a_file),
		pam_test(one_file_for_all),
		pam_test(services_are_listed_once_and_leftovers_never),
		pam_test(controls),
		pam_test(modules_are_found_where_others_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
