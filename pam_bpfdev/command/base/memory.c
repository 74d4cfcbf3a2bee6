// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Memory that does not fail, and how the command ends when there is none. */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/command.h"
#include "command/base/memory.h"

static struct {
	void (*last)(void *data);
	void *data;
} exhaustion;

void memory_begin(void)
{
	json_set_alloc_funcs(xmalloc, free);
}

void memory_on_exhaustion(void (*last)(void *data), void *data)
{
	exhaustion.last = last;
	exhaustion.data = data;
}

void memory_exhausted(void)
{
	void (*last)(void *data) = exhaustion.last;

	exhaustion.last = NULL;
	if (last)
		last(exhaustion.data);
	/* What was printed so far comes first. */
	fflush(stdout);
	fputs("bpfdev: out of memory\n", stderr);
	exit(COMMAND_FAILED);
}

void *xneed(void *pointer)
{
	if (!pointer)
		memory_exhausted();
	return pointer;
}

int xcheck(int ret)
{
	if (ret == -ENOMEM)
		memory_exhausted();
	return ret;
}

/* malloc(3) and its like may return NULL for no bytes, which is no failure. */
void *xmalloc(size_t size)
{
	return xneed(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return xneed(calloc(count ? count : 1, size ? size : 1));
}

void *xreallocarray(void *array, size_t count, size_t size)
{
	return xneed(reallocarray(array, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *text)
{
	return xneed(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
	return xneed(strndup(text, length));
}

char *xvasprintf(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		memory_exhausted();
	return text;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return text;
}

void *xgrow(void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 16;
	return xreallocarray(items, *capacity, size);
}
