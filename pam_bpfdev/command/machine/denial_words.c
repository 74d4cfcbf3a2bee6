// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <pwd.h>
#include <stdio.h>

#include "command/machine/denial_words.h"
#include "command/base/output.h"

char *denial_words_device(const struct filter_denial *denial, const char *name, char *text)
{
	char numbers[NAMES_NUMBERS_SIZE];

	names_numbers(denial->type, denial->major, denial->minor, numbers);
	if (*name)
		snprintf(text, DENIAL_WORDS_DEVICE_SIZE, "%s (%s)", name, numbers);
	else
		snprintf(text, DENIAL_WORDS_DEVICE_SIZE, "%s", numbers);
	return text;
}

char *denial_words_by(const struct filter_denial *denial, uid_t uid, char *text)
{
	char process[DENIAL_PROCESS_SIZE];
	const struct passwd *entry;

	denial_process(denial, process);
	if (denial->uid == uid) {
		snprintf(text, DENIAL_WORDS_BY_SIZE, "%s", process);
		return text;
	}
	entry = getpwuid(denial->uid);
	if (entry)
		snprintf(text, DENIAL_WORDS_BY_SIZE, "%s by %s", process, entry->pw_name);
	else
		snprintf(text, DENIAL_WORDS_BY_SIZE, "%s by :%u", process, denial->uid);
	return text;
}

char *denial_words_result(const struct filter_denial *denial, char *text)
{
	const char *result = denial_is_audit(denial) ? "audit" : "refused";
	uint32_t bits = denial_bits(denial);
	char letters[4];

	if (bits == denial->access)
		snprintf(text, DENIAL_WORDS_RESULT_SIZE, "%s", result);
	else
		snprintf(text, DENIAL_WORDS_RESULT_SIZE, "%s %s", result,
			 output_letters(bits, letters));
	return text;
}
