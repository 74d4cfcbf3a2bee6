/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Memory that does not fail: a command that runs for a second says "out of memory" and ends, with
 * COMMAND_FAILED. The core, which runs in others' processes, has none of this.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdarg.h>
#include <stddef.h>

/* Gives jansson, too, memory that does not fail. Before any JSON is made. */
void memory_begin(void);

/*
 * Has @last called with @data should the command end for want of memory, before that is said: what
 * cannot be left as it is, such as a terminal's settings, or what has been done and is not yet
 * told. It must not allocate. NULL: nothing is left any more. There is one at a time.
 */
void memory_on_exhaustion(void (*last)(void *data), void *data);

/* There is no memory left: says so and ends the command. */
_Noreturn void memory_exhausted(void);

/* As malloc(3) and the like. What they return is never NULL; free(3) frees it. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xreallocarray(void *array, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t length) __attribute__((malloc, returns_nonnull));

/* As asprintf(3), but the text is what they return. */
char *xasprintf(const char *format, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list args)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 0)));

/*
 * Makes room for one more item of @size bytes in @items, which has @count of them and room for
 * *@capacity. Returns the array, perhaps moved.
 */
void *xgrow(void *items, size_t count, size_t *capacity, size_t size)
	__attribute__((returns_nonnull));

/*
 * Adds an item to the list to which @list points, a struct with the members items, count and
 * capacity, all 0 at first: a pointer to the new item, which the caller sets.
 */
#define xappend(list)                                                                              \
	((list)->items =                                                                           \
		 xgrow((list)->items, (list)->count, &(list)->capacity, sizeof(*(list)->items)),   \
	 &(list)->items[(list)->count++])

/*
 * For what the core and libraries return: @ret itself, unless it is -ENOMEM, which ends the
 * command.
 */
int xcheck(int ret);

/* The same for pointers that are NULL for want of memory only. */
void *xneed(void *pointer) __attribute__((returns_nonnull));

#endif
