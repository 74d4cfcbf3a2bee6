// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The lines between bpfdev ask and its service, and the devices that services ask for. */
#include "check.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command/ask/ask.h"
#include "world.h"

static const char *const questions[] = {
	"ask 1 1 0 - x r - c 81:0",
	"ask 1 2147483647 18446744073709 4294967294 a-b_c.9 rwm mount,drive /dev/x y",
	"ask 1 4242 77 0 udisks2 rw mount /dev/sda1",
	"ask 1 4242 77 1000 udisks2 w drive loop",
};

static void questions_are_read_as_they_are_written(void **state)
{
	struct enforce_question question;
	char line[ASK_LINE_SIZE];
	struct reason why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		assert_int_equal(ask_read_question(questions[i], &question, &why), 0);
		assert_true(ask_write_question(&question, line));
		line[strlen(line) - 1] = '\0';
		assert_string_equal(line, questions[i]);
	}
	assert_int_equal(question.pid, 4242);
	assert_int_equal(question.start, 77);
	assert_int_equal(question.uid, 1000);
	assert_string_equal(question.by, "udisks2");
	assert_int_equal(question.access, BPFDEV_WRITE);
	assert_true(question.drive);
	assert_false(question.mount);
	assert_string_equal(question.device, "loop");
}

static void nothing_else_is_a_question(void **state)
{
	static const char *const others[] = {
		"",
		"ask",
		"ask 1 1 0 - x r -",
		"ask 1 1 0 - x r - ",
		"ask 1 1 0 - x r -  /dev/null",
		"ask 2 1 0 - x r - /dev/null",
		"ASK 1 1 0 - x r - /dev/null",
		"ask 1 0 0 - x r - /dev/null",
		"ask 1 01 0 - x r - /dev/null",
		"ask 1 -1 0 - x r - /dev/null",
		"ask 1 2147483648 0 - x r - /dev/null",
		"ask 1 1 +0 - x r - /dev/null",
		"ask 1 1 99999999999999999999 - x r - /dev/null",
		"ask 1 1 0 4294967295 x r - /dev/null",
		"ask 1 1 0  x r - /dev/null",
		"ask 1 1 0 - X r - /dev/null",
		"ask 1 1 0 - 0123456789abcdef r - /dev/null",
		"ask 1 1 0 - x  - /dev/null",
		"ask 1 1 0 - x wr - /dev/null",
		"ask 1 1 0 - x rr - /dev/null",
		"ask 1 1 0 - x r drive,mount /dev/null",
		"ask 1 1 0 - x r mounted /dev/null",
		"ask 1 1 0 - x r - /dev/null\t",
		"ask 1 1 0 - x r - /dev/\x7f",
	};
	struct enforce_question question;
	struct reason why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (ask_read_question(others[i], &question, &why) != -EINVAL)
			fail_msg("\"%s\" is taken for a question", others[i]);
	assert_string_equal(why.text, "expected \"ask 1 PID START UID BY ACCESS FLAGS DEVICE\"");
}

static void what_does_not_fit_is_not_asked(void **state)
{
	struct enforce_question question = { .pid = 1, .uid = 0, .by = "x", .access = BPFDEV_READ };
	char line[ASK_LINE_SIZE + 2000];
	struct reason why;

	(void)state;
	assert_false(ask_write_question(&question, line));
	memset(question.device, 'd', sizeof(question.device) - 1);
	assert_true(ask_write_question(&question, line));
	question.device[5] = '\n';
	assert_false(ask_write_question(&question, line));
	for (size_t length = 1000; length < 3900; length += 100) {
		snprintf(line, sizeof(line), "ask 1 1 0 - x r - %0*d", (int)length, 0);
		assert_int_equal(ask_read_question(line, &question, &why),
				 length < sizeof(question.device) ? 0 : -EINVAL);
	}
}

static void answers_are_read_as_they_are_written(void **state)
{
	static const char *const answers[] = { "none\t\t", "allow\t\t", "audit\tc 81:0\tfile:1",
					       "deny\tb 8:1\tno rule", "failed\t\tno memory" };
	struct ask_answer answer;
	char line[ASK_LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		assert_int_equal(ask_read_answer(answers[i], &answer), 0);
		ask_write_answer(&answer, line);
		line[strlen(line) - 1] = '\0';
		assert_string_equal(line, answers[i]);
	}
	assert_true(answer.failed);
	/* Whatever is in a file's name, an answer stays one line. */
	answer = (struct ask_answer) { .verdict = ENFORCE_DENY, .line = "a\nallow\tb" };
	ask_write_answer(&answer, line);
	assert_string_equal(line, "deny\t\ta\\x0aallow\\x09b\n");
}

/* Nor is it a yes. */
static void nothing_else_is_an_answer(void **state)
{
	static const char *const others[] = { "",
					      "allow",
					      "allow\t",
					      "allowed\t\t",
					      "deny\tb\t\t",
					      "Allow\t\t",
					      " allow\t\t",
					      "none\t\t\n",
					      "deny\t0123456789012345678901234567890123\t" };
	struct ask_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (ask_read_answer(others[i], &answer) != -EINVAL)
			fail_msg("\"%s\" is taken for an answer", others[i]);
		assert_int_equal(answer.verdict, ENFORCE_DENY);
	}
}

static int receive(const char *text, size_t length, char *line, size_t size)
{
	int ends[2], ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], text, length), (ssize_t)length);
	close(ends[0]);
	ret = ask_receive(ends[1], line, size);
	close(ends[1]);
	return ret;
}

static void a_line_is_all_that_comes(void **state)
{
	char line[16];

	(void)state;
	assert_int_equal(receive("allow\n", 6, line, sizeof(line)), 0);
	assert_string_equal(line, "allow");
	assert_int_equal(receive("0123456789abcde\n", 16, line, sizeof(line)), 0);
	assert_int_equal(receive("0123456789abcdef\n", 17, line, sizeof(line)), -EPROTO);
	assert_int_equal(receive("allow", 5, line, sizeof(line)), -EPROTO);
	assert_int_equal(receive("", 0, line, sizeof(line)), -EPROTO);
	assert_int_equal(receive("a\nb\n", 4, line, sizeof(line)), -EPROTO);
	assert_int_equal(receive("a\0b\n", 4, line, sizeof(line)), -EPROTO);
}

static void devices_that_are_there_are_found(void **state)
{
	struct world world;
	struct device_patterns found = { 0 };
	struct reason why = { "" };

	(void)state;
	world_make(&world);
	assert_int_equal(device_find_asked(&world.source, "b 8:1", false, &found, &why), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.items[0].type, BPFDEV_BLOCK);
	assert_int_equal(found.items[0].minor, 1);
	assert_int_equal(device_find_asked(&world.source, "/dev/not/there", false, &found, &why),
			 1);
	assert_string_equal(why.text, "/dev/not/there is no device that is there");
	assert_int_equal(device_find_asked(&world.source, "drive:NONE", false, &found, &why), 1);
	assert_int_equal(device_find_asked(&world.source, "block-sd", false, &found, &why),
			 -EINVAL);
	assert_int_equal(device_find_asked(&world.source, "b 8:1 ", false, &found, &why), -EINVAL);
	assert_int_equal(device_find_asked(&world.source, "b 4096:1", false, &found, &why),
			 -EINVAL);
	assert_int_equal(found.count, 1);
	device_patterns_free(&found);
	world_remove(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_read_as_they_are_written),
		cmocka_unit_test(nothing_else_is_a_question),
		cmocka_unit_test(what_does_not_fit_is_not_asked),
		cmocka_unit_test(answers_are_read_as_they_are_written),
		cmocka_unit_test(nothing_else_is_an_answer),
		cmocka_unit_test(a_line_is_all_that_comes),
		cmocka_unit_test(devices_that_are_there_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
