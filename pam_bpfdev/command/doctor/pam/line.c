// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Words and controls of PAM files, read to the letter as libpam's pam_handlers.c reads them. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command/doctor/pam/line.h"

#define BLANKS " \t\n"

static const char *const return_names[PAM_STACK_RETURNS + 1] = {
	"success",
	"open_err",
	"symbol_err",
	"service_err",
	"system_err",
	"buf_err",
	"perm_denied",
	"auth_err",
	"cred_insufficient",
	"authinfo_unavail",
	"user_unknown",
	"maxtries",
	"new_authtok_reqd",
	"acct_expired",
	"session_err",
	"cred_unavail",
	"cred_expired",
	"cred_err",
	"no_module_data",
	"conv_err",
	"authtok_err",
	"authtok_recover_err",
	"authtok_lock_busy",
	"authtok_disable_aging",
	"try_again",
	"ignore",
	"abort",
	"authtok_expired",
	"module_unknown",
	"bad_item",
	"conv_again",
	"incomplete",
	"default",
};

/* The place of each is its action's number, without the sign. */
static const char *const action_names[] = { "ignore", "ok", "done", "bad", "die", "reset" };

/* Cuts off the backslash that continues a line. Returns whether there is one. */
static bool cut_continuation(char *line)
{
	size_t length = strlen(line);

	while (length && strchr(BLANKS, line[length - 1]))
		length--;
	if (!length || line[length - 1] != '\\')
		return false;
	line[length - 1] = ' ';
	line[length] = '\0';
	return true;
}

/* Appends @part to *@whole. Returns 0 or -ENOMEM. */
static int append(char **whole, const char *part)
{
	size_t length = *whole ? strlen(*whole) : 0, more = strlen(part) + 1;
	char *grown = realloc(*whole, length + more);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + length, part, more);
	*whole = grown;
	return 0;
}

/* Takes one line of the file. Returns 1: @whole goes on in the next; 0: it is complete; -ENOMEM. */
static int take(struct pam_text *text, char *line, char **whole)
{
	bool commented = strchr(line, '#'), more;
	int ret;

	if (!*whole)
		text->first = text->read;
	/* A backslash in a comment continues nothing. */
	more = cut_continuation(line) && !commented;
	line[strcspn(line, "#\n")] = '\0';
	ret = append(whole, line + strspn(line, BLANKS));
	return ret < 0 ? ret : more;
}

int pam_text_next(struct pam_text *text, char **line)
{
	char *chunk = NULL, *whole = NULL;
	size_t size = 0;
	int more = 0;

	errno = 0;
	while (more >= 0 && getline(&chunk, &size, text->file) >= 0) {
		text->read++;
		more = take(text, chunk, &whole);
		if (more == 0 && whole[strspn(whole, BLANKS)])
			break;
		if (more == 0) {
			free(whole);
			whole = NULL;
		}
	}
	free(chunk);
	if (more == 0 && whole) {
		*line = whole;
		return 1;
	}
	free(whole);
	if (more == 0 && !feof(text->file))
		return errno ? -errno : -EIO;
	return more > 0 ? -EPROTO : more;
}

/* A word in brackets; "\]" is a bracket in it. */
static char *bracketed(char **rest)
{
	char *word = *rest + 1, *from = word, *to = word;

	while (*from && *from != ']') {
		if (from[0] == '\\' && from[1] == ']')
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

char *pam_text_word(char **rest)
{
	char *word;

	*rest += strspn(*rest, BLANKS);
	if (!**rest)
		return NULL;
	if (**rest == '[')
		return bracketed(rest);
	word = *rest;
	*rest += strcspn(word, BLANKS);
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

static void set_unset(int *actions, int action)
{
	for (int i = 0; i < PAM_STACK_RETURNS; i++)
		if (actions[i] == PAM_STACK_DO_UNSET)
			actions[i] = action;
}

/* The index of the name that *@text begins with, which is skipped; @count: none. */
static size_t skip_name(const char **text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);

		if (strncmp(*text, names[i], length) == 0) {
			*text += length;
			return i;
		}
	}
	return count;
}

static void skip_blanks(const char **text)
{
	while (isspace((unsigned char)**text))
		++*text;
}

/* How many lines to jump over. Returns false if that is no number above 0. */
static bool read_jump(const char **text, int *action)
{
	char *end;
	long value;

	if (!isdigit((unsigned char)**text))
		return false;
	value = strtol(*text, &end, 10);
	*text = end;
	*action = (int)value;
	return value > 0 && value <= INT_MAX;
}

/* Reads "RETURN=ACTION". Returns false if it is something else. */
static bool read_pair(const char **text, int *actions)
{
	size_t value = skip_name(text, return_names, PAM_STACK_RETURNS + 1), name;
	size_t names = sizeof(action_names) / sizeof(action_names[0]);
	int action;

	skip_blanks(text);
	if (value > PAM_STACK_RETURNS || *(*text)++ != '=')
		return false;
	skip_blanks(text);
	name = skip_name(text, action_names, names);
	action = -(int)name;
	if (name == names && !read_jump(text, &action))
		return false;
	if (value < PAM_STACK_RETURNS)
		actions[value] = action;
	else
		set_unset(actions, action);
	return true;
}

static void read_pairs(const char *text, int *actions)
{
	for (skip_blanks(&text); *text; skip_blanks(&text)) {
		if (read_pair(&text, actions))
			continue;
		for (int i = 0; i < PAM_STACK_RETURNS; i++)
			actions[i] = PAM_STACK_DO_BAD;
		return;
	}
	set_unset(actions, PAM_STACK_DO_BAD);
}

/* pam.conf(5) defines the four words by these. */
static const struct {
	const char *word, *meaning;
} words[] = {
	{ "required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad" },
	{ "requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die" },
	{ "sufficient", "success=done new_authtok_reqd=done default=ignore" },
	{ "optional", "success=ok new_authtok_reqd=ok default=ignore" },
};

void pam_text_control(const char *control, int *actions)
{
	for (int i = 0; i < PAM_STACK_RETURNS; i++)
		actions[i] = PAM_STACK_DO_UNSET;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(control, words[i].word) == 0)
			control = words[i].meaning;
	read_pairs(control, actions);
}
