// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The lines that go over the socket. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/ask/ask.h"
#include "command/base/output.h"

#define ASK_WORDS 8 /* before the device */

bool ask_is_name(const char *by)
{
	size_t length = strspn(by, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return length && !by[length] && length < ENFORCE_BY_SIZE;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

bool ask_write_question(const struct enforce_question *question, char *line)
{
	char uid[16] = "-", access[4];
	const char *flags = question->mount && question->drive ? "mount,drive"
			    : question->mount		       ? "mount"
			    : question->drive		       ? "drive"
							       : "-";

	if (question->uid != (uid_t)-1)
		snprintf(uid, sizeof(uid), "%u", question->uid);
	if (question->pid <= 0 || !ask_is_name(question->by) || !question->access ||
	    !*question->device || *question->device == ' ' || !is_printable(question->device))
		return false;
	return snprintf(line, ASK_LINE_SIZE, "ask 1 %d %" PRIu64 " %s %s %s %s %s\n", question->pid,
			question->start, uid, question->by,
			output_letters(question->access, access), flags,
			question->device) < ASK_LINE_SIZE;
}

/* Only digits, as one way to write a number is enough. Returns false: it is none, or too large. */
static bool read_number(const char *word, uint64_t most, uint64_t *number)
{
	size_t length = strspn(word, "0123456789");

	if (!length || word[length] || length > 19 || (*word == '0' && length > 1))
		return false;
	*number = strtoull(word, NULL, 10);
	return *number <= most;
}

static bool read_flags(const char *word, struct enforce_question *question)
{
	question->mount = strncmp(word, "mount", 5) == 0;
	question->drive = strcmp(word, "drive") == 0 || strcmp(word, "mount,drive") == 0;
	return strcmp(word, "-") == 0 || strcmp(word, "mount") == 0 || question->drive;
}

static bool read_access(const char *word, struct enforce_question *question)
{
	char letters[4];

	question->access = device_parse_access(word, NULL);
	return question->access && strcmp(output_letters(question->access, letters), word) == 0;
}

static bool read_words(char *const *words, struct enforce_question *question)
{
	uint64_t pid, uid = (uid_t)-1;

	if (strcmp(words[0], "ask") != 0 || strcmp(words[1], "1") != 0 ||
	    !read_number(words[2], INT32_MAX, &pid) || !pid ||
	    !read_number(words[3], UINT64_MAX, &question->start) ||
	    (strcmp(words[4], "-") != 0 && !read_number(words[4], UINT32_MAX - 1, &uid)) ||
	    !ask_is_name(words[5]))
		return false;
	question->pid = (pid_t)pid;
	question->uid = (uid_t)uid;
	snprintf(question->by, sizeof(question->by), "%s", words[5]);
	return read_access(words[6], question) && read_flags(words[7], question);
}

/* @text: cut into words. Returns what follows them; NULL: there are not so many. */
static const char *split(char *text, char **words)
{
	for (size_t i = 0; i < ASK_WORDS; i++) {
		words[i] = strsep(&text, " ");
		if (!text)
			return NULL;
	}
	return text;
}

static bool read_question(char *text, struct enforce_question *question)
{
	char *words[ASK_WORDS] = { 0 };
	const char *device = split(text, words);

	if (!device || !*device || *device == ' ' || !is_printable(device) ||
	    strlen(device) >= sizeof(question->device))
		return false;
	memcpy(question->device, device, strlen(device) + 1);
	return read_words(words, question);
}

int ask_read_question(const char *line, struct enforce_question *question, struct reason *why)
{
	char text[ASK_LINE_SIZE] = "";

	*question = (struct enforce_question) { .pid = 0 };
	if (strlen(line) < sizeof(text)) {
		memcpy(text, line, strlen(line) + 1);
		if (read_question(text, question))
			return 0;
	}
	reason_set(why, "expected \"ask 1 PID START UID BY ACCESS FLAGS DEVICE\"");
	return -EINVAL;
}

static const char *const verdicts[] = { "none", "allow", "deny" };

void ask_write_answer(const struct ask_answer *answer, char *line)
{
	const char *verdict = answer->failed  ? "failed"
			      : answer->audit ? "audit"
					      : verdicts[answer->verdict];
	struct reason text;

	/* A file may have any name: none breaks the line. */
	reason_set(&text, "%s", answer->line);
	snprintf(line, ASK_LINE_SIZE, "%s\t%s\t%s\n", verdict, answer->numbers, text.text);
}

static bool read_verdict(const char *word, struct ask_answer *answer)
{
	answer->failed = strcmp(word, "failed") == 0;
	answer->audit = strcmp(word, "audit") == 0;
	answer->verdict = answer->audit ? ENFORCE_ALLOW : ENFORCE_DENY;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (strcmp(word, verdicts[i]) != 0)
			continue;
		answer->verdict = (enum enforce_verdict)i;
		return true;
	}
	return answer->failed || answer->audit;
}

int ask_read_answer(const char *line, struct ask_answer *answer)
{
	char text[ASK_LINE_SIZE], *rest = text;
	const char *verdict, *numbers;

	*answer = (struct ask_answer) { .verdict = ENFORCE_DENY };
	if (strlen(line) >= sizeof(text))
		return -EINVAL;
	memcpy(text, line, strlen(line) + 1);
	verdict = strsep(&rest, "\t");
	numbers = strsep(&rest, "\t");
	if (!numbers || !rest || !is_printable(numbers) || !is_printable(rest) ||
	    strlen(numbers) >= sizeof(answer->numbers) || strlen(rest) >= sizeof(answer->line) ||
	    !read_verdict(verdict, answer))
		return -EINVAL;
	memcpy(answer->numbers, numbers, strlen(numbers) + 1);
	memcpy(answer->line, rest, strlen(rest) + 1);
	return 0;
}
