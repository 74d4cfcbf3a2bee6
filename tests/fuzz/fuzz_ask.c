// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Any bytes as a question, and as an answer: what is understood is written as the same line again, so
 * that no question has two meanings.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "command/ask/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
	if (!holds)
		abort();
}

static void try_question(const char *line)
{
	struct enforce_question question;
	char again[ASK_LINE_SIZE];
	struct reason why;

	if (ask_read_question(line, &question, &why) < 0)
		return;
	must(ask_write_question(&question, again));
	must(strncmp(again, line, strlen(line)) == 0 && strcmp(again + strlen(line), "\n") == 0);
}

static void try_answer(const char *line)
{
	struct ask_answer answer, same;
	char again[ASK_LINE_SIZE];

	if (ask_read_answer(line, &answer) < 0)
		return;
	ask_write_answer(&answer, again);
	again[strcspn(again, "\n")] = '\0';
	must(ask_read_answer(again, &same) == 0);
	must(same.verdict == answer.verdict && same.audit == answer.audit &&
	     same.failed == answer.failed && strcmp(same.numbers, answer.numbers) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);

	must(line != NULL);
	memcpy(line, data, size);
	line[size] = '\0';
	try_question(line);
	try_answer(line);
	free(line);
	return 0;
}
