// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Colour, errors and lines, JSON, and words for bits and times. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpfdev.h"
#include "base/reason.h"
#include "command/base/memory.h"
#include "command/base/output.h"

const char *output_tone(const struct output *output, enum output_tone tone)
{
	static const char *const sequences[] = {
		[OUTPUT_PLAIN] = "\033[0m", [OUTPUT_GOOD] = "\033[32m",
		[OUTPUT_BAD] = "\033[31m",  [OUTPUT_WARNING] = "\033[33m",
		[OUTPUT_FAINT] = "\033[2m", [OUTPUT_STRONG] = "\033[1m",
	};

	return output->color ? sequences[tone] : "";
}

bool output_wants_color(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

char *output_quote(const char *text)
{
	/* Every byte may become four. */
	size_t length = strlen(text), size = length * 4 + 1;

	return reason_quote(xmalloc(size), size, text, length);
}

__attribute__((format(printf, 3, 0))) static void print(FILE *stream, const char *begin,
							const char *format, va_list args)
{
	char *text = xvasprintf(format, args), *quoted = output_quote(text);

	fprintf(stream, "%s%s\n", begin, quoted);
	free(quoted);
	free(text);
}

void output_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* What was printed so far comes first. */
	fflush(stdout);
	print(stderr, "bpfdev: ", format, args);
	va_end(args);
}

void output_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print(stdout, "", format, args);
	va_end(args);
}

json_t *output_string(const char *text)
{
	json_t *string = json_string(text);
	struct reason quoted;

	if (string)
		return string;
	reason_quote(quoted.text, sizeof(quoted.text), text, strlen(text));
	return json_string(quoted.text);
}

char *output_access(uint32_t access, char *text)
{
	text[0] = access & BPFDEV_READ ? 'r' : '-';
	text[1] = access & BPFDEV_WRITE ? 'w' : '-';
	text[2] = access & BPFDEV_MKNOD ? 'm' : '-';
	text[3] = '\0';
	return text;
}

char *output_letters(uint32_t access, char *text)
{
	char *end = text;

	if (access & BPFDEV_READ)
		*end++ = 'r';
	if (access & BPFDEV_WRITE)
		*end++ = 'w';
	if (access & BPFDEV_MKNOD)
		*end++ = 'm';
	*end = '\0';
	return text;
}

char *output_time(uint64_t seconds, char *text)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!localtime_r(&when, &parts) || !strftime(text, 32, "%Y-%m-%d %H:%M", &parts))
		snprintf(text, 32, "?");
	return text;
}

int output_json(json_t *value)
{
	/* As one text: there is memory for all of it, or none of it is printed. */
	char *text = xneed(json_dumps(xneed(value), JSON_INDENT(2) | OUTPUT_JSON_HARMLESS));

	json_decref(value);
	puts(text);
	free(text);
	return 0;
}

int output_end(void)
{
	int error = 0;

	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		error = errno ? errno : EIO;
	/* Whoever reads has seen enough: head(1), a pager. */
	if (!error || error == EPIPE)
		return -error;
	fprintf(stderr, "bpfdev: standard output: %s\n", strerror(error));
	return -error;
}
